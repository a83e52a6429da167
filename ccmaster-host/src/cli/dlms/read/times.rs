//! Times of a request: as precise as they were typed.

use ccm_dlms::message::data::{ClockStatus, Date, DateTime, Time};
use jiff::fmt::temporal::Pieces;

/// Reads `2026-03-01T12:00:00+01:00`; without an offset the meter takes it as its local time.
pub(super) fn parse(text: &str) -> Result<DateTime, String> {
    let wrong = || "write a time such as 2026-03-01T12:00:00+01:00 or 2026-03-01T12:00".to_string();
    let pieces = Pieces::parse(text).map_err(|_| wrong())?;
    let (day, time) = (pieces.date(), pieces.time().unwrap_or_default());
    let number = |part: i8| u8::try_from(part).unwrap_or_default();
    let year = u16::try_from(day.year()).map_err(|_| wrong())?;
    let date = Date::new(year, number(day.month()), number(day.day())).ok_or_else(wrong)?;
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(number);
    let time = Time::from_bytes([hour, minute, second, 0]);
    // The deviation counts from local time to UTC.
    let deviation = pieces.to_numeric_offset().map(|offset| -(offset.seconds() / 60));
    let deviation = deviation.map(i16::try_from).transpose().map_err(|_| wrong())?;
    Ok(DateTime::new(date, time, deviation, ClockStatus::GOOD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_offset_that_was_typed_or_none() {
        let bytes = |text| parse(text).map(DateTime::to_bytes);
        let winter = [7, 0xEA, 1, 2, 5, 12, 15, 0, 0, 0xFF, 0xC4, 0];
        assert_eq!(bytes("2026-01-02T12:15:00+01:00"), Ok(winter));
        assert_eq!(bytes("2026-01-02T12:15"), Ok([7, 0xEA, 1, 2, 5, 12, 15, 0, 0, 0x80, 0, 0]));
        assert_eq!(bytes("2026-01-02").unwrap()[5..9], [0, 0, 0, 0]);
        assert_eq!(bytes("2026-01-02T12:15Z").unwrap()[9..], [0, 0, 0]);
        for text in ["", "now", "2026-02-30", "12:00"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
