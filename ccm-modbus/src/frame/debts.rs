//! Which units still owe an answer, and how an owed one is told from the one that is wanted.

use ccm_core::Instant;

use super::Expected;

/// What a client remembers of the units on a line: 496 bytes on a serial line, nothing on a network.
pub trait Debts: core::fmt::Debug {
    /// Nobody owes anything.
    const NONE: Self;

    /// Whether an earlier request to `unit` may still be answered.
    fn is_suspect(&self, unit: u8) -> bool;

    /// An exchange was left without its reply, which may still come.
    fn doubt(&mut self, now: Instant, asked: &Expected);

    /// A unit has answered a probe; says whether nothing is owed any more.
    fn settle(&mut self, asked: &Expected, refused: bool) -> bool;

    /// Whether a unit has been left alone for so long that what it owed will not come any more.
    fn is_past(&self, now: Instant, unit: u8) -> bool;

    /// How much of a read of `wanted` to ask a suspect unit for; nothing where it is to be left alone.
    fn probe(&mut self, now: Instant, unit: u8, is_coils: bool, wanted: u16) -> Option<u16>;
}

/// On a network each transaction has its number: nothing owed can be taken for anything else.
impl Debts for () {
    const NONE: Self = ();

    fn is_suspect(&self, _unit: u8) -> bool {
        false
    }

    fn doubt(&mut self, _now: Instant, _asked: &Expected) {}

    fn settle(&mut self, _asked: &Expected, _refused: bool) -> bool {
        true
    }

    fn is_past(&self, _now: Instant, _unit: u8) -> bool {
        true
    }

    fn probe(&mut self, _now: Instant, _unit: u8, _is_coils: bool, wanted: u16) -> Option<u16> {
        Some(wanted)
    }
}

/// The debts of the units on a serial line.
#[derive(Debug)]
pub struct Ledger {
    /// What each unit may still answer: a bit for each short length, and the lowest for longer ones.
    owed: [u8; UNITS],
    /// When each unit last left a question open, in steps of about a second.
    since: [u8; UNITS],
}

impl Ledger {
    fn owe(&mut self, asked: &Expected) {
        if let Some(owed) = self.owed.get_mut(usize::from(asked.unit)) {
            *owed |= size_bit(asked.is_coil_read(), asked.count()) | LONG;
        }
    }

    fn clear(&mut self, unit: u8) {
        if let Some(owed) = self.owed.get_mut(usize::from(unit)) {
            *owed = 0;
        }
    }
}

impl Debts for Ledger {
    const NONE: Self = Self { owed: [0; UNITS], since: [0; UNITS] };

    fn is_suspect(&self, unit: u8) -> bool {
        self.owed.get(usize::from(unit)).is_some_and(|owed| *owed != 0)
    }

    fn doubt(&mut self, now: Instant, asked: &Expected) {
        if !asked.is_ambiguous {
            return;
        }
        self.owe(asked);
        if let Some(since) = self.since.get_mut(usize::from(asked.unit)) {
            *since = stamp(now);
        }
    }

    /// A refusal may be an earlier request's, so it proves nothing, and the reply to the probe may still come.
    fn settle(&mut self, asked: &Expected, refused: bool) -> bool {
        if refused {
            self.owe(asked);
        } else {
            self.clear(asked.unit);
        }
        !refused
    }

    fn is_past(&self, now: Instant, unit: u8) -> bool {
        let since = self.since.get(usize::from(unit)).copied().unwrap_or_default();
        stamp(now).wrapping_sub(since) > PAST
    }

    /// So little that the reply has a length that no owed reply has, and neither has the one to the whole: when it comes,
    /// all earlier ones are past. Where there is no such length any more the unit is left alone for a while.
    fn probe(&mut self, now: Instant, unit: u8, is_coils: bool, wanted: u16) -> Option<u16> {
        let owed = self.owed.get(usize::from(unit)).copied().unwrap_or_default();
        let taken = owed | size_bit(is_coils, count(is_coils, wanted));
        match (1..8).find(|size| taken >> size & 1 == 0) {
            Some(size) if is_coils => Some(size * 8),
            Some(size) => Some(size),
            None if self.is_past(now, unit) => {
                self.clear(unit);
                Some(wanted)
            }
            None => None,
        }
    }
}

/// How many bytes of values a read brings; the limits of the functions keep that below 251.
pub(crate) const fn count(is_coils: bool, quantity: u16) -> u8 {
    let [_, count] = if is_coils { quantity.div_ceil(8) } else { quantity * 2 }.to_be_bytes();
    count
}

/// A bit for each short length of a read's values: one byte or register, two, and so on to seven; none for longer.
const fn size_bit(is_coils: bool, count: u8) -> u8 {
    let size = if is_coils { count } else { count / 2 };
    if size < 8 { 1 << size } else { LONG }
}

/// Steps of 2^20 microseconds: a division by a million would cost 600 bytes of flash.
const fn stamp(now: Instant) -> u8 {
    let [.., stamp] = (now.as_micros() >> 20).to_be_bytes();
    stamp
}

/// Unit numbers are below this (MB-SERIAL 2.2).
const UNITS: usize = 248;

/// Something longer than the short lengths is owed.
const LONG: u8 = 1;

/// A unit that owes answers of every length is left alone for ten to eleven of these steps.
const PAST: u8 = 10;
