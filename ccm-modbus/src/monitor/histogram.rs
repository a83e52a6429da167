//! How long answers take, in little memory.

use ccm_core::Duration;

/// Counts durations in buckets that grow with them: eight to each doubling, from 1 ms to 16.8 s; those below 1 ms have
/// eight of equal width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u16; BUCKETS],
    count: u32,
    longest: u32,
}

impl Histogram {
    /// Nothing counted.
    pub const EMPTY: Self = Self { buckets: [0; BUCKETS], count: 0, longest: 0 };

    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        self.count = self.count.saturating_add(1);
        self.longest = self.longest.max(micros);
        if self.bucket(micros) == u16::MAX {
            // All of them, so that their proportions stay.
            self.buckets.iter_mut().for_each(|bucket| *bucket /= 2);
        }
        if let Some(bucket) = self.buckets.get_mut(index(micros)) {
            *bucket += 1;
        }
    }

    /// How many were counted.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The longest, exactly.
    pub fn longest(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_micros(self.longest.into()))
    }

    /// The duration that `percent` of all were not longer than; it is off by 6.25 % at most, below 1 ms by 64 µs, and
    /// says nothing of what is longer than 16.8 s. Once a bucket is full, at 65 535, older ones count half.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let total: u32 = self.buckets.iter().map(|count| u32::from(*count)).sum();
        let rank = (total * u32::from(percent.min(100))).div_ceil(100).max(1);
        let mut below = 0;
        let reaches = |count: &u16| {
            below += u32::from(*count);
            below >= rank
        };
        let found = self.buckets.iter().position(reaches).filter(|_| total > 0)?;
        Some(Duration::from_micros(middle(found).min(self.longest).into()))
    }

    fn bucket(&self, micros: u32) -> u16 {
        self.buckets.get(index(micros)).copied().unwrap_or_default()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The bucket of so many microseconds.
fn index(micros: u32) -> usize {
    let micros = micros.min(LAST);
    let octave = (u32::BITS - micros.leading_zeros()).saturating_sub(FIRST_BITS);
    let shift = FIRST_BITS - 3 + octave.saturating_sub(1);
    let within = (micros >> shift) & 7;
    // 120 at most.
    usize::try_from(octave * 8 + within).unwrap_or(BUCKETS)
}

/// The middle of a bucket.
fn middle(index: usize) -> u32 {
    let index = u32::try_from(index).unwrap_or_default();
    let (octave, within) = (index / 8, index % 8);
    let shift = FIRST_BITS - 3 + octave.saturating_sub(1);
    let first = if octave == 0 { within } else { within + 8 };
    (first << shift) + (1 << shift) / 2
}

/// Below 2 to the power of this, all buckets are of one width.
const FIRST_BITS: u32 = 10;

/// The last microsecond that has a bucket: 2 to the power of 24, less one.
const LAST: u32 = (1 << 24) - 1;

/// One group of eight below 1 ms, and one for each of the 14 doublings after it.
const BUCKETS: usize = 120;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut last = 0;
        for micros in 0..=LAST {
            let found = index(micros);
            assert!(found == last || found == last + 1, "{micros}: {last} then {found}");
            last = found;
        }
        assert_eq!((last, index(u32::MAX)), (BUCKETS - 1, BUCKETS - 1));
    }

    #[test]
    fn a_full_bucket_halves_all_and_keeps_the_proportions() {
        let mut histogram = Histogram::EMPTY;
        for number in 0..400_000_u32 {
            let millis = if number % 10 == 0 { 80 } else { 5 };
            histogram.record(Duration::from_millis(millis));
        }
        assert_eq!(histogram.count(), 400_000);
        let [p50, p95] = [50, 95].map(|percent| histogram.percentile(percent).unwrap().as_micros());
        assert!(p50.abs_diff(5000) < 313 && p95.abs_diff(80_000) < 5000, "{p50} {p95}");
    }

    #[test]
    fn nothing_counted_is_no_duration() {
        assert_eq!((Histogram::EMPTY.percentile(50), Histogram::EMPTY.longest()), (None, None));
    }

    proptest! {
        #[test]
        fn percentiles_are_as_exact_as_is_said(
            mut micros in prop::collection::vec(0..LAST, 1..200), percent in 1..=100_u8,
        ) {
            let mut histogram = Histogram::EMPTY;
            micros.iter().for_each(|micros| histogram.record(Duration::from_micros((*micros).into())));
            micros.sort_unstable();
            let rank = (micros.len() * usize::from(percent)).div_ceil(100);
            let exact = u64::from(micros[rank - 1]);
            let found = histogram.percentile(percent).unwrap().as_micros();
            prop_assert!(found.abs_diff(exact) <= (exact / 16).max(64), "{} for {}", found, exact);
            prop_assert_eq!(histogram.longest(), micros.last().map(|last| Duration::from_micros((*last).into())));
        }
    }
}
