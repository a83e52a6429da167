//! What goes wrong with a meter that is asked, by name.

use ccm_dlms::message::{
    ConfirmedServiceError, Diagnostic, ExceptionResponse, ExceptionServiceError, Fault, MessageError,
    ServiceError, UserDiagnostic,
};
use ccm_dlms::script::SessionError;
use ccm_dlms::{Error, FrameError, LinkError};

use super::output::security;
use crate::cli::stop::Stop;

/// What failed, for programs and for people.
pub(super) fn stop(error: &Error) -> Stop {
    Stop::failed(name(error), error)
}

/// The same while the association is made, where a refusal is about who asks.
pub(super) fn stop_opening(error: &Error) -> Stop {
    match error {
        Error::Session(SessionError::Access(_) | SessionError::Action(_)) => {
            Stop::failed("authentication", format!("the meter refuses the proof: {error}"))
        }
        error => stop(error),
    }
}

const fn name(error: &Error) -> &'static str {
    match error {
        Error::Request(_) => "request",
        Error::Link(error) => link(error),
        // Mostly a block that does not hold what it says.
        Error::Message(MessageError { fault: Fault::Missing, .. }) => "truncated",
        Error::Message(_) => "message",
        Error::Data(_) => "data",
        Error::Security(error) => security(error),
        Error::Session(error) => session(error),
        _ => "dlms",
    }
}

const fn link(error: &LinkError) -> &'static str {
    match error {
        LinkError::Timeout => "timeout",
        LinkError::Disconnected => "disconnected",
        LinkError::Rejected { .. } => "rejected",
        LinkError::Busy => "busy",
        LinkError::Overflow { .. } => "too-long",
        LinkError::Frame(error) => frame(error),
        _ => "link",
    }
}

const fn frame(error: &FrameError) -> &'static str {
    match error {
        FrameError::Checksum | FrameError::HeaderChecksum => "checksum",
        FrameError::Incomplete => "incomplete",
        FrameError::TooLong { .. } => "too-long",
        FrameError::Sequence => "sequence",
        FrameError::AddressWidth { .. }
        | FrameError::Source { .. }
        | FrameError::Destination { .. }
        | FrameError::Port { .. } => "address",
        _ => "frame",
    }
}

const fn session(error: &SessionError) -> &'static str {
    match error {
        SessionError::Refused { diagnostic: Diagnostic::User(diagnostic), .. } => match diagnostic {
            UserDiagnostic::AuthenticationFailure
            | UserDiagnostic::AuthenticationRequired
            | UserDiagnostic::AuthenticationMechanismNameNotRecognised
            | UserDiagnostic::AuthenticationMechanismNameRequired => "authentication",
            _ => "refused",
        },
        SessionError::Refused { .. } | SessionError::Context => "refused",
        SessionError::NoChallenge => "authentication",
        SessionError::NoInitiate | SessionError::Version { .. } => "version",
        SessionError::NotOpen => "not-open",
        SessionError::NotNegotiated => "not-negotiated",
        SessionError::TooLong { .. } | SessionError::Buffer { .. } => "too-long",
        SessionError::Exception(ExceptionResponse { service_error, .. }) => match service_error {
            ExceptionServiceError::DecipheringError => "wrong-key",
            _ => "exception",
        },
        SessionError::Service(error) => service(error),
        SessionError::Access(result) => result.name(),
        SessionError::Action(result) => result.name(),
        SessionError::InvokeId { .. } => "invoke-id",
        SessionError::Unexpected { .. } | SessionError::Count { .. } => "unexpected",
        SessionError::Block(_) => "block",
        SessionError::Truncated { .. } => "truncated",
        _ => "session",
    }
}

/// A server that cannot decipher what it is sent holds another key.
const fn service(error: &ConfirmedServiceError) -> &'static str {
    match error.error {
        DECIPHERING_ERROR => "wrong-key",
        _ => "service-error",
    }
}

/// Application-reference, deciphering-error.
const DECIPHERING_ERROR: ServiceError = ServiceError { class: 0, value: 6 };
