//! A device with everything that functions can ask for, and a server for it on each kind of line.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ccm_core::{Duration, Instant, Line, Writer};
use ccm_modbus::{
    Ascii, Coils, CoilsMut, Exception, Extended, FileRange, Framing, Handler, Registers, RegistersMut, Rtu,
    Server, Services, Tcp,
};

use super::{Device, ascii, hear, rtu, tcp};

/// The table of the other devices, and beside it: inputs, file 4 with 10 000 registers, a queue at 0x04DE, an
/// identification, interface 13 and function 65, which give back what they get.
pub(crate) struct Everything {
    pub(crate) device: Device,
    pub(crate) file: Vec<u16>,
    pub(crate) queue: Vec<u16>,
    pub(crate) objects: BTreeMap<u8, Vec<u8>>,
    pub(crate) restarts: usize,
    pub(crate) diagnostic_register: u16,
}

impl Everything {
    pub(crate) fn new() -> Self {
        let objects: [(u8, &[u8]); 5] =
            [(0, b"Maker"), (1, b"Code"), (2, b"1.0"), (4, b"Product"), (0x80, b"its own")];
        Self {
            device: Device::new(),
            file: (0..10_000).collect(),
            queue: vec![0x01B8, 0x1284],
            objects: objects.into_iter().map(|(id, value)| (id, value.to_vec())).collect(),
            restarts: 0,
            diagnostic_register: 0x0042,
        }
    }

    fn records(&mut self, range: FileRange) -> Result<&mut [u16], Exception> {
        let records = self.file.get_mut(range.record.into()..).unwrap_or_default();
        let records = records.get_mut(..range.length.into()).filter(|_| range.file == 4);
        records.ok_or(Exception::IllegalDataAddress)
    }
}

impl Handler for Everything {
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_coils(start, coils)
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_coils(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_holding_registers(start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_holding_registers(start, registers)
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        self.device.write_coils(start, coils)
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.device.write_holding_registers(start, registers)
    }
}

impl Services for Everything {
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        Ok(0x6D)
    }

    fn diagnostic_register(&mut self) -> u16 {
        self.diagnostic_register
    }

    fn clear_diagnostic_register(&mut self) {
        self.diagnostic_register = 0;
    }

    fn restart(&mut self) {
        self.restarts += 1;
    }

    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        id.slice(b"\x2A\xFFmore").map_err(|_| Exception::ServerDeviceFailure)
    }

    fn read_file(&mut self, range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        registers.extend(self.records(range)?.iter().copied());
        Ok(())
    }

    fn can_write_file(&mut self, range: FileRange) -> Result<(), Exception> {
        self.records(range).map(drop)
    }

    fn write_file(&mut self, range: FileRange, registers: Registers<'_>) -> Result<(), Exception> {
        self.records(range)?.iter_mut().zip(registers.iter()).for_each(|(slot, value)| *slot = value);
        Ok(())
    }

    fn read_fifo_queue(&mut self, address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        if address != 0x04DE {
            return Err(Exception::IllegalDataAddress);
        }
        queue.extend(self.queue.iter().copied());
        Ok(())
    }

    fn object(&self, id: u8) -> Option<&[u8]> {
        self.objects.get(&id).map(Vec::as_slice)
    }

    fn encapsulated_interface(
        &mut self,
        interface: u8,
        data: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        if interface != 13 {
            return Err(Exception::IllegalFunction);
        }
        reply.slice(data).map_err(|_| Exception::ServerDeviceFailure)
    }

    /// Function 65 gives its data back; function 66 refuses with the exception that its data are.
    fn own_function(&mut self, code: u8, data: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        match (code, data) {
            (65, _) => reply.slice(data).map_err(|_| Exception::ServerDeviceFailure),
            (66, [exception]) => Err(Exception::from_code(*exception)),
            _ => Err(Exception::IllegalFunction),
        }
    }
}

/// A server that can be asked, whatever carries its messages.
pub(crate) struct Bench<F, H> {
    pub(crate) server: Server<'static, F, H>,
    way: Way,
    now: Instant,
}

