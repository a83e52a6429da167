//! The answer of a server that cannot answer.

use core::fmt;

use ccm_core::{Full, Writer};

use crate::message::MessageError;
use crate::message::codes::{apdu, codes};
use crate::message::cursor::{Cursor, emit_u32};
use crate::message::tag;

codes! {
    /// What the server is in (state-error).
    StateError;
    1 ServiceNotAllowed, "service-not-allowed";
    2 ServiceUnknown, "service-unknown";
}

/// Why the server did not answer (service-error).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExceptionServiceError {
    /// `operation-not-possible`.
    OperationNotPossible,
    /// `service-not-supported`.
    ServiceNotSupported,
    /// `other-reason`.
    OtherReason,
    /// `pdu-too-long`.
    PduTooLong,
    /// `deciphering-error`: a wrong key or tag, or less protection than the server wants.
    DecipheringError,
    /// `invocation-counter-error`.
    InvocationCounterError {
        /// The lowest that the server would accept.
        expected: u32,
    },
    /// A code that the standard does not define; kept as it came.
    Other(u8),
}

impl ExceptionServiceError {
    /// The code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::OperationNotPossible => 1,
            Self::ServiceNotSupported => 2,
            Self::OtherReason => 3,
            Self::PduTooLong => 4,
            Self::DecipheringError => 5,
            Self::InvocationCounterError { .. } => 6,
            Self::Other(code) => code,
        }
    }

    /// The standard's words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OperationNotPossible => "operation-not-possible",
            Self::ServiceNotSupported => "service-not-supported",
            Self::OtherReason => "other-reason",
            Self::PduTooLong => "pdu-too-long",
            Self::DecipheringError => "deciphering-error",
            Self::InvocationCounterError { .. } => "invocation-counter-error",
            Self::Other(_) => "undefined code",
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageError> {
        Ok(match cursor.u8("service-error")? {
            1 => Self::OperationNotPossible,
            2 => Self::ServiceNotSupported,
            3 => Self::OtherReason,
            4 => Self::PduTooLong,
            5 => Self::DecipheringError,
            6 => Self::InvocationCounterError { expected: cursor.u32("invocation-counter")? },
            code => Self::Other(code),
        })
    }
}

/// The server could not make sense of a request, or was not allowed to (Green Book 9.4.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExceptionResponse {
    /// What the server is in.
    pub state_error: StateError,
    /// Why.
    pub service_error: ExceptionServiceError,
}

impl ExceptionResponse {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            state_error: StateError::from_code(cursor.u8("state-error")?),
            service_error: ExceptionServiceError::read(cursor)?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.array([self.state_error.code(), self.service_error.code()])?;
        match self.service_error {
            ExceptionServiceError::InvocationCounterError { expected } => emit_u32(writer, expected),
            _ => Ok(()),
        }
    }
}

apdu!(ExceptionResponse, tag::EXCEPTION_RESPONSE, "exception-response");

impl fmt::Display for ExceptionResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.service_error;
        write!(formatter, "{}, {} ({})", self.state_error, error.name(), error.code())?;
        match error {
            ExceptionServiceError::InvocationCounterError { expected } => {
                write!(formatter, ", expected {expected} or more")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_says_which_counter_the_server_wants() {
        let exception = ExceptionResponse::parse(&[0xD8, 1, 6, 0, 0, 1, 0]).unwrap();
        assert_eq!(
            exception.to_string(),
            "service-not-allowed (1), invocation-counter-error (6), expected 256 or more"
        );
        assert_eq!(ExceptionResponse::parse(&[0xD8, 1, 6]).unwrap_err().field, "invocation-counter");
    }
}
