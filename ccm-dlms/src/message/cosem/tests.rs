use std::{string::String, vec, vec::Vec};

use ccm_core::{Decimal, Obis, Writer};
use proptest::prelude::*;

use super::*;
use crate::message::data::{
    BitString, ClockStatus, Data, DataError, Date, DateTime, Event, Fault, Time, Value,
};

/// Writes data as a test has them in mind.
fn emit(write: impl FnOnce(&mut Writer<'_>) -> Result<(), ccm_core::Full>) -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).unwrap();
    writer.written().to_vec()
}

fn events(events: &[Event<'_>]) -> Vec<u8> {
    emit(|writer| events.iter().try_for_each(|event| event.emit(writer)))
}

const CLOCK: [u8; 6] = [0, 0, 1, 0, 0, 255];
const ENERGY: [u8; 6] = [1, 0, 1, 8, 0, 255];
const POWER: [u8; 6] = [1, 0, 1, 7, 0, 255];

const fn octets(bytes: &[u8]) -> Event<'_> {
    Event::Value(Value::OctetString(bytes))
}

const fn number(value: u32) -> Event<'static> {
    Event::Value(Value::DoubleLongUnsigned(value))
}

const fn long(value: u16) -> Event<'static> {
    Event::Value(Value::LongUnsigned(value))
}

const fn small(value: i8) -> Event<'static> {
    Event::Value(Value::Integer(value))
}

const fn code(value: u8) -> Event<'static> {
    Event::Value(Value::Enum(value))
}

#[test]
fn a_value_is_its_digits_times_ten_to_the_scaler() {
    let scaled = |value, scaler| ScalerUnit::new(scaler, Unit::VOLT).apply(value);
    assert_eq!(scaled(Value::LongUnsigned(2292), -1), Some(Decimal::new(2292, -1)));
    assert_eq!(scaled(Value::Long(-5), 3).unwrap().to_string(), "-5000");
    assert_eq!(scaled(Value::Long64Unsigned(u64::MAX), 0), None);
    assert_eq!(scaled(Value::Long(1), 19), None);
    assert_eq!(scaled(Value::Float32(0x4366_8000), 0), None);
    assert_eq!(scaled(Value::Enum(1), 0), None);
}

#[test]
fn a_scaler_and_unit_that_is_none_says_so() {
    let bytes = events(&[Event::Structure(2), code(0), code(27)]);
    let wrong = Fault::Type { field: "scaler", expected: "integer" };
    let error = ScalerUnit::parse(Data::parse(&bytes).unwrap()).unwrap_err();
    assert_eq!(error, DataError { offset: 2, fault: wrong });
    let written = emit(|writer| ScalerUnit::new(-1, Unit::VOLT).emit(writer));
    assert_eq!(ScalerUnit::parse(Data::parse(&written).unwrap()), Ok(ScalerUnit::new(-1, Unit::VOLT)));
    let three = events(&[Event::Structure(3), small(0), code(27), small(0)]);
    let size = Fault::Size { field: "scaler_unit", expected: 2, found: 3 };
    assert_eq!(ScalerUnit::parse(Data::parse(&three).unwrap()).unwrap_err().fault, size);
}

#[test]
fn units_that_meters_send_have_names() {
    let names = [(27, "W"), (29, "var"), (30, "Wh"), (33, "A"), (35, "V"), (44, "Hz"), (255, "")];
    for (code, name) in names {
        assert_eq!(Unit(code).name(), Some(name));
        assert!(Unit(code).is_seen());
    }
    assert_eq!((Unit(200).to_string(), Unit(9).to_string()), ("unit 200".into(), "°C".into()));
    assert!(!Unit(45).is_seen());
}

#[test]
fn the_objects_of_a_profile_are_read_and_its_clock_found() {
    let objects = [CaptureObject::value(3, Obis::new(ENERGY)), CaptureObject::value(8, Obis::new(CLOCK))];
    let bytes = emit(|writer| {
        Event::Array(2).emit(writer)?;
        objects.iter().try_for_each(|object| object.emit(writer))
    });
    let data = Data::parse(&bytes).unwrap();
    let read: Result<Vec<_>, _> = ProfileGeneric::capture_objects(data).unwrap().collect();
    assert_eq!(read.unwrap(), objects);
    assert_eq!(ProfileGeneric::clock_column(data), Ok(Some(1)));
}

