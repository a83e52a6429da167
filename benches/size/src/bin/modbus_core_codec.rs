//! What `fc3_codec` does, with modbus-core.
#![no_std]
#![no_main]

use modbus_core::rtu::{Header, RequestAdu, client};
use modbus_core::{Request, RequestPdu, Response};
use size::{LENGTH, OUT, RESULT, received};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    encode();
    decode();
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn encode() {
    let quantity = LENGTH.read() as u16;
    let pdu = RequestPdu(Request::ReadHoldingRegisters(quantity, quantity));
    let length =
        client::encode_request(RequestAdu { hdr: Header { slave: 17 }, pdu }, OUT.take()).unwrap_or(0);
    RESULT.write(length as u32);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn decode() {
    if let Ok(Some(adu)) = client::decode_response(received())
        && let Ok(Response::ReadHoldingRegisters(data)) = adu.pdu.0
    {
        let sum = (0..data.len())
            .filter_map(|index| data.get(index))
            .fold(0_u32, |sum, value| sum + u32::from(value));
        RESULT.write(sum);
    }
}
