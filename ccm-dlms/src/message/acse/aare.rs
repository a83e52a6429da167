//! The answer to the request to open an association.

use ccm_core::{Full, Writer};

use super::element::{
    CHARACTER_STRING, FIRST_BIT, INTEGER, NO_BIT, OBJECT_IDENTIFIER, OCTET_STRING, Table, byte,
    emit_elements, first_bit, integer, octets, optional_integer, parse_elements,
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
        let absent = |field| start.fail(field, Fault::Absent);
        let mut contents = [None; ELEMENTS.len()];
        parse_elements(cursor, "AARE", &ELEMENTS, &mut contents)?;
        let [
            version,
            context,
            result,
            diagnostic,
            title,
            qualifier,
            ap_invocation,
            ae_invocation,
            requirements,
            mechanism,
            value,
            implementation,
            user_information,
        ] = contents;
        let context = octets(context).ok_or(absent("application-context-name"))?;
        let result = integer(result.ok_or(absent("result"))?, "result")?;
        Ok(Self {
            speaks_version_1: version.is_none_or(first_bit),
            application_context_name: ContextName::from_oid(context),
            result: AssociationResult::from_code(result),
            diagnostic: read_diagnostic(diagnostic.ok_or(absent(DIAGNOSTIC))?)?,
            responding_ap_title: octets(title),
            responding_ae_qualifier: octets(qualifier),
            responding_ap_invocation_id: optional_integer(ap_invocation, "responding-AP-invocation-id")?,
            responding_ae_invocation_id: optional_integer(ae_invocation, "responding-AE-invocation-id")?,
            responder_acse_requirements: requirements.is_some_and(first_bit),
            mechanism_name: octets(mechanism).map(MechanismName::from_oid),
            responding_authentication_value: octets(value).map(Hidden),
            implementation_information: octets(implementation),
            user_information: octets(user_information).map(Hidden),
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let (source, diagnostic) = match self.diagnostic {
            Diagnostic::User(diagnostic) => (USER, diagnostic.code()),
            Diagnostic::Provider(diagnostic) => (PROVIDER, diagnostic.code()),
        };
        let contents = [
            (!self.speaks_version_1).then_some(NO_BIT),
            Some(self.application_context_name.oid()),
            Some(&[self.result.code()]),
            Some(&[source, 3, INTEGER, 1, diagnostic]),
            self.responding_ap_title,
            self.responding_ae_qualifier,
            byte(&self.responding_ap_invocation_id),
            byte(&self.responding_ae_invocation_id),
            self.responder_acse_requirements.then_some(FIRST_BIT),
            self.mechanism_name.map(|name| name.oid()),
            self.responding_authentication_value.map(|Hidden(value)| value),
            self.implementation_information,
            self.user_information.map(|Hidden(bytes)| bytes),
        ];
        emit_elements(writer, &ELEMENTS, &contents)
    }
}

apdu!(Aare<'a>, tag::AARE, "AARE");

/// A CHOICE, which no table can say.
fn read_diagnostic(mut content: Cursor<'_>) -> Result<Diagnostic, MessageError> {
    let wrong = content;
    let source = content.u8(DIAGNOSTIC)?;
    let mut inner = content.inner(DIAGNOSTIC)?;
    content.finish(DIAGNOSTIC)?;
    inner.expect(INTEGER, DIAGNOSTIC)?;
    let code = integer(inner.inner(DIAGNOSTIC)?, DIAGNOSTIC)?;
    inner.finish(DIAGNOSTIC)?;
    match source {
        USER => Ok(Diagnostic::User(UserDiagnostic::from_code(code))),
        PROVIDER => Ok(Diagnostic::Provider(ProviderDiagnostic::from_code(code))),
        found => Err(wrong.fail(DIAGNOSTIC, Fault::Choice { found })),
    }
}

const ELEMENTS: Table<13> = [
    (&[0x80], "protocol-version"),
    (&[0xA1, OBJECT_IDENTIFIER], "application-context-name"),
    (&[0xA2, INTEGER], "result"),
    (&[0xA3], DIAGNOSTIC),
    (&[0xA4, OCTET_STRING], "responding-AP-title"),
    (&[0xA5, OCTET_STRING], "responding-AE-qualifier"),
    (&[0xA6, INTEGER], "responding-AP-invocation-id"),
    (&[0xA7, INTEGER], "responding-AE-invocation-id"),
    (&[0x88], "responder-acse-requirements"),
    (&[0x89], "mechanism-name"),
    (&[0xAA, CHARACTER_STRING], "responding-authentication-value"),
    (&[0xBD], "implementation-information"),
    (&[0xBE, OCTET_STRING], "user-information"),
];
const DIAGNOSTIC: &str = "result-source-diagnostic";
const USER: u8 = 0xA1;
const PROVIDER: u8 = 0xA2;

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
        let context = [0xA1, 9, 6, 7, 0x60, 0x85, 0x74, 5, 8, 1, 1];
        let apdu = [&[0x61, 23], &context[..], &[0xA2, 3, 2, 1, 1], &[0xA3, 5, 0xA3, 3, 2, 1, 0]].concat();
        let error = Aare::parse(&apdu).unwrap_err();
        assert_eq!((error.offset, error.fault), (20, Fault::Choice { found: 0xA3 }));
    }
}
