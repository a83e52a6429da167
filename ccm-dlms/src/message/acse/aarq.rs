//! The request to open an association.

use ccm_core::{Full, Writer};

use super::element::{
    CHARACTER_STRING, FIRST_BIT, INTEGER, NO_BIT, OBJECT_IDENTIFIER, OCTET_STRING, Table, byte,
    emit_elements, first_bit, octets, optional_integer, parse_elements,
};
use super::{ContextName, MechanismName};
use crate::message::codes::apdu;
use crate::message::cursor::Cursor;
use crate::message::{Fault, Hidden, MessageError, tag};

/// The A-Associate request (Green Book 9.4.2.2, 9.5).
///
/// Optional elements are absent where they are `None`; elements that the standard does not know are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aarq<'a> {
    /// Whether the client speaks version 1 of ACSE, which is the only one, and what silence means.
    pub speaks_version_1: bool,
    /// How objects are named, and whether services are ciphered.
    pub application_context_name: ContextName<'a>,
    /// The server's system title.
    pub called_ap_title: Option<&'a [u8]>,
    /// Not used by DLMS.
    pub called_ae_qualifier: Option<&'a [u8]>,
    /// Not used by DLMS.
    pub called_ap_invocation_id: Option<u8>,
    /// Not used by DLMS.
    pub called_ae_invocation_id: Option<u8>,
    /// The client's system title: 8 bytes. Some meters refuse it where nothing is ciphered.
    pub calling_ap_title: Option<&'a [u8]>,
    /// The client's certificate for digital signature.
    pub calling_ae_qualifier: Option<&'a [u8]>,
    /// Not used by DLMS.
    pub calling_ap_invocation_id: Option<u8>,
    /// The user of the client.
    pub calling_ae_invocation_id: Option<u8>,
    /// Whether the authentication functional unit is asked for.
    pub sender_acse_requirements: bool,
    /// How the client wants to prove who it is.
    pub mechanism_name: Option<MechanismName<'a>>,
    /// The password (LLS), or the challenge from client to server (HLS).
    pub calling_authentication_value: Option<Hidden<'a>>,
    /// Not used by DLMS.
    pub implementation_information: Option<&'a [u8]>,
    /// An [`InitiateRequest`](crate::message::InitiateRequest), plain or ciphered.
    pub user_information: Option<Hidden<'a>>,
}

impl<'a> Aarq<'a> {
    /// A request with what none can do without; the rest is absent.
    pub const fn new(application_context_name: ContextName<'a>, user_information: &'a [u8]) -> Self {
        Self {
            speaks_version_1: true,
            application_context_name,
            called_ap_title: None,
            called_ae_qualifier: None,
            called_ap_invocation_id: None,
            called_ae_invocation_id: None,
            calling_ap_title: None,
            calling_ae_qualifier: None,
            calling_ap_invocation_id: None,
            calling_ae_invocation_id: None,
            sender_acse_requirements: false,
            mechanism_name: None,
            calling_authentication_value: None,
            implementation_information: None,
            user_information: Some(Hidden(user_information)),
        }
    }

