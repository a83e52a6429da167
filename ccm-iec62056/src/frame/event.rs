//! What a telegram is made of.

use super::Check;
use crate::Value;

/// A piece of a telegram, as the [`Decoder`](super::Decoder) comes upon it.
///
/// Values are given before the checksum behind them is known; what must be sure waits for [`End`](Self::End).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// The identification, without `/` and end of line: a telegram begins.
    Identification(&'a [u8]),
    /// The command between SOH and STX or ETX, such as `P0`.
    Command(&'a [u8]),
    /// What stands before a `(`: a data set begins.
    Address(&'a [u8]),
    /// What stands in a pair of brackets, or a piece of it where address and value are longer than 252.
    Value(Value<'a>),
    /// The data set is over.
    EndSet {
        /// And its line with it.
        ends_line: bool,
    },
    /// The block ends with ETX or EOT; its check character follows.
    EndBlock(Terminator),
    /// The telegram is over.
    End(Check),
    /// ACK.
    Acknowledge,
    /// NAK.
    Repeat,
    /// Something is lost. Values that follow belong to no data set, and are not given, until there is an
    /// [`Address`](Self::Address) again.
    Fault(Fault),
}

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Terminator {
    /// ETX: it was the last one.
    Last,
    /// EOT: a partial block; acknowledged, the next one comes (6.5, partial blocks).
    Partial,
}

/// What is wrong with a data set. The others are not touched by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The line ends within a value.
    #[error("the line ends within a value")]
    Unclosed,
    /// A line without a value.
    #[error("a line holds no value")]
    NoValue,
    /// An address longer than any meter has, or with a control character in it.
    #[error("an address has no end, or holds a control character")]
    Address,
    /// A control character within a value.
    #[error("a value holds a control character")]
    Character,
    /// The bytes end before the telegram does.
    #[error("the telegram has no end")]
    Truncated,
    /// Another telegram begins before this one has ended.
    #[error("a telegram begins within another")]
    Restart,
}
