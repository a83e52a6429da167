//! Work with holding registers, and with what meters send, done with this stack and with others'.
//!
//! Each function of the modules does its work once with what it is given; its buffers, connections and tables are made
//! outside of it, where the library allows that. It is measured alone, by the difference between more calls and fewer:
//! `valgrind --tool=callgrind --toggle-collect=NAME instructions NAME CALLS`.

mod ccm;
mod dlms;
mod line;
mod modbus_core;
mod p1;
mod rmodbus;
mod tokio_modbus;
mod voltage_modbus;

use std::hint::black_box;

const UNIT: u8 = 17;
const START: u16 = 0;
const QUANTITY: u16 = 125;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let calls = arguments.next().and_then(|calls| calls.parse().ok()).unwrap_or(1);
    let bench =
        Bench { calls, request: request(), reply: reply(), values: std::array::from_fn(|n| n as u16) };
    match name.split_once('_') {
        Some(("push" | "rows", _)) => dlms::run(&name, calls),
        Some(("p1" | "readout", _)) => p1::run(&name, calls),
        Some((_, "ccm" | "ccm_response" | "ccm_pieces")) => ccm::run(&name, &bench),
        Some((_, "rmodbus")) => rmodbus::run(&name, &bench),
        Some((_, "modbus_core")) => modbus_core::run(&name, &bench),
        Some((_, "tokio_modbus")) => tokio_modbus::run(&name, &bench),
        Some((_, "voltage_modbus")) => voltage_modbus::run(&name, &bench),
        _ => panic!("there is no function {name:?}"),
    }
}

/// What all have to work with.
struct Bench {
    calls: usize,
    /// A read of 125 registers, and the reply to it.
    request: Vec<u8>,
    reply: Vec<u8>,
    values: [u16; QUANTITY as usize],
}

impl Bench {
    /// Encodes into a buffer as often as asked, and checks the frame.
    fn encode(&self, mut encode: impl FnMut(&mut [u8; 256]) -> usize) {
        let mut buffer = [0; 256];
        for _ in 0..self.calls {
            let length = encode(black_box(&mut buffer));
            assert_eq!(&buffer[..length], self.request);
        }
    }

    /// Gets the sum of the registers as often as asked, and checks it.
    fn sum(&self, mut work: impl FnMut(&[u8]) -> usize) {
        for _ in 0..self.calls {
            assert_eq!(work(black_box(&self.reply)), (0..usize::from(QUANTITY)).sum());
        }
    }

    /// Serves a read as often as asked, and checks the reply's length. The reply itself is checked by the caller.
    fn serve(&self, mut work: impl FnMut(&[u8]) -> usize) {
        for _ in 0..self.calls {
            assert_eq!(work(black_box(&self.request)), self.reply.len());
        }
    }
}

fn request() -> Vec<u8> {
    let ([a, b], [c, d]) = (START.to_be_bytes(), QUANTITY.to_be_bytes());
    sealed(vec![UNIT, 3, a, b, c, d])
}

fn reply() -> Vec<u8> {
    let mut frame = vec![UNIT, 3, 250];
    frame.extend((0..QUANTITY).flat_map(u16::to_be_bytes));
    sealed(frame)
}

/// The bytes of a file of hexadecimal digits.
fn vector(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .map(|digit| digit.to_digit(16).unwrap())
        .collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn sealed(mut frame: Vec<u8>) -> Vec<u8> {
    let crc = frame.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    });
    frame.extend(crc.to_le_bytes());
    frame
}
