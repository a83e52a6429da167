//! Times of meters: local, with a season where the meter says it.

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while_m_n};
use nom::combinator::{all_consuming, map_opt, opt, rest};
use nom::{IResult, Parser};

/// A meter's local time. Without a season it is ambiguous for one hour a year; it is not made UTC here, because no meter
/// says its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Time {
    /// 1970 to 2069: two digits from 70 on are the last century's (a clock that was never set).
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 24; 24:00 is the end of a day.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Which clock, where the meter says it.
    pub season: Option<Season>,
}

/// Which clock a local time is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Season {
    /// `W`, or 0 in front.
    Winter,
    /// `S`, or 1 in front.
    Summer,
    /// 2 in front.
    Utc,
}

impl Time {
    /// `YYMMDDhhmmss` with `S` or `W` behind it, or without (P1 version 3).
    ///
    /// ```
    /// use ccm_iec62056::{Season, Time};
    ///
    /// let time = Time::parse_p1(b"200512135409S").unwrap();
    /// assert_eq!((time.year, time.hour, time.season), (2020, 13, Some(Season::Summer)));
    /// assert_eq!(Time::parse_p1(b"632525252525W"), None);
    /// ```
    pub fn parse_p1(text: &[u8]) -> Option<Self> {
        let (_, (time, season)) = all_consuming((date_time, opt(suffix))).parse(text).ok()?;
        Self { season, ..time }.checked()
    }

    /// `[s]YYMMDDhhmm[ss]`, `s` being the season (VDEW specification 2.1); seconds absent are zero.
    ///
    /// ```
    /// use ccm_iec62056::{Season, Time};
    ///
    /// let time = Time::parse_vdew(b"1220823161500").unwrap();
    /// assert_eq!((time.year, time.month, time.minute, time.season), (2022, 8, 15, Some(Season::Summer)));
    /// assert_eq!(Time::parse_vdew(b"1703100930").unwrap().season, None);
    /// ```
    pub fn parse_vdew(text: &[u8]) -> Option<Self> {
        let seasoned = text.len() % 2 == 1;
        let season =
            |text| if seasoned { prefix(text).map(|(text, s)| (text, Some(s))) } else { Ok((text, None)) };
        let (_, (season, time, seconds)) = (season, minutes, rest).parse(text).ok()?;
        let second = if seconds.is_empty() { 0 } else { all_consuming(two).parse(seconds).ok()?.1 };
        Self { season, second, ..time }.checked()
    }

    /// Either form.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::parse_p1(text).or_else(|| Self::parse_vdew(text))
    }

    /// So many minutes later on the same clock.
    pub fn plus_minutes(self, minutes: u32) -> Self {
        let total = u32::from(self.hour) * 60 + u32::from(self.minute) + minutes;
        let clock = |value: u32| u8::try_from(value).unwrap_or_default();
        let mut later = Self { hour: clock(total / 60 % 24), minute: clock(total % 60), ..self };
        for _ in 0..total / DAY {
            later = later.next_day();
        }
        later
    }

    /// The seconds that have passed since `earlier`, negative where it is later; nothing where one of the two says its
    /// season and the other does not. Without seasons an hour a year is counted twice or not at all.
    ///
    /// ```
    /// use ccm_iec62056::Time;
    ///
    /// let time = |text: &[u8]| Time::parse_p1(text).unwrap();
    /// // The clocks go back at three in the morning of 26 October 2025.
    /// assert_eq!(time(b"251026020000W").seconds_since(time(b"251026020000S")), Some(3600));
    /// assert_eq!(time(b"251026020000W").seconds_since(time(b"251026020000")), None);
    /// ```
    pub fn seconds_since(self, earlier: Self) -> Option<i64> {
        let ahead = |season| match season {
            Some(Season::Summer) => Some(Some(3600)),
            Some(Season::Winter) => Some(Some(0)),
            None => Some(None),
            Some(Season::Utc) => None,
        };
        match (ahead(self.season), ahead(earlier.season)) {
            (None, None) | (Some(None), Some(None)) => Some(self.seconds() - earlier.seconds()),
            (Some(Some(mine)), Some(Some(theirs))) => {
                Some(self.seconds() - mine - (earlier.seconds() - theirs))
            }
            _ => None,
        }
    }

    /// Seconds since the beginning of 1970 on its own clock.
    fn seconds(self) -> i64 {
        let years = (1970..self.year).map(|year| 365 + i64::from(year.is_multiple_of(4))).sum::<i64>();
        let months = (1..self.month).map(|month| i64::from(days(self.year, month))).sum::<i64>();
        let day = years + months + i64::from(self.day) - 1;
        ((day * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)
    }

    /// A clock that was never set, or a meter that was never read: 1970.
    pub const fn is_unset(self) -> bool {
        self.year < 2000
    }

    fn next_day(self) -> Self {
        match (self.day < days(self.year, self.month), self.month) {
            (true, _) => Self { day: self.day + 1, ..self },
            (false, 12) => Self { year: self.year + 1, month: 1, day: 1, ..self },
            (false, _) => Self { month: self.month + 1, day: 1, ..self },
        }
    }

    fn checked(self) -> Option<Self> {
        let clock = self.hour < 24 || (self.hour, self.minute, self.second) == (24, 0, 0);
        let valid = (1..=days(self.year, self.month)).contains(&self.day) && clock;
        (valid && self.minute < 60 && self.second < 60).then_some(self)
    }
}

