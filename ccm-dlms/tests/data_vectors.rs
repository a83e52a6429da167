//! Real bodies and profile buffers: every value as the facts have it.

use std::{fmt::Write as _, fs, path::Path};

use ccm_dlms::data::{Data, DataError, Event, Value};

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

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.trim().bytes()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn every_vector_gives_its_values() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut seen = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("data-") || !name.ends_with(".hex") {
            continue;
        }
        let bytes = bytes(&fs::read_to_string(&path).unwrap());
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(json(Data::parse(&bytes).unwrap()).unwrap(), expected.trim(), "{name}");
        for end in 0..bytes.len() {
            assert!(Data::parse(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}
