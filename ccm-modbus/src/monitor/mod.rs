//! The bus monitor: how each unit on a line does, and how busy the line is.
//!
//! [`Monitor`] counts the [`Event`]s of a [`Tracker`](crate::tracker::Tracker): what FC 8 would say of a unit that had its
//! counters (MB-APP 6.8.1), seen from outside, and how long it takes to answer.
//!
//! ```
//! use ccm_core::{Instant, Line};
//! use ccm_modbus::monitor::Monitor;
//! use ccm_modbus::tracker::Tracker;
//!
//! let mut buffer = [0; 512];
//! let line = Line::new(9600);
//! let mut tracker = Tracker::new(line, &mut buffer);
//! let mut monitor = Monitor::<32>::new(line, Instant::ZERO);
//! // Unit 17 is asked and answers; then it is asked again and does not; then unit 18 is asked.
//! let traffic: [(u64, &[u8]); 4] = [
//!     (8, b"\x11\x03\x00\x6B\x00\x03\x76\x87"),
//!     (40, b"\x11\x03\x06\xAE\x41\x56\x52\x43\x40\x49\xAD"),
//!     (100, b"\x11\x03\x00\x6B\x00\x03\x76\x87"),
//!     (900, b"\x12\x03\x00\x6B\x00\x03\x76\xB4"),
//! ];
//! for (millis, bytes) in traffic {
//!     tracker.hear(Instant::from_millis(millis), bytes, |event| monitor.record(&event));
//! }
//! let unit = monitor.unit(17).ok_or("never seen")?;
//! assert_eq!((unit.requests, unit.replies, unit.unanswered), (2, 1, 1));
//! assert_eq!(unit.trips.longest().map(|longest| longest.as_millis()), Some(20));
//! assert_eq!(monitor.load(Instant::from_millis(1000)), 36);
//! # Ok::<(), &str>(())
//! ```
//!
//! | field | as FC 8 counts it |
//! |---|---|
//! | [`Totals::messages`] | 0B, sound messages on the line |
//! | [`Totals::errors`] | 0C, wrong checksums; a run of noise as long as a frame counts as one |
//! | [`Unit::exceptions`] | 0D, refusals |
//! | [`Unit::requests`] + [`Totals::broadcasts`] | 0E, messages to the unit |
//! | [`Unit::unanswered`] + [`Totals::broadcasts`] | 0F, messages that it did not answer |
//! | [`Unit::negative`], [`Unit::busy`] | 10 and 11, refusals as "negative acknowledge" and "busy" |
//!
//! They have 32 bits here and stay at their end. Of each unit,
//! `requests = replies + exceptions + unanswered`, but for one that is still open.

mod histogram;

pub use histogram::Histogram;

use ccm_core::{Duration, Instant, Line};

use crate::message::REFUSED;
use crate::tracker::{Event, Role, Sighting};
use crate::{Exception, Frame};

/// The counters of a line and of up to `N` units on it; each unit takes 300 bytes.
#[derive(Clone, Debug)]
pub struct Monitor<const N: usize> {
    line: Line,
    since: Instant,
    totals: Totals,
    units: [Option<Unit>; N],
}

/// What was heard of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its number.
    pub unit: u8,
    /// Requests to it, broadcasts not included.
    pub requests: u32,
    /// Its normal replies.
    pub replies: u32,
    /// Its refusals.
    pub exceptions: u32,
    /// Those of them that were "busy".
    pub busy: u32,
    /// Those of them that were "negative acknowledge".
    pub negative: u32,
    /// Requests without a sound reply before the next request: time-outs, garbled replies included.
    pub unanswered: u32,
    /// Garbled messages while its reply was waited for.
    pub errors: u32,
    /// Replies that answer no request that was heard.
    pub strays: u32,
    /// How long it took from the end of a request to the beginning of the reply.
    pub trips: Histogram,
}

/// What was heard on the whole line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Totals {
    /// Sound messages.
    pub messages: u32,
    /// Requests to one unit.
    pub requests: u32,
    /// Requests to all.
    pub broadcasts: u32,
    /// Normal replies.
    pub replies: u32,
    /// Refusals.
    pub exceptions: u32,
    /// Requests without a sound reply.
    pub unanswered: u32,
    /// Replies to no request that was heard.
    pub strays: u32,
    /// Garbled messages.
    pub errors: u32,
    /// Bytes that were part of no sound message.
    pub noise_bytes: u32,
    /// All bytes.
    pub bytes: u64,
}

impl<const N: usize> Monitor<N> {
    /// Nothing heard since `now` on this line.
    pub const fn new(line: Line, now: Instant) -> Self {
        Self { line, since: now, totals: Totals::ZERO, units: [None; N] }
    }

