//! Notices a meter that is mounted the wrong way round.

/// Something a person should look at; the text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Warning {
    /// A production meter has been reading clearly below 0 for a while.
    #[error(
        "production stays negative ({power_w} W): the meter is mounted the wrong way round; turn it or set `invert`"
    )]
    ProductionNegative {
        /// The latest of the readings, in watts.
        power_w: i64,
    },
    /// The consumption of a plant has been clearly below 0 for a while.
    #[error(
        "consumption stays negative ({power_w} W): a grid meter is mounted the wrong way round, or a production \
         meter is not in the plant; turn it, set `invert`, or add the meter"
    )]
    ConsumptionNegative {
        /// The latest of the readings, in watts.
        power_w: i64,
    },
}

/// What a [`SignCheck`] watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Subject {
    /// The power of one production member, [`Member::power_w`](crate::Member::power_w).
    Production,
    /// The consumption of a plant, [`Balance::consumption_w`](crate::Balance::consumption_w).
    Consumption,
}

/// Watches a power that should not be negative, one reading at a time.
///
/// ```
/// use ccm_solar::{SignCheck, Subject, Warning};
///
/// let mut check = SignCheck::new(Subject::Production);
/// for _ in 1..SignCheck::PERSISTENT {
///     assert_eq!(check.observe(Some(-1234)), None);
/// }
/// assert_eq!(check.observe(Some(-1234)), Some(Warning::ProductionNegative { power_w: -1234 }));
/// assert_eq!(check.observe(Some(1234)), None);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SignCheck {
    subject: Subject,
    negative_readings: u16,
}

impl SignCheck {
    /// Watts below 0 that mean nothing: an inverter's own use at night.
    pub const TOLERANCE_W: i64 = 50;
    /// Negative readings in a row after which it warns. A passing cloud between two reads does not last that long.
    pub const PERSISTENT: u16 = 10;

    /// Starts watching.
    pub const fn new(subject: Subject) -> Self {
        Self { subject, negative_readings: 0 }
    }

    /// Takes the next reading in watts, each reading once, and warns as long as the sign stays wrong. A missing
    /// reading proves nothing: it neither warns nor makes forget.
    pub fn observe(&mut self, power_w: Option<i64>) -> Option<Warning> {
        let power_w = power_w?;
        let negative = power_w < -Self::TOLERANCE_W;
        self.negative_readings = if negative { self.negative_readings.saturating_add(1) } else { 0 };
        (self.negative_readings >= Self::PERSISTENT).then(|| self.warning(power_w))
    }

    const fn warning(&self, power_w: i64) -> Warning {
        match self.subject {
            Subject::Production => Warning::ProductionNegative { power_w },
            Subject::Consumption => Warning::ConsumptionNegative { power_w },
        }
    }
}
