//! What goes wrong in a dialogue, and whose fault it is.

use crate::message::{
    ActionResult, AssociationResult, BlockError, ConfirmedServiceError, DataAccessResult, Diagnostic,
    ExceptionResponse,
};

/// Why a dialogue ends without a value.
///
/// After any of these the transfer is over and none of it is kept; the association stands where it stood, unless
/// [`Session::is_open`](super::Session::is_open) says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SessionError {
    /// The server refuses the association.
    #[error("association {result}: {diagnostic}")]
    Refused {
        /// For good or for now.
        result: AssociationResult,
        /// Why.
        diagnostic: Diagnostic,
    },
    /// The server accepts another application context than was asked for: it would name objects or protect messages
    /// in another way.
    #[error("the server offers another application context")]
    Context,
    /// The server accepts, and says nothing of what it can do.
    #[error("the server accepts the association without an initiate-response")]
    NoInitiate,
    /// The server speaks another version of DLMS than 6.
    #[error("DLMS version {found}; 6 was proposed")]
    Version {
        /// The server's.
        found: u8,
    },
    /// The server accepts without proof of who it is, or of who asks, though a challenge was sent.
    #[error("the server does not ask for the proof that was agreed on")]
    NoChallenge,
    /// There is no association: open one first.
    #[error("there is no association")]
    NotOpen,
    /// The request needs more than the association agreed to: block transfer, lists, selection, or a service.
    #[error("the association does not allow this service")]
    NotNegotiated,
    /// The settings of the session contradict each other: ciphering or HLS-GMAC without keys, HLS without titles.
    #[error("the session has no {missing}")]
    Settings {
        /// What is missing.
        missing: &'static str,
    },
    /// The request is longer than the server can take, and cannot be cut.
    #[error("the request does not fit {room} bytes and cannot be sent in blocks")]
    TooLong {
        /// What server and buffer take.
        room: usize,
    },
    /// The caller's buffer cannot hold the answer.
    #[error("the buffer must hold {needed} bytes at least")]
    Buffer {
        /// Bytes that have arrived.
        needed: usize,
    },
    /// The server cannot make sense of the request, or does not allow it.
    #[error("the server answered {0}")]
    Exception(ExceptionResponse),
    /// The server refuses the service.
    #[error("{0}")]
    Service(ConfirmedServiceError),
    /// There is no value, or it was not written.
    #[error("the server answered {0}")]
    Access(DataAccessResult),
    /// The method was not carried out.
    #[error("the server answered {0}")]
    Action(ActionResult),
    /// The answer belongs to another request.
    #[error("the answer is to request {found}, not {expected}")]
    InvokeId {
        /// What was sent.
        expected: u8,
        /// What came.
        found: u8,
    },
    /// The answer is of another kind than the request: another service, or another form of it.
    #[error("an APDU with the tag {tag:#04x} is no answer to this request")]
    Unexpected {
        /// Its tag.
        tag: u8,
    },
    /// The list of answers is not as long as that of the requests.
    #[error("{found} answers to {expected} requests")]
    Count {
        /// How many were asked for.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// A block is lost, came twice, or is not the one that was acknowledged.
    #[error("transfer broken: {0}")]
    Block(#[from] BlockError),
    /// The last block has come, and the data do not end with it.
    #[error("the transfer ends in the middle of the data, after {received} bytes")]
    Truncated {
        /// Bytes that have come.
        received: usize,
    },
}
