//! What a server says to an AARQ.

use core::fmt;

use crate::message::codes::codes;

codes! {
    /// Whether the association stands.
    AssociationResult;
    0 Accepted, "accepted";
    1 RejectedPermanent, "rejected-permanent";
    2 RejectedTransient, "rejected-transient";
}

codes! {
    /// What the application process of the server says (acse-service-user).
    UserDiagnostic;
    0 Null, "null";
    1 NoReasonGiven, "no-reason-given";
    2 ApplicationContextNameNotSupported, "application-context-name-not-supported";
    3 CallingApTitleNotRecognized, "calling-AP-title-not-recognized";
    4 CallingApInvocationIdentifierNotRecognized, "calling-AP-invocation-identifier-not-recognized";
    5 CallingAeQualifierNotRecognized, "calling-AE-qualifier-not-recognized";
    6 CallingAeInvocationIdentifierNotRecognized, "calling-AE-invocation-identifier-not-recognized";
    7 CalledApTitleNotRecognized, "called-AP-title-not-recognized";
    8 CalledApInvocationIdentifierNotRecognized, "called-AP-invocation-identifier-not-recognized";
    9 CalledAeQualifierNotRecognized, "called-AE-qualifier-not-recognized";
    10 CalledAeInvocationIdentifierNotRecognized, "called-AE-invocation-identifier-not-recognized";
    11 AuthenticationMechanismNameNotRecognised, "authentication-mechanism-name-not-recognised";
    12 AuthenticationMechanismNameRequired, "authentication-mechanism-name-required";
    13 AuthenticationFailure, "authentication-failure";
    14 AuthenticationRequired, "authentication-required";
}

codes! {
    /// What the ACSE of the server says (acse-service-provider).
    ProviderDiagnostic;
    0 Null, "null";
    1 NoReasonGiven, "no-reason-given";
    2 NoCommonAcseVersion, "no-common-acse-version";
}

/// Why the result is what it is (result-source-diagnostic).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Diagnostic {
    /// The application process says so.
    User(UserDiagnostic),
    /// The ACSE says so.
    Provider(ProviderDiagnostic),
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(diagnostic) => diagnostic.fmt(formatter),
            Self::Provider(diagnostic) => write!(formatter, "{diagnostic} from the ACSE"),
        }
    }
}
