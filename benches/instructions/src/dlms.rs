//! A push of a Norwegian meter, and rows of a load profile, down to the last value.

use std::hint::black_box;

use ccm_dlms::hdlc::{Address, Assembler, Control, Decoder, Frame, Width};
use ccm_dlms::message::cosem::{Cell, Layout, PushBody, Rows};
use ccm_dlms::message::data::{Data, Event, Events, Value};
use ccm_dlms::message::{DataNotification, Encoded, GetDataResult, GetResponse, Invoked};
use dlms_cosem_rs::Apdu;
use dlms_cosem_rs::codec::Decode;
use dlms_cosem_rs::cosem::profile::ProfileBuffer;
use dlms_cosem_rs::transport::hdlc::{Found, Framer};
use dlms_cosem_rs::xdlms::{GetDataResult as OtherResult, GetResponse as OtherResponse};

/// Runs as often as asked, and checks that the same came out each time.
pub fn run(name: &str, calls: usize) {
    let (push, rows) = (push(), rows());
    let (mut line, mut apdu) = ([0; 700], [0; 700]);
    for _ in 0..calls {
        match name {
            "push_ccm" => assert_eq!(push_ccm(black_box(&push), &mut line, &mut apdu), READINGS),
            "push_ccm_frame" => assert_eq!(push_ccm_frame(black_box(&push)), PUSHED),
            "push_dlms_cosem_rs" => assert_eq!(push_dlms_cosem_rs(black_box(&push)), PUSHED),
            "rows_ccm" => assert_eq!(rows_ccm(black_box(&rows)), CELLS),
            "rows_ccm_events" => assert_eq!(rows_ccm_events(black_box(&rows)), CELLS),
            "rows_dlms_cosem_rs" => assert_eq!(rows_dlms_cosem_rs(black_box(&rows)), CELLS),
            "rows_dlms_cosem_rs_raw" => assert_eq!(rows_dlms_cosem_rs_raw(black_box(&rows)), CELLS),
            _ => panic!("there is no function {name:?}"),
        }
    }
}

/// Readings with a code, and the sum of their mantissas.
const READINGS: (usize, i64) = (27, 14_705_611);
/// The sum of all integers of the push, and of the first and the last byte of its strings.
const PUSHED: i64 = 14_712_778;
/// The same of the rows.
const CELLS: i64 = 25_749_636;

/// A frame of 581 bytes around the notification of an Aidon with three phases.
fn push() -> Vec<u8> {
    let body = super::vector(include_str!("../../../ccm-dlms/tests/vectors/data-push-aidon-3phase.hex"));
    let information = [&[0xE6, 0xE7, 0x00, 0x0F, 0x40, 0, 0, 0, 0][..], &body].concat();
    let source = Address::new(4, 0x41, Width::Two).unwrap();
    let (destination, control) = (Address::client(0x20), Control::from_byte(0x13));
    let frame = Frame { destination, source, control, segmented: false, information: &information };
    let mut bytes = vec![0; 700];
    let length = frame.emit(&mut bytes).unwrap();
    bytes.truncate(length);
    assert_eq!(length, 581);
    bytes
}

/// A GET response of 678 bytes: 24 rows of a time, a status and two counters.
fn rows() -> Vec<u8> {
    let mut apdu = vec![0xC4, 0x01, 0xC1, 0x00, 0x01, 24];
    for hour in 0..24_u8 {
        apdu.extend([0x02, 4, 0x09, 12, 0x07, 0xEA, 1, 1, 4, hour, 0, 0, 0, 0xFF, 0xC4, 0x00, 0x11, 8, 0x06]);
        apdu.extend((1_000_000 + u32::from(hour) * 250).to_be_bytes());
        apdu.push(0x06);
        apdu.extend((70_000 + u32::from(hour)).to_be_bytes());
    }
    assert_eq!(apdu.len(), 678);
    apdu
}

/// From the line to readings: the frame is found and checked, its APDU taken out, and each value has its code and, with
/// its unit, its exact number.
#[unsafe(no_mangle)]
#[inline(never)]
fn push_ccm(bytes: &[u8], line: &mut [u8], apdu: &mut [u8]) -> (usize, i64) {
    let (mut decoder, mut assembler) = (Decoder::new(line), Assembler::new(apdu));
    assert_eq!(decoder.push(bytes), bytes.len());
    let frame = decoder.next_frame().unwrap().unwrap();
    let push = assembler.take(&frame).unwrap().unwrap();
    let notification = DataNotification::parse(push.apdu).unwrap();
    let (mut count, mut sum) = (0, 0);
    for reading in PushBody::new(notification.body.0, Layout::Detect) {
        let reading = reading.unwrap();
        count += usize::from(reading.obis.is_some());
        sum += reading.decimal().map_or(0, |decimal| decimal.mantissa);
    }
    (count, sum)
}