const fn days(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

fn date_time(text: &[u8]) -> IResult<&[u8], Time> {
    let (text, (time, second)) = (minutes, two).parse(text)?;
    Ok((text, Time { second, ..time }))
}

fn minutes(text: &[u8]) -> IResult<&[u8], Time> {
    let (text, (year, month, day, hour, minute)) = (two, two, two, two, two).parse(text)?;
    let year = u16::from(year) + if year < 70 { 2000 } else { 1900 };
    Ok((text, Time { year, month, day, hour, minute, second: 0, season: None }))
}

fn two(text: &[u8]) -> IResult<&[u8], u8> {
    map_opt(take_while_m_n(2, 2, |byte: u8| byte.is_ascii_digit()), |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u8, |value, digit| value.checked_mul(10)?.checked_add(digit.wrapping_sub(b'0')))
    })
    .parse(text)
}

fn suffix(text: &[u8]) -> IResult<&[u8], Season> {
    alt((tag("S").map(|_| Season::Summer), tag("W").map(|_| Season::Winter))).parse(text)
}

fn prefix(text: &[u8]) -> IResult<&[u8], Season> {
    map_opt(take(1_usize), |digit: &[u8]| match digit {
        b"0" => Some(Season::Winter),
        b"1" => Some(Season::Summer),
        b"2" => Some(Season::Utc),
        _ => None,
    })
    .parse(text)
}

const DAY: u32 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_dates_are_none() {
        for text in [
            "632525252525W",
            "210229000000W",
            "210100000000W",
            "201301000000S",
            "2005121354",
            "200512135409T",
        ] {
            assert_eq!(Time::parse_p1(text.as_bytes()), None, "{text}");
        }
        assert!(Time::parse_p1(b"700101010000W").unwrap().is_unset());
    }

    #[test]
    fn vdew_times_have_minutes_or_seconds_and_perhaps_a_season() {
        for (text, season, second) in [
            ("1703100930", None, 0),
            ("170310093015", None, 15),
            ("01703100930", Some(Season::Winter), 0),
            ("1170310093015", Some(Season::Summer), 15),
            ("2170310093015", Some(Season::Utc), 15),
        ] {
            let time = Time::parse_vdew(text.as_bytes()).unwrap();
            assert_eq!((time.year, time.season, time.second), (2017, season, second), "{text}");
        }
        assert_eq!(Time::parse_vdew(b"3170310093015"), None);
    }

    #[test]
    fn quarters_of_an_hour_go_over_the_year() {
        let time = Time::parse_vdew(b"0231231234500").unwrap();
        let later = time.plus_minutes(15);
        assert_eq!((later.year, later.month, later.day, later.hour, later.minute), (2024, 1, 1, 0, 0));
        assert_eq!(time.plus_minutes(60 * 24 * 60).month, 2);
    }
}
