//! The laws that every protocol of CcMaster obeys, on the golden exchanges of Modbus.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use ccm_core::testing::{Exchange, Verdict, conformance};
use ccm_core::{Instant, Line, Writer};
use ccm_modbus::{Client, Coils, Echo, Framing, Registers, Request, Response, Rtu, Tcp};

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
        Ok(response) if response_pdu(&response) == expected => Verdict::Good,
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

fn check<F: Framing>(framing: impl Fn() -> F, wrapping: &Wrapping) {
    for (name, request, reply) in golden() {
        let exchange = Exchange {
            name,
            request: (wrapping.ours)(&pdu(&request)),
            reply: (wrapping.ours)(&reply),
            foreign: (wrapping.foreign)(&reply),
            checksum: wrapping.checksum,
        };
        conformance(LINE, &[exchange], |_, run| {
            let mut buffer = [0; 520];
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
    check(|| Rtu::new(LINE).with_echo(Echo::Absent), &wrapping);
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
