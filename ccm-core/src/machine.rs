//! The pattern: what a protocol is, and what it may ask of the world.

use crate::{Instant, Line};

/// One exchange of a protocol, without clock or port.
///
/// A driver polls until [`Step::Wait`] or [`Step::Done`], offers bytes as they come, and polls again after each offer
/// and when the wait is over. The rules that make this safe:
///
/// - Time passes only by polling with a later `now`; extra polls are harmless.
/// - The poll that follows a [`Step::Send`] says that the last stop bit has left.
/// - Bytes that have arrived are offered before the machine is told that its wait is over.
/// - No method panics on any input.
pub trait Machine {
    /// Takes bytes from the line and says how many; the rest is offered again after the next poll.
    ///
    /// A machine that answered `Wait` takes at least one byte.
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize;

    /// Says what to do next. Changes its answer as time passes and after each [`receive`](Self::receive).
    fn poll(&mut self, now: Instant) -> Step<'_>;
}

/// What a machine asks of its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step<'a> {
    /// Send these bytes and poll again when the last stop bit has left.
    Send(&'a [u8]),
    /// Change the line's settings, once what was sent has left.
    SetLine(Line),
    /// Offer bytes as they come, and poll at this time at the latest; `None` waits for bytes alone.
    Wait(Option<Instant>),
    /// The exchange is over; its result is in the machine's `outcome()`.
    Done,
}

/// Why a driver could not carry an exchange to its end. What the *device* did wrong is in the machine's `outcome()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DriveError<E> {
    /// The port refused to read or write.
    #[error("the port failed: {0:?}")]
    Port(E),
    /// The other side closed the connection, or the adapter was unplugged.
    #[error("the port was closed")]
    Closed,
    /// The machine wants other line settings, which this port cannot change.
    #[error("the port cannot change its line to {0}")]
    FixedLine(Line),
}

/// Offers the first `length` bytes of `held` to a machine, moves what it left to the front and says how much that is.
#[cfg(any(feature = "blocking", feature = "asynch"))]
pub(crate) fn offer(
    machine: &mut (impl Machine + ?Sized),
    now: Instant,
    held: &mut [u8],
    length: usize,
) -> usize {
    let Some(bytes) = held.get(..length).filter(|bytes| !bytes.is_empty()) else { return 0 };
    // A machine that takes nothing breaks its contract; losing a byte is better than a loop without an end.
    let taken = machine.receive(now, bytes).clamp(1, length);
    held.copy_within(taken..length, 0);
    length - taken
}
