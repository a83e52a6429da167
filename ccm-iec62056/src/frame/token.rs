//! What a decoder makes of a byte.

use super::Fault;

/// An [`Event`](super::Event) without its text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token {
    Identification,
    Command,
    Address,
    Value,
    Piece,
    EndSet { ends_line: bool },
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
