//! The server: answers requests to its unit, and only those.

use ccm_core::{Instant, Machine, Step};

use crate::frame::sealed::Serves;
use crate::frame::{Decoder, Framing, MAX_ADU, Scan};
use crate::message::{CoilsMut, REFUSED, RegistersMut};
use crate::{Coils, Exception, Function, Registers, Request};

/// What a device has to offer: each method one table of MB-APP 4.3. What is left out is an illegal function.
///
/// Ranges arrive checked against the protocol's limits; whether the device has the addresses is for the handler to
/// say, with [`Exception::IllegalDataAddress`]. A write that is refused must have changed nothing.
pub trait Handler {
    /// Reads coils from `start` on (function 1).
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let _ = (start, coils);
        Err(Exception::IllegalFunction)
    }

    /// Reads discrete inputs from `start` on (function 2).
    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let _ = (start, inputs);
        Err(Exception::IllegalFunction)
    }

    /// Reads holding registers from `start` on (functions 3, 22 and 23).
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }

    /// Reads input registers from `start` on (function 4).
    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }

    /// Switches coils from `start` on (functions 5 and 15).
    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        let _ = (start, coils);
        Err(Exception::IllegalFunction)
    }

    /// Writes holding registers from `start` on (functions 6, 16, 22 and 23).
    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }
}

/// One device behind several servers, as with several connections.
impl<H: Handler> Handler for &core::cell::RefCell<H> {
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.borrow_mut().read_coils(start, coils)
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.borrow_mut().read_discrete_inputs(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.borrow_mut().read_holding_registers(start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.borrow_mut().read_input_registers(start, registers)
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        self.borrow_mut().write_coils(start, coils)
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.borrow_mut().write_holding_registers(start, registers)
    }
}

/// A server for one unit on one line or connection. Over RTU it is silent towards wrong checksums and other units, and
/// carries out broadcasts without a word; it never ends.
///
/// A request over RTU is what ends at a silence of 3.5 characters: noise and other units' requests and replies before
/// it do no harm.
#[derive(Debug)]
pub struct Server<'b, F, H> {
    framing: F,
    unit: u8,
    handler: H,
    decoder: Decoder<'b>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waits for a request.
    Listen,
    /// Bytes have come; they are looked at when the line has been silent.
    Hear { silent: Instant },
    /// A reply is ready.
    Send,
    /// The next poll says that its last stop bit has left.
    Sent,
    /// What the connection carries is not Modbus.
    Broken,
}

impl<'b, F: Framing, H: Handler> Server<'b, F, H> {
    /// A server for `unit` (1 to 247) that receives and answers in `buffer`: 256 bytes over RTU; 520 over TCP, where
    /// the next request may come before the reply has left.
    pub const fn new(framing: F, unit: u8, handler: H, buffer: &'b mut [u8]) -> Self {
        Self { framing, unit, handler, decoder: Decoder::new(buffer), phase: Phase::Listen }
    }

    /// The device behind it.
    pub const fn handler(&mut self) -> &mut H {
        &mut self.handler
    }

    /// Looks for a request and prepares its reply.
    fn examine(&mut self, silent: bool) {
        while matches!(self.phase, Phase::Listen | Phase::Hear { .. }) && !self.decoder.window().is_empty() {
            match self.framing.scan_request(self.decoder.window(), self.unit, silent) {
                Scan::Frame(length) => self.answer(length),
                Scan::Skip(count) => self.decoder.drop_front(count),
                Scan::Reject(..) => self.phase = Phase::Broken,
                Scan::More => return,
            }
        }
    }

