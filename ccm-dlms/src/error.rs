//! What can go wrong, and whose fault it is.

use crate::frame::{LinkError, RequestError};
use crate::message::data::DataError;
use crate::message::{BlockError, MessageError};
use crate::script::SessionError;
use crate::security::SecurityError;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The caller asked for something the link cannot carry.
    #[error("invalid request: {0}")]
    Request(#[from] RequestError),
    /// The link brought no answer.
    #[error("link: {0}")]
    Link(#[from] LinkError),
    /// The answer is no message of the protocol.
    #[error("bad message: {0}")]
    Message(#[from] MessageError),
    /// The answer holds no sound data.
    #[error("bad data: {0}")]
    Data(#[from] DataError),
    /// The answer is not protected as it must be.
    #[error("security: {0}")]
    Security(#[from] SecurityError),
    /// The dialogue with the server broke off, or the server refused.
    #[error("{0}")]
    Session(#[from] SessionError),
}

/// A broken transfer is a broken dialogue.
impl From<BlockError> for Error {
    fn from(error: BlockError) -> Self {
        Self::Session(error.into())
    }
}
