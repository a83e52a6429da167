//! A date and time with deviation and status (IEC 62056-6-2, 4.1.6.1).

use core::fmt;

use ccm_core::{Full, Missing, Reader, Writer};

use super::calendar::{Date, Month, Time};
use super::error::{DataError, Fault};
use super::length::array;
use super::{calendar::Day, tag};

/// A date, a time of day, how far that is from UTC and how good it is: twelve bytes, each of which may be open.
///
/// ```
/// use ccm_dlms::message::data::DateTime;
///
/// // A winter's night in Spain: 60 minutes ahead of UTC is a deviation of -60.
/// let bytes = [0x07, 0xE3, 0x0C, 0x1F, 0x02, 0x17, 0, 0, 0, 0xFF, 0xC4, 0];
/// let date_time = DateTime::from_bytes(bytes);
/// assert_eq!(date_time.to_string(), "2019-12-31T23:00:00+01:00");
/// assert_eq!(date_time.unix_seconds(), Ok(1_577_829_600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DateTime {
    date: Date,
    time: Time,
    deviation: [u8; 2],
    status: ClockStatus,
}

/// How good a clock's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClockStatus(pub u8);

/// Why a date and time is no second on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TimeFault {
    /// A part of the date or the time of day is open, or a rule.
    #[error("a part of the date or time is not specified")]
    Open,
    /// There is no such day or no such time.
    #[error("there is no such date or time")]
    Invalid,
    /// The deviation from UTC is open: a caller who knows the place may say it.
    #[error("the deviation from UTC is not specified")]
    Deviation,
    /// The deviation is none that there can be.
    #[error("a deviation from UTC of {minutes} minutes")]
    DeviationRange {
        /// The deviation.
        minutes: i16,
    },
    /// The clock itself says that its time is invalid.
    #[error("the clock says that its time is invalid")]
    Status,
}

impl DateTime {
    /// A date and time with these parts. `deviation` counts minutes from local time to UTC (-60 for Central Europe in
    /// winter), -720 to 840; nothing where it is not known.
    pub fn new(date: Date, time: Time, deviation: Option<i16>, status: ClockStatus) -> Self {
        Self { date, time, deviation: deviation.unwrap_or(NOT_SPECIFIED).to_be_bytes(), status }
    }

    /// The local time of a second since 1970 in UTC, for clocks that are to be set; nothing where the local clock
    /// would show a time before 1970.
    pub fn from_unix(seconds: u32, deviation: i16, status: ClockStatus) -> Option<Self> {
        let local = seconds.checked_add_signed(-i32::from(deviation) * 60)?;
        let date = Date::of_number(local / DAY + EPOCH)?;
        Some(Self::new(date, Time::of_number(local % DAY, Some(0))?, Some(deviation), status))
    }

