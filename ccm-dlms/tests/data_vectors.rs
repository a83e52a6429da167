//! Real bodies and profile buffers: every value as the facts have it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "common/files.rs"]
mod vectors;

use std::fmt::Write as _;

use ccm_dlms::message::data::{Data, DataError, Event, Value};

fn hex(digits: &[u8]) -> String {
    digits.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn print(value: Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Enum(code) => format!("\"enum:{code}\""),
        Value::VisibleString(_) => format!("\"s:{}\"", value.text().unwrap()),
        Value::OctetString(bytes) => format!("\"x:{}\"", hex(bytes)),
        _ => value.integer().unwrap().to_string(),
    }
}

/// The data as JSON, in the form of the expected values.
fn json(data: Data<'_>) -> Result<String, DataError> {
    let mut text = String::new();
    for event in data.events() {
        match event? {
            Event::Value(value) => write!(text, "{}, ", print(value)).unwrap(),
            Event::Array(_) | Event::Structure(_) => text.push('['),
            Event::End => text = format!("{}], ", text.trim_end_matches(", ")),
        }
    }
    Ok(text.trim_end_matches(", ").into())
}

#[test]
fn every_vector_gives_its_values() {
    for name in [
        "compact-array-structure",
        "profile-null-compressed",
        "push-aidon-1phase",
        "push-kaifa-ma304",
        "push-lg-e450-gbt-gcm",
        "push-netz-noe-enc-only",
        "push-salzburg-plain",
        "udp-general-glo",
    ] {
        let name = format!("data-{name}");
        let bytes = vectors::bytes(&name);
        assert_eq!(json(Data::parse(&bytes).unwrap()).unwrap(), vectors::text(&name, "txt").trim(), "{name}");
        for end in 0..bytes.len() {
            assert!(Data::parse(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
    }
}
