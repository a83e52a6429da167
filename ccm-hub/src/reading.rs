//! A value and how far it can be trusted.

use ccm_core::{Duration, Instant};
use ccm_registry::{Decimal, Invalid};

/// What is known of one quantity of one device. Unknown is a state of its own, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The value that was read last, however old.
    pub value: Option<Decimal>,
    /// How long ago it was measured; nothing where it never was.
    pub age: Option<Duration>,
    /// How far it can be trusted.
    pub quality: Quality,
}

impl Reading {
    /// The value where it can be trusted.
    pub fn good(&self) -> Option<Decimal> {
        self.value.filter(|_| self.quality == Quality::Good)
    }
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Measured, and not long ago.
    Good,
    /// Measured, but too long ago.
    Stale,
    /// Read, but no value.
    Invalid(Invalid),
    /// Not read yet.
    Never,
}

impl Quality {
    /// The name in the API.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Stale => "stale",
            Self::Invalid(_) => "invalid",
            Self::Never => "never",
        }
    }
}

/// What was read last, when, and how old it was by then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot(Option<(Result<Decimal, Invalid>, Instant, Duration)>);

impl Slot {
    pub(crate) const fn set(&mut self, value: Result<Decimal, Invalid>, now: Instant) {
        self.set_older(value, now, Duration::ZERO);
    }

    /// What was `older` when it came: it may be older than the clock.
    pub(crate) const fn set_older(&mut self, value: Result<Decimal, Invalid>, now: Instant, older: Duration) {
        self.0 = Some((value, now, older));
    }

    /// Whether there has never been anything in it.
    pub(crate) const fn is_empty(&self) -> bool {
        matches!(self.0, None | Some((Err(Invalid::Unsupported), ..)))
    }

    pub(crate) fn reading(&self, now: Instant, max_age: Duration) -> Reading {
        let Some((value, measured, older)) = self.0 else {
            return Reading { value: None, age: None, quality: Quality::Never };
        };
        let age = now.since(measured) + older;
        let quality = match value {
            Err(reason) => Quality::Invalid(reason),
            Ok(_) if age > max_age => Quality::Stale,
            Ok(_) => Quality::Good,
        };
        Reading { value: value.ok(), age: Some(age), quality }
    }
}
