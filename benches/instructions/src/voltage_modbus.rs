//! voltage_modbus: the transport for firmware, as the host's brings a runtime and wants a real port.

use std::hint::black_box;

use voltage_modbus::embedded::EmbeddedRtuTransport;
use voltage_modbus::{ModbusFunction, ModbusRequest};

use crate::line::{Replier, now};
use crate::{Bench, QUANTITY, START, UNIT};

type Transport = EmbeddedRtuTransport<Replier>;

pub fn run(name: &str, bench: &Bench) {
    let mut transport = Transport::new(Replier::new(&bench.reply));
    match name {
        "encode_voltage_modbus" => {
            assert_eq!(transport.encode_request(&read(QUANTITY)).unwrap()[..], bench.request[..]);
            for _ in 0..bench.calls {
                assert_eq!(encode_voltage_modbus(&transport, black_box(QUANTITY)), bench.request.len());
            }
        }
        "decode_voltage_modbus" => bench.sum(|reply| decode_voltage_modbus(&transport, reply.to_vec())),
        "call_voltage_modbus" => bench.sum(|_| call_voltage_modbus(&mut transport, black_box(QUANTITY))),
        _ => panic!("there is no function {name:?}"),
    }
}

fn read(quantity: u16) -> ModbusRequest {
    ModbusRequest::new_read(UNIT, ModbusFunction::ReadHoldingRegisters, START, quantity)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_voltage_modbus(transport: &Transport, quantity: u16) -> usize {
    let frame = transport.encode_request(&read(quantity)).unwrap();
    black_box(&frame).len()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_voltage_modbus(transport: &Transport, reply: Vec<u8>) -> usize {
    let response = transport.decode_response(reply).unwrap();
    assert_eq!(response.slave_id, UNIT);
    response.parse_registers().unwrap().into_iter().map(usize::from).sum()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn call_voltage_modbus(transport: &mut Transport, quantity: u16) -> usize {
    let response = now(transport.request(&read(quantity))).unwrap();
    response.parse_registers().unwrap().into_iter().map(usize::from).sum()
}
