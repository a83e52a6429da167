//! Why a push gives no readings.

use crate::frame::FrameError;
use crate::message::data::DataError;
use crate::message::{BlockError, MessageError};
use crate::security::SecurityError;

/// Why a push gives no readings. It costs that push alone: the listener goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PushError {
    /// The bytes were no frame, or a frame is missing. Noise between pushes is not told.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// A block of a general block transfer is missing, or there is no room for it.
    #[error("bad block: {0}")]
    Block(#[from] BlockError),
    /// The push is not protected as it must be, or there is no key for it.
    #[error("security: {0}")]
    Security(#[from] SecurityError),
    /// The APDU contradicts itself or the standard; the place is counted from its first byte, when it was opened.
    #[error("bad message: {0}")]
    Message(#[from] MessageError),
    /// Its body is no sound data; the place is counted from the APDU's first byte.
    #[error("bad data: {0}")]
    Data(#[from] DataError),
    /// An APDU that pushes nothing.
    #[error("an APDU with the tag {tag:#04x} is no push")]
    Unexpected {
        /// Its tag.
        tag: u8,
    },
}
