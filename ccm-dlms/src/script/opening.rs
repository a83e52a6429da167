//! The beginning: the link, AARQ and AARE, and the proof by challenges.

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::answer::{self, INITIATE};
use super::session::Agreed;
use super::{Authentication, Move, Script, Session, SessionError};
use crate::message::data::{Data, Value};
use crate::message::{
    Aare, Aarq, ActionRequest, ActionResponse, ActionResult, ConfirmedServiceError, Encoded, GetDataResult,
    Hidden, InitiateResponse, Invoked, MethodDescriptor, ReadRequest, ReadResponse, ReadResult,
    UserDiagnostic, VariableAccess,
};
use crate::security::{Challenges, MAX_ANSWER, Mechanism, Secret, SecurityError, SystemTitle};
use crate::{Error, LinkError};

/// Links, associates, and where HLS wants it exchanges proofs. A server that still holds an earlier link is unlinked and
/// linked again.
pub struct Opening<'o, 's, C: Crypto> {
    session: &'o mut Session<'s, C>,
    challenge: &'o [u8],
    dedicated: Option<Dedicated<'o, C::Key>>,
    step: Step,
    /// How often the link may still be made anew.
    relinks: u8,
    invoke_id: u8,
    peer: Option<SystemTitle>,
    peer_challenge: [u8; MAX_CHALLENGE],
    peer_challenge_length: usize,
    /// What becomes valid when the server has proven who it is.
    agreed: Option<Agreed>,
}

#[derive(Debug)]
struct Dedicated<'o, K> {
    bytes: Hidden<'o>,
    key: Option<K>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    Connecting,
    Associate,
    Associating,
    Prove,
    Proving,
    Over,
}

impl<'o, 's, C: Crypto> Opening<'o, 's, C> {
    pub(super) const fn new(session: &'o mut Session<'s, C>, challenge: &'o [u8]) -> Self {
        Self {
            session,
            challenge,
            dedicated: None,
            step: Step::Connect,
            relinks: 1,
            invoke_id: 0,
            peer: None,
            peer_challenge: [0; MAX_CHALLENGE],
            peer_challenge_length: 0,
            agreed: None,
        }
    }

    /// Gives the association a key of its own: its bytes, random and as many as the suite has, and the handle by which it
    /// is used. Services go by it where the session sends them [`DEDICATED`](crate::security::Outgoing::DEDICATED).
    #[must_use]
    pub fn with_dedicated_key(mut self, bytes: Hidden<'o>, key: C::Key) -> Self {
        self.dedicated = Some(Dedicated { bytes, key: Some(key) });
        self
    }

    fn step(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        match (self.step, outcome) {
            (Step::Connect, _) => {
                self.session.forget();
                if let Some(security) = self.session.security.as_mut() {
                    security.set_dedicated(None);
                }
                self.step = Step::Connecting;
                Ok(Some(Move::Connect))
            }
            (Step::Connecting | Step::Associating, Err(error)) => self.relink(error),
            (Step::Connecting, Ok(_)) => {
                self.step = Step::Associate;
                self.associate(apdu)
            }
            (Step::Associate, _) => self.associate(apdu),
            (Step::Associating, Ok(length)) => {
                self.associated(apdu.get(..length).unwrap_or_default())?;
                if self.session.settings.authentication.has_four_passes() {
                    self.step = Step::Prove;
                    return self.prove(apdu);
                }
                self.finish();
                Ok(None)
            }
            (Step::Prove, _) => self.prove(apdu),
            (Step::Proving, outcome) => {
                self.proven(apdu.get_mut(..outcome?).unwrap_or_default())?;
                self.finish();
                Ok(None)
            }
            (Step::Over, _) => Ok(None),
        }
    }

    /// A server that has lost the link, or still holds another one, is linked anew; the client then begins with DISC.
    fn relink(&mut self, error: LinkError) -> Result<Option<Move>, Error> {
        let out_of_step = matches!(error, LinkError::Disconnected | LinkError::Rejected { .. });
        self.relinks = self.relinks.checked_sub(1).filter(|_| out_of_step).ok_or(error)?;
        self.step = Step::Connecting;
        Ok(Some(Move::Connect))
    }

    fn associate(&mut self, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        let mut initiate = [0; INITIATE];
        let key = self.dedicated.as_ref().map(|dedicated| dedicated.bytes);
        let length = answer::initiate(self.session, key, apdu.len(), &mut initiate)?;
        let title = self.session.own_title();
        let context = self.session.context_name();
        let mut aarq = Aarq::new(context, initiate.get(..length).unwrap_or_default());
        aarq.calling_ap_title = title.as_ref().map(|title| title.bytes().as_slice());
        if let Some(mechanism) = self.session.settings.authentication.mechanism() {
            let value = match self.session.settings.authentication {
                Authentication::Low(Hidden(password)) => password,
                _ => self.challenge,
            };
            aarq = aarq.with_authentication(mechanism, value);
        }
        let mut writer = Writer::new(apdu);
        aarq.emit(&mut writer).map_err(|_| answer::room(0))?;
        self.step = Step::Associating;
        Ok(Some(Move::Exchange(writer.finish())))
    }

