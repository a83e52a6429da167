//! Serves one read of holding registers with the whole server machine: for counting cycles.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Exception, Handler, RegistersMut, Rtu, Server};
use size::{OUT, Outside, RESULT, VALUES, received};

static SERVER: Outside<Option<Server<'static, Rtu, Table>>> = Outside::new(None);

struct Table(&'static [u16]);

impl Handler for Table {
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let values = self.0.get(usize::from(start)..).and_then(|values| values.get(..registers.len()));
        registers.extend(values.ok_or(Exception::IllegalDataAddress)?.iter().copied());
        Ok(())
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    prepare();
    serve();
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn prepare() {
    const RTU: Rtu = Rtu::new(Line::new(9600));
    SERVER.write(Some(Server::new(RTU, 17, Table(VALUES.take()), OUT.take())));
}

/// The request comes in one piece; then the line is silent; then the reply goes.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn serve() {
    let Some(server) = SERVER.take() else { return };
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
