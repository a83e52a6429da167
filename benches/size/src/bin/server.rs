//! The whole server machine for functions 1-6, 15, 16, 22 and 23.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Coils, CoilsMut, Exception, Handler, Registers, RegistersMut, Rtu, Server};
use size::{BYTE, NOW, OUT, RESULT};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    const RTU: Rtu = Rtu::new(Line::new(9600));
    let mut server = Server::new(RTU, 17, Device, OUT.take());
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

/// A device whose tables are one volatile word, so that its own code is next to nothing.
struct Device;

impl Handler for Device {
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let state = check(start)? & 1 == 1;
        (0..coils.len()).for_each(|_| coils.push(state));
        Ok(())
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let state = check(start)? & 1 == 1;
        (0..inputs.len()).for_each(|_| inputs.push(state));
        Ok(())
    }

    fn read_holding_registers(&mut self, start: u16, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        let value = check(start)?;
        (0..registers.len()).for_each(|_| registers.push(value));
        Ok(())
    }

    fn read_input_registers(&mut self, start: u16, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        let value = check(start)?;
        (0..registers.len()).for_each(|_| registers.push(value));
        Ok(())
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        RESULT.write(u32::from(check(start)?) + coils.len() as u32);
        Ok(())
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        RESULT.write(u32::from(check(start)?) + registers.len() as u32);
        Ok(())
    }
}

fn check(start: u16) -> Result<u16, Exception> {
    if start < 1000 { Ok(RESULT.read() as u16) } else { Err(Exception::IllegalDataAddress) }
}