    fn associated(&mut self, apdu: &[u8]) -> Result<(), Error> {
        answer::refused(apdu)?;
        let aare = Aare::parse(apdu)?;
        if !aare.is_accepted() {
            return Err(refusal(&aare));
        }
        if aare.application_context_name != self.session.context_name() {
            return Err(SessionError::Context.into());
        }
        self.meet(&aare)?;
        self.take_challenge(&aare)?;
        let Some(Hidden(information)) = aare.user_information else {
            return Err(SessionError::NoInitiate.into());
        };
        let response = answer::user_information(self.session, information, |bytes| {
            answer::refused(bytes)?;
            Ok(InitiateResponse::parse(bytes)?)
        })?;
        let InitiateResponse { negotiated_dlms_version_number: found, vaa_name, .. } = response;
        if found != 6 {
            return Err(SessionError::Version { found }.into());
        }
        // What was not proposed nobody has agreed on.
        let conformance = response.negotiated_conformance.intersection(self.session.settings.conformance);
        let max_send_pdu_size = response.server_max_receive_pdu_size;
        self.agreed = Some(Agreed { conformance, max_send_pdu_size, vaa_name });
        if let (Some(security), Some(dedicated)) = (self.session.security.as_mut(), self.dedicated.as_mut()) {
            security.set_dedicated(dedicated.key.take());
        }
        Ok(())
    }

    /// Learns who the server is, or checks that it is who it should be.
    fn meet(&mut self, aare: &Aare<'_>) -> Result<(), Error> {
        let found = aare.responding_ap_title.filter(|title| !title.is_empty());
        let found = found.map(SystemTitle::try_from).transpose()?;
        self.peer = match (self.session.settings.peer_title, found) {
            (Some(expected), Some(found)) if expected != found => {
                return Err(SecurityError::UnknownTitle { found }.into());
            }
            (expected, found) => expected.or(found),
        };
        if let (Some(security), Some(peer)) = (self.session.security.as_mut(), self.peer) {
            security.set_peer(peer);
        }
        Ok(())
    }

    fn take_challenge(&mut self, aare: &Aare<'_>) -> Result<(), Error> {
        let authentication = &self.session.settings.authentication;
        if !authentication.has_four_passes() {
            return Ok(());
        }
        let other = aare.mechanism_name.is_some_and(|name| Some(name) != authentication.mechanism());
        let value = aare.responding_authentication_value.filter(|_| !other);
        let Hidden(challenge) = value.ok_or(SessionError::NoChallenge)?;
        // Only a challenge that is new proves anything: an echo of the own one is refused here.
        Challenges::new(self.challenge, challenge)?;
        self.peer_challenge.iter_mut().zip(challenge).for_each(|(slot, byte)| *slot = *byte);
        self.peer_challenge_length = challenge.len();
        Ok(())
    }

    /// Pass 3: the own answer to the server's challenge.
    fn prove(&mut self, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        let mut data = [0; 2 + MAX_ANSWER];
        let crypto = self.session.crypto;
        let peer_challenge = self.peer_challenge.get(..self.peer_challenge_length).unwrap_or_default();
        let challenges = Challenges::new(self.challenge, peer_challenge)?;
        let [tag, length, text @ ..] = &mut data;
        let size = mechanism(self.session, self.peer)?.answer(crypto, &challenges, text)?;
        (*tag, *length) = (OCTET_STRING, u8::try_from(size).unwrap_or_default());
        let data = Encoded(data.get(..2 + size).unwrap_or_default());
        let invoke = self.session.invoke();
        self.invoke_id = invoke.invoke_id();
        let mut writer = Writer::new(apdu);
        let written = if self.session.settings.short_names {
            let variable_name = self.session.settings.association_short_name.wrapping_add(REPLY_TO_HLS_SN);
            let access = VariableAccess::Parameterized { variable_name, selector: 0, parameter: data };
            ReadRequest(crate::message::List::new(&[access])).emit(&mut writer)
        } else {
            let method = MethodDescriptor {
                class_id: ASSOCIATION_LN,
                instance_id: self.session.settings.association,
                method_id: REPLY_TO_HLS_LN,
            };
            let service = ActionRequest::Normal { method, parameters: Some(data) };
            Invoked { invoke_id_and_priority: invoke, service }.emit(&mut writer)
        };
        written.map_err(|_| answer::room(0))?;
        let length = writer.finish();
        let length = self.session.protect(apdu, length)?;
        self.step = Step::Proving;
        Ok(Some(Move::Exchange(length)))
    }