fn at(hour: u8) -> DateTime {
    let (date, time) = (Date::new(2019, 12, 31).unwrap(), Time::new(hour, 0, 0).unwrap());
    DateTime::new(date, time, Some(-60), ClockStatus::GOOD)
}

/// The times and the numbers of all rows.
fn rows(bytes: &[u8], columns: usize, period: i32) -> Vec<(Option<i64>, Vec<Option<i64>>)> {
    let mut cells = vec![Cell::Value(Value::Null); columns];
    let mut rows = Rows::new(Data::parse(bytes).unwrap(), &mut cells, Some(0), period).unwrap();
    let mut read = vec![];
    while let Some(row) = rows.next_row().unwrap() {
        let numbers = row.iter().skip(1).map(|cell| cell.value().and_then(Value::integer)).collect();
        read.push((rows.time().map(|time| time.unix_seconds().unwrap()), numbers));
    }
    read
}

#[test]
fn what_a_row_leaves_out_is_that_of_the_row_before() {
    let start = at(22).to_bytes();
    let null = Event::Value(Value::Null);
    let bytes = events(&[
        Event::Array(3),
        Event::Structure(3),
        octets(&start),
        number(1000),
        null,
        Event::Structure(3),
        null,
        Event::Value(Value::DeltaUnsigned(7)),
        long(5),
        Event::Structure(3),
        null,
        null,
        Event::Value(Value::DeltaInteger(-6)),
    ]);
    let first = at(22).unix_seconds().unwrap();
    let expected = [
        (Some(first), vec![Some(1000), None]),
        (Some(first + 3600), vec![Some(1007), Some(5)]),
        // Five less six is no unsigned: the delta is given as it came, and is no number.
        (Some(first + 7200), vec![Some(1007), None]),
    ];
    assert_eq!(rows(&bytes, 3, 3600), expected);
    let backwards: Vec<_> = rows(&bytes, 3, -3600).into_iter().map(|(time, _)| time.unwrap()).collect();
    assert_eq!(backwards, [first, first - 3600, first - 7200]);
    let unknown: Vec<_> = rows(&bytes, 3, 0).into_iter().map(|(time, _)| time).collect();
    assert_eq!(unknown, [Some(first), None, None]);
}

#[test]
fn the_rows_of_a_compact_array_are_rows() {
    let bytes = [0x13, 0x02, 0x02, 0x12, 0x06, 12, 0, 1, 0, 0, 0, 100, 0, 2, 0, 0, 0, 101];
    let mut cells = [Cell::Value(Value::Null); 2];
    let mut rows = Rows::new(Data::parse(&bytes).unwrap(), &mut cells, None, 0).unwrap();
    assert_eq!(rows.left(), 2);
    rows.next_row().unwrap().unwrap();
    let row = rows.next_row().unwrap().unwrap();
    assert_eq!(row[1], Cell::Value(Value::DoubleLongUnsigned(101)));
}

#[test]
fn a_row_of_another_width_ends_the_reading() {
    let bytes = events(&[Event::Array(2), Event::Structure(1), small(1), Event::Structure(1), small(2)]);
    let mut cells = [Cell::Value(Value::Null); 2];
    let mut rows = Rows::new(Data::parse(&bytes).unwrap(), &mut cells, None, 0).unwrap();
    let size = Fault::Size { field: "row", expected: 2, found: 1 };
    assert_eq!(rows.next_row().unwrap_err(), DataError { offset: 2, fault: size });
    assert_eq!(rows.next_row(), Ok(None));
}

#[test]
fn an_object_list_says_what_may_be_done() {
    let bytes = events(&[
        Event::Array(1),
        Event::Structure(4),
        long(7),
        Event::Value(Value::Unsigned(1)),
        octets(&ENERGY),
        Event::Structure(2),
        Event::Array(2),
        Event::Structure(3),
        small(1),
        code(1),
        Event::Value(Value::Null),
        Event::Structure(3),
        small(2),
        code(1),
        Event::Array(2),
        small(1),
        small(2),
        Event::Array(1),
        Event::Structure(2),
        small(1),
        Event::Value(Value::Boolean(true)),
    ]);
    let mut list = AssociationLn::object_list(Data::parse(&bytes).unwrap()).unwrap();
    let object = list.next().unwrap().unwrap();
    assert_eq!((object.class_id, object.version, object.logical_name), (7, 1, Obis::new(ENERGY)));
    let attributes: Vec<_> = object.attributes().unwrap().map(Result::unwrap).collect();
    let selectors = |index: usize| attributes[index].selectors().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!((selectors(0), selectors(1)), (vec![], vec![1, 2]));
    let methods: Vec<_> = object.methods().unwrap().map(Result::unwrap).collect();
    assert_eq!(methods, [MethodAccess { method_id: 1, access_mode: 1 }]);
    assert!(list.next().is_none());
}

