//! Who takes part in a plant, and how far its last reading can be trusted.

/// What a device measures in a plant (manual 6.2.1.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Role {
    /// What the sun gives; never negative in a sound installation.
    Production,
    /// What crosses the connection to the grid: import positive, export negative.
    Grid,
    /// What a battery gives: discharge positive, charge negative.
    Battery,
}

/// How far a result can be trusted, from best to worst: the worst member decides, so the greatest one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Quality {
    /// Measured by every member, recently and at nearly the same time.
    Good,
    /// Complete, but a reading was estimated, or the readings lie too far apart in time.
    Estimated,
    /// A member's last reading is too old to be used; what it belongs to is unknown.
    Stale,
    /// A member has no reading, or a role has no member; what it belongs to is unknown.
    Unknown,
}

/// The power that was last read from a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading {
    /// Active power in watts, with the sign the device gave it.
    pub power_w: i32,
    /// How long ago it was measured, in milliseconds.
    pub age_ms: u32,
    /// It was worked out rather than measured.
    pub estimated: bool,
}

impl Reading {
    /// A power that was measured `age_ms` milliseconds ago.
    pub const fn new(power_w: i32, age_ms: u32) -> Self {
        Self { power_w, age_ms, estimated: false }
    }
}

/// How old the readings of a balance may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// The oldest reading that is used at all, in milliseconds.
    pub max_age_ms: u32,
    /// The most that the oldest and the newest reading may lie apart, in milliseconds, before the balance is only
    /// [`Quality::Estimated`]: the sun moves between them.
    pub max_skew_ms: u32,
}

impl Limits {
    /// Limits for members that are read once every `period_ms` milliseconds: two reads may fail before a member is
    /// stale, and members that are read in turn lie at most one period apart.
    pub const fn polled_every(period_ms: u32) -> Self {
        Self { max_age_ms: period_ms.saturating_mul(3), max_skew_ms: period_ms }
    }
}

/// A device in a plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Member {
    /// What it measures.
    pub role: Role,
    /// What was last read from it; none if it never answered or its answer was invalid.
    pub reading: Option<Reading>,
    /// It is mounted the wrong way round: its sign is turned, here and nowhere else.
    pub invert: bool,
}

impl Member {
    /// A device that is mounted the right way round.
    pub const fn new(role: Role, reading: Option<Reading>) -> Self {
        Self { role, reading, invert: false }
    }

    /// The same device, mounted the wrong way round if `invert` is set.
    pub const fn with_invert(mut self, invert: bool) -> Self {
        self.invert = invert;
        self
    }

    /// How far its reading can be trusted by itself.
    pub const fn quality(&self, limits: Limits) -> Quality {
        match self.reading {
            None => Quality::Unknown,
            Some(reading) if reading.age_ms > limits.max_age_ms => Quality::Stale,
            Some(reading) if reading.estimated => Quality::Estimated,
            Some(_) => Quality::Good,
        }
    }

    /// Its power in watts with the sign of the manual; none if its reading is missing or too old.
    pub fn power_w(&self, limits: Limits) -> Option<i64> {
        let reading = self.usable(limits)?;
        let power_w = i64::from(reading.power_w);
        Some(if self.invert { -power_w } else { power_w })
    }

    /// Its reading, if it may be used.
    pub(crate) fn usable(&self, limits: Limits) -> Option<Reading> {
        self.reading.filter(|_| self.quality(limits) < Quality::Stale)
    }
}