    /// The same request with a password or a challenge.
    #[must_use]
    pub const fn with_authentication(self, mechanism: MechanismName<'a>, value: &'a [u8]) -> Self {
        Self {
            sender_acse_requirements: true,
            mechanism_name: Some(mechanism),
            calling_authentication_value: Some(Hidden(value)),
            ..self
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let absent = cursor.fail("application-context-name", Fault::Absent);
        let mut contents = [None; ELEMENTS.len()];
        parse_elements(cursor, "AARQ", &ELEMENTS, &mut contents)?;
        let [
            version,
            context,
            called_title,
            called_qualifier,
            called_ap,
            called_ae,
            calling_title,
            calling_qualifier,
            calling_ap,
            calling_ae,
            requirements,
            mechanism,
            value,
            implementation,
            user_information,
        ] = contents;
        Ok(Self {
            speaks_version_1: version.is_none_or(first_bit),
            application_context_name: octets(context).map(ContextName::from_oid).ok_or(absent)?,
            called_ap_title: octets(called_title),
            called_ae_qualifier: octets(called_qualifier),
            called_ap_invocation_id: optional_integer(called_ap, "called-AP-invocation-id")?,
            called_ae_invocation_id: optional_integer(called_ae, "called-AE-invocation-id")?,
            calling_ap_title: octets(calling_title),
            calling_ae_qualifier: octets(calling_qualifier),
            calling_ap_invocation_id: optional_integer(calling_ap, "calling-AP-invocation-id")?,
            calling_ae_invocation_id: optional_integer(calling_ae, "calling-AE-invocation-id")?,
            sender_acse_requirements: requirements.is_some_and(first_bit),
            mechanism_name: octets(mechanism).map(MechanismName::from_oid),
            calling_authentication_value: octets(value).map(Hidden),
            implementation_information: octets(implementation),
            user_information: octets(user_information).map(Hidden),
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let contents = [
            (!self.speaks_version_1).then_some(NO_BIT),
            Some(self.application_context_name.oid()),
            self.called_ap_title,
            self.called_ae_qualifier,
            byte(&self.called_ap_invocation_id),
            byte(&self.called_ae_invocation_id),
            self.calling_ap_title,
            self.calling_ae_qualifier,
            byte(&self.calling_ap_invocation_id),
            byte(&self.calling_ae_invocation_id),
            self.sender_acse_requirements.then_some(FIRST_BIT),
            self.mechanism_name.map(|name| name.oid()),
            self.calling_authentication_value.map(|Hidden(value)| value),
            self.implementation_information,
            self.user_information.map(|Hidden(bytes)| bytes),
        ];
        emit_elements(writer, &ELEMENTS, &contents)
    }
}

apdu!(Aarq<'a>, tag::AARQ, "AARQ");

const ELEMENTS: Table<15> = [
    (&[0x80], "protocol-version"),
    (&[0xA1, OBJECT_IDENTIFIER], "application-context-name"),
    (&[0xA2, OCTET_STRING], "called-AP-title"),
    (&[0xA3, OCTET_STRING], "called-AE-qualifier"),
    (&[0xA4, INTEGER], "called-AP-invocation-id"),
    (&[0xA5, INTEGER], "called-AE-invocation-id"),
    (&[0xA6, OCTET_STRING], "calling-AP-title"),
    (&[0xA7, OCTET_STRING], "calling-AE-qualifier"),
    (&[0xA8, INTEGER], "calling-AP-invocation-id"),
    (&[0xA9, INTEGER], "calling-AE-invocation-id"),
    (&[0x8A], "sender-acse-requirements"),
    (&[0x8B], "mechanism-name"),
    (&[0xAC, CHARACTER_STRING], "calling-authentication-value"),
    (&[0xBD], "implementation-information"),
    (&[0xBE, OCTET_STRING], "user-information"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Fault;

    const CONTEXT_NAME: [u8; 11] = [0xA1, 9, 6, 7, 0x60, 0x85, 0x74, 5, 8, 1, 1];

    fn with(elements: &[u8]) -> Vec<u8> {
        let length = u8::try_from(CONTEXT_NAME.len() + elements.len()).unwrap();
        [&[0x60, length], &CONTEXT_NAME[..], elements].concat()
    }

    #[test]
    fn unknown_elements_are_skipped_even_with_long_tags() {
        let apdu = with(&[0xB5, 1, 0, 0xBF, 0x81, 0x01, 2, 7, 7, 0xA6, 3, 4, 1, 9]);
        let aarq = Aarq::parse(&apdu).unwrap();
        assert_eq!(aarq.calling_ap_title, Some(&[9][..]));
        assert_eq!(aarq.user_information, None);
    }

    #[test]
    fn a_second_mechanism_is_refused() {
        let mechanism = [0x8B, 7, 0x60, 0x85, 0x74, 5, 8, 2, 1];
        let apdu = with(&[mechanism, mechanism].concat());
        let error = Aarq::parse(&apdu).unwrap_err();
        assert_eq!(error.to_string(), "mechanism-name at byte 24 came twice");
    }

    #[test]
    fn a_request_without_a_context_is_refused() {
        let error = Aarq::parse(&[0x60, 0]).unwrap_err();
        assert_eq!((error.field, error.fault), ("application-context-name", Fault::Absent));
    }

    #[test]
    fn an_element_that_leaves_its_apdu_is_refused_where_it_begins() {
        let error = Aarq::parse(&with(&[0xBE, 4, 4, 9, 1, 2])).unwrap_err();
        assert_eq!((error.field, error.offset, error.fault), ("user-information", 17, Fault::Missing));
    }

    #[test]
    fn a_client_of_another_version_is_told_apart() {
        assert!(!Aarq::parse(&with(&[0x80, 2, 7, 0])).unwrap().speaks_version_1);
        assert!(Aarq::parse(&with(&[0x80, 2, 2, 0x84])).unwrap().speaks_version_1);
        assert!(Aarq::parse(&with(&[])).unwrap().speaks_version_1);
    }
}
