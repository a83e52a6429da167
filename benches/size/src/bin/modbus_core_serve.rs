//! What `serve` does, with modbus-core, which has no machine.
#![no_std]
#![no_main]

use modbus_core::rtu::{ResponseAdu, server};
use modbus_core::{Data, Request, Response, ResponsePdu};
use size::{OUT, RESULT, VALUES, received};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    serve();
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn serve() {
    let Ok(Some(adu)) = server::decode_request(received()) else { return };
    let Request::ReadHoldingRegisters(start, quantity) = adu.pdu.0 else { return };
    let values = VALUES.take().get(usize::from(start)..).and_then(|values| values.get(..quantity.into()));
    let mut bytes = [0; 250];
    let Some(Ok(data)) = values.map(|values| Data::from_words(values, &mut bytes)) else { return };
    let pdu = ResponsePdu(Ok(Response::ReadHoldingRegisters(data)));
    RESULT.write(server::encode_response(ResponseAdu { hdr: adu.hdr, pdu }, OUT.take()).unwrap_or(0) as u32);
}
