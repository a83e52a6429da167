//! Encodes a read of holding registers; checks a reply and adds up its registers.
#![no_std]
#![no_main]

use ccm_modbus::{Reply, Request, rtu};
use size::{BYTE, LENGTH, OUT, RESULT, received};

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
    let request = Request::ReadHoldingRegisters { start: quantity, quantity };
    let length = rtu::emit(17, &request, OUT.take()).unwrap_or(0);
    RESULT.write(length as u32);
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn decode() {
    let Ok(frame) = rtu::parse(received()) else { return };
    if frame.unit != 17 {
        return;
    }
    let request = Request::ReadHoldingRegisters { start: 0, quantity: BYTE.read().into() };
    if let Some(registers) = Reply::to(&request, frame.pdu).ok().and_then(|reply| reply.registers()) {
        RESULT.write(registers.iter().fold(0, |sum, value| sum.wrapping_add(value.into())));
    }
}
