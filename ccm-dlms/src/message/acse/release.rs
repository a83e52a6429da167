//! The end of an association (Green Book 9.4.3).

use ccm_core::{Full, Writer};

use super::element::{OCTET_STRING, Table, byte, emit_elements, octets, optional_integer, parse_elements};
use crate::message::codes::{apdu, codes};
use crate::message::cursor::Cursor;
use crate::message::{Hidden, MessageError, tag};

codes! {
    /// Why the client wants to end the association.
    ReleaseRequestReason;
    0 Normal, "normal";
    1 Urgent, "urgent";
    30 UserDefined, "user-defined";
}

codes! {
    /// How the server ends the association.
    ReleaseResponseReason;
    0 Normal, "normal";
    1 NotFinished, "not-finished";
    30 UserDefined, "user-defined";
}

/// The A-Release request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReleaseRequest<'a> {
    /// Why.
    pub reason: Option<ReleaseRequestReason>,
    /// An [`InitiateRequest`](crate::message::InitiateRequest), ciphered where the association is: proof that it is the
    /// client who ends it.
    pub user_information: Option<Hidden<'a>>,
}

impl<'a> ReleaseRequest<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let (reason, user_information) = read(cursor, "RLRQ")?;
        Ok(Self { reason: reason.map(ReleaseRequestReason::from_code), user_information })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        write(writer, self.reason.map(ReleaseRequestReason::code), self.user_information)
    }
}

apdu!(ReleaseRequest<'a>, tag::RLRQ, "RLRQ");

/// The A-Release response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReleaseResponse<'a> {
    /// How.
    pub reason: Option<ReleaseResponseReason>,
    /// An [`InitiateResponse`](crate::message::InitiateResponse), ciphered where the association is.
    pub user_information: Option<Hidden<'a>>,
}

impl<'a> ReleaseResponse<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let (reason, user_information) = read(cursor, "RLRE")?;
        Ok(Self { reason: reason.map(ReleaseResponseReason::from_code), user_information })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        write(writer, self.reason.map(ReleaseResponseReason::code), self.user_information)
    }
}

apdu!(ReleaseResponse<'a>, tag::RLRE, "RLRE");

/// Both have the same elements; only the words for the reasons differ.
fn read<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
) -> Result<(Option<u8>, Option<Hidden<'a>>), MessageError> {
    let mut contents = [None; ELEMENTS.len()];
    parse_elements(cursor, field, &ELEMENTS, &mut contents)?;
    let [reason, user_information] = contents;
    Ok((optional_integer(reason, "reason")?, octets(user_information).map(Hidden)))
}

fn write(
    writer: &mut Writer<'_>,
    reason: Option<u8>,
    user_information: Option<Hidden<'_>>,
) -> Result<(), Full> {
    let information = user_information.map(|Hidden(bytes)| bytes);
    emit_elements(writer, &ELEMENTS, &[byte(&reason), information])
}

const ELEMENTS: Table<2> = [(&[0x80], "reason"), (&[0xBE, OCTET_STRING], "user-information")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_release_is_one() {
        let release = ReleaseRequest::parse(&[0x62, 0]).unwrap();
        assert_eq!(release, ReleaseRequest { reason: None, user_information: None });
    }

    #[test]
    fn reasons_have_words() {
        let release = ReleaseResponse::parse(&[0x63, 3, 0x80, 1, 1]).unwrap();
        assert_eq!(release.reason.unwrap().to_string(), "not-finished (1)");
    }
}