/// How messages are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Tcp,
    Rtu,
    Ascii,
}

impl Way {
    /// The frame to or from `unit`.
    pub(crate) fn frame(self, unit: u8, pdu: &[u8]) -> Vec<u8> {
        match self {
            Self::Tcp => tcp(7, unit, pdu),
            Self::Rtu => rtu(unit, pdu),
            Self::Ascii => ascii(unit, pdu),
        }
    }

    /// What is in a frame from the unit.
    fn pdu(self, frame: &[u8]) -> Vec<u8> {
        match self {
            Self::Tcp => frame[7..].to_vec(),
            Self::Rtu => frame[1..frame.len() - 2].to_vec(),
            Self::Ascii => {
                let digits = str::from_utf8(&frame[3..frame.len() - 4]).unwrap();
                let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                (0..digits.len()).step_by(2).map(byte).collect()
            }
        }
    }
}

/// Something that answers, whatever is between.
pub(crate) trait Asked {
    /// Sends any bytes, then lets a second pass; gives what comes back.
    fn hear(&mut self, bytes: &[u8]) -> Vec<Vec<u8>>;
    fn way(&self) -> Way;

    /// Sends a PDU to a unit; gives the reply's PDU, empty for silence.
    fn ask_unit(&mut self, unit: u8, pdu: &[u8]) -> Vec<u8> {
        let sent = self.hear(&self.way().frame(unit, pdu));
        assert!(sent.len() <= 1, "{} replies to {pdu:02x?}", sent.len());
        let Some(frame) = sent.first() else { return Vec::new() };
        let reply = self.way().pdu(frame);
        assert_eq!(*frame, self.way().frame(unit, &reply), "header and checksum of {frame:02x?}");
        reply
    }

    fn ask(&mut self, pdu: &[u8]) -> Vec<u8> {
        self.ask_unit(UNIT, pdu)
    }
}

impl<F: Framing, H: Handler> Bench<F, H> {
    pub(crate) fn new(way: Way, framing: F, handler: H) -> Self {
        let server = Server::new(framing, UNIT, handler, vec![0; 1030].leak());
        Self { server, way, now: Instant::ZERO }
    }
}

impl<F: Framing, H: Handler> Asked for Bench<F, H> {
    fn hear(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.now = self.now + Duration::from_secs(2);
        hear(&mut self.server, self.now, bytes)
    }

    fn way(&self) -> Way {
        self.way
    }
}

pub(crate) fn on_tcp<H: Handler>(handler: H) -> Bench<Tcp, H> {
    Bench::new(Way::Tcp, Tcp::new(), handler)
}

pub(crate) fn on_rtu<H: Handler>(handler: H) -> Bench<Rtu, H> {
    Bench::new(Way::Rtu, Rtu::new(Line::new(9600)), handler)
}

pub(crate) fn on_ascii<H: Handler>(handler: H) -> Bench<Ascii, H> {
    Bench::new(Way::Ascii, Ascii::new(Line::new(9600)), handler)
}

/// RTU frames in a TCP connection.
pub(crate) fn on_rtu_over_tcp<H: Handler>(handler: H) -> Bench<Rtu, H> {
    Bench::new(Way::Rtu, Rtu::over_tcp(Line::new(9600)), handler)
}

/// A device with everything, fresh, on every kind of line.
pub(crate) fn everywhere() -> Vec<Box<dyn Asked>> {
    let device = || Extended::new(Everything::new());
    vec![
        Box::new(on_tcp(device())),
        Box::new(on_rtu(device())),
        Box::new(on_ascii(device())),
        Box::new(on_rtu_over_tcp(device())),
    ]
}

/// A device with coils and registers only.
pub(crate) fn plain_everywhere() -> Vec<Box<dyn Asked>> {
    vec![
        Box::new(on_tcp(Device::new())),
        Box::new(on_rtu(Device::new())),
        Box::new(on_ascii(Device::new())),
        Box::new(on_rtu_over_tcp(Device::new())),
    ]
}

pub(crate) const UNIT: u8 = 17;