    /// Pass 4: the server's answer to the own challenge, in whatever envelope it comes.
    fn proven(&mut self, apdu: &mut [u8]) -> Result<(), Error> {
        let range = self.session.unprotect(apdu)?;
        let apdu = apdu.get(range).unwrap_or_default();
        answer::refused(apdu)?;
        let encoded =
            if self.session.settings.short_names { read_answer(apdu) } else { self.action_answer(apdu) };
        let Encoded(data) = encoded?;
        let Value::OctetString(found) = Data::parse(data)?.value()? else {
            return Err(SecurityError::WrongAnswer.into());
        };
        let crypto = self.session.crypto;
        let peer_challenge = self.peer_challenge.get(..self.peer_challenge_length).unwrap_or_default();
        let challenges = Challenges::new(self.challenge, peer_challenge)?;
        Ok(mechanism(self.session, self.peer)?.check(crypto, &challenges, found)?)
    }

    fn action_answer<'a>(&self, apdu: &'a [u8]) -> Result<Encoded<'a>, Error> {
        let tag = apdu.first().copied().unwrap_or_default();
        let response = Invoked::<ActionResponse<'_>>::parse(apdu)?;
        let (expected, found) = (self.invoke_id, response.invoke_id_and_priority.invoke_id());
        if found != expected {
            return Err(SessionError::InvokeId { expected, found }.into());
        }
        let ActionResponse::Normal(answer) = response.service else {
            return Err(SessionError::Unexpected { tag }.into());
        };
        match (answer.result, answer.return_parameters) {
            (ActionResult::Success, Some(GetDataResult::Data(data))) => Ok(data),
            (ActionResult::Success, Some(GetDataResult::Result(result))) => {
                Err(SessionError::Access(result).into())
            }
            // Success without a proof is none.
            (ActionResult::Success, None) => Err(SecurityError::WrongAnswer.into()),
            (result, _) => Err(SessionError::Action(result).into()),
        }
    }

    fn finish(&mut self) {
        self.session.agreed = self.agreed;
        self.step = Step::Over;
    }
}

impl<C: Crypto> Script for Opening<'_, '_, C> {
    fn advance(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        let result = self.step(outcome, apdu);
        if super::fatal(&result).is_some() {
            self.step = Step::Over;
        }
        result
    }

    fn stored(&mut self, ceiling: u32) {
        self.session.stored(ceiling);
    }
}

/// Why the server refuses: the more telling of the two reasons that it can give.
fn refusal(aare: &Aare<'_>) -> Error {
    use crate::message::Diagnostic::{Provider, User};
    let silent = match aare.diagnostic {
        User(diagnostic) => matches!(diagnostic, UserDiagnostic::Null | UserDiagnostic::NoReasonGiven),
        Provider(_) => false,
    };
    let information = aare.user_information.filter(|_| silent);
    let error = information.and_then(|Hidden(bytes)| ConfirmedServiceError::parse(bytes).ok());
    let refused = SessionError::Refused { result: aare.result, diagnostic: aare.diagnostic };
    error.map_or(refused, SessionError::Service).into()
}

/// The mechanism of the settings, with what it takes.
fn mechanism<'a, C: Crypto>(
    session: &'a mut Session<'_, C>,
    peer: Option<SystemTitle>,
) -> Result<Mechanism<'a, C::Key>, Error> {
    let own = session.own_title().ok_or(SessionError::Settings { missing: "own system title" });
    let peer = peer.ok_or(SecurityError::NoTitle);
    Ok(match session.settings.authentication {
        Authentication::Vendor(key) => Mechanism::Vendor(key),
        Authentication::Md5(Hidden(secret)) => Mechanism::Md5(Secret::new(secret)),
        Authentication::Sha1(Hidden(secret)) => Mechanism::Sha1(Secret::new(secret)),
        Authentication::Sha256(Hidden(secret)) => {
            Mechanism::Sha256 { secret: Secret::new(secret), own: own?, peer: peer? }
        }
        Authentication::Ecdsa { key, peer_key } => Mechanism::Ecdsa { key, peer_key, own: own?, peer: peer? },
        Authentication::Lowest | Authentication::Low(_) | Authentication::Gmac => {
            let missing = SessionError::Settings { missing: "keys" };
            Mechanism::Gmac(session.security.as_mut().ok_or(missing)?)
        }
    })
}

fn read_answer(apdu: &[u8]) -> Result<Encoded<'_>, Error> {
    let ReadResponse(results) = ReadResponse::parse(apdu)?;
    let mut results = results.iter();
    match (results.next(), results.next()) {
        (Some(ReadResult::Data(data)), None) => Ok(data),
        (Some(ReadResult::Error(error)), None) => Err(SessionError::Access(error).into()),
        _ => Err(SecurityError::WrongAnswer.into()),
    }
}

const MAX_CHALLENGE: usize = 64;
const OCTET_STRING: u8 = 9;
/// Association LN, `reply_to_HLS_authentication`.
const ASSOCIATION_LN: u16 = 15;
const REPLY_TO_HLS_LN: i8 = 1;
/// Association SN, `reply_to_HLS_authentication`, from the base name of the object.
const REPLY_TO_HLS_SN: u16 = 0x58;
