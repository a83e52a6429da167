//! What scripts share: initiate in and out, refusals, and answers that gather in the caller's buffer.

use core::ops::Range;

use ccm_core::Writer;
use ccm_core::crypto::Crypto;
use zeroize::Zeroize;

use super::{Session, SessionError};
use crate::Error;
use crate::message::{ConfirmedServiceError, ExceptionResponse, Hidden, InitiateRequest, tag};
use crate::security::Outgoing;

/// Bytes that hold an initiate-request with a dedicated key of 32 bytes, or its answer, ciphered in any envelope.
pub(super) const INITIATE: usize = 112;

/// Writes the initiate-request, ciphered where the association is, and gives its length.
pub(super) fn initiate<C: Crypto>(
    session: &mut Session<'_, C>,
    dedicated_key: Option<Hidden<'_>>,
    room: usize,
    bytes: &mut [u8; INITIATE],
) -> Result<usize, Error> {
    let settings = &session.settings;
    let size = settings.max_receive_pdu_size.min(u16::try_from(room).unwrap_or(u16::MAX));
    let request = InitiateRequest { dedicated_key, ..InitiateRequest::new(settings.conformance, size) };
    let mut writer = Writer::new(bytes);
    request.emit(&mut writer).map_err(|_| self::room(INITIATE))?;
    let length = writer.finish();
    match (session.outgoing, dedicated_key) {
        (None, None) => return Ok(length),
        // A key is not sent in clear.
        (None, Some(_)) => return Err(SessionError::Settings { missing: "ciphering" }.into()),
        _ => {}
    }
    let missing = SessionError::Settings { missing: "keys" };
    let security = session.security.as_mut().ok_or(missing)?;
    Ok(security.protect(session.crypto, Outgoing::GLOBAL, bytes, length)?)
}

/// Opens the user information of an AARE or RLRE and has it read.
pub(super) fn user_information<C: Crypto, T>(
    session: &mut Session<'_, C>,
    information: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut copy = [0; INITIATE];
    let mut gathered = Gather::new(&mut copy);
    gathered.append(information)?;
    let length = gathered.length;
    let whole = copy.get_mut(..length).unwrap_or_default();
    let range = session.unprotect(whole)?;
    let result = read(whole.get(range).unwrap_or_default());
    copy.zeroize();
    result
}

/// Whether the server refuses to answer at all.
pub(super) fn refused(apdu: &[u8]) -> Result<(), Error> {
    match apdu.first() {
        Some(&tag::EXCEPTION_RESPONSE) => {
            Err(SessionError::Exception(ExceptionResponse::parse(apdu)?).into())
        }
        Some(&tag::CONFIRMED_SERVICE_ERROR) => {
            Err(SessionError::Service(ConfirmedServiceError::parse(apdu)?).into())
        }
        _ => Ok(()),
    }
}

/// The first byte says that this is no answer: the server reports something of its own accord.
pub(super) const fn is_report(tag: u8) -> bool {
    matches!(tag, tag::DATA_NOTIFICATION | tag::EVENT_NOTIFICATION | tag::INFORMATION_REPORT)
}

pub(super) const fn room(room: usize) -> Error {
    Error::Session(SessionError::TooLong { room })
}

/// The caller's buffer, and how much of it is filled.
#[derive(Debug)]
pub(super) struct Gather<'t> {
    pub(super) buffer: &'t mut [u8],
    pub(super) length: usize,
}

impl<'t> Gather<'t> {
    pub(super) const fn new(buffer: &'t mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let needed = self.length + bytes.len();
        let room = self.buffer.get_mut(self.length..needed).ok_or(SessionError::Buffer { needed })?;
        // Byte by byte: `copy_from_slice` would bring in a panic for lengths that differ.
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = needed;
        Ok(())
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Drops what lies before `start`.
    pub(super) fn drop_front(&mut self, start: usize) {
        let length = self.length.saturating_sub(start);
        for at in 0..length {
            let byte = self.buffer.get(at + start).copied().unwrap_or_default();
            if let Some(slot) = self.buffer.get_mut(at) {
                *slot = byte;
            }
        }
        self.length = length;
    }
}
