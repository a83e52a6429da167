//! Pushes as they are printed.

use ccm_core::Obis;
use ccm_dlms::FrameError;
use ccm_dlms::message::cosem::{Reading, ScalerUnit};
use ccm_dlms::message::data::Value;
use ccm_dlms::push::{Push, PushError};
use ccm_dlms::security::SecurityError;
use serde::Serialize;

use crate::cli::output::hex;
use crate::cli::stop::{Stop, print, say};

/// One push.
#[derive(Debug, Serialize)]
pub(super) struct PushLine {
    ok: bool,
    time: Option<String>,
    values: Vec<Shown>,
}

/// One value.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Shown {
    obis: Option<String>,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl PushLine {
    pub(super) fn new(push: &Push<'_>) -> Self {
        let time = push.time.filter(|time| time.is_plausible()).map(|time| time.to_string());
        let values = push.readings().map(|reading| Shown::new(&reading)).collect();
        Self { ok: true, time, values }
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Stop> {
        if json {
            return print(self);
        }
        let count = self.values.len();
        say(&format!("{}  {count} values", self.time.as_deref().unwrap_or("without a time")))?;
        self.values.iter().try_for_each(Shown::say)
    }
}

impl Shown {
    fn new(reading: &Reading<'_>) -> Self {
        let unit = reading.scaler_unit.map(|scaler_unit| scaler_unit.unit.to_string());
        Self {
            obis: reading.obis.and_then(dotted),
            value: text(reading.value, reading.scaler_unit),
            unit: unit.filter(|unit| !unit.is_empty()),
        }
    }

    fn say(&self) -> Result<(), Stop> {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".into());
        let unit = self.unit.as_deref().unwrap_or_default();
        say(format!("  {:<18} {:>16} {unit}", part(&self.obis), part(&self.value)).trim_end())
    }
}

/// All six groups, as DLMS tools write them.
pub(super) fn dotted(obis: Obis) -> Option<String> {
    Some(obis.bytes()?.map(|group| group.to_string()).join("."))
}

/// A value as exact as it came: a number with its scaler, a text, a time, or bytes as digits.
pub(super) fn text(value: Value<'_>, scaler_unit: Option<ScalerUnit>) -> Option<String> {
    let scaler = scaler_unit.map_or(0, |scaler_unit| scaler_unit.scaler);
    if let Some(number) = number(value) {
        return Some(scaled(&number, scaler));
    }
    if let Some(time) = value.date_time().filter(|time| time.is_plausible()) {
        return Some(time.to_string());
    }
    match value {
        Value::Null | Value::DontCare => None,
        Value::Boolean(is_true) => Some(is_true.to_string()),
        Value::BitString(bits) => Some(bits.iter().map(|bit| if bit { '1' } else { '0' }).collect()),
        Value::Enum(code) => Some(code.to_string()),
        Value::Bcd(digits) => Some(hex(&[digits])),
        Value::DateTime(time) => Some(hex(&time.to_bytes())),
        Value::Date(date) => Some(hex(&date.to_bytes())),
        Value::Time(time) => Some(hex(&time.to_bytes())),
        value => {
            let bytes = value.bytes()?;
            value.text().map(Into::into).or_else(|| Some(hex(bytes)))
        }
    }
}

/// A number without its scaler; a float with as few digits as name it and no other.
fn number(value: Value<'_>) -> Option<String> {
    match value {
        Value::Long64Unsigned(number) => Some(number.to_string()),
        Value::Float32(bits) => {
            Some(f32::from_bits(bits)).filter(|float| float.is_finite()).map(|float| float.to_string())
        }
        Value::Float64(bits) => {
            Some(f64::from_bits(bits)).filter(|float| float.is_finite()).map(|float| float.to_string())
        }
        value => value.integer().or_else(|| value.delta()).map(|number| number.to_string()),
    }
}

/// A decimal number times ten to the power of `scaler`.
fn scaled(number: &str, scaler: i8) -> String {
    let (sign, magnitude) = number.strip_prefix('-').map_or(("", number), |magnitude| ("-", magnitude));
    let (whole, part) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let places = i32::try_from(part.len()).unwrap_or(i32::MAX).saturating_sub(scaler.into());
    let digits = format!("{whole}{part}");
    let width = usize::try_from(places).map_or(0, |places| places + 1);
    let zeros = usize::try_from(-places).unwrap_or(0);
    let digits = format!("{digits:0>width$}{}", "0".repeat(zeros));
    let point = digits.len() - width.saturating_sub(1);
    let (whole, part) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// What failed, for programs and for people; `place` says where, if it is not empty.
pub(super) fn failure(error: &PushError, place: &str) -> Stop {
    let message = match error {
        PushError::Security(SecurityError::AuthenticationKey { found: 0, .. }) => {
            "security: the message is authenticated, and no authentication key is held".into()
        }
        error => error.to_string(),
    };
    Stop::failed(name(error), format!("{place}{message}"))
}

const fn name(error: &PushError) -> &'static str {
    match error {
        PushError::Frame(FrameError::Checksum | FrameError::HeaderChecksum) => "checksum",
        PushError::Frame(FrameError::Incomplete) => "incomplete",
        PushError::Frame(FrameError::TooLong { .. }) => "too-long",
        PushError::Frame(_) => "frame",
        PushError::Block(_) => "block",
        PushError::Message(_) => "message",
        PushError::Data(_) => "data",
        PushError::Unexpected { .. } => "unexpected",
        PushError::Security(error) => security(error),
        _ => "push",
    }
}

/// The names of what is wrong with a message's protection.
pub(super) const fn security(error: &SecurityError) -> &'static str {
    match error {
        SecurityError::WrongTag => "wrong-tag",
        SecurityError::Service { .. } => "wrong-key",
        SecurityError::NoKey { .. } | SecurityError::AuthenticationKey { .. } => "no-key",
        SecurityError::Replay { .. } | SecurityError::Exhausted => "replay",
        SecurityError::Policy { .. } => "policy",
        SecurityError::UnknownTitle { .. } | SecurityError::NoTitle | SecurityError::Recipient { .. } => {
            "title"
        }
        SecurityError::Suite { .. } => "suite",
        SecurityError::Broadcast => "broadcast",
        SecurityError::WrongAnswer | SecurityError::Reflected | SecurityError::ChallengeLength { .. } => {
            "authentication"
        }
        _ => "security",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalers_move_the_point_and_lose_nothing() {
        for (number, scaler, text) in [
            ("423", 0, "423"),
            ("423", -3, "0.423"),
            ("-5", -1, "-0.5"),
            ("2500", -1, "250.0"),
            ("12", 3, "12000"),
            ("0", 3, "0"),
            ("0", -2, "0.00"),
            ("1.5", 2, "150"),
            ("1.25", 1, "12.5"),
            ("1.5", -1, "0.15"),
            ("18446744073709551615", -1, "1844674407370955161.5"),
        ] {
            assert_eq!(scaled(number, scaler), text, "{number} by {scaler}");
        }
        assert_eq!(scaled("1", -128).len(), 130);
    }

    #[test]
    fn values_of_any_type_are_text() {
        assert_eq!(text(Value::Float32(0.1_f32.to_bits()), None).as_deref(), Some("0.1"));
        assert_eq!(text(Value::Float32(f32::NAN.to_bits()), None), None);
        assert_eq!(text(Value::OctetString(&[0, 1, 0xFF]), None).as_deref(), Some("0001ff"));
        assert_eq!(text(Value::VisibleString(b"AIDON"), None).as_deref(), Some("AIDON"));
        assert_eq!(text(Value::Enum(3), None).as_deref(), Some("3"));
        assert_eq!(dotted(Obis::new([1, 0, 1, 7, 0, 255])).as_deref(), Some("1.0.1.7.0.255"));
    }
}