#[test]
fn short_names_lie_eight_apart() {
    let bytes = events(&[
        Event::Array(1),
        Event::Structure(4),
        Event::Value(Value::Long(0xFA00_u16.cast_signed())),
        long(12),
        Event::Value(Value::Unsigned(0)),
        octets(&[0, 0, 40, 0, 0, 255]),
    ]);
    let object = AssociationSn::object_list(Data::parse(&bytes).unwrap()).unwrap().next().unwrap().unwrap();
    assert_eq!(object.base_name, AssociationSn::BASE_NAME);
    assert_eq!((object.attribute(2), object.attribute(0)), (Some(0xFA08), None));
}

#[test]
fn logical_devices_windows_and_services_are_read() {
    let bytes = events(&[Event::Array(1), Event::Structure(2), long(1), octets(b"KFM1")]);
    let device = SapAssignment::list(Data::parse(&bytes).unwrap()).unwrap().next().unwrap();
    assert_eq!(device, Ok(Sap { sap: 1, logical_device_name: b"KFM1" }));
    let (start, end) = (at(1).to_bytes(), at(2).to_bytes());
    let bytes = events(&[Event::Array(1), Event::Structure(2), octets(&start), octets(&end)]);
    let window = PushSetup::communication_window(Data::parse(&bytes).unwrap()).unwrap().next().unwrap();
    assert_eq!(window, Ok(Window { start_time: at(1), end_time: at(2) }));
    let bytes = events(&[Event::Structure(3), code(5), octets(&[]), code(0)]);
    let service = Service::parse(Data::parse(&bytes).unwrap()).unwrap();
    assert_eq!(service, Service { transport: 5, destination: &[], message: MessageType::AXdr });
}

#[test]
fn an_image_is_cut_into_blocks() {
    let blocks = Blocks::new(250, 100).unwrap();
    assert_eq!((blocks.count(), blocks.range(2), blocks.range(3)), (3, Some(200..250), None));
    assert_eq!(Blocks::new(250, 0), None);
    assert_eq!(Blocks::new(u32::MAX, u32::MAX).unwrap().count(), 1);
    let image: Vec<u8> = (0..250).collect();
    assert_eq!(blocks.of(&image, 2).unwrap().len(), 50);
    assert_eq!(blocks.of(&image[..220], 2), None);
    let status = BitString::new(&[0x80], 2).unwrap();
    assert_eq!(blocks.missing(status).collect::<Vec<_>>(), [1, 2]);
    let parameter = emit(|writer| ImageTransfer::emit_block(writer, 2, &[7]));
    assert_eq!(parameter, [2, 2, 6, 0, 0, 0, 2, 9, 1, 7]);
    let parameter = emit(|writer| ImageTransfer::emit_initiate(writer, b"fw", 250));
    assert_eq!(parameter, [2, 2, 9, 2, b'f', b'w', 6, 0, 0, 0, 250]);
}

#[test]
fn keys_are_transferred_by_their_codes() {
    let parameter =
        emit(|writer| SecuritySetup::emit_key_transfer(writer, &[(KeyId::Authentication, &[1, 2])]));
    assert_eq!(parameter, [1, 1, 2, 2, 0x16, 2, 9, 2, 1, 2]);
}

/// Each value of a push as `code=value unit`.
fn push(body: &[u8], layout: Layout) -> Vec<String> {
    PushBody::new(body, layout).map(|reading| print(reading.unwrap())).collect()
}

fn print(reading: Reading<'_>) -> String {
    let obis = reading.obis.map_or("?".into(), |obis| obis.to_string());
    let value = match (reading.decimal(), reading.value.integer()) {
        (Some(decimal), _) => std::format!("{decimal} {}", reading.scaler_unit.unwrap().unit),
        (None, Some(number)) => number.to_string(),
        _ => reading.value.date_time().map_or("other".into(), |time| time.to_string()),
    };
    std::format!("{obis}={}", value.trim_end())
}

