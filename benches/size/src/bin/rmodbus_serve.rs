//! What `serve` does, with rmodbus.
#![no_std]
#![no_main]

use rmodbus::ModbusProto;
use rmodbus::server::ModbusFrame;
use rmodbus::server::context::ModbusContext;
use rmodbus::server::storage::ModbusStorage;
use size::{OUT, Outside, RESULT, VALUES, received};

static STORAGE: Outside<ModbusStorage<1, 1, 1, 125>> = Outside::new(ModbusStorage::new());

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    prepare();
    serve();
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn prepare() {
    let _ = STORAGE.take().set_holdings_bulk(0, VALUES.take());
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn serve() {
    let mut out = fixedvec::FixedVec::new(OUT.take());
    let mut frame = ModbusFrame::new(17, received(), ModbusProto::Rtu, &mut out);
    let served = frame
        .parse()
        .and_then(|()| frame.process_read(STORAGE.take()))
        .and_then(|()| frame.finalize_response());
    if served.is_ok() {
        RESULT.write(out.len() as u32);
    }
}