    fn answer(&mut self, length: usize) {
        let window = self.decoder.window();
        let Some(header) = F::header(window) else { return };
        let unit = F::unit(header);
        let request = window.get(F::HEADER..length - F::TRAILER).unwrap_or_default();
        let answer = match self.framing.serves(self.unit, unit) {
            Serves::Ignore => None,
            Serves::Refuse => Some(Answer::refused(request, Exception::GatewayTargetFailed)),
            Serves::Answer => Some(Answer::to(request, &mut self.handler)),
            Serves::Broadcast => {
                Answer::to(request, &mut self.handler);
                None
            }
        };
        self.decoder.drop_front(length);
        self.phase = answer.and_then(|answer| self.reply(answer, header)).unwrap_or(Phase::Listen);
    }

    fn reply(&mut self, answer: Answer, header: F::Header) -> Option<Phase> {
        self.decoder.compact();
        let free = self.decoder.free();
        let length = F::HEADER + answer.emit(&mut self.handler, free.get_mut(F::HEADER..)?)? + F::TRAILER;
        F::seal_reply(free.get_mut(..length)?, header).ok()?;
        if F::STREAM {
            self.decoder.set_aside(length);
        } else {
            self.decoder.keep(length);
        }
        Some(Phase::Send)
    }

    /// Makes room for what comes by forgetting the oldest bytes of a serial line.
    fn make_room(&mut self, count: usize) {
        let lacking = (self.decoder.window().len() + count).saturating_sub(self.decoder.capacity());
        self.decoder.drop_front(lacking.min(self.decoder.window().len()));
    }
}

impl<F: Framing, H: Handler> Machine for Server<'_, F, H> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Send | Phase::Broken => return 0,
            Phase::Sent if !F::STREAM => return bytes.len(),
            _ => {}
        }
        if !F::STREAM {
            self.make_room(bytes.len());
            self.phase = Phase::Hear { silent: now + self.framing.silence() };
            return self.decoder.push(bytes);
        }
        // What is held of a stream never exceeds one frame, so that a reply always finds room beside it.
        let room = MAX_ADU.saturating_sub(self.decoder.window().len()).min(bytes.len());
        let taken = self.decoder.push(bytes.get(..room).unwrap_or_default());
        self.examine(false);
        taken
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Hear { silent } if now >= silent => {
                self.phase = Phase::Listen;
                self.examine(true);
            }
            Phase::Sent => {
                self.decoder.release();
                self.phase = Phase::Listen;
                if F::STREAM {
                    self.examine(false);
                }
            }
            _ => {}
        }
        match self.phase {
            Phase::Send => {
                self.phase = Phase::Sent;
                Step::Send(self.decoder.frame())
            }
            Phase::Hear { silent } => Step::Wait(Some(silent)),
            Phase::Listen | Phase::Sent => Step::Wait(None),
            Phase::Broken => Step::Done,
        }
    }
}

/// What goes back, small enough to outlive the request that stands in the same buffer.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// The values of a range.
    Values { function: Function, start: u16, quantity: u16 },
    /// The request's address and what followed it, again.
    Confirmed([u8; 5]),
    /// The same, and the second mask.
    Masked([u8; 7]),
    /// A refusal.
    Refused { code: u8, exception: Exception },
}

impl Answer {
    /// Carries out what a request writes, and says what to answer.
    fn to(request: &[u8], handler: &mut impl Handler) -> Self {
        let parsed = Request::parse(request).map_err(crate::MessageError::exception);
        match parsed.and_then(|parsed| Self::carry_out(parsed, request, handler)) {
            Ok(answer) => answer,
            Err(exception) => Self::refused(request, exception),
        }
    }

    fn refused(request: &[u8], exception: Exception) -> Self {
        Self::Refused { code: request.first().copied().unwrap_or_default() | REFUSED, exception }
    }

