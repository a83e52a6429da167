//! How a unit is to be treated.

use ccm_core::{Duration, WordOrder};

/// How patient a client is with a unit, and how much it asks of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long it may take until its reply begins. The reply's own length comes on top.
    pub timeout: Duration,
    /// A pause before each request beyond the line's own silence, for devices that need one.
    pub gap: Duration,
    /// How long all units get after a broadcast (MB-SERIAL 2.4.1).
    pub turnaround: Duration,
    /// How often a read without an answer is asked again.
    pub retries: u8,
    /// Whether other requests are repeated too: only where doing something twice does no harm.
    pub repeats_writes: bool,
    /// The most registers it gives in one read.
    pub max_registers: u16,
    /// How it lays out values of several registers.
    pub word_order: WordOrder,
}

impl Policy {
    /// A second, no gap, 100 ms after a broadcast, no retries, 125 registers, ABCD.
    pub const DEFAULT: Self = Self {
        timeout: Duration::from_secs(1),
        gap: Duration::ZERO,
        turnaround: Duration::from_millis(100),
        retries: 0,
        repeats_writes: false,
        max_registers: 125,
        word_order: WordOrder::Abcd,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The policies of up to `N` units that differ from all others.
///
/// ```
/// use ccm_core::Duration;
/// use ccm_modbus::{Policies, Policy};
///
/// let mut policies = Policies::<4>::new(Policy::DEFAULT);
/// assert!(policies.set(7, Policy { timeout: Duration::from_secs(3), ..Policy::DEFAULT }));
/// assert_eq!(policies.of(7).timeout, Duration::from_secs(3));
/// assert_eq!(policies.of(8), Policy::DEFAULT);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Policies<const N: usize> {
    others: Policy,
    units: [Option<(u8, Policy)>; N],
}

impl<const N: usize> Policies<N> {
    /// The same policy for all.
    pub const fn new(others: Policy) -> Self {
        Self { others, units: [None; N] }
    }

    /// Sets a unit's policy; false where there is no room.
    pub fn set(&mut self, unit: u8, policy: Policy) -> bool {
        let is_unit = |place: &&mut Option<(u8, Policy)>| place.is_some_and(|(known, _)| known == unit);
        let place = match self.units.iter().flatten().any(|(known, _)| *known == unit) {
            true => self.units.iter_mut().find(is_unit),
            false => self.units.iter_mut().find(|place| place.is_none()),
        };
        place.map(|place| *place = Some((unit, policy))).is_some()
    }

    /// A unit's policy.
    pub fn of(&self, unit: u8) -> Policy {
        let known = self.units.iter().flatten().find(|(known, _)| *known == unit);
        known.map_or(self.others, |(_, policy)| *policy)
    }
}

/// What measured round trips say of a good time-out.
///
/// It follows the mean and the mean deviation as TCP does (RFC 6298): a time-out of the mean and four deviations is
/// passed by one answer in thousands, and never less than twice the longest of the last answers.
///
/// ```
/// use ccm_core::Duration;
/// use ccm_modbus::RoundTrips;
///
/// let mut trips = RoundTrips::new();
/// assert_eq!(trips.timeout(), None);
/// for millis in [20, 25, 22, 180, 21] {
///     trips.record(Duration::from_millis(millis));
/// }
/// assert!(trips.timeout() >= Some(Duration::from_millis(350)));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundTrips {
    /// In microseconds, like all of them.
    mean: u32,
    deviation: u32,
    longest: u32,
    count: u32,
}

impl RoundTrips {
    /// Nothing measured yet.
    pub const fn new() -> Self {
        Self { mean: 0, deviation: 0, longest: 0, count: 0 }
    }

    /// Takes in how long a unit took to answer.
    pub fn record(&mut self, taken: Duration) {
        let taken = u32::try_from(taken.as_micros()).unwrap_or(MOST).min(MOST);
        if self.count == 0 {
            (self.mean, self.deviation) = (taken, taken / 2);
        }
        self.deviation = (self.deviation * 3 + self.mean.abs_diff(taken)) / 4;
        self.mean = (self.mean * 7 + taken) / 8;
        // The longest fades, so that one bad moment is not remembered for ever.
        self.longest = (self.longest - self.longest / 64).max(taken);
        self.count = self.count.saturating_add(1);
    }

    /// How many were measured.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The mean, where something was measured.
    pub fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_micros(self.mean.into()))
    }

    /// A time-out that suits, where something was measured; 10 ms at least.
    pub fn timeout(&self) -> Option<Duration> {
        let micros = (self.mean + 4 * self.deviation).max(2 * self.longest).max(10_000);
        (self.count > 0).then(|| Duration::from_micros(micros.into()))
    }
}

/// A minute: longer than any device takes, and short enough for sums of 32 bits.
const MOST: u32 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_one_policy_and_the_last_one_set() {
        let mut policies = Policies::<1>::new(Policy::DEFAULT);
        let slow = |secs| Policy { timeout: Duration::from_secs(secs), ..Policy::DEFAULT };
        assert!(policies.set(1, slow(2)) && policies.set(1, slow(3)));
        assert!(!policies.set(2, slow(4)), "there is one place");
        assert_eq!(policies.of(1), slow(3));
    }

    #[test]
    fn a_steady_unit_gets_a_short_time_out_and_a_moody_one_a_long_one() {
        let timeout = |trips: &[u64]| {
            let mut known = RoundTrips::new();
            (0..50).flat_map(|_| trips).for_each(|millis| known.record(Duration::from_millis(*millis)));
            known.timeout().unwrap()
        };
        assert!(timeout(&[20]) <= Duration::from_millis(45));
        assert!(timeout(&[20, 20, 20, 600]) >= Duration::from_millis(1000));
        assert_eq!(timeout(&[0]), Duration::from_millis(10));
        let _ = timeout(&[u64::MAX / 2000]);
    }

    #[test]
    fn mean_and_deviation_move_as_rfc_6298_says() {
        let mut known = RoundTrips::new();
        assert_eq!((known.count(), known.mean(), known.timeout()), (0, None, None));
        // The first: its deviation is half of it, and a quarter of that goes.
        known.record(Duration::from_micros(80_000));
        assert_eq!((known.count(), known.mean()), (1, Some(Duration::from_micros(80_000))));
        assert_eq!(known.timeout(), Some(Duration::from_micros(80_000 + 4 * 30_000)));
        // (30000 * 3 + 40000) / 4, (80000 * 7 + 40000) / 8.
        known.record(Duration::from_micros(40_000));
        assert_eq!((known.count(), known.mean()), (2, Some(Duration::from_micros(75_000))));
        assert_eq!(known.timeout(), Some(Duration::from_micros(75_000 + 4 * 32_500)));
    }

    #[test]
    fn the_longest_counts_twice_and_fades() {
        let mut known = RoundTrips::new();
        known.record(Duration::from_micros(640_000));
        (0..200).for_each(|_| known.record(Duration::from_micros(20_000)));
        // 640000 less a 64th of it, two hundred times.
        assert_eq!(known.timeout(), Some(Duration::from_micros(2 * 27_465)));
    }
}
