//! Serves one read of holding registers with the whole server machine: for counting cycles.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Exception, Handler, RegistersMut, Rtu, Server};
use size::{OUT, RESULT, VALUES, received};

struct Table<'a>(&'a [u16]);

impl Handler for Table<'_> {
    fn read_holding_registers(&mut self, start: u16, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        let values = self.0.get(usize::from(start)..).and_then(|values| values.get(..registers.len()));
        registers.extend(values.ok_or(Exception::IllegalDataAddress)?.iter().copied());
        Ok(())
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let mut server = Server::new(const { Rtu::new(Line::new(9600)) }, 17, Table(VALUES.take()), OUT.take());
    serve(&mut server);
}

/// The request comes in one piece; then the line is silent; then the reply goes.
#[inline(always)]
fn serve(server: &mut Server<'_, Rtu, Table<'_>>) {
    server.receive(Instant::ZERO, received());
    let mut now = Instant::ZERO;
    loop {
        match server.poll(now) {
            Step::Send(bytes) => RESULT.write(bytes.len() as u32),
            Step::Wait(Some(until)) => now = until,
            _ => return,
        }
    }
}
