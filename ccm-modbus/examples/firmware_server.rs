//! A server on a microcontroller: `cargo run -p ccm-modbus --example firmware_server`.
//!
//! A thermometer with one input register and an alarm limit that can be written, and everything else that the standard
//! has: counters, listen-only mode, identification. The machine is stepped by hand here, as an interrupt handler and an
//! idle-line timer would; `ccm_core::blocking::Driver` and `asynch::Driver` do it over a port.

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Exception, Extended, Handler, Registers, RegistersMut, Rtu, Server, Services};

struct Thermometer {
    tenths: u16,
    alarm: u16,
}

impl Handler for Thermometer {
    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        if start != 0 || registers.len() != 1 {
            return Err(Exception::IllegalDataAddress);
        }
        registers.push(self.tenths);
        Ok(())
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        match (start, registers.len(), registers.get(0)) {
            (0, 1, Some(alarm)) if alarm <= 1000 => self.alarm = alarm,
            (0, 1, Some(_)) => return Err(Exception::IllegalDataValue),
            _ => return Err(Exception::IllegalDataAddress),
        }
        Ok(())
    }
}

impl Services for Thermometer {
    fn object(&self, id: u8) -> Option<&[u8]> {
        let objects: [&[u8]; 3] = [b"Example", b"Thermometer", b"1.0"];
        objects.get(usize::from(id)).copied()
    }
}

fn main() {
    let mut buffer = [0; 520];
    let device = Extended::new(Thermometer { tenths: 215, alarm: 300 });
    let mut server = Server::new(Rtu::new(Line::new(9600)), 5, device, &mut buffer);

    // "Read input register 0 of unit 5", as it comes from the line; then the line is silent.
    let _ = server.poll(Instant::ZERO);
    server.receive(Instant::from_millis(8), &[5, 4, 0, 0, 0, 1, 0x30, 0x4E]);
    match server.poll(Instant::from_millis(13)) {
        Step::Send(reply) => println!("{reply:02x?}"),
        step => println!("no reply: {step:?}"),
    }
}
