//! Meters' times: local, and in forms of their own.

use ccm_iec62056::{Season, Time};
use clap::ValueEnum;
use jiff::civil::DateTime;
use jiff::tz::{Dst, TimeZone};

/// How a meter writes the times of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Clock {
    /// 0 or 1 for winter or summer, then `YYMMDDhhmmss`
    Season,
    /// The same without seconds
    Minutes,
    /// `YYMMDDhhmm`
    Plain,
    /// `YY-MM-DD,hh:mm`
    Marks,
}

impl Clock {
    /// A local time in this form.
    pub(super) fn write(self, time: DateTime, zone: &TimeZone) -> String {
        match self {
            Self::Season => format!("{}{}", season(time, zone), time.strftime("%y%m%d%H%M%S")),
            Self::Minutes => format!("{}{}", season(time, zone), time.strftime("%y%m%d%H%M")),
            Self::Plain => time.strftime("%y%m%d%H%M").to_string(),
            Self::Marks => time.strftime("%y-%m-%d,%H:%M").to_string(),
        }
    }
}

/// The digit of the season; the hour that comes twice is its first.
fn season(time: DateTime, zone: &TimeZone) -> u8 {
    let instant = zone.to_ambiguous_zoned(time).compatible();
    let is_summer = instant.is_ok_and(|at| zone.to_offset_info(at.timestamp()).dst() == Dst::Yes);
    u8::from(is_summer)
}

/// `2026-03-01`, `2026-03-01T12:00` or with seconds.
pub(super) fn parse(text: &str) -> Result<DateTime, String> {
    let years = 2000..2070;
    let time = text.parse::<DateTime>().ok().filter(|time| years.contains(&time.year()));
    time.ok_or_else(|| "write a local time such as 2026-03-01 or 2026-03-01T12:00".into())
}

/// A zone by its name.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "write the name of a time zone such as Europe/Berlin".into())
}

/// A meter's time, for output.
pub(super) fn local(time: Time) -> String {
    let Time { year, month, day, hour, minute, second, .. } = time;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Its season, where the meter says it.
pub(super) fn season_name(time: Time) -> Option<&'static str> {
    time.season.map(|season| match season {
        Season::Winter => "winter",
        Season::Summer => "summer",
        Season::Utc => "utc",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_season_is_that_of_the_meters_zone() {
        let berlin = zone("Europe/Berlin").unwrap();
        let write = |clock: Clock, text: &str| clock.write(parse(text).unwrap(), &berlin);
        assert_eq!(write(Clock::Season, "2022-08-23T16:15"), "1220823161500");
        assert_eq!(write(Clock::Minutes, "2022-12-23T16:15"), "02212231615");
        assert_eq!(write(Clock::Plain, "2022-12-23"), "2212230000");
        assert_eq!(write(Clock::Marks, "2024-07-13T13:00"), "24-07-13,13:00");
        // On the last Sunday of October the hour from two to three comes twice.
        assert_eq!(write(Clock::Season, "2026-10-25T02:30"), "1261025023000");
        assert_eq!(write(Clock::Season, "2026-10-25T03:00"), "0261025030000");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-02-29", "1970-01-01", "2026-03-01T25:00"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
