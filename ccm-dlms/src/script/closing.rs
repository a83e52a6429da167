//! The end: RLRQ and RLRE, then the link.

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::answer::{self, INITIATE};
use super::{Move, Release, Script, Session};
use crate::message::{Hidden, ReleaseRequest, ReleaseRequestReason, ReleaseResponse};
use crate::security::SecurityError;
use crate::{Error, LinkError};

/// Ends the association and then the link, whatever the server says to the first.
pub struct Closing<'o, 's, C: Crypto> {
    session: &'o mut Session<'s, C>,
    step: Step,
    /// What went wrong before the link was ended.
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Release,
    Released,
    Disconnected,
    Over,
}

impl<'o, 's, C: Crypto> Closing<'o, 's, C> {
    pub(super) const fn new(session: &'o mut Session<'s, C>) -> Self {
        Self { session, step: Step::Release, failed: None }
    }

    fn release(&mut self, apdu: &mut [u8]) -> Result<usize, Error> {
        let mut information = [0; INITIATE];
        let information = match self.session.settings.release {
            Release::WithInitiate => {
                let length = answer::initiate(self.session, None, apdu.len(), &mut information)?;
                information.get(..length).map(Hidden)
            }
            _ => None,
        };
        let reason = Some(ReleaseRequestReason::Normal);
        let mut writer = Writer::new(apdu);
        ReleaseRequest { reason, user_information: information }
            .emit(&mut writer)
            .map_err(|_| answer::room(0))?;
        Ok(writer.finish())
    }

    /// The association is over whatever came; but what is wrong with the answer is said.
    fn released(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<(), Error> {
        let apdu = apdu.get_mut(..outcome?).unwrap_or_default();
        answer::refused(apdu)?;
        let response = ReleaseResponse::parse(apdu)?;
        match response.user_information {
            Some(Hidden(information)) if self.session.security.is_some() => {
                answer::user_information(self.session, information, |_| Ok(()))
            }
            _ => Ok(()),
        }
    }

    fn leave(&mut self) -> Option<Move> {
        self.session.forget();
        if let Some(security) = self.session.security.as_mut() {
            security.set_dedicated(None);
        }
        self.step = Step::Disconnected;
        Some(Move::Disconnect)
    }
}

impl<C: Crypto> Script for Closing<'_, '_, C> {
    fn advance(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        match self.step {
            Step::Release if self.session.is_open() && self.session.settings.release != Release::Never => {
                match self.release(apdu) {
                    Ok(length) => {
                        self.step = Step::Released;
                        Ok(Some(Move::Exchange(length)))
                    }
                    Err(error @ Error::Security(SecurityError::StoreFirst { .. })) => Err(error),
                    Err(error) => {
                        self.failed = Some(error);
                        Ok(self.leave())
                    }
                }
            }
            Step::Release => Ok(self.leave()),
            Step::Released => {
                self.failed = self.released(outcome, apdu).err();
                Ok(self.leave())
            }
            Step::Disconnected => {
                self.step = Step::Over;
                match self.failed.take() {
                    Some(error) => Err(error),
                    None => outcome.map(|_| None).map_err(Error::Link),
                }
            }
            Step::Over => Ok(None),
        }
    }

    fn stored(&mut self, ceiling: u32) {
        self.session.stored(ceiling);
    }
}
