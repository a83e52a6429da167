use std::{format, string::String, vec, vec::Vec};

use ccm_core::{Missing, Reader, Writer};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn events(text: &str) -> Result<Vec<String>, DataError> {
    let bytes = hex(text);
    let printed = |event: Result<Event<'_>, DataError>| event.map(|event| format!("{event:?}"));
    Events::new(&bytes).map(printed).collect()
}

fn error(text: &str) -> (usize, Fault) {
    let DataError { offset, fault } = events(text).unwrap_err();
    (offset, fault)
}

#[test]
fn every_simple_type_is_read_and_written_back() {
    let bits = BitString::new(&[0xA5, 0x80], 9).unwrap();
    let values = [
        (Value::Null, "00"),
        (Value::Boolean(true), "0301"),
        (Value::BitString(bits), "0409A580"),
        (Value::DoubleLong(-2), "05FFFFFFFE"),
        (Value::DoubleLongUnsigned(0x0102_0304), "0601020304"),
        (Value::OctetString(&[1, 2]), "09020102"),
        (Value::VisibleString(b"ab"), "0A026162"),
        (Value::Utf8String("é".as_bytes()), "0C02C3A9"),
        (Value::Bcd(0x42), "0D42"),
        (Value::Integer(-1), "0FFF"),
        (Value::Long(-2), "10FFFE"),
        (Value::Unsigned(200), "11C8"),
        (Value::LongUnsigned(2292), "1208F4"),
        (Value::Long64(-1), "14FFFFFFFFFFFFFFFF"),
        (Value::Long64Unsigned(u64::MAX), "15FFFFFFFFFFFFFFFF"),
        (Value::Enum(27), "161B"),
        (Value::Float32(230.5_f32.to_bits()), "1743668000"),
        (Value::Float64(1.0_f64.to_bits()), "183FF0000000000000"),
        (Value::Date(Date::new(2019, 12, 31).unwrap()), "1A07E30C1F02"),
        (Value::Time(Time::new(23, 0, 0).unwrap()), "1B17000000"),
        (Value::DeltaInteger(-1), "1CFF"),
        (Value::DeltaLong(-2), "1DFFFE"),
        (Value::DeltaDoubleLong(-2), "1EFFFFFFFE"),
        (Value::DeltaUnsigned(200), "1FC8"),
        (Value::DeltaLongUnsigned(2292), "2008F4"),
        (Value::DeltaDoubleLongUnsigned(1), "2100000001"),
        (Value::DontCare, "FF"),
    ];
    for (value, text) in values {
        let bytes = hex(text);
        assert_eq!(Data::parse(&bytes).and_then(Data::value), Ok(value), "{text}");
        let mut buffer = [0; 16];
        let mut writer = Writer::new(&mut buffer);
        value.emit(&mut writer).unwrap();
        assert_eq!(writer.written(), bytes, "{text}");
    }
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_read() {
    assert_eq!(events("09830000020102").unwrap(), ["Value(OctetString([1, 2]))"]);
    assert_eq!(events("09820002AABB"), events("098102AABB"));
    assert_eq!(error("09850000000001"), (1 + 1, Fault::Length { bytes: 5 }));
}

#[test]
fn errors_say_at_which_byte() {
    let missing = |field| Fault::Missing(Missing { field });
    assert_eq!(error("0202120001 12"), (6, missing("value")));
    assert_eq!(error("0202110107"), (4, Fault::Tag { tag: 7 }));
    assert_eq!(error(""), (0, missing("tag")));
    let bytes = hex("0202120001 1101");
    let mut reading = Events::new(&bytes);
    reading.structure("row").unwrap();
    reading.value("first").unwrap();
    let wrong = Fault::Type { field: "name", expected: "octet-string" };
    assert_eq!(reading.octets("name"), Err(DataError { offset: 5, fault: wrong }));
    assert_eq!(reading.next(), None);
}

#[test]
fn an_announced_length_is_never_believed() {
    assert_eq!(error("0182FFFF"), (4, Fault::Count { count: 65_535, left: 0 }));
    assert_eq!(error("0184FFFFFFFF00"), (6, Fault::Count { count: u32::MAX, left: 1 }));
    assert_eq!(error("0984FFFFFFFF00").0, 6);
}

#[test]
fn nesting_ends_at_the_cap() {
    let deep = |levels: usize| format!("{}00", "0101".repeat(levels));
    assert_eq!(events(&deep(MAX_DEPTH)).unwrap().len(), 2 * MAX_DEPTH + 1);
    assert_eq!(error(&deep(MAX_DEPTH + 1)).1, Fault::Depth { limit: MAX_DEPTH });
}

#[test]
fn a_compact_array_is_the_array_that_it_stands_for() {
    let compact = events("13 02 02 12 06 12 0001 00000064 0002 00000065 0003 FFFFFFFF").unwrap();
    let plain = events("01 03 0202 120001 0600000064 0202 120002 0600000065 0202 120003 06FFFFFFFF").unwrap();
    assert_eq!(compact, plain);
}

#[test]
fn a_compact_array_may_have_arrays_and_strings_in_it() {
    // Structures of an array of two bytes, an octet string and an empty array of structures.
    let compact =
        events("13 02 04 01 0002 11 09 01 0000 02 02 11 11 0F  0B 0102 02 AABB 7F 0304 01 CC 80").unwrap();
    let plain =
        events("01 02 0204 0102 1101 1102 0902AABB 0100 0F7F  0204 0102 1103 1104 0901CC 0100 0F80").unwrap();
    assert_eq!(compact, plain);
    let trailing = events("02 02 13 11 02 0102 12 0007").unwrap();
    assert_eq!(trailing, events("02 02 01 02 1101 1102 12 0007").unwrap());
}

#[test]
fn a_compact_array_that_has_no_end_is_cut_off() {
    assert_eq!(events("13 01FFFF 00 00").unwrap(), ["Array(0)", "End"]);
    assert_eq!(error("13 00 01 00").1, Fault::Contents);
    assert_eq!(error("13 01FFFF 01FFFF 01FFFF 00 01 00").1, Fault::Work);
    assert_eq!(error("13 02 02 12 06 05 0001 000000").1, Fault::Missing(Missing { field: "value" }));
    assert_eq!(error("13 13 11 01 00").1, Fault::Tag { tag: 19 });
}

#[test]
fn an_element_of_a_compact_array_is_data_of_its_own() {
    let bytes = hex("13 02 02 12 06 0C 0001 00000064 0002 00000065");
    let mut reading = Events::new(&bytes);
    assert_eq!(reading.array("rows"), Ok(2));
    reading.data("first row").unwrap();
    let row = reading.data("second row").unwrap();
    assert_eq!(row.encoded(), None);
    let mut fields = row.events();
    assert_eq!(fields.structure("row"), Ok(2));
    let column = fields.data("first column").unwrap();
    assert_eq!(column.value(), Ok(Value::LongUnsigned(2)));
    assert_eq!(fields.integer("second column"), Ok(0x65));
    assert_eq!(reading.finish(), Ok(()));
}

#[test]
fn the_end_of_one_data_is_found_without_reading_it() {
    let bytes = hex("02 03 09 02 AABB 13 11 02 0102 00 12 0007");
    let mut reader = Reader::new(&bytes);
    let data = Data::take(&mut reader).unwrap();
    assert_eq!(data.encoded(), bytes.get(..bytes.len() - 3));
    assert_eq!(reader.rest(), [0x12, 0, 7]);
    let trailing = Fault::Trailing { found: 3 };
    assert_eq!(Data::parse(&bytes).unwrap_err(), DataError { offset: 12, fault: trailing });
}

#[test]
fn bits_are_counted_from_the_highest() {
    let bits = BitString::new(&[0xA5, 0x80], 9).unwrap();
    let all: Vec<bool> = bits.iter().collect();
    assert_eq!(all, [1, 0, 1, 0, 0, 1, 0, 1, 1].map(|bit| bit == 1));
    assert_eq!((bits.len(), bits.get(9), bits.is_empty()), (9, None, false));
    assert_eq!(BitString::new(&[0], 9), None);
}

#[test]
fn every_form_of_a_notification_time_is_taken() {
    let time = "07E1090F05052128FF800000";
    let sent = DateTime::from_bytes(hex(time).try_into().unwrap());
    let expected = Some(sent);
    for (prefix, expected) in
        [("0C", expected), ("090C", expected), ("190", None), ("19", expected), ("", expected)]
    {
        let bytes = if prefix == "190" { vec![0, 0x02, 0x0D] } else { hex(&format!("{prefix}{time}020D")) };
        let mut reader = Reader::new(&bytes);
        assert_eq!(DateTime::take(&mut reader), Ok(expected), "{prefix}");
        assert_eq!(reader.rest(), [0x02, 0x0D]);
    }
    let mut buffer = [0; 13];
    sent.emit(&mut Writer::new(&mut buffer)).unwrap();
    assert_eq!(DateTime::take(&mut Reader::new(&buffer)), Ok(expected));
    let size = Fault::Size { field: "date-time", expected: 12, found: 5 };
    assert_eq!(DateTime::take(&mut Reader::new(&[5, 0, 0])).unwrap_err().fault, size);
}

#[test]
fn a_second_is_only_given_where_it_is_certain() {
    let at = |text: &str| DateTime::from_bytes(hex(text).try_into().unwrap());
    let table = [
        ("07E30C1F02 17000000 FFC4 00", Ok(1_577_829_600)),
        ("07E8071A05 0C000000 FF88 80", Ok(1_721_988_000)),
        ("07E8071A05 0C0000FF FF88 FF", Ok(1_721_988_000)),
        ("07B2010104 00000000 0000 00", Ok(0)),
        ("07E8071A05 0C000000 8000 00", Err(TimeFault::Deviation)),
        ("07E8071A05 0C000000 7FFF 00", Err(TimeFault::DeviationRange { minutes: 0x7FFF })),
        ("07E8071A05 0C00FF00 FF88 00", Err(TimeFault::Open)),
        ("FFFF071A05 0C000000 FF88 00", Err(TimeFault::Open)),
        ("07E8FE1A05 0C000000 FF88 00", Err(TimeFault::Open)),
        ("07E8 07FE05 0C000000 FF88 00", Err(TimeFault::Open)),
        ("07E7 021D05 0C000000 FF88 00", Err(TimeFault::Invalid)),
        ("07E8 071A05 18000000 FF88 00", Err(TimeFault::Invalid)),
        ("000000000000000000000000", Err(TimeFault::Invalid)),
        ("07E8071A05 0C000000 FF88 01", Err(TimeFault::Status)),
    ];
    for (text, expected) in table {
        assert_eq!(at(text).unix_seconds(), expected, "{text}");
    }
    assert_eq!(at("07E8071A05 0C000000 8000 00").local_seconds(), Ok(1_721_995_200));
    assert_eq!(at("07E8FEFE07 0200FFFF 8000 FF").to_string(), "2024-??-??T02:00:??");
    assert_eq!(at("07E8FEFE07 0200FFFF 8000 FF").date().day(), Day::Last);
    assert_eq!(at("07E8FEFD07 0200FFFF 8000 FF").date().month(), Month::DaylightSavingsBegin);
    assert_eq!(at("07E8071A05 0C000000 001E 00").to_string(), "2024-07-26T12:00:00-00:30");
}

#[test]
fn a_number_in_letters_is_no_date_and_time() {
    assert!(!DateTime::from_bytes(*b"181220000009").is_plausible());
    for text in ["07E8FEFE07 0200FFFF 8000 FF", "07E60B03FF 0F2619FF FF4C FF", "FFFFFFFFFF FFFFFFFF 8000 FF"]
    {
        assert!(DateTime::from_bytes(hex(text).try_into().unwrap()).is_plausible(), "{text}");
    }
}

#[test]
fn a_text_ends_where_zeros_fill_it_up() {
    assert_eq!(Value::VisibleString(b"4079\0\0").text(), Some("4079"));
    assert_eq!(Value::OctetString(b"40\x0179").text(), None);
    assert_eq!(Value::Utf8String("é".as_bytes()).text(), Some("é"));
    assert_eq!(Value::Utf8String(&[0xC3]).text(), None);
}

#[test]
fn a_status_of_255_says_nothing() {
    let status = ClockStatus::UNSPECIFIED;
    assert!(!status.is_specified() && !status.is_invalid() && !status.is_daylight_saving());
    let doubtful = ClockStatus(0x86);
    assert!(doubtful.is_doubtful() && doubtful.has_different_base() && doubtful.is_daylight_saving());
    assert!(!doubtful.is_invalid() && !doubtful.is_invalid_status());
}

#[test]
fn days_of_the_week_follow_the_calendar() {
    assert_eq!(Date::new(2019, 12, 31).unwrap().weekday(), Some(2));
    assert_eq!(Date::new(2026, 11, 25).unwrap().weekday(), Some(3));
    assert_eq!(Date::new(2023, 2, 29), None);
    assert_eq!(Time::new(24, 0, 0), None);
}

#[test]
fn a_delta_is_added_in_the_type_of_the_value_before() {
    assert_eq!(Value::Unsigned(250).plus(5), Some(Value::Unsigned(255)));
    assert_eq!(Value::Unsigned(250).plus(6), None);
    assert_eq!(Value::Long64(i64::MAX).plus(1), None);
    assert_eq!(Value::DeltaInteger(-3).delta(), Some(-3));
    assert_eq!(Value::Enum(1).plus(1), None);
    assert_eq!(Value::Long64Unsigned(u64::MAX).integer(), None);
}
