//! The answer to the request to open an association.

use ccm_core::{Full, Writer};

use super::element::{
    CHARACTER_STRING, Element, FIRST_BIT, INTEGER, NO_BIT, OBJECT_IDENTIFIER, OCTET_STRING, demanded,
    emit_elements, first_bit, inside, integer, once, parse_elements, whole,
};
use super::{AssociationResult, ContextName, Diagnostic, MechanismName, ProviderDiagnostic, UserDiagnostic};
use crate::message::codes::apdu;
use crate::message::cursor::Cursor;
use crate::message::{Fault, Hidden, MessageError, tag};

/// The A-Associate response (Green Book 9.4.2.2, 9.5).
///
/// Optional elements are absent where they are `None`; elements that the standard does not know are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Aare<'a> {
    /// Whether the server speaks version 1 of ACSE, which is the only one, and what silence means.
    pub speaks_version_1: bool,
    /// The context of the association, or one that the server could have offered.
    pub application_context_name: ContextName<'a>,
    /// Whether the association stands.
    pub result: AssociationResult,
    /// Why.
    pub diagnostic: Diagnostic,
    /// The server's system title: 8 bytes.
    pub responding_ap_title: Option<&'a [u8]>,
    /// The server's certificate for digital signature.
    pub responding_ae_qualifier: Option<&'a [u8]>,
    /// Not used by DLMS.
    pub responding_ap_invocation_id: Option<u8>,
    /// Not used by DLMS.
    pub responding_ae_invocation_id: Option<u8>,
    /// Whether the authentication functional unit is used.
    pub responder_acse_requirements: bool,
    /// How the client has to prove who it is.
    pub mechanism_name: Option<MechanismName<'a>>,
    /// The challenge from server to client (HLS).
    pub responding_authentication_value: Option<Hidden<'a>>,
    /// Not used by DLMS.
    pub implementation_information: Option<&'a [u8]>,
    /// An [`InitiateResponse`](crate::message::InitiateResponse) or a
    /// [`ConfirmedServiceError`](crate::message::ConfirmedServiceError), plain or ciphered. Some meters leave it out when
    /// they refuse.
    pub user_information: Option<Hidden<'a>>,
}

impl<'a> Aare<'a> {
    /// An answer with what none can do without; the rest is absent.
    pub const fn new(
        application_context_name: ContextName<'a>,
        result: AssociationResult,
        diagnostic: Diagnostic,
    ) -> Self {
        Self {
            speaks_version_1: true,
            application_context_name,
            result,
            diagnostic,
            responding_ap_title: None,
            responding_ae_qualifier: None,
            responding_ap_invocation_id: None,
            responding_ae_invocation_id: None,
            responder_acse_requirements: false,
            mechanism_name: None,
            responding_authentication_value: None,
            implementation_information: None,
            user_information: None,
        }
    }

    /// The same answer with a challenge.
    #[must_use]
    pub const fn with_authentication(self, mechanism: MechanismName<'a>, value: &'a [u8]) -> Self {
        Self {
            responder_acse_requirements: true,
            mechanism_name: Some(mechanism),
            responding_authentication_value: Some(Hidden(value)),
            ..self
        }
    }

    /// Whether the server accepts, be it only so far that the third pass may follow.
    pub fn is_accepted(&self) -> bool {
        self.result == AssociationResult::Accepted
    }

