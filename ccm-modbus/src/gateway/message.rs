//! What goes in and out of a gateway.

use crate::{Frame, Request};

/// A message, the client that it comes from or goes to, and the transaction it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Adu<'a> {
    /// The client's number, below `CLIENTS`.
    pub client: usize,
    /// The transaction identifier, which the answer repeats.
    pub transaction: u16,
    /// The unit and the PDU.
    pub frame: Frame<'a>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict<'a> {
    /// It waits for its port; [`Gateway::reply`](super::Gateway::reply) will have its answer.
    Queued,
    /// This PDU refuses it. That is its answer.
    Refused([u8; 2]),
    /// The cache knows the answer: this PDU.
    Cached(&'a [u8]),
}

impl Verdict<'_> {
    /// The PDU of an answer that is there at once.
    pub const fn answer(&self) -> Option<&[u8]> {
        match self {
            Self::Queued => None,
            Self::Refused(pdu) => Some(pdu.as_slice()),
            Self::Cached(pdu) => Some(pdu),
        }
    }
}

/// What a port carries next: start a client with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ask<'a> {
    /// The unit; 0 is a broadcast.
    pub unit: u8,
    /// The request.
    pub request: Request<'a>,
    /// Whether it is worth repeating: not where the unit has been silent for long.
    pub may_retry: bool,
}

/// What has happened so far; each number wraps round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Counters {
    /// Requests that came.
    pub requests: u32,
    /// Those put on a line, without retries.
    pub asked: u32,
    /// Those a device answered, refusals included.
    pub answered: u32,
    /// Those that shared the answer to an identical one.
    pub shared: u32,
    /// Those answered from the cache.
    pub cached: u32,
    /// Those refused at once.
    pub refused: u32,
    /// Those answered 0B after they had been queued.
    pub failed: u32,
}

impl Counters {
    pub(super) const ZERO: Self =
        Self { requests: 0, asked: 0, answered: 0, shared: 0, cached: 0, refused: 0, failed: 0 };
}