    /// Counts an event.
    pub fn record(&mut self, event: &Event<'_>) {
        match event {
            Event::Frame(sighting) => self.frame(sighting),
            Event::Unanswered { unit, .. } => {
                bump(&mut self.totals.unanswered);
                self.count(*unit, |unit| bump(&mut unit.unanswered));
            }
            Event::Noise { bytes, waited_for, .. } => self.noise(bytes.len(), *waited_for),
        }
    }

    /// The whole line.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The units that were heard of, in the order in which they were; those for whom there was no room are in the
    /// [totals](Self::totals) only.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().flatten()
    }

    /// One unit, if it was heard of.
    pub fn unit(&self, unit: u8) -> Option<&Unit> {
        self.units().find(|known| known.unit == unit)
    }

    /// For how much of the time until `now` somebody was sending, in permille. The silence that frames need is not in
    /// it, so a line that carries short frames is full long before 1000.
    pub fn load(&self, now: Instant) -> u32 {
        let elapsed = now.since(self.since).as_micros().max(1);
        let busy = self.line.character().as_micros().saturating_mul(self.totals.bytes);
        u32::try_from(busy.saturating_mul(1000) / elapsed).unwrap_or(u32::MAX)
    }

    fn frame(&mut self, sighting: &Sighting<'_>) {
        bump(&mut self.totals.messages);
        self.bytes(sighting.bytes.len());
        let unit = sighting.frame.unit;
        match sighting.role {
            Role::Request if unit == 0 => bump(&mut self.totals.broadcasts),
            Role::Request => {
                bump(&mut self.totals.requests);
                self.count(unit, |unit| bump(&mut unit.requests));
            }
            Role::Reply { after } => self.reply(&sighting.frame, after),
            Role::Stray => {
                bump(&mut self.totals.strays);
                self.count(unit, |unit| bump(&mut unit.strays));
            }
        }
    }

    fn reply(&mut self, frame: &Frame<'_>, after: Option<Duration>) {
        let exception = match *frame.pdu {
            [code, exception, ..] if code & REFUSED != 0 => Some(exception),
            _ => None,
        };
        let totals = &mut self.totals;
        bump(if exception.is_some() { &mut totals.exceptions } else { &mut totals.replies });
        self.count(frame.unit, |unit| unit.reply(exception, after));
    }

    fn noise(&mut self, bytes: usize, waited_for: Option<u8>) {
        self.bytes(bytes);
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.totals.noise_bytes = self.totals.noise_bytes.saturating_add(count);
        if bytes < SHORTEST_FRAME {
            return;
        }
        bump(&mut self.totals.errors);
        if let Some(unit) = waited_for {
            self.count(unit, |unit| bump(&mut unit.errors));
        }
    }

    fn bytes(&mut self, count: usize) {
        self.totals.bytes = self.totals.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn count(&mut self, unit: u8, count: impl FnOnce(&mut Unit)) {
        let is_place = |place: &&mut Option<Unit>| place.is_none_or(|known| known.unit == unit);
        if let Some(place) = self.units.iter_mut().find(is_place) {
            count(place.get_or_insert(Unit::new(unit)));
        }
    }
}

impl Totals {
    const ZERO: Self = Self {
        messages: 0,
        requests: 0,
        broadcasts: 0,
        replies: 0,
        exceptions: 0,
        unanswered: 0,
        strays: 0,
        errors: 0,
        noise_bytes: 0,
        bytes: 0,
    };
}

impl Unit {
    const fn new(unit: u8) -> Self {
        Self {
            unit,
            requests: 0,
            replies: 0,
            exceptions: 0,
            busy: 0,
            negative: 0,
            unanswered: 0,
            errors: 0,
            strays: 0,
            trips: Histogram::EMPTY,
        }
    }

    fn reply(&mut self, exception: Option<u8>, after: Option<Duration>) {
        if let Some(after) = after {
            self.trips.record(after);
        }
        match exception {
            None => return bump(&mut self.replies),
            Some(NEGATIVE) => bump(&mut self.negative),
            Some(code) if Exception::from_code(code) == Exception::ServerDeviceBusy => bump(&mut self.busy),
            Some(_) => {}
        }
        bump(&mut self.exceptions);
    }
}

fn bump(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// Unit, function code and checksum: less cannot have been a message.
const SHORTEST_FRAME: usize = 4;

/// "Negative acknowledge", of old devices; FC 8 still counts it (MB-APP 6.8.1).
const NEGATIVE: u8 = 0x07;

#[cfg(test)]
mod tests;
