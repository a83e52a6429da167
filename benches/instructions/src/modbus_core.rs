//! modbus-core: a codec without machines.

use std::hint::black_box;

use modbus_core::rtu::{Header, RequestAdu, ResponseAdu, client, server};
use modbus_core::{Data, Request, RequestPdu, Response, ResponsePdu};

use crate::{Bench, QUANTITY, START, UNIT};

pub fn run(name: &str, bench: &Bench) {
    let mut reply = [0; 256];
    match name {
        "encode_modbus_core" => bench.encode(|buffer| encode_modbus_core(black_box(QUANTITY), buffer)),
        "decode_modbus_core" => bench.sum(decode_modbus_core),
        "serve_modbus_core" => {
            bench.serve(|request| serve_modbus_core(&bench.values, request, &mut reply));
            assert_eq!(&reply[..bench.reply.len()], bench.reply);
        }
        _ => panic!("there is no function {name:?}"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_modbus_core(quantity: u16, buffer: &mut [u8]) -> usize {
    let pdu = RequestPdu(Request::ReadHoldingRegisters(START, quantity));
    client::encode_request(RequestAdu { hdr: Header { slave: UNIT }, pdu }, buffer).unwrap()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_modbus_core(reply: &[u8]) -> usize {
    let adu = client::decode_response(reply).unwrap().unwrap();
    assert_eq!(adu.hdr.slave, UNIT);
    let Ok(Response::ReadHoldingRegisters(data)) = adu.pdu.0 else { panic!("another response") };
    (0..data.len()).filter_map(|index| data.get(index)).map(usize::from).sum()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn serve_modbus_core(values: &[u16], request: &[u8], buffer: &mut [u8]) -> usize {
    let adu = server::decode_request(request).unwrap().unwrap();
    let Request::ReadHoldingRegisters(start, quantity) = adu.pdu.0 else { return 0 };
    let values = values.get(usize::from(start)..).and_then(|values| values.get(..quantity.into())).unwrap();
    let mut bytes = [0; 250];
    let pdu = ResponsePdu(Ok(Response::ReadHoldingRegisters(Data::from_words(values, &mut bytes).unwrap())));
    server::encode_response(ResponseAdu { hdr: adu.hdr, pdu }, buffer).unwrap()
}