    fn carry_out(request: Request<'_>, pdu: &[u8], handler: &mut impl Handler) -> Result<Self, Exception> {
        let function = request.function();
        match request {
            Request::ReadCoils { start, quantity }
            | Request::ReadDiscreteInputs { start, quantity }
            | Request::ReadHoldingRegisters { start, quantity }
            | Request::ReadInputRegisters { start, quantity } => {
                return Ok(Self::Values { function, start, quantity });
            }
            Request::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers } => {
                handler.write_holding_registers(write_start, registers)?;
                return Ok(Self::Values { function, start: read_start, quantity: read_quantity });
            }
            Request::WriteSingleCoil { address, on } => {
                handler.write_coils(
                    address,
                    Coils::parse(&[u8::from(on)], 1).map_err(super::error::MessageError::exception)?,
                )?;
            }
            Request::WriteMultipleCoils { start, coils } => handler.write_coils(start, coils)?,
            Request::WriteSingleRegister { address, value } => write_one(handler, address, value)?,
            Request::WriteMultipleRegisters { start, registers } => {
                handler.write_holding_registers(start, registers)?;
            }
            Request::MaskWriteRegister { address, and_mask, or_mask } => {
                let mut bytes = [0; 2];
                handler.read_holding_registers(address, &mut RegistersMut::new(&mut bytes))?;
                let value = u16::from_be_bytes(bytes);
                write_one(handler, address, value & and_mask | or_mask & !and_mask)?;
            }
        }
        Self::confirmed(function, pdu).ok_or(Exception::IllegalDataValue)
    }

    /// All writes are confirmed by the fields they begin with.
    fn confirmed(function: Function, request: &[u8]) -> Option<Self> {
        match function {
            Function::MaskWriteRegister => request.first_chunk().copied().map(Self::Masked),
            _ => request.first_chunk().copied().map(Self::Confirmed),
        }
    }

    /// Writes the PDU and gives its length; nothing where not even a refusal fits.
    fn emit(self, handler: &mut impl Handler, buffer: &mut [u8]) -> Option<usize> {
        let (code, exception) = match self {
            Self::Refused { code, exception } => (code, exception),
            Self::Confirmed(pdu) => return emit(buffer, pdu),
            Self::Masked(pdu) => return emit(buffer, pdu),
            Self::Values { function, start, quantity } => {
                match values(handler, function, start, quantity, buffer) {
                    Ok(length) => return Some(length),
                    Err(exception) => (function.code() | REFUSED, exception),
                }
            }
        };
        emit(buffer, [code, exception.code()])
    }
}

fn emit<const N: usize>(buffer: &mut [u8], pdu: [u8; N]) -> Option<usize> {
    *buffer.first_chunk_mut()? = pdu;
    Some(N)
}

/// Has the handler fill in a range behind its byte count; gives the PDU's length.
fn values(
    handler: &mut impl Handler,
    function: Function,
    start: u16,
    quantity: u16,
    buffer: &mut [u8],
) -> Result<usize, Exception> {
    let is_coils = matches!(function, Function::ReadCoils | Function::ReadDiscreteInputs);
    let count = if is_coils { quantity.div_ceil(8) } else { quantity * 2 };
    let count = u8::try_from(count).map_err(|_| Exception::IllegalDataValue)?;
    let (header, rest) = buffer.split_first_chunk_mut().ok_or(Exception::ServerDeviceFailure)?;
    let bytes = rest.get_mut(..count.into()).ok_or(Exception::ServerDeviceFailure)?;
    *header = [function.code(), count];
    match function {
        Function::ReadCoils => handler.read_coils(start, &mut CoilsMut::new(bytes, quantity))?,
        Function::ReadDiscreteInputs => {
            handler.read_discrete_inputs(start, &mut CoilsMut::new(bytes, quantity))?;
        }
        Function::ReadInputRegisters => handler.read_input_registers(start, &mut RegistersMut::new(bytes))?,
        _ => handler.read_holding_registers(start, &mut RegistersMut::new(bytes))?,
    }
    Ok(2 + usize::from(count))
}

fn write_one(handler: &mut impl Handler, address: u16, value: u16) -> Result<(), Exception> {
    let bytes = value.to_be_bytes();
    let registers = Registers::parse(&bytes).map_err(crate::MessageError::exception)?;
    handler.write_holding_registers(address, registers)
}