#[test]
fn a_code_is_only_one_where_a_value_follows_it() {
    let flat = |events_: &[Event<'_>]| push(&events(events_), Layout::Detect);
    let time = at(22).to_bytes();
    assert_eq!(
        flat(&[Event::Structure(4), octets(&time), octets(&POWER), number(5), octets(&ENERGY)]),
        ["?=2019-12-31T22:00:00+01:00", "1-0:1.7.0*255=5", "?=other"]
    );
    // A logical name that is a value itself, and a number of six bytes.
    assert_eq!(
        flat(&[Event::Structure(3), octets(&CLOCK), octets(&POWER), number(5)]),
        ["?=other", "1-0:1.7.0*255=5"]
    );
    assert_eq!(
        flat(&[Event::Structure(3), octets(b"123456"), octets(&POWER), number(5)]),
        ["?=other", "1-0:1.7.0*255=5"]
    );
    assert_eq!(flat(&[Event::Structure(2), octets(&POWER), Event::Array(1), number(5)]), ["?=other", "?=5"]);
    let twice = [Event::Structure(4), octets(&POWER), Event::Value(Value::Null), number(5), octets(&CLOCK)];
    assert_eq!(flat(&twice), ["1-0:1.7.0*255=other", "?=5", "?=other"]);
}

fn definition(class_id: u16, name: &[u8], attribute: i8) -> [Event<'_>; 5] {
    [Event::Structure(4), long(class_id), octets(name), small(attribute), long(0)]
}

#[test]
fn a_push_object_list_names_the_values_behind_it() {
    let own = [0, 0, 25, 9, 0, 255];
    let mut body = vec![Event::Structure(6), Event::Array(6)];
    let objects = [(40, own, 2), (40, own, 1), (3, ENERGY, 2), (3, ENERGY, 3), (3, POWER, 2), (8, CLOCK, 2)];
    objects.iter().for_each(|(class, name, attribute)| body.extend(definition(*class, name, *attribute)));
    let time = at(22).to_bytes();
    body.extend([
        octets(&own),
        number(100),
        Event::Structure(2),
        small(1),
        code(30),
        number(5),
        octets(&time),
    ]);
    let expected =
        ["?=other", "1-0:1.8.0*255=1000 Wh", "1-0:1.7.0*255=5", "0-0:1.0.0*255=2019-12-31T22:00:00+01:00"];
    assert_eq!(push(&events(&body), Layout::Detect), expected);
    // One value more than objects: nobody knows which is which.
    body[0] = Event::Structure(7);
    body.push(number(6));
    let read = push(&events(&body), Layout::Detect);
    assert!(read.iter().all(|reading| reading.starts_with("?=")), "{read:?}");
    assert!(read.contains(&"?=1000 Wh".into()) && read.contains(&"?=5".into()), "{read:?}");
}

#[test]
fn a_list_of_objects_that_cannot_be_followed_names_nothing() {
    let own = [0, 0, 25, 9, 0, 255];
    let values = [octets(&own), number(100)];
    let compact = [0x13, 0x02, 0x02, 0x12, 0x09, 9, 0, 40, 6, 0, 0, 25, 9, 0, 255];
    let body = [&[0x02, 3][..], &compact, &events(&values)].concat();
    assert_eq!(push(&body, Layout::Detect).last().unwrap(), "?=100");
    // A time before the list: then it is not the first of its values.
    let time = at(22).to_bytes();
    let mut body = vec![Event::Structure(4), octets(&time), Event::Array(2)];
    body.extend(definition(40, &own, 2));
    body.extend(definition(40, &own, 1));
    body.extend(values);
    let read = push(&events(&body), Layout::Detect);
    assert_eq!(read[1..], ["?=other", "?=100"]);
    // The second definition is broken: what follows has no name, and is not named by the third.
    let mut body = vec![Event::Structure(3), Event::Array(3)];
    body.extend(definition(40, &own, 2));
    body.extend([Event::Structure(1), number(7)]);
    body.extend(definition(3, &ENERGY, 2));
    body.extend([number(1), number(2)]);
    let read = push(&events(&body), Layout::Detect);
    assert!(read.iter().all(|reading| reading.starts_with("?=")), "{read:?}");
}

#[test]
fn a_kaifa_names_its_values_by_their_place() {
    let head = [octets(b"KFM_001"), octets(b"0"), octets(b"MA105")];
    let one_phase =
        |count| [&[Event::Structure(count)][..], &head, &[1, 2, 3, 4, 1500, 2301].map(number)].concat();
    let nine = push(&events(&one_phase(9)), Layout::Detect);
    let behind = ["1-0:1.7.0*255=1 W", "1-0:2.7.0*255=2 W", "1-0:3.7.0*255=3 var", "1-0:4.7.0*255=4 var"];
    assert_eq!(nine[3..7], behind);
    assert_eq!(nine[7..], ["1-0:31.7.0*255=1.500 A", "1-0:32.7.0*255=230.1 V"]);
    let time = at(22).to_bytes();
    let fourteen = [&one_phase(14)[..], &[octets(&time)], &[10, 20, 30, 40].map(number)].concat();
    let fourteen = push(&events(&fourteen), Layout::Detect);
    assert_eq!(fourteen[9], "0-0:1.0.0*255=2019-12-31T22:00:00+01:00");
    assert_eq!(fourteen[10], "1-0:1.8.0*255=10 Wh");
    assert_eq!(fourteen[13], "1-0:4.8.0*255=40 varh");
    let power = events(&[Event::Structure(1), number(321)]);
    assert_eq!(push(&power, Layout::Kaifa), ["1-0:1.7.0*255=321 W"]);
    assert_eq!(push(&power, Layout::Detect), ["?=321"]);
}

#[test]
fn a_push_that_goes_on_behind_its_end_says_so_once() {
    let mut body = events(&[Event::Structure(1), number(321)]);
    body.push(0);
    let read: Vec<_> = PushBody::new(&body, Layout::Detect).collect();
    let trailing = DataError { offset: 7, fault: Fault::Trailing { found: 1 } };
    assert_eq!(read.len(), 2);
    assert_eq!(read[1], Err(trailing));
}

proptest! {
    #[test]
    fn no_body_breaks_the_reading_of_a_push(
        bytes in prop::collection::vec(
            prop_oneof![Just(1_u8), Just(2), Just(9), Just(6), Just(255), Just(0x12), 0..=28_u8, any::<u8>()],
            0..120,
        ),
    ) {
        for layout in [Layout::Detect, Layout::Kaifa] {
            let readings = PushBody::new(&bytes, layout);
            prop_assert!(readings.take(40 * (bytes.len() + 2)).count() < 40 * (bytes.len() + 2));
        }
    }

    #[test]
    fn a_change_of_a_real_push_never_moves_a_value_to_another_code(at in 0_usize..200, to: u8) {
        let names = [POWER, ENERGY, [1, 0, 2, 7, 0, 255], [1, 0, 32, 7, 0, 255]];
        let mut body = vec![Event::Structure(8)];
        // No change of one byte makes one of them another.
        let values = [0x0101_0101, 0x0202_0202, 0x0303_0303, 0x0404_0404];
        for (name, value) in names.iter().zip(values) {
            body.extend([octets(name), number(value)]);
        }
        let mut bytes = events(&body);
        let at = at % bytes.len();
        bytes[at] = to;
        for reading in PushBody::new(&bytes, Layout::Detect).map_while(Result::ok) {
            let Some(place) = names.iter().position(|name| Some(Obis::new(*name)) == reading.obis) else { continue };
            let others = values.iter().enumerate().any(|(other, value)| {
                other != place && reading.value == Value::DoubleLongUnsigned(*value)
            });
            prop_assert!(!others || names.iter().any(|name| bytes.windows(6).filter(|part| part == name).count() > 1));
        }
    }

    #[test]
    fn no_data_break_the_classes(bytes in prop::collection::vec(prop_oneof![0_u8..=28, any::<u8>()], 0..100)) {
        let Ok(data) = Data::parse(&bytes) else { return Ok(()) };
        let mut cells = [Cell::Value(Value::Null); 3];
        if let Ok(mut rows) = Rows::new(data, &mut cells, Some(0), 900) {
            while let Ok(Some(_)) = rows.next_row() {}
        }
        let _ = (ScalerUnit::parse(data), Service::parse(data), ProfileGeneric::clock_column(data));
        let _ = AssociationLn::object_list(data).map(Iterator::count);
        let _ = AssociationSn::object_list(data).map(Iterator::count);
        let _ = SecuritySetup::certificates(data).map(Iterator::count);
        let _ = ImageTransfer::images(data).map(Iterator::count);
    }
}
