//! What the images of servers serve.

use ccm_core::Writer;
use ccm_modbus::{Coils, CoilsMut, Exception, FileRange, Handler, Registers, RegistersMut, Services};

use crate::{BYTE, RESULT, received};

/// A device whose tables are one volatile word, so that its own code is next to nothing. It has every service, too.
pub struct Device;

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

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let value = check(start)?;
        (0..registers.len()).for_each(|_| registers.push(value));
        Ok(())
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
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

impl Services for Device {
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        Ok(RESULT.read() as u8)
    }

    fn diagnostic_register(&mut self) -> u16 {
        RESULT.read() as u16
    }

    fn restart(&mut self) {
        RESULT.write(0);
    }

    fn change_ascii_delimiter(&mut self, delimiter: u8) -> Result<(), Exception> {
        RESULT.write(delimiter.into());
        Ok(())
    }

    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        id.array([BYTE.read(), 0xFF]).map_err(|_| Exception::ServerDeviceFailure)
    }

    fn read_file(&mut self, range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        self.read_holding_registers(range.record, registers)
    }

    fn can_write_file(&mut self, range: FileRange) -> Result<(), Exception> {
        check(range.record).map(drop)
    }

    fn write_file(&mut self, range: FileRange, registers: Registers<'_>) -> Result<(), Exception> {
        self.write_holding_registers(range.record, registers)
    }

    fn read_fifo_queue(&mut self, address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        queue.push(check(address)?);
        Ok(())
    }

    fn object(&self, id: u8) -> Option<&[u8]> {
        (id < 3).then(received)
    }

    fn encapsulated_interface(
        &mut self,
        interface: u8,
        data: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        self.own_function(interface, data, reply)
    }

    fn own_function(&mut self, code: u8, data: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        RESULT.write(u32::from(code) + data.len() as u32);
        reply.u8(BYTE.read()).map_err(|_| Exception::ServerDeviceFailure)
    }
}

fn check(start: u16) -> Result<u16, Exception> {
    if start < 1000 { Ok(RESULT.read() as u16) } else { Err(Exception::IllegalDataAddress) }
}
