//! Real pushes: every value with its code, sign and unit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/files.rs"]
mod vectors;

use ccm_dlms::message::cosem::{Cell, Layout, PushBody, Rows};
use ccm_dlms::message::data::{Data, Value};

/// Each value of a push as `code=value unit`, one a line.
fn readings(name: &str) -> String {
    let bytes = vectors::bytes(name);
    let readings = PushBody::new(&bytes, Layout::Detect).map(|reading| {
        let reading = reading.unwrap();
        let obis = reading.obis.map_or("?".into(), |obis| obis.to_string());
        let value = match (reading.decimal(), reading.value) {
            (Some(decimal), _) => format!("{decimal} {}", reading.scaler_unit.unwrap().unit),
            (None, value) => print(value),
        };
        format!("{obis}={}\n", value.trim_end())
    });
    readings.collect()
}

fn print(value: Value<'_>) -> String {
    if let Some(time) = value.date_time().filter(|time| time.is_plausible()) {
        return time.to_string();
    }
    match value {
        Value::Enum(code) => format!("enum {code}"),
        Value::Null => "null".into(),
        Value::OctetString(bytes) => value.text().map_or_else(|| format!("{bytes:02x?}"), Into::into),
        _ => value.text().map_or_else(|| value.integer().unwrap().to_string(), Into::into),
    }
}

#[test]
fn every_push_gives_its_readings() {
    for name in [
        "aidon-1phase",
        "aidon-3phase",
        "kaifa-ma304",
        "lg-e450-gbt-gcm",
        "netz-noe-enc-only",
        "salzburg-plain",
    ] {
        let name = format!("data-push-{name}");
        let read = readings(&name);
        assert_eq!(read, vectors::text(&name, "readings"), "{name}:\n{read}");
    }
}

#[test]
fn the_times_that_a_profile_leaves_out_are_filled_in() {
    let bytes = vectors::bytes("data-profile-null-compressed");
    let mut cells = [Cell::Value(Value::Null); 4];
    let mut rows = Rows::new(Data::parse(&bytes).unwrap(), &mut cells, Some(0), 3600).unwrap();
    let mut times = vec![];
    while let Some(row) = rows.next_row().unwrap() {
        let numbers: Vec<_> = row.iter().filter_map(|cell| cell.value()?.integer()).collect();
        assert_eq!(numbers, [6, 1517, 1620]);
        times.push(rows.time().unwrap().to_string());
    }
    let expected = ["2019-12-31T23:00:00+01:00", "2020-01-01T00:00:00+01:00", "2020-01-01T01:00:00+01:00"];
    assert_eq!(times[..3], expected);
    assert_eq!(times.len(), 4);
}

/// The layout of Czech meters, its values of our own making.
#[test]
fn values_behind_descriptors_without_tags_have_their_codes() {
    let serial = [&[0x02, 2, 0, 1, 0, 0, 96, 1, 0, 255, 2, 0x09, 4][..], b"1234"].concat();
    let energy = [0x02, 2, 0, 3, 1, 0, 1, 8, 0, 255, 2, 0x06, 0, 0, 0x30, 0x39];
    let body = [&[0x02, 2, 0x16, 1, 0x01, 2][..], &serial, &energy].concat();
    let readings: Vec<_> = PushBody::new(&body, Layout::Detect).map(Result::unwrap).collect();
    let codes: Vec<_> = readings.iter().map(|reading| reading.obis.map(|obis| obis.to_string())).collect();
    assert_eq!(codes, [None, Some("0-0:96.1.0*255".into()), Some("1-0:1.8.0*255".into())]);
    assert_eq!(readings[1].value, Value::OctetString(b"1234"));
    assert_eq!(readings[2].value, Value::DoubleLongUnsigned(12_345));
}
