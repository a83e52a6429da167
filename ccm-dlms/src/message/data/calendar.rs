//! Dates and times of day as meters send them, with everything that may be left open (IEC 62056-6-2, 4.1.6.1).

/// A date of five bytes: year, month, day, day of the week. Each may be open, and a month or day may be a rule.
///
/// Every five bytes make a date, because meters whose clock was never set do send zeros; what makes no sense is
/// [`Month::Invalid`] or [`Day::Invalid`] and has no place on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Date([u8; 5]);

/// A time of day of four bytes: hour, minute, second, hundredths. Each may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Time([u8; 4]);

/// What stands in the place of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Month {
    /// 1 to 12.
    Number(u8),
    /// The one in which daylight saving ends.
    DaylightSavingsEnd,
    /// The one in which daylight saving begins.
    DaylightSavingsBegin,
    /// Any.
    Unspecified,
    /// A number that no month has.
    Invalid(u8),
}

/// What stands in the place of the day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Day {
    /// 1 to 31; whether the month has it is not said.
    Number(u8),
    /// The last but one; with a day of the week, the last but one of these.
    SecondLast,
    /// The last; with a day of the week, the last of these.
    Last,
    /// Any.
    Unspecified,
    /// A number that no day has.
    Invalid(u8),
}

impl Date {
    /// A day of the calendar, with its day of the week; nothing where there is no such day. Years 1 to 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let number = day_number(year, month, day)?;
        let [high, low] = year.to_be_bytes();
        // Day 0 is the first of March of the year 0, a Wednesday; Monday is 1.
        let weekday = u8::try_from((number + 2) % 7).ok()? + 1;
        Some(Self([high, low, month, day, weekday]))
    }

    /// The date in these bytes.
    pub const fn from_bytes(bytes: [u8; 5]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 5] {
        self.0
    }

    /// The year; nothing where it is open.
    pub fn year(self) -> Option<u16> {
        let [high, low, ..] = self.0;
        Some(u16::from_be_bytes([high, low])).filter(|year| *year != 0xFFFF)
    }

    /// The month.
    pub const fn month(self) -> Month {
        let [_, _, month, ..] = self.0;
        match month {
            1..=12 => Month::Number(month),
            0xFD => Month::DaylightSavingsEnd,
            0xFE => Month::DaylightSavingsBegin,
            0xFF => Month::Unspecified,
            _ => Month::Invalid(month),
        }
    }

    /// The day of the month.
    pub const fn day(self) -> Day {
        let [_, _, _, day, _] = self.0;
        match day {
            1..=31 => Day::Number(day),
            0xFD => Day::SecondLast,
            0xFE => Day::Last,
            0xFF => Day::Unspecified,
            _ => Day::Invalid(day),
        }
    }

    /// The day of the week, Monday 1 to Sunday 7; nothing where it is open. It is not compared with the date: many meters
    /// send a wrong one.
    pub fn weekday(self) -> Option<u8> {
        let [.., weekday] = self.0;
        Some(weekday).filter(|weekday| *weekday != 0xFF)
    }

    /// Days since the first of March of the year 0; nothing where something is open or there is no such day.
    pub(super) fn number(self) -> Option<u32> {
        let (Month::Number(month), Day::Number(day)) = (self.month(), self.day()) else { return None };
        day_number(self.year()?, month, day)
    }

    /// Whether year, month and day are all said, be there such a day or not.
    pub(super) fn is_said(self) -> bool {
        let open = matches!(
            self.month(),
            Month::Unspecified | Month::DaylightSavingsBegin | Month::DaylightSavingsEnd
        );
        let rule = matches!(self.day(), Day::Unspecified | Day::Last | Day::SecondLast);
        self.year().is_some() && !open && !rule
    }

    /// The date of a day number.
    pub(super) fn of_number(number: u32) -> Option<Self> {
        // Years that begin in March end with the leap day: then lengths of months follow one line.
        let (era, of_era) = (number / DAYS_OF_ERA, number % DAYS_OF_ERA);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = era * 400 + year + u32::from(month <= 2);
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }
}

impl Time {
    /// A time of day; nothing where there is none such.
    pub fn new(hour: u8, minute: u8, second: u8) -> Option<Self> {
        (hour < 24 && minute < 60 && second < 60).then_some(Self([hour, minute, second, 0]))
    }

    /// The time in these bytes.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The hour, 0 to 23; nothing where it is open. Here and below the number is as it came.
    pub fn hour(self) -> Option<u8> {
        let [hour, ..] = self.0;
        said(hour)
    }

    /// The minute, 0 to 59; nothing where it is open.
    pub fn minute(self) -> Option<u8> {
        let [_, minute, ..] = self.0;
        said(minute)
    }

    /// The second, 0 to 59; nothing where it is open.
    pub fn second(self) -> Option<u8> {
        let [_, _, second, _] = self.0;
        said(second)
    }

    /// Hundredths of a second, 0 to 99; nothing where they are open.
    pub fn hundredths(self) -> Option<u8> {
        let [.., hundredths] = self.0;
        said(hundredths)
    }

    /// Seconds since midnight; nothing where something is open or there is no such time.
    pub(super) fn number(self) -> Option<u32> {
        let (hour, minute, second) = (self.hour()?, self.minute()?, self.second()?);
        let valid = hour < 24 && minute < 60 && second < 60;
        valid.then_some((u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second))
    }

    /// Whether hour, minute and second are all said, be there such a time or not.
    pub(super) fn is_said(self) -> bool {
        self.hour().is_some() && self.minute().is_some() && self.second().is_some()
    }

    /// The time of so many seconds since midnight, and these hundredths.
    pub(super) fn of_number(seconds: u32, hundredths: Option<u8>) -> Option<Self> {
        let (hour, minute) = (u8::try_from(seconds / 3600).ok()?, u8::try_from(seconds / 60 % 60).ok()?);
        let [hour, minute, second, _] = Self::new(hour, minute, u8::try_from(seconds % 60).ok()?)?.0;
        Some(Self([hour, minute, second, hundredths.unwrap_or(OPEN)]))
    }
}

fn said(byte: u8) -> Option<u8> {
    Some(byte).filter(|byte| *byte != OPEN)
}

/// Days since the first of March of the year 0.
fn day_number(year: u16, month: u8, day: u8) -> Option<u32> {
    if !(1..=9999).contains(&year) || !(1..=length_of(year, month)?).contains(&day) {
        return None;
    }
    let (year, month) = (u32::from(year) - u32::from(month <= 2), (u32::from(month) + 9) % 12);
    let of_year = (153 * month + 2) / 5 + u32::from(day) - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year)
}

fn length_of(year: u16, month: u8) -> Option<u8> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => Some(28 + u8::from(leap)),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

const OPEN: u8 = 0xFF;
/// Days of 400 years, after which the calendar repeats itself.
const DAYS_OF_ERA: u32 = 146_097;
