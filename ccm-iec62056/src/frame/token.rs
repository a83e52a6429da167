//! Where a decoder stands, and what it makes of a byte.

use super::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Between telegrams.
    Outside,
    Identification,
    /// After SOH.
    Command,
    /// At the start of a line.
    Line,
    /// In an address.
    Address,
    /// Within brackets.
    Value,
    /// Right behind `)`.
    Closed,
    /// Behind `!`: digits of a CRC may follow.
    Mark,
    /// The next byte is the check character.
    Bcc,
}

/// An [`Event`](super::Event) without its text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Identification,
    Command,
    Address,
    Value,
    Piece,
    EndSet,
    EndLine,
    EndPartial,
    EndLast,
    End,
    Acknowledge,
    Repeat,
    Fault(Fault),
}

/// What becomes of a byte.
pub(super) enum Fate {
    /// It is taken.
    Taken,
    /// It is taken and means something.
    Means(Token),
    /// First this; then it comes again.
    After(Token),
    /// The state is another one; it comes again.
    Again,
}
