//! What can go wrong when messages are protected, and whose fault it is.

use ccm_core::Missing;
use ccm_core::crypto::Failure;

use super::{KeyUse, Protection, SystemTitle};

/// Why a message was not protected, or not believed.
///
/// A wrong key cannot be told from a wrong tag: both are [`WrongTag`](Self::WrongTag). What can be known is named before
/// the tag is looked at: another suite, a key set that is not held, a title that is not the peer's. Without
/// authentication not even a tag is there; a wrong key then shows as [`Service`](Self::Service).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SecurityError {
    /// The message ends before one of its fields does.
    #[error(transparent)]
    Truncated(#[from] Missing),
    /// The message goes on after its end.
    #[error("{found} bytes follow the end of the protected message")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// The tag is of no envelope that is opened here, or of no service that can be protected.
    #[error("a message with the tag {tag:#04x} is not protected this way")]
    Envelope {
        /// The tag.
        tag: u8,
    },
    /// General-signing (tag DF) is not spoken.
    #[error("signed messages are not supported")]
    Signing,
    /// A field of the envelope has a length or a value that the standard does not know.
    #[error("the {field} is not as the standard has it")]
    Field {
        /// The field, in the standard's words.
        field: &'static str,
    },
    /// The sender uses another security suite than was agreed.
    #[error("security suite {found}, where {expected} was agreed")]
    Suite {
        /// Ours.
        expected: u8,
        /// The sender's.
        found: u8,
    },
    /// The message was compressed before it was protected; that is not supported.
    #[error("compressed messages are not supported")]
    Compression,
    /// The broadcast key protects the message, and broadcasts are not expected.
    #[error("the message is protected by the broadcast key, which is not expected here")]
    Broadcast,
    /// Somebody else than the peer sends.
    #[error("the system title {found} is not the peer's")]
    UnknownTitle {
        /// The title in the message.
        found: SystemTitle,
    },
    /// The message is for somebody else.
    #[error("the message is for the system title {found}")]
    Recipient {
        /// The title in the message.
        found: SystemTitle,
    },
    /// The peer's system title is not known, and the message does not give it.
    #[error("the peer's system title is not known")]
    NoTitle,
    /// The key that the message is protected with is not held.
    #[error("no {key} key is held")]
    NoKey {
        /// Which one.
        key: KeyUse,
    },
    /// An authentication key has 16 bytes in suites 0 and 1, 32 in suite 2.
    #[error("the authentication key has {found} bytes, the suite takes {expected}")]
    AuthenticationKey {
        /// What the suite takes.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The message has less protection than the receiver asks for.
    #[error("the message is {found}, and must be {required}")]
    Policy {
        /// What the receiver asks for.
        required: Protection,
        /// What the message has.
        found: Protection,
    },
    /// The invocation counter is not above the last one: a repeated message, or a peer that forgot its counter.
    #[error("invocation counter {found} is not above {last}: the message is a repetition")]
    Replay {
        /// The last that was believed.
        last: u32,
        /// The message's.
        found: u32,
    },
    /// The tag does not fit: the key is wrong, or the message was changed.
    #[error("wrong tag: the key is wrong, or the message was changed")]
    WrongTag,
    /// What was in the envelope is not what its tag says, or, without authentication, no message at all: wrong key.
    #[error("the envelope holds a message with the tag {found:#04x}")]
    Service {
        /// The tag within.
        found: u8,
    },
    /// An invocation counter has come to its end; the key must be changed.
    #[error("the invocation counter is at its end: the key must be changed")]
    Exhausted,
    /// Before the next use of the own counter, a new ceiling must be stored (see
    /// [`InvocationCounter`](super::InvocationCounter)).
    #[error("the counter's new ceiling {ceiling} must be stored first")]
    StoreFirst {
        /// What to store.
        ceiling: u32,
    },
    /// The caller's buffer cannot hold the protected message.
    #[error("the buffer must hold {needed} bytes")]
    Buffer {
        /// Bytes it must hold.
        needed: usize,
    },
    /// Challenges have 8 to 64 bytes; the vendor's mechanism 2 takes just 16.
    #[error("a challenge of {found} bytes")]
    ChallengeLength {
        /// How many there are.
        found: usize,
    },
    /// The peer sent our own challenge back, to have us answer it ourselves.
    #[error("the peer's challenge is our own")]
    Reflected,
    /// The peer's answer to our challenge is wrong: it does not know the secret.
    #[error("the peer's answer to the challenge is wrong")]
    WrongAnswer,
    /// What computes refused: a handle of the wrong kind, or an algorithm that is not built in.
    #[error("cryptography: {0}")]
    Crypto(Failure),
}
