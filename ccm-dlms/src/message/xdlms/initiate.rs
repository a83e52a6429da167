//! What an association can do and how long its APDUs may be: the user information of AARQ and AARE.

use ccm_core::{Full, Writer};

use super::Conformance;
use crate::message::codes::apdu;
use crate::message::cursor::{Cursor, emit_octets, emit_optional};
use crate::message::{Fault, Hidden, MessageError, tag};

/// What a client proposes (Green Book 9.4.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InitiateRequest<'a> {
    /// A key for this association alone; the request has to be ciphered then.
    pub dedicated_key: Option<Hidden<'a>>,
    /// Whether the server may answer; it nearly always may.
    pub response_allowed: bool,
    /// Not used by DLMS.
    pub proposed_quality_of_service: Option<i8>,
    /// 6.
    pub proposed_dlms_version_number: u8,
    /// What the client can do.
    pub proposed_conformance: Conformance,
    /// The longest APDU that the client can take, in bytes; 0 is no limit.
    pub client_max_receive_pdu_size: u16,
}

impl<'a> InitiateRequest<'a> {
    /// A proposal of version 6 without a dedicated key.
    pub const fn new(proposed_conformance: Conformance, client_max_receive_pdu_size: u16) -> Self {
        Self {
            dedicated_key: None,
            response_allowed: true,
            proposed_quality_of_service: None,
            proposed_dlms_version_number: DLMS_VERSION,
            proposed_conformance,
            client_max_receive_pdu_size,
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let key = cursor.present("dedicated-key")?;
        let dedicated_key = if key { Some(Hidden(cursor.octets("dedicated-key")?)) } else { None };
        // DEFAULT TRUE: the flag says whether another value than that follows.
        let explicit = cursor.present("response-allowed")?;
        let response_allowed = if explicit { cursor.boolean("response-allowed")? } else { true };
        Ok(Self {
            dedicated_key,
            response_allowed,
            proposed_quality_of_service: read_quality(cursor, "proposed-quality-of-service")?,
            proposed_dlms_version_number: cursor.u8("proposed-dlms-version-number")?,
            proposed_conformance: read_conformance(cursor, "proposed-conformance")?,
            client_max_receive_pdu_size: cursor.u16("client-max-receive-pdu-size")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_optional(writer, self.dedicated_key, |writer, Hidden(key)| emit_octets(writer, key))?;
        // Written only where it is not the default.
        if self.response_allowed { writer.u8(0) } else { writer.array([1, 0]) }?;
        write_quality(writer, self.proposed_quality_of_service)?;
        writer.u8(self.proposed_dlms_version_number)?;
        write_conformance(writer, self.proposed_conformance)?;
        writer.u16(self.client_max_receive_pdu_size)
    }
}

apdu!(InitiateRequest<'a>, tag::INITIATE_REQUEST, "initiate-request");

/// What the server agrees to (Green Book 9.4.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InitiateResponse {
    /// Not used by DLMS.
    pub negotiated_quality_of_service: Option<i8>,
    /// 6.
    pub negotiated_dlms_version_number: u8,
    /// What client and server can do.
    pub negotiated_conformance: Conformance,
    /// The longest APDU that the server can take, in bytes; 0 is no limit.
    pub server_max_receive_pdu_size: u16,
    /// Where the association object is: 0x0007 by logical name, 0xFA00 by short name.
    pub vaa_name: u16,
}

impl InitiateResponse {
    /// The name of the association where objects have logical names.
    pub const LOGICAL_NAME_VAA: u16 = 0x0007;
    /// The name of the association where objects have short names.
    pub const SHORT_NAME_VAA: u16 = 0xFA00;

    /// An agreement on version 6.
    pub const fn new(
        negotiated_conformance: Conformance,
        server_max_receive_pdu_size: u16,
        vaa_name: u16,
    ) -> Self {
        Self {
            negotiated_quality_of_service: None,
            negotiated_dlms_version_number: DLMS_VERSION,
            negotiated_conformance,
            server_max_receive_pdu_size,
            vaa_name,
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            negotiated_quality_of_service: read_quality(cursor, "negotiated-quality-of-service")?,
            negotiated_dlms_version_number: cursor.u8("negotiated-dlms-version-number")?,
            negotiated_conformance: read_conformance(cursor, "negotiated-conformance")?,
            server_max_receive_pdu_size: cursor.u16("server-max-receive-pdu-size")?,
            vaa_name: cursor.u16("vaa-name")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        write_quality(writer, self.negotiated_quality_of_service)?;
        writer.u8(self.negotiated_dlms_version_number)?;
        write_conformance(writer, self.negotiated_conformance)?;
        writer.u16(self.server_max_receive_pdu_size)?;
        writer.u16(self.vaa_name)
    }
}

apdu!(InitiateResponse, tag::INITIATE_RESPONSE, "initiate-response");

fn read_quality(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Option<i8>, MessageError> {
    Ok(if cursor.present(field)? { Some(cursor.i8(field)?) } else { None })
}

fn write_quality(writer: &mut Writer<'_>, quality: Option<i8>) -> Result<(), Full> {
    emit_optional(writer, quality, |writer, quality| writer.array(quality.to_be_bytes()))
}

/// `[APPLICATION 31]`, a BIT STRING in BER even here. Old meters write the tag in one byte instead of two, which the
/// standard wants to be understood.
fn read_conformance(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Conformance, MessageError> {
    let [tag, tag_low, length, unused] = CONFORMANCE;
    cursor.expect(tag, field)?;
    let wrong = *cursor;
    match cursor.u8(field)? {
        found if found == tag_low => cursor.expect(length, field)?,
        found if found == length => {}
        found => return Err(wrong.fail(field, Fault::Choice { found })),
    }
    cursor.expect(unused, field)?;
    cursor.array(field).map(|bytes| Conformance::from_bytes(*bytes))
}

fn write_conformance(writer: &mut Writer<'_>, conformance: Conformance) -> Result<(), Full> {
    writer.array(CONFORMANCE)?;
    writer.array(conformance.to_bytes())
}

/// Tag of two bytes, length, and how many bits of the last byte are not used.
const CONFORMANCE: [u8; 4] = [0x5F, 0x1F, 0x04, 0x00];
const DLMS_VERSION: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conformance_tag_of_one_byte_is_understood() {
        let long = [8, 0, 6, 0x5F, 0x1F, 4, 0, 0, 0x1E, 0x1D, 4, 0, 0, 7];
        let short = [8, 0, 6, 0x5F, 4, 0, 0, 0x1E, 0x1D, 4, 0, 0, 7];
        assert_eq!(InitiateResponse::parse(&long), InitiateResponse::parse(&short));
        assert!(InitiateResponse::parse(&long).is_ok());
    }

    #[test]
    fn a_dedicated_key_is_read_and_not_printed() {
        let apdu = [1, 1, 2, 0x11, 0x22, 1, 0, 1, 5, 6, 0x5F, 0x1F, 4, 0, 0, 0x7E, 0x1F, 4, 0xB0];
        let request = InitiateRequest::parse(&apdu).unwrap();
        assert_eq!(request.dedicated_key, Some(Hidden(&[0x11, 0x22])));
        assert!(!request.response_allowed);
        assert_eq!(request.proposed_quality_of_service, Some(5));
        assert!(format!("{request:?}").contains("Hidden(2 bytes)"));
    }
}
