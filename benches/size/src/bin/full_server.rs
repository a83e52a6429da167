//! The whole server machine for every function of the standard, with a device that has every service.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Extended, Rtu, Server};
use size::{BYTE, Device, NOW, OUT, RESULT};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    const RTU: Rtu = Rtu::new(Line::new(9600));
    let mut server = Server::new(RTU, 17, Extended::new(Device), OUT.take());
    loop {
        let now = Instant::from_micros(NOW.read());
        match server.poll(now) {
            Step::Send(bytes) => bytes.iter().for_each(|byte| RESULT.write((*byte).into())),
            Step::SetLine(_) => {}
            Step::Wait(_) => {
                server.receive(now, &[BYTE.read()]);
            }
            Step::Done => return,
        }
    }
}
