//! The laws that every protocol of CcMaster obeys, on the golden exchanges of Modbus.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use ccm_core::testing::{Exchange, Verdict, conformance};
use ccm_core::{Instant, Line, Writer};
use ccm_modbus::{
    Ascii, Client, Coils, Echo, FileRange, FileReads, FileWrites, Framing, ReadDeviceId, Registers, Request,
    Response, Rtu, SubFunction, Tcp,
};

const LINE: Line = Line::new(9600);

/// The examples of MB-APP 6: each function's request, and the response in the standard's own bytes.
fn golden() -> Vec<(&'static str, Request<'static>, Vec<u8>)> {
    let registers = Registers::pack(&[0x000A, 0x0102], vec![0; 4].leak()).unwrap();
    let three = Registers::pack(&[0x00FF; 3], vec![0; 6].leak()).unwrap();
    let states = [true, false, true, true, false, false, true, true, true, false];
    let coils = Coils::pack(&states, vec![0; 2].leak()).unwrap();
    vec![
        ("6.1", Request::ReadCoils { start: 0x13, quantity: 19 }, vec![1, 3, 0xCD, 0x6B, 0x05]),
        ("6.2", Request::ReadDiscreteInputs { start: 0xC4, quantity: 22 }, vec![2, 3, 0xAC, 0xDB, 0x35]),
        (
            "6.3",
            Request::ReadHoldingRegisters { start: 0x6B, quantity: 3 },
            vec![3, 6, 2, 0x2B, 0, 0, 0, 0x64],
        ),
        ("6.4", Request::ReadInputRegisters { start: 8, quantity: 1 }, vec![4, 2, 0, 0x0A]),
        ("6.5", Request::WriteSingleCoil { address: 0xAC, on: true }, vec![5, 0, 0xAC, 0xFF, 0]),
        ("6.6", Request::WriteSingleRegister { address: 1, value: 3 }, vec![6, 0, 1, 0, 3]),
        ("6.11", Request::WriteMultipleCoils { start: 0x13, coils }, vec![15, 0, 0x13, 0, 10]),
        ("6.12", Request::WriteMultipleRegisters { start: 1, registers }, vec![16, 0, 1, 0, 2]),
        (
            "6.16",
            Request::MaskWriteRegister { address: 4, and_mask: 0xF2, or_mask: 0x25 },
            vec![22, 0, 4, 0, 0xF2, 0, 0x25],
        ),
        (
            "6.17",
            Request::ReadWriteMultipleRegisters {
                read_start: 3,
                read_quantity: 6,
                write_start: 14,
                registers: three,
            },
            vec![23, 12, 0, 0xFE, 0x0A, 0xCD, 0, 1, 0, 3, 0, 0x0D, 0, 0xFF],
        ),
    ]
    .into_iter()
    .chain(services())
    .collect()
}

/// The same for the functions that are not about coils and registers.
fn services() -> Vec<(&'static str, Request<'static>, Vec<u8>)> {
    let ranges = [FileRange { file: 4, record: 1, length: 2 }, FileRange { file: 3, record: 9, length: 2 }];
    let reads = FileReads::pack(&ranges, vec![0; 14].leak()).unwrap();
    let written = Registers::pack(&[0x06AF, 0x04BE, 0x100D], vec![0; 6].leak()).unwrap();
    let writes = FileWrites::pack(&[(4, 7, written)], vec![0; 13].leak()).unwrap();
    let query = Request::Diagnostics { sub_function: SubFunction::ReturnQueryData, data: &[0xA5, 0x37] };
    let count = Request::Diagnostics { sub_function: SubFunction::ReturnBusMessageCount, data: &[0, 0] };
    let mut identification = vec![0x2B, 0x0E, 1, 1, 0, 0, 3, 0, 22];
    identification.extend(b"Company identification");
    identification.extend([1, 12]);
    identification.extend(b"Product code");
    identification.extend(b"\x02\x05V2.11");
    vec![
        ("6.7", Request::ReadExceptionStatus, vec![7, 0x6D]),
        ("6.8", query, vec![8, 0, 0, 0xA5, 0x37]),
        ("6.8, a counter", count, vec![8, 0, 0x0B, 0x12, 0x34]),
        ("6.9", Request::GetCommEventCounter, vec![11, 0xFF, 0xFF, 1, 8]),
        ("6.10", Request::GetCommEventLog, vec![12, 8, 0, 0, 1, 8, 1, 0x21, 0x20, 0]),
        ("6.13", Request::ReportServerId, vec![17, 3, 0x2A, 0xFF, 7]),
        (
            "6.14",
            Request::ReadFileRecord(reads),
            vec![20, 12, 5, 6, 0x0D, 0xFE, 0, 0x20, 5, 6, 0x33, 0xCD, 0, 0x40],
        ),
        (
            "6.15",
            Request::WriteFileRecord(writes),
            vec![21, 13, 6, 0, 4, 0, 7, 0, 3, 6, 0xAF, 4, 0xBE, 0x10, 0x0D],
        ),
        ("6.18", Request::ReadFifoQueue { address: 0x04DE }, vec![24, 0, 6, 0, 2, 1, 0xB8, 0x12, 0x84]),
        ("6.18, empty", Request::ReadFifoQueue { address: 0x04DE }, vec![24, 0, 2, 0, 0]),
        (
            "6.20",
            Request::EncapsulatedInterface { interface: 13, data: &[1, 2, 3] },
            vec![0x2B, 13, 9, 8, 7, 6],
        ),
        ("6.21", Request::ReadDeviceIdentification { kind: ReadDeviceId::Basic, object: 0 }, identification),
        ("user-defined", Request::Other { code: 65, data: &[1, 2] }, vec![65, 9, 9, 9]),
    ]
}

fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![unit];
    frame.extend(pdu);
    let crc = crc::Crc::<u16>::new(&crc::CRC_16_MODBUS).checksum(&frame);
    frame.extend(crc.to_le_bytes());
    frame
}

fn tcp(transaction: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u8::try_from(pdu.len() + 1).unwrap();
    let mut frame = vec![0, transaction, 0, 0, 0, length, 17];
    frame.extend(pdu);
    frame
}

fn pdu(request: &Request<'_>) -> Vec<u8> {
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    request.emit(&mut writer).unwrap();
    writer.written().to_vec()
}

fn judge<F: Framing>(client: &Client<'_, F>, expected: &[u8]) -> Verdict {
    match client.outcome() {
        Ok(reply) if reply.pdu() == expected && response_pdu(&reply.response().unwrap()) == expected => {
            Verdict::Good
        }
        Ok(_) => Verdict::Wrong,
        Err(_) => Verdict::Failed,
    }
}

fn response_pdu(response: &Response<'_>) -> Vec<u8> {
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    response.emit(&mut writer).unwrap();
    writer.written().to_vec()
}

/// How a framing wraps a PDU for this exchange and for another one, and whether it adds a checksum.
struct Wrapping {
    ours: fn(&[u8]) -> Vec<u8>,
    foreign: fn(&[u8]) -> Vec<u8>,
    checksum: bool,
}

/// Requests whose echo is as good a reply as any, so that only the line's owner can tell.
const MIRRORS: [&str; 4] = ["6.8, a counter", "6.20", "6.21", "user-defined"];

fn check<F: Framing>(framing: impl Fn() -> F, wrapping: &Wrapping) {
    // On a line that nobody knows these are refused; here the client is told that there is no echo.
    for (name, request, reply) in golden().into_iter().filter(|(name, ..)| !MIRRORS.contains(name)) {
        let exchange = Exchange {
            name,
            request: (wrapping.ours)(&pdu(&request)),
            reply: (wrapping.ours)(&reply),
            foreign: (wrapping.foreign)(&reply),
            checksum: wrapping.checksum,
        };
        conformance(LINE, &[exchange], |_, run| {
            let mut buffer = [0; 1030];
            let mut client = Client::new(framing(), &mut buffer);
            client.start(Instant::ZERO, 17, request).unwrap();
            run(&mut client);
            judge(&client, &reply)
        });
    }
}

#[test]
fn rtu_obeys_the_laws() {
    let wrapping = Wrapping { ours: |pdu| rtu(17, pdu), foreign: |pdu| rtu(18, pdu), checksum: true };
    check(|| Rtu::new(LINE).with_echo(Echo::Off), &wrapping);
}

fn ascii(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let sum = pdu.iter().fold(unit, |sum, byte| sum.wrapping_add(*byte));
    let bytes = [&[unit][..], pdu, &[sum.wrapping_neg()]].concat();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!(":{digits}\r\n").into_bytes()
}

#[test]
fn ascii_obeys_the_laws() {
    let wrapping = Wrapping { ours: |pdu| ascii(17, pdu), foreign: |pdu| ascii(18, pdu), checksum: true };
    check(|| Ascii::new(LINE).with_echo(Echo::Off), &wrapping);
}

#[test]
fn tcp_obeys_the_laws() {
    let wrapping = Wrapping { ours: |pdu| tcp(1, pdu), foreign: |pdu| tcp(9, pdu), checksum: false };
    check(Tcp::new, &wrapping);
}

#[test]
fn every_example_of_the_standard_is_parsed_and_emitted_byte_for_byte() {
    for (name, request, reply) in golden() {
        assert_eq!(Request::parse(&pdu(&request)), Ok(request), "{name}");
        let response = Response::parse(&reply).unwrap().unwrap();
        assert_eq!(response.function(), Some(request.function()), "{name}");
        assert_eq!(response_pdu(&response), reply, "{name}");
    }
}
