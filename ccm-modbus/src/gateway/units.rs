//! Where the units are, and which of them have been silent for too long.

use ccm_core::Instant;

use super::{RouteError, Settings};

/// All units, by their number.
#[derive(Debug)]
pub(super) struct Units {
    units: [Unit; UNITS],
}

#[derive(Clone, Copy, Debug)]
struct Unit {
    /// [`NOWHERE`] without a route.
    port: u8,
    /// Failures in a row.
    failures: u8,
    /// When it may be asked again, in [ticks](tick).
    again: u32,
}

impl Units {
    /// No unit has a route.
    pub(super) const NOBODY: Self = Self { units: [Unit { port: NOWHERE, failures: 0, again: 0 }; UNITS] };

    pub(super) fn route(&mut self, first: u8, last: u8, port: usize) -> Result<(), RouteError> {
        let range = usize::from(first)..usize::from(last) + 1;
        let units = self.units.get_mut(range).filter(|units| first > 0 && !units.is_empty());
        let units = units.ok_or(RouteError::Units { first, last })?;
        if let Some((unit, _)) = (first..).zip(&*units).find(|(_, unit)| unit.port != NOWHERE) {
            return Err(RouteError::Taken { unit });
        }
        let port = u8::try_from(port).unwrap_or(NOWHERE);
        units.iter_mut().for_each(|unit| unit.port = port);
        Ok(())
    }

    /// The port that leads to `unit`.
    pub(super) fn port(&self, unit: u8) -> Option<usize> {
        let unit = self.units.get(usize::from(unit))?;
        (unit.port != NOWHERE).then_some(usize::from(unit.port))
    }

    /// Whether any unit is on `port`.
    pub(super) fn is_used(&self, port: usize) -> bool {
        self.units.iter().any(|unit| usize::from(unit.port) == port)
    }

    /// Whether `unit` has failed too often in a row.
    pub(super) fn is_dead(&self, unit: u8, settings: &Settings) -> bool {
        self.units.get(usize::from(unit)).is_some_and(|unit| unit.failures >= settings.failures.max(1))
    }

    /// Whether it is dead and need not be asked yet.
    pub(super) fn is_resting(&self, unit: u8, now: Instant, settings: &Settings) -> bool {
        let rests = |unit: &Unit| tick(now) < unit.again;
        self.is_dead(unit, settings) && self.units.get(usize::from(unit)).is_some_and(rests)
    }

    /// A dead unit that is asked rests from now on, so that only one request finds out.
    pub(super) fn asked(&mut self, unit: u8, now: Instant, settings: &Settings) {
        if self.is_dead(unit, settings) {
            self.rest(unit, now, settings);
        }
    }

    pub(super) fn answered(&mut self, unit: u8) {
        if let Some(unit) = self.units.get_mut(usize::from(unit)) {
            unit.failures = 0;
        }
    }

    pub(super) fn failed(&mut self, unit: u8, now: Instant, settings: &Settings) {
        if let Some(unit) = self.units.get_mut(usize::from(unit)) {
            unit.failures = unit.failures.saturating_add(1);
        }
        self.rest(unit, now, settings);
    }

    fn rest(&mut self, unit: u8, now: Instant, settings: &Settings) {
        if let Some(unit) = self.units.get_mut(usize::from(unit)) {
            unit.again = tick(now + settings.rest);
        }
    }
}

/// A little more than a second. 32 bits of them last a century, take half the room of an [`Instant`] in each unit, and
/// are made without a division.
fn tick(now: Instant) -> u32 {
    u32::try_from(now.as_micros() >> 20).unwrap_or(u32::MAX)
}

/// 0, which is everybody, and the units 1 to 247 (MB-SERIAL 2.2).
const UNITS: usize = 248;

const NOWHERE: u8 = u8::MAX;