    /// Whether the association stands only after the third and the fourth pass: accepted, `authentication-required`.
    pub fn awaits_third_pass(&self) -> bool {
        self.is_accepted() && self.diagnostic == Diagnostic::User(UserDiagnostic::AuthenticationRequired)
    }

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let start = *cursor;
        let (mut context, mut result, mut diagnostic) = (None, None, None);
        let no_reason = Diagnostic::User(UserDiagnostic::Null);
        let mut read = Self::new(ContextName::LogicalName, AssociationResult::RejectedPermanent, no_reason);
        parse_elements(cursor, "AARE", |tag, at| match tag {
            CONTEXT => {
                let oid = inside(at, OBJECT_IDENTIFIER, "application-context-name")?;
                once(&mut context, ContextName::from_oid(oid), at, "application-context-name")
            }
            RESULT => once(&mut result, AssociationResult::from_code(integer(at, "result")?), at, "result"),
            DIAGNOSTIC => once(&mut diagnostic, read_diagnostic(at)?, at, "result-source-diagnostic"),
            _ => read.take(tag, at),
        })?;
        Ok(Self {
            application_context_name: demanded(context, start, "application-context-name")?,
            result: demanded(result, start, "result")?,
            diagnostic: demanded(diagnostic, start, "result-source-diagnostic")?,
            ..read
        })
    }

    fn take(&mut self, tag: u8, at: Cursor<'a>) -> Result<(), MessageError> {
        match tag {
            AP_TITLE => {
                let title = inside(at, OCTET_STRING, "responding-AP-title")?;
                once(&mut self.responding_ap_title, title, at, "responding-AP-title")
            }
            AE_QUALIFIER => {
                let qualifier = inside(at, OCTET_STRING, "responding-AE-qualifier")?;
                once(&mut self.responding_ae_qualifier, qualifier, at, "responding-AE-qualifier")
            }
            AP_INVOCATION => {
                let id = integer(at, "responding-AP-invocation-id")?;
                once(&mut self.responding_ap_invocation_id, id, at, "responding-AP-invocation-id")
            }
            AE_INVOCATION => {
                let id = integer(at, "responding-AE-invocation-id")?;
                once(&mut self.responding_ae_invocation_id, id, at, "responding-AE-invocation-id")
            }
            _ => self.take_authentication(tag, at),
        }
    }

    fn take_authentication(&mut self, tag: u8, at: Cursor<'a>) -> Result<(), MessageError> {
        match tag {
            PROTOCOL_VERSION => self.speaks_version_1 = first_bit(at, "protocol-version")?,
            REQUIREMENTS => self.responder_acse_requirements = first_bit(at, "responder-acse-requirements")?,
            MECHANISM => {
                let name = MechanismName::from_oid(whole(at, "mechanism-name")?);
                once(&mut self.mechanism_name, name, at, "mechanism-name")?;
            }
            AUTHENTICATION_VALUE => {
                let value = Hidden(inside(at, CHARACTER_STRING, "responding-authentication-value")?);
                once(
                    &mut self.responding_authentication_value,
                    value,
                    at,
                    "responding-authentication-value",
                )?;
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
        let (source, diagnostic): (&'static [u8], _) = match self.diagnostic {
            Diagnostic::User(diagnostic) => (&[DIAGNOSTIC, USER, INTEGER], diagnostic.code()),
            Diagnostic::Provider(diagnostic) => (&[DIAGNOSTIC, PROVIDER, INTEGER], diagnostic.code()),
        };
        let numbers =
            [self.responding_ap_invocation_id.as_slice(), self.responding_ae_invocation_id.as_slice()];
        let [ap_invocation, ae_invocation] =
            numbers.map(|number| Some(number).filter(|number| !number.is_empty()));
        let elements: [Element<'_>; 13] = [
            (&[PROTOCOL_VERSION], (!self.speaks_version_1).then_some(NO_BIT)),
            (&[CONTEXT, OBJECT_IDENTIFIER], Some(self.application_context_name.oid())),
            (&[RESULT, INTEGER], Some(&[self.result.code()])),
            (source, Some(&[diagnostic])),
            (&[AP_TITLE, OCTET_STRING], self.responding_ap_title),
            (&[AE_QUALIFIER, OCTET_STRING], self.responding_ae_qualifier),
            (&[AP_INVOCATION, INTEGER], ap_invocation),
            (&[AE_INVOCATION, INTEGER], ae_invocation),
            (&[REQUIREMENTS], self.responder_acse_requirements.then_some(FIRST_BIT)),
            (&[MECHANISM], self.mechanism_name.map(|name| name.oid())),
            (
                &[AUTHENTICATION_VALUE, CHARACTER_STRING],
                self.responding_authentication_value.map(|Hidden(value)| value),
            ),
            (&[IMPLEMENTATION], self.implementation_information),
            (&[USER_INFORMATION, OCTET_STRING], self.user_information.map(|Hidden(bytes)| bytes)),
        ];
        emit_elements(writer, &elements)
    }
}

apdu!(Aare<'a>, tag::AARE, "AARE");

fn read_diagnostic(mut element: Cursor<'_>) -> Result<Diagnostic, MessageError> {
    let wrong = element;
    let source = element.u8("result-source-diagnostic")?;
    let code = integer(element.inner("result-source-diagnostic")?, "result-source-diagnostic")?;
    element.finish("result-source-diagnostic")?;
    match source {
        USER => Ok(Diagnostic::User(UserDiagnostic::from_code(code))),
        PROVIDER => Ok(Diagnostic::Provider(ProviderDiagnostic::from_code(code))),
        found => Err(wrong.fail("result-source-diagnostic", Fault::Choice { found })),
    }
}

const PROTOCOL_VERSION: u8 = 0x80;
const CONTEXT: u8 = 0xA1;
const RESULT: u8 = 0xA2;
const DIAGNOSTIC: u8 = 0xA3;
const USER: u8 = 0xA1;
const PROVIDER: u8 = 0xA2;
const AP_TITLE: u8 = 0xA4;
const AE_QUALIFIER: u8 = 0xA5;
const AP_INVOCATION: u8 = 0xA6;
const AE_INVOCATION: u8 = 0xA7;
const REQUIREMENTS: u8 = 0x88;
const MECHANISM: u8 = 0x89;
const AUTHENTICATION_VALUE: u8 = 0xAA;
const IMPLEMENTATION: u8 = 0xBD;
const USER_INFORMATION: u8 = 0xBE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_come_without_user_information() {
        let diagnostic = Diagnostic::User(UserDiagnostic::AuthenticationFailure);
        let refusal = Aare::new(ContextName::LogicalName, AssociationResult::RejectedPermanent, diagnostic);
        let mut bytes = [0; 64];
        let mut writer = Writer::new(&mut bytes);
        refusal.emit(&mut writer).unwrap();
        let parsed = Aare::parse(writer.written()).unwrap();
        assert_eq!(parsed, refusal);
        assert!(!parsed.is_accepted());
        assert_eq!(parsed.diagnostic.to_string(), "authentication-failure (13)");
    }

    #[test]
    fn an_answer_without_a_result_is_no_acceptance() {
        let apdu = [0x61, 11, 0xA1, 9, 6, 7, 0x60, 0x85, 0x74, 5, 8, 1, 1];
        let error = Aare::parse(&apdu).unwrap_err();
        assert_eq!((error.field, error.fault), ("result", Fault::Absent));
    }

    #[test]
    fn a_diagnostic_of_nobody_is_refused() {
        let apdu = [0x61, 7, 0xA3, 5, 0xA3, 3, 2, 1, 0];
        let error = Aare::parse(&apdu).unwrap_err();
        assert_eq!((error.offset, error.fault), (4, Fault::Choice { found: 0xA3 }));
    }
}
