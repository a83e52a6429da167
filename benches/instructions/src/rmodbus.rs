//! rmodbus: its checksum has no table.

use std::hint::black_box;

use rmodbus::ModbusProto::Rtu;
use rmodbus::client::ModbusRequest;
use rmodbus::server::ModbusFrame;
use rmodbus::server::context::ModbusContext;
use rmodbus::server::storage::ModbusStorage;

use crate::{Bench, QUANTITY, START, UNIT};

type Storage = ModbusStorage<1, 1, 1, { QUANTITY as usize }>;

pub fn run(name: &str, bench: &Bench) {
    let mut frame = Vec::with_capacity(256);
    match name {
        "encode_rmodbus" => bench.encode(|buffer| {
            let length = encode_rmodbus(black_box(QUANTITY), &mut frame);
            buffer[..length].copy_from_slice(&frame);
            length
        }),
        "decode_rmodbus" => {
            let mut request = ModbusRequest::new(UNIT, Rtu);
            request.generate_get_holdings(START, QUANTITY, &mut frame).unwrap();
            bench.sum(|reply| decode_rmodbus(black_box(&request), reply));
        }
        "serve_rmodbus" => {
            let mut storage = Storage::new();
            storage.set_holdings_bulk(0, &bench.values).unwrap();
            bench.serve(|request| serve_rmodbus(&storage, request, &mut frame));
            assert_eq!(frame, bench.reply);
        }
        _ => panic!("there is no function {name:?}"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_rmodbus(quantity: u16, frame: &mut Vec<u8>) -> usize {
    let mut request = ModbusRequest::new(UNIT, Rtu);
    request.generate_get_holdings(START, quantity, frame).unwrap();
    frame.len()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_rmodbus(request: &ModbusRequest, reply: &[u8]) -> usize {
    let values = request.parse_slice(reply).unwrap();
    values.chunks_exact(2).map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]]))).sum()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn serve_rmodbus(storage: &Storage, request: &[u8], reply: &mut Vec<u8>) -> usize {
    let mut frame = ModbusFrame::new(UNIT, request, Rtu, reply);
    frame.parse().unwrap();
    frame.process_read(storage).unwrap();
    frame.finalize_response().unwrap();
    reply.len()
}
