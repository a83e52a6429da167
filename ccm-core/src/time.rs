//! Time as the machines know it: given by the caller, in whole microseconds, never read here.

use core::ops::{Add, Sub};

/// A point in time: microseconds since an epoch of the caller's choice. It must never run backwards.
///
/// 64 bits of microseconds last 584 000 years; only then does adding to it wrap round. Subtracting stops at the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant {
    micros: u64,
}

impl Instant {
    /// The epoch.
    pub const ZERO: Self = Self { micros: 0 };

    /// The point `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// The point `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self { micros: millis.saturating_mul(1000) }
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// How long after `earlier` this is; zero where it is before it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration { micros: self.micros.saturating_sub(earlier.micros) }
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        // Saturating would cost a comparison of 64 bits at each of the many places where deadlines are made.
        Self { micros: self.micros.wrapping_add(duration.micros) }
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self { micros: self.micros.saturating_sub(duration.micros) }
    }
}

/// A length of time in whole microseconds.
///
/// Not `core::time::Duration`: its seconds and nanoseconds cost a 64-bit division at each conversion, about 600 bytes
/// of flash on a core that has no divider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Duration {
    micros: u64,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { micros: 0 };

    /// So many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self { micros: millis.saturating_mul(1000) }
    }

    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self { micros: seconds.saturating_mul(1_000_000) }
    }

    /// The whole of it in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// The whole of it in milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.micros / 1000
    }

    /// This duration `factor` times over.
    pub const fn saturating_mul(self, factor: u32) -> Self {
        Self { micros: self.micros.saturating_mul(factor as u64) }
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { micros: self.micros.saturating_add(other.micros) }
    }
}

impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { micros: self.micros.saturating_sub(other.micros) }
    }
}

impl From<core::time::Duration> for Duration {
    fn from(duration: core::time::Duration) -> Self {
        Self { micros: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) }
    }
}

impl From<Duration> for core::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_micros(duration.micros)
    }
}

/// Tells the time to a driver. On a microcontroller a timer, on a host [`SystemClock`](crate::SystemClock).
pub trait Clock {
    /// The time now; never earlier than it was at an earlier call.
    fn now(&self) -> Instant;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// The host's monotonic clock, counted from when it was made.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    epoch: std::time::Instant,
}

#[cfg(feature = "std")]
impl SystemClock {
    /// Starts the epoch now.
    pub fn new() -> Self {
        Self { epoch: std::time::Instant::now() }
    }

    /// The host's instant that `instant` stands for.
    pub fn to_std(&self, instant: Instant) -> std::time::Instant {
        self.epoch + core::time::Duration::from_micros(instant.as_micros())
    }
}

#[cfg(feature = "std")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "std")]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed().into()
    }
}