    /// The date and time in these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        let [y0, y1, month, day, weekday, hour, minute, second, hundredths, d0, d1, status] = bytes;
        Self {
            date: Date::from_bytes([y0, y1, month, day, weekday]),
            time: Time::from_bytes([hour, minute, second, hundredths]),
            deviation: [d0, d1],
            status: ClockStatus(status),
        }
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 12] {
        let [y0, y1, month, day, weekday] = self.date.to_bytes();
        let [hour, minute, second, hundredths] = self.time.to_bytes();
        let ([d0, d1], ClockStatus(status)) = (self.deviation, self.status);
        [y0, y1, month, day, weekday, hour, minute, second, hundredths, d0, d1, status]
    }

    /// Reads the date and time of a notification, an OCTET STRING that may be empty. Some meters put the tag of an
    /// octet string before it, some that of a date-time, and some send the twelve bytes without their length.
    ///
    /// The first byte tells them apart: of the years 1792 to 2303 it is 7 or 8, which is no length and no tag here.
    ///
    /// # Errors
    /// [`Fault::Missing`] where it ends early, [`Fault::Size`] for another length.
    pub fn take(reader: &mut Reader<'_>) -> Result<Option<Self>, DataError> {
        let length = reader.rest().len();
        let mut end = *reader;
        let taken = Self::read(&mut end);
        let taken = taken.map_err(|fault| fault.at(length - end.rest().len()))?;
        *reader = end;
        Ok(taken)
    }

    /// Writes the date and time of a notification as the standard has it: an OCTET STRING without a tag.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(LENGTH)?;
        writer.array(self.to_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        if matches!(reader.rest().first(), Some(7 | 8)) {
            return Ok(Some(Self::read_bytes(reader)?));
        }
        match reader.u8(FIELD)? {
            0 => Ok(None),
            LENGTH | tag::DATE_TIME => Ok(Some(Self::read_bytes(reader)?)),
            tag::OCTET_STRING => match reader.u8(FIELD)? {
                0 => Ok(None),
                LENGTH => Ok(Some(Self::read_bytes(reader)?)),
                found => Err(size(found)),
            },
            found => Err(size(found)),
        }
    }

    fn read_bytes(reader: &mut Reader<'_>) -> Result<Self, Missing> {
        array(reader, FIELD).map(Self::from_bytes)
    }

    /// The date.
    pub const fn date(self) -> Date {
        self.date
    }

    /// The local time of day.
    pub const fn time(self) -> Time {
        self.time
    }

    /// Whether each part is either open or one that there can be. Of twelve bytes that may be anything, a meter's number in
    /// letters among others, it says whether they look like a date and time.
    pub fn is_plausible(self) -> bool {
        let year = self.date.year().is_none_or(|year| (1..=9999).contains(&year));
        let day =
            !matches!(self.date.month(), Month::Invalid(_)) && !matches!(self.date.day(), Day::Invalid(_));
        let below = |part: Option<u8>, limit| part.is_none_or(|part| part < limit);
        let minutes = below(self.time.hour(), 24) && below(self.time.minute(), 60);
        let seconds = below(self.time.second(), 60) && below(self.time.hundredths(), 100);
        let deviation = self.deviation().is_none_or(|minutes| DEVIATIONS.contains(&minutes));
        year && day && below(self.date.weekday(), 8) && minutes && seconds && deviation
    }

    /// Minutes from local time to UTC: UTC is local time plus this. Nothing where it is open.
    pub fn deviation(self) -> Option<i16> {
        Some(i16::from_be_bytes(self.deviation)).filter(|minutes| *minutes != NOT_SPECIFIED)
    }

    /// How good it is.
    pub const fn status(self) -> ClockStatus {
        self.status
    }

    /// Seconds since 1970 in UTC, where there can be no doubt which they are.
    ///
    /// # Errors
    /// [`TimeFault`]: a part is open, there is no such time, the deviation is open, or the clock says it is wrong.
    pub fn unix_seconds(self) -> Result<i64, TimeFault> {
        let local = self.local_seconds()?;
        let minutes = self.deviation().ok_or(TimeFault::Deviation)?;
        if !DEVIATIONS.contains(&minutes) {
            return Err(TimeFault::DeviationRange { minutes });
        }
        Ok(local + i64::from(minutes) * 60)
    }

    /// Seconds since 1970 as the local clock counts them: for a caller who knows the deviation that the meter does not
    /// say. It is never guessed here, because many meters keep standard time all year.
    ///
    /// # Errors
    /// As [`DateTime::unix_seconds`], without the deviation.
    pub fn local_seconds(self) -> Result<i64, TimeFault> {
        if self.status.is_invalid() {
            return Err(TimeFault::Status);
        }
        let (days, seconds) = self.numbers()?;
        Ok((i64::from(days) - i64::from(EPOCH)) * i64::from(DAY) + i64::from(seconds))
    }

    /// The local time so many seconds later, or earlier, with the same deviation and status. Nothing where it has no place on
    /// the time line, or none within the years 1 to 9999.
    pub fn plus(self, seconds: i32) -> Option<Self> {
        let (days, of_day) = self.numbers().ok()?;
        // A day is short of 2^17 seconds: neither sum can overflow.
        let of_day = of_day.checked_add_signed(seconds.rem_euclid(DAY.cast_signed()))?;
        let days = days.checked_add_signed(seconds.div_euclid(DAY.cast_signed()))? + of_day / DAY;
        let date = Date::of_number(days)?;
        let time = Time::of_number(of_day % DAY, self.time.hundredths())?;
        Some(Self { date, time, ..self })
    }

    fn numbers(self) -> Result<(u32, u32), TimeFault> {
        if !self.date.is_said() || !self.time.is_said() {
            return Err(TimeFault::Open);
        }
        self.date.number().zip(self.time.number()).ok_or(TimeFault::Invalid)
    }
}

/// As ISO 8601 writes it, `?` for what is open and no offset where the deviation is.
impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date.year() {
            Some(year) => write!(formatter, "{year:04}-")?,
            None => write!(formatter, "????-")?,
        }
        let [_, _, month, day, _] = self.date.to_bytes();
        two(formatter, Some(month).filter(|_| matches!(self.date.month(), Month::Number(_))), "-")?;
        two(formatter, Some(day).filter(|_| matches!(self.date.day(), Day::Number(_))), "T")?;
        two(formatter, self.time.hour(), ":")?;
        two(formatter, self.time.minute(), ":")?;
        two(formatter, self.time.second(), "")?;
        let Some(deviation) = self.deviation() else { return Ok(()) };
        let (sign, minutes) = (if deviation > 0 { '-' } else { '+' }, deviation.unsigned_abs());
        write!(formatter, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl ClockStatus {
    /// Nothing wrong, standard time.
    pub const GOOD: Self = Self(0);
    /// Nothing is said about it.
    pub const UNSPECIFIED: Self = Self(0xFF);

    /// The time could not be recovered: it is wrong.
    pub const fn is_invalid(self) -> bool {
        self.has(0x01)
    }

    /// The time was recovered, but may be wrong.
    pub const fn is_doubtful(self) -> bool {
        self.has(0x02)
    }

    /// Another clock than usual gave the time.
    pub const fn has_different_base(self) -> bool {
        self.has(0x04)
    }

    /// At least one bit of the status itself is wrong.
    pub const fn is_invalid_status(self) -> bool {
        self.has(0x08)
    }

    /// Daylight saving is on.
    pub const fn is_daylight_saving(self) -> bool {
        self.has(0x80)
    }

    /// Whether anything is said: 255 says nothing, not that everything is wrong.
    pub const fn is_specified(self) -> bool {
        self.0 != Self::UNSPECIFIED.0
    }

    const fn has(self, bit: u8) -> bool {
        self.is_specified() && self.0 & bit != 0
    }
}

fn two(formatter: &mut fmt::Formatter<'_>, number: Option<u8>, then: &str) -> fmt::Result {
    match number {
        Some(number) => write!(formatter, "{number:02}{then}"),
        None => write!(formatter, "??{then}"),
    }
}

fn size(found: u8) -> Fault {
    Fault::Size { field: FIELD, expected: LENGTH.into(), found: found.into() }
}

const FIELD: &str = "date-time";
const LENGTH: u8 = 12;
const NOT_SPECIFIED: i16 = i16::MIN;
const DEVIATIONS: core::ops::RangeInclusive<i16> = -840..=840;
const DAY: u32 = 86_400;
/// The first of January 1970, counted from the first of March of the year 0.
const EPOCH: u32 = 719_468;
