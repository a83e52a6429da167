//! What can go wrong, and whose fault it is.

use ccm_core::Full;

use crate::Check;

/// Why an exchange brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The caller asked for something the protocol cannot carry.
    #[error("invalid request: {0}")]
    Request(#[from] RequestError),
    /// Bytes came from the line, but no sound answer.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// The meter understood and refused.
    #[error("meter answered {0}")]
    Refused(Refusal),
    /// The meter has answered NAK each time.
    #[error("the meter does not understand the message")]
    Repeat,
    /// The meter ended the dialogue: wrong password, or a command it does not know.
    #[error("the meter broke off the dialogue")]
    Break,
    /// The meter answered something that this point of the dialogue does not have.
    #[error("the meter's answer does not belong here")]
    Unexpected,
    /// Nothing came before the deadline.
    #[error("no reply")]
    Timeout,
    /// No exchange was started, or it is not over.
    #[error("the exchange is not over")]
    Unfinished,
}

/// What the caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// The message does not fit the buffer.
    #[error("the buffer is too small for the message")]
    Buffer,
    /// The meter did not offer this speed, or the character means none (6.3.2).
    #[error("speed character {asked:#04x} was not offered; the meter said {offered:#04x}")]
    Speed {
        /// What was to be chosen.
        asked: u8,
        /// What the identification says; 0 where there was none.
        offered: u8,
    },
    /// A character that would end the message early.
    #[error("a character that the message cannot carry")]
    Character,
    /// The password does not fit the meter's algorithm or operand.
    #[error("the password or the meter's operand has the wrong form")]
    Password,
}

impl From<Full> for RequestError {
    fn from(Full: Full) -> Self {
        Self::Buffer
    }
}

/// What came was no sound answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The checksum is wrong, after all repeats.
    #[error("the checksum is wrong")]
    Checksum(Check),
    /// The telegram has no end.
    #[error("the telegram has no end")]
    Truncated,
    /// Bytes came, but nothing that begins a telegram: wrong speed, wrong parity, or noise.
    #[error("what came is no telegram: wrong speed or noise")]
    Noise,
    /// An encrypted telegram is shorter than it says, or of another kind.
    #[error("the encrypted telegram has the wrong form")]
    Envelope,
    /// An encrypted telegram was changed, or the key is not the meter's.
    #[error("the encrypted telegram does not open: wrong key, or changed data")]
    Key,
}

/// The meter's own words for its refusal, such as `ER07`; 16 characters of it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    text: [u8; REFUSAL],
    length: u8,
}

impl Refusal {
    pub(crate) fn new(words: &[u8]) -> Self {
        let mut text = [0; REFUSAL];
        text.iter_mut().zip(words).for_each(|(slot, byte)| *slot = *byte);
        Self { text, length: u8::try_from(words.len().min(REFUSAL)).unwrap_or_default() }
    }

    /// What the meter said.
    pub fn text(&self) -> &[u8] {
        self.text.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.text().iter().try_for_each(|byte| core::fmt::Write::write_char(formatter, char::from(*byte)))
    }
}

impl core::fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Refusal({self})")
    }
}

const REFUSAL: usize = 16;
