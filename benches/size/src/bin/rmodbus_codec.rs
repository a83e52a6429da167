//! What `fc3_codec` does, with rmodbus.
#![no_std]
#![no_main]

use rmodbus::ModbusProto;
use rmodbus::client::ModbusRequest;
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
    let mut out = fixedvec::FixedVec::new(OUT.take());
    let quantity = LENGTH.read() as u16;
    let mut request = ModbusRequest::new(17, ModbusProto::Rtu);
    let encoded = request.generate_get_holdings(quantity, quantity, &mut out);
    RESULT.write(u32::from(encoded.is_ok()));
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn decode() {
    let mut out = fixedvec::FixedVec::new(OUT.take());
    let mut request = ModbusRequest::new(17, ModbusProto::Rtu);
    if request.generate_get_holdings(5, 125, &mut out).is_err() {
        return;
    }
    if let Ok(values) = request.parse_slice(received()) {
        let sum = values
            .chunks_exact(2)
            .fold(0_u32, |sum, pair| sum + u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        RESULT.write(sum);
    }
}