/// What the other does: the frame where it lies, and its values without their meaning.
#[unsafe(no_mangle)]
#[inline(never)]
fn push_ccm_frame(bytes: &[u8]) -> i64 {
    let frame = Frame::parse(&bytes[1..bytes.len() - 1]).unwrap();
    let notification = DataNotification::parse(&frame.information[3..]).unwrap();
    events(Events::new(notification.body.0))
}

#[inline(always)]
fn events(events: Events<'_>) -> i64 {
    let mut sum = 0;
    for event in events {
        if let Event::Value(value) = event.unwrap() {
            sum += read(value);
        }
    }
    sum
}

#[inline(always)]
fn read(value: Value<'_>) -> i64 {
    match value.bytes() {
        Some(bytes) => i64::from(bytes[0]) + i64::from(bytes[bytes.len() - 1]),
        None => value.integer().unwrap_or_default(),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn push_dlms_cosem_rs(bytes: &[u8]) -> i64 {
    let Found::Frame { frame, .. } = Framer::default().next_frame(bytes).unwrap() else { panic!("no frame") };
    let Ok(Apdu::DataNotification(notification)) = Apdu::from_bytes(&frame.information[3..]) else {
        panic!("no notification")
    };
    walk(notification.body)
}

fn walk(data: dlms_cosem_rs::axdr::Data<'_>) -> i64 {
    use dlms_cosem_rs::axdr::Data;
    match data {
        Data::Array(sequence) | Data::Structure(sequence) => {
            sequence.iter().map(|data| walk(data.unwrap())).sum()
        }
        value => read_other(&value),
    }
}

#[inline(always)]
fn read_other(value: &dlms_cosem_rs::axdr::Data<'_>) -> i64 {
    use dlms_cosem_rs::axdr::Data;
    match value {
        Data::OctetString(bytes) | Data::VisibleString(bytes) | Data::Utf8String(bytes) => {
            i64::from(bytes[0]) + i64::from(bytes[bytes.len() - 1])
        }
        Data::Enum(_) => 0,
        value => value.as_i64().unwrap_or_default(),
    }
}

/// The rows, with what their sender left out filled in.
#[unsafe(no_mangle)]
#[inline(never)]
fn rows_ccm(apdu: &[u8]) -> i64 {
    let mut cells = [Cell::Value(Value::Null); 4];
    let mut rows = Rows::new(Data::parse(value(apdu)).unwrap(), &mut cells, Some(0), 3600).unwrap();
    let mut sum = 0;
    while let Some(row) = rows.next_row().unwrap() {
        sum += row.iter().map(|cell| read(cell.value().unwrap())).sum::<i64>();
    }
    sum
}

/// The values alone.
#[unsafe(no_mangle)]
#[inline(never)]
fn rows_ccm_events(apdu: &[u8]) -> i64 {
    events(Events::new(value(apdu)))
}

#[inline(always)]
fn value(apdu: &[u8]) -> &[u8] {
    match Invoked::parse(apdu).unwrap().service {
        GetResponse::Normal(GetDataResult::Data(Encoded(value))) => value,
        _ => panic!("no value"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn rows_dlms_cosem_rs(apdu: &[u8]) -> i64 {
    let mut sum = 0;
    let rows = other_rows(apdu);
    let visited = rows.for_each_cell(4, |_, _, cell| {
        sum += read_other(&cell);
        Ok(())
    });
    visited.unwrap();
    sum
}

#[unsafe(no_mangle)]
#[inline(never)]
fn rows_dlms_cosem_rs_raw(apdu: &[u8]) -> i64 {
    let rows = other_rows(apdu);
    rows.raw_rows().map(|row| row.unwrap().iter().map(|cell| read_other(&cell.unwrap())).sum::<i64>()).sum()
}

#[inline(always)]
fn other_rows(apdu: &[u8]) -> ProfileBuffer<'_> {
    let Ok(Apdu::GetResponse(OtherResponse::Normal { result, .. })) = Apdu::from_bytes(apdu) else {
        panic!("no response")
    };
    let OtherResult::Data(buffer) = result else { panic!("no value") };
    ProfileBuffer::new(&buffer).unwrap()
}
