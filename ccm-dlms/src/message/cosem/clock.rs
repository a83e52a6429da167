//! Clock (class 8).

/// Class 8: a clock. Its time, and the beginning and end of daylight saving, are dates and times, with wildcards in the
/// rules: [`Value::date_time`](crate::message::data::Value::date_time).
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// The number of the class.
    pub const CLASS_ID: u16 = 8;
    /// Attribute: the local time, a date and time.
    pub const TIME: i8 = 2;
    /// Attribute: the deviation of standard time from UTC in minutes, as in a date and time.
    pub const TIME_ZONE: i8 = 3;
    /// Attribute: [`ClockStatus`](crate::message::data::ClockStatus).
    pub const STATUS: i8 = 4;
    /// Attribute: when daylight saving begins.
    pub const DAYLIGHT_SAVINGS_BEGIN: i8 = 5;
    /// Attribute: when it ends.
    pub const DAYLIGHT_SAVINGS_END: i8 = 6;
    /// Attribute: by how many minutes, -120 to 120.
    pub const DAYLIGHT_SAVINGS_DEVIATION: i8 = 7;
    /// Attribute: whether it is used at all.
    pub const DAYLIGHT_SAVINGS_ENABLED: i8 = 8;
    /// Attribute: [`ClockBase`].
    pub const CLOCK_BASE: i8 = 9;
    /// Method: sets the time to the nearest quarter of an hour; the parameter is the integer 0.
    pub const ADJUST_TO_QUARTER: i8 = 1;
    /// Method: sets the time to the nearest start of a measuring period; the parameter is the integer 0.
    pub const ADJUST_TO_MEASURING_PERIOD: i8 = 2;
    /// Method: sets the time to the nearest minute; the parameter is the integer 0.
    pub const ADJUST_TO_MINUTE: i8 = 3;
    /// Method: sets the time to the preset one; the parameter is the integer 0.
    pub const ADJUST_TO_PRESET_TIME: i8 = 4;
    /// Method: presets a time and the interval in which it may be taken over.
    pub const PRESET_ADJUSTING_TIME: i8 = 5;
    /// Method: shifts the time by -900 to 900 seconds, a long.
    pub const SHIFT_TIME: i8 = 6;
}

/// Where a clock has its time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockBase {
    /// Nothing is said.
    NotDefined,
    /// A crystal.
    InternalCrystal,
    /// The mains at 50 Hz.
    Mains50,
    /// The mains at 60 Hz.
    Mains60,
    /// Satellites.
    Gps,
    /// A radio transmitter.
    RadioControlled,
    /// A code that the standard does not have.
    Other(u8),
}

impl From<u8> for ClockBase {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::NotDefined,
            1 => Self::InternalCrystal,
            2 => Self::Mains50,
            3 => Self::Mains60,
            4 => Self::Gps,
            5 => Self::RadioControlled,
            _ => Self::Other(code),
        }
    }
}
