//! The request to open an association.

use ccm_core::{Full, Writer};

use super::element::{
    CHARACTER_STRING, Element, FIRST_BIT, INTEGER, NO_BIT, OBJECT_IDENTIFIER, OCTET_STRING, demanded,
    emit_elements, first_bit, inside, integer, once, parse_elements, whole,
};
use super::{ContextName, MechanismName};
use crate::message::codes::apdu;
use crate::message::cursor::Cursor;
use crate::message::{Hidden, MessageError, tag};

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
            application_context_name,
            user_information: Some(Hidden(user_information)),
            ..Self::empty(application_context_name)
        }
    }

    const fn empty(application_context_name: ContextName<'a>) -> Self {
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
            user_information: None,
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
        let start = *cursor;
        let mut context = None;
        let mut read = Self::empty(ContextName::LogicalName);
        parse_elements(cursor, "AARQ", |tag, element| match tag {
            CONTEXT => {
                let oid = inside(element, OBJECT_IDENTIFIER, "application-context-name")?;
                once(&mut context, ContextName::from_oid(oid), element, "application-context-name")
            }
            _ => read.take(tag, element),
        })?;
        let application_context_name = demanded(context, start, "application-context-name")?;
        Ok(Self { application_context_name, ..read })
    }

    fn take(&mut self, tag: u8, at: Cursor<'a>) -> Result<(), MessageError> {
        let (slot, field) = match tag {
            CALLED_AP_TITLE => (&mut self.called_ap_title, "called-AP-title"),
            CALLED_AE_QUALIFIER => (&mut self.called_ae_qualifier, "called-AE-qualifier"),
            CALLING_AP_TITLE => (&mut self.calling_ap_title, "calling-AP-title"),
            CALLING_AE_QUALIFIER => (&mut self.calling_ae_qualifier, "calling-AE-qualifier"),
            _ => return self.take_number(tag, at),
        };
        once(slot, inside(at, OCTET_STRING, field)?, at, field)
    }

    fn take_number(&mut self, tag: u8, at: Cursor<'a>) -> Result<(), MessageError> {
        let (slot, field) = match tag {
            CALLED_AP_INVOCATION => (&mut self.called_ap_invocation_id, "called-AP-invocation-id"),
            CALLED_AE_INVOCATION => (&mut self.called_ae_invocation_id, "called-AE-invocation-id"),
            CALLING_AP_INVOCATION => (&mut self.calling_ap_invocation_id, "calling-AP-invocation-id"),
            CALLING_AE_INVOCATION => (&mut self.calling_ae_invocation_id, "calling-AE-invocation-id"),
            _ => return self.take_authentication(tag, at),
        };
        once(slot, integer(at, field)?, at, field)
    }

    fn take_authentication(&mut self, tag: u8, at: Cursor<'a>) -> Result<(), MessageError> {
        match tag {
            PROTOCOL_VERSION => self.speaks_version_1 = first_bit(at, "protocol-version")?,
            REQUIREMENTS => self.sender_acse_requirements = first_bit(at, "sender-acse-requirements")?,
            MECHANISM => {
                let name = MechanismName::from_oid(whole(at, "mechanism-name")?);
                once(&mut self.mechanism_name, name, at, "mechanism-name")?;
            }
            AUTHENTICATION_VALUE => {
                let value = Hidden(inside(at, CHARACTER_STRING, "calling-authentication-value")?);
                once(&mut self.calling_authentication_value, value, at, "calling-authentication-value")?;
            }
            IMPLEMENTATION => {
                let information = whole(at, "implementation-information")?;
                once(&mut self.implementation_information, information, at, "implementation-information")?;
            }
            USER_INFORMATION => {
                let information = Hidden(inside(at, OCTET_STRING, "user-information")?);
                once(&mut self.user_information, information, at, "user-information")?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let numbers = [
            self.called_ap_invocation_id.as_slice(),
            self.called_ae_invocation_id.as_slice(),
            self.calling_ap_invocation_id.as_slice(),
            self.calling_ae_invocation_id.as_slice(),
        ];
        let [called_ap, called_ae, calling_ap, calling_ae] =
            numbers.map(|number| Some(number).filter(|number| !number.is_empty()));
        let elements: [Element<'_>; 15] = [
            (&[PROTOCOL_VERSION], (!self.speaks_version_1).then_some(NO_BIT)),
            (&[CONTEXT, OBJECT_IDENTIFIER], Some(self.application_context_name.oid())),
            (&[CALLED_AP_TITLE, OCTET_STRING], self.called_ap_title),
            (&[CALLED_AE_QUALIFIER, OCTET_STRING], self.called_ae_qualifier),
            (&[CALLED_AP_INVOCATION, INTEGER], called_ap),
            (&[CALLED_AE_INVOCATION, INTEGER], called_ae),
            (&[CALLING_AP_TITLE, OCTET_STRING], self.calling_ap_title),
            (&[CALLING_AE_QUALIFIER, OCTET_STRING], self.calling_ae_qualifier),
            (&[CALLING_AP_INVOCATION, INTEGER], calling_ap),
            (&[CALLING_AE_INVOCATION, INTEGER], calling_ae),
            (&[REQUIREMENTS], self.sender_acse_requirements.then_some(FIRST_BIT)),
            (&[MECHANISM], self.mechanism_name.map(|name| name.oid())),
            (
                &[AUTHENTICATION_VALUE, CHARACTER_STRING],
                self.calling_authentication_value.map(|Hidden(value)| value),
            ),
            (&[IMPLEMENTATION], self.implementation_information),
            (&[USER_INFORMATION, OCTET_STRING], self.user_information.map(|Hidden(bytes)| bytes)),
        ];
        emit_elements(writer, &elements)
    }
}

apdu!(Aarq<'a>, tag::AARQ, "AARQ");

const PROTOCOL_VERSION: u8 = 0x80;
const CONTEXT: u8 = 0xA1;
const CALLED_AP_TITLE: u8 = 0xA2;
const CALLED_AE_QUALIFIER: u8 = 0xA3;
const CALLED_AP_INVOCATION: u8 = 0xA4;
const CALLED_AE_INVOCATION: u8 = 0xA5;
const CALLING_AP_TITLE: u8 = 0xA6;
const CALLING_AE_QUALIFIER: u8 = 0xA7;
const CALLING_AP_INVOCATION: u8 = 0xA8;
const CALLING_AE_INVOCATION: u8 = 0xA9;
const REQUIREMENTS: u8 = 0x8A;
const MECHANISM: u8 = 0x8B;
const AUTHENTICATION_VALUE: u8 = 0xAC;
const IMPLEMENTATION: u8 = 0xBD;
const USER_INFORMATION: u8 = 0xBE;

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
