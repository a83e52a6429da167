//! What a server answers.

use ccm_core::{Full, Reader, Writer};

use super::fields::{COIL_OFF, COIL_ON, coil_state, counted, emit_counted, emit_pair, rest};
use super::identification::READ_DEVICE_IDENTIFICATION;
use super::{
    Coils, Exception, FileRecords, FileWrites, Function, Identification, MessageError, Registers, SubFunction,
};

/// A normal response, typed and checked once.
///
/// A response does not repeat what was asked: match it with its request before you use it, as
/// [`Client`](crate::Client) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's and those of the request")]
pub enum Response<'a> {
    /// [`Function::ReadCoils`].
    ReadCoils(Coils<'a>),
    /// [`Function::ReadDiscreteInputs`].
    ReadDiscreteInputs(Coils<'a>),
    /// [`Function::ReadHoldingRegisters`].
    ReadHoldingRegisters(Registers<'a>),
    /// [`Function::ReadInputRegisters`].
    ReadInputRegisters(Registers<'a>),
    /// [`Function::WriteSingleCoil`].
    WriteSingleCoil { address: u16, on: bool },
    /// [`Function::WriteSingleRegister`].
    WriteSingleRegister { address: u16, value: u16 },
    /// [`Function::ReadExceptionStatus`]: eight outputs, the first in the lowest bit.
    ReadExceptionStatus { outputs: u8 },
    /// [`Function::Diagnostics`].
    Diagnostics { sub_function: SubFunction, data: &'a [u8] },
    /// [`Function::GetCommEventCounter`]: the status is 0xFFFF while a program function is carried out, else 0.
    GetCommEventCounter { status: u16, events: u16 },
    /// [`Function::GetCommEventLog`]: bytes of [`CommEvent`](crate::CommEvent)s, the newest first.
    GetCommEventLog { status: u16, events: u16, messages: u16, log: &'a [u8] },
    /// [`Function::WriteMultipleCoils`].
    WriteMultipleCoils { start: u16, quantity: u16 },
    /// [`Function::WriteMultipleRegisters`].
    WriteMultipleRegisters { start: u16, quantity: u16 },
    /// [`Function::ReportServerId`]: bytes whose meaning only the device's manual tells.
    ReportServerId(&'a [u8]),
    /// [`Function::ReadFileRecord`].
    ReadFileRecord(FileRecords<'a>),
    /// [`Function::WriteFileRecord`].
    WriteFileRecord(FileWrites<'a>),
    /// [`Function::MaskWriteRegister`].
    MaskWriteRegister { address: u16, and_mask: u16, or_mask: u16 },
    /// [`Function::ReadWriteMultipleRegisters`]: what was read.
    ReadWriteMultipleRegisters(Registers<'a>),
    /// [`Function::ReadFifoQueue`]: what is in the queue; nothing where it is empty.
    ReadFifoQueue(Option<Registers<'a>>),
    /// Interface 14 of [`Function::EncapsulatedInterfaceTransport`].
    ReadDeviceIdentification(Identification<'a>),
    /// Any other interface of it.
    EncapsulatedInterface { interface: u8, data: &'a [u8] },
    /// A function of the device's own.
    Other { code: u8, data: &'a [u8] },
    /// No response: the request went to all units or asked for silence, and nobody confirms it (MB-SERIAL 2.1).
    Broadcast,
}

impl<'a> Response<'a> {
    /// Reads a response PDU: the outer error is a malformed one, the inner the device's refusal.
    ///
    /// # Errors
    /// [`MessageError`] where the PDU contradicts itself.
    #[inline]
    pub fn parse(pdu: &'a [u8]) -> Result<Result<Self, Exception>, MessageError> {
        let mut reader = Reader::new(pdu);
        let code = reader.u8("function code")?;
        if code & REFUSED != 0 {
            return Ok(Err(Exception::from_code(reader.u8("exception code")?)));
        }
        let response = Self::fields(Function::from_code(code), &mut reader)?;
        if !reader.is_empty() {
            return Err(MessageError::Trailing { found: reader.rest().len() });
        }
        Ok(Ok(response))
    }

    /// Writes the response PDU, function code first. [`Broadcast`](Self::Broadcast) writes nothing.
    ///
    /// # Errors
    /// [`Full`] where the writer's buffer is too small.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let Some(function) = self.function() else { return Ok(()) };
        let code = function.code();
        match *self {
            Self::ReadDeviceIdentification(identification) => {
                writer.array(identification.head(code, READ_DEVICE_IDENTIFICATION))?;
                return writer.slice(identification.objects.as_bytes());
            }
            Self::ReadFifoQueue(registers) => return emit_queue(writer, code, registers),
            _ => writer.u8(code)?,
        }
        match *self {
            Self::ReadCoils(coils) | Self::ReadDiscreteInputs(coils) => {
                emit_counted(writer, coils.as_bytes())
            }
            Self::ReadHoldingRegisters(registers)
            | Self::ReadInputRegisters(registers)
            | Self::ReadWriteMultipleRegisters(registers) => emit_counted(writer, registers.as_bytes()),
            Self::WriteSingleCoil { address, on } => {
                emit_pair(writer, address, if on { COIL_ON } else { COIL_OFF })
            }
            Self::WriteSingleRegister { address: first, value: second }
            | Self::WriteMultipleCoils { start: first, quantity: second }
            | Self::WriteMultipleRegisters { start: first, quantity: second }
            | Self::GetCommEventCounter { status: first, events: second } => emit_pair(writer, first, second),
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                emit_pair(writer, address, and_mask)?;
                writer.u16(or_mask)
            }
            Self::ReadExceptionStatus { outputs } => writer.u8(outputs),
            Self::Diagnostics { sub_function, data } => {
                writer.u16(sub_function.code())?;
                writer.slice(data)
            }
            Self::GetCommEventLog { status, events, messages, log } => {
                writer.u8(u8::try_from(log.len() + 6).map_err(|_| Full)?)?;
                emit_pair(writer, status, events)?;
                writer.u16(messages)?;
                writer.slice(log)
            }
            Self::ReportServerId(bytes) => emit_counted(writer, bytes),
            Self::ReadFileRecord(records) => emit_counted(writer, records.as_bytes()),
            Self::WriteFileRecord(writes) => emit_counted(writer, writes.as_bytes()),
            Self::EncapsulatedInterface { interface, data } => {
                writer.u8(interface)?;
                writer.slice(data)
            }
            Self::Other { data, .. } => writer.slice(data),
            Self::ReadDeviceIdentification(_) | Self::ReadFifoQueue(_) | Self::Broadcast => Ok(()),
        }
    }

    /// The function that was carried out; none where nobody confirmed it.
    pub const fn function(&self) -> Option<Function> {
        Some(match self {
            Self::ReadCoils(_) => Function::ReadCoils,
            Self::ReadDiscreteInputs(_) => Function::ReadDiscreteInputs,
            Self::ReadHoldingRegisters(_) => Function::ReadHoldingRegisters,
            Self::ReadInputRegisters(_) => Function::ReadInputRegisters,
            Self::WriteSingleCoil { .. } => Function::WriteSingleCoil,
            Self::WriteSingleRegister { .. } => Function::WriteSingleRegister,
            Self::ReadExceptionStatus { .. } => Function::ReadExceptionStatus,
            Self::Diagnostics { .. } => Function::Diagnostics,
            Self::GetCommEventCounter { .. } => Function::GetCommEventCounter,
            Self::GetCommEventLog { .. } => Function::GetCommEventLog,
            Self::WriteMultipleCoils { .. } => Function::WriteMultipleCoils,
            Self::WriteMultipleRegisters { .. } => Function::WriteMultipleRegisters,
            Self::ReportServerId(_) => Function::ReportServerId,
            Self::ReadFileRecord(_) => Function::ReadFileRecord,
            Self::WriteFileRecord(_) => Function::WriteFileRecord,
            Self::MaskWriteRegister { .. } => Function::MaskWriteRegister,
            Self::ReadWriteMultipleRegisters(_) => Function::ReadWriteMultipleRegisters,
            Self::ReadFifoQueue(_) => Function::ReadFifoQueue,
            Self::ReadDeviceIdentification(_) | Self::EncapsulatedInterface { .. } => {
                Function::EncapsulatedInterfaceTransport
            }
            Self::Other { code, .. } => Function::Other(*code),
            Self::Broadcast => return None,
        })
    }

    /// The registers of a response that carries some.
    pub const fn registers(&self) -> Option<Registers<'a>> {
        match self {
            Self::ReadHoldingRegisters(registers)
            | Self::ReadInputRegisters(registers)
            | Self::ReadWriteMultipleRegisters(registers) => Some(*registers),
            Self::ReadFifoQueue(registers) => *registers,
            _ => None,
        }
    }

    /// The coils or discrete inputs of a response that carries some.
    pub const fn coils(&self) -> Option<Coils<'a>> {
        match self {
            Self::ReadCoils(coils) | Self::ReadDiscreteInputs(coils) => Some(*coils),
            _ => None,
        }
    }

    /// Functions whose responses have one shape share one reading of it: that is what keeps this small.
    fn fields(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        match function {
            Function::ReadCoils
            | Function::ReadDiscreteInputs
            | Function::ReadHoldingRegisters
            | Function::ReadInputRegisters
            | Function::ReadWriteMultipleRegisters => Self::values(function, counted(reader)?),
            Function::WriteSingleCoil
            | Function::WriteSingleRegister
            | Function::WriteMultipleCoils
            | Function::WriteMultipleRegisters
            | Function::MaskWriteRegister => Self::confirmation(function, reader),
            _ => Self::service(function, reader),
        }
    }

    fn values(function: Function, bytes: &'a [u8]) -> Result<Self, MessageError> {
        if matches!(function, Function::ReadCoils | Function::ReadDiscreteInputs) {
            let coils = Coils::parse(bytes, u16::try_from(bytes.len() * 8).unwrap_or(u16::MAX))?;
            let is_coils = matches!(function, Function::ReadCoils);
            return Ok(if is_coils { Self::ReadCoils(coils) } else { Self::ReadDiscreteInputs(coils) });
        }
        let registers = Registers::parse(bytes)?;
        Ok(match function {
            Function::ReadHoldingRegisters => Self::ReadHoldingRegisters(registers),
            Function::ReadInputRegisters => Self::ReadInputRegisters(registers),
            _ => Self::ReadWriteMultipleRegisters(registers),
        })
    }

    /// A write is confirmed by its address and what followed it.
    fn confirmation(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let start = reader.u16("address")?;
        let quantity = reader.u16("quantity or value")?;
        Ok(match function {
            Function::WriteSingleCoil => Self::WriteSingleCoil { address: start, on: coil_state(quantity)? },
            Function::WriteSingleRegister => Self::WriteSingleRegister { address: start, value: quantity },
            Function::WriteMultipleCoils => Self::WriteMultipleCoils { start, quantity },
            Function::WriteMultipleRegisters => Self::WriteMultipleRegisters { start, quantity },
            _ => {
                let or_mask = reader.u16("or mask")?;
                Self::MaskWriteRegister { address: start, and_mask: quantity, or_mask }
            }
        })
    }

    /// The functions that are not about coils and registers. Inlined, so that a program that does not want them has no
    /// code for them.
    #[inline(always)]
    fn service(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        Ok(match function {
            Function::ReadExceptionStatus => Self::ReadExceptionStatus { outputs: reader.u8("output data")? },
            Function::GetCommEventCounter => Self::GetCommEventCounter {
                status: reader.u16("status")?,
                events: reader.u16("event count")?,
            },
            Function::GetCommEventLog => Self::event_log(counted(reader)?)?,
            Function::ReportServerId => Self::ReportServerId(counted(reader)?),
            Function::ReadFileRecord => Self::ReadFileRecord(FileRecords::parse(counted(reader)?)),
            Function::WriteFileRecord => Self::WriteFileRecord(FileWrites::parse(counted(reader)?)),
            Function::ReadFifoQueue => Self::queue(reader)?,
            Function::Diagnostics => {
                let sub_function = SubFunction::from_code(reader.u16("sub-function")?);
                Self::Diagnostics { sub_function, data: rest(reader)? }
            }
            Function::EncapsulatedInterfaceTransport => match reader.u8("MEI type")? {
                READ_DEVICE_IDENTIFICATION => Self::ReadDeviceIdentification(Identification::parse(reader)?),
                interface => Self::EncapsulatedInterface { interface, data: rest(reader)? },
            },
            Function::Other(code) => Self::Other { code, data: rest(reader)? },
            _ => return Err(MessageError::Function { code: 0 }),
        })
    }

    #[inline(always)]
    fn event_log(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        Ok(Self::GetCommEventLog {
            status: reader.u16("status")?,
            events: reader.u16("event count")?,
            messages: reader.u16("message count")?,
            log: reader.rest(),
        })
    }

    /// Counts twice: bytes, and registers (MB-APP 6.18).
    #[inline(always)]
    fn queue(reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let mut counted =
            Reader::new(reader.u16("byte count").and_then(|count| reader.take(count.into(), "queue"))?);
        let quantity = counted.u16("FIFO count")?;
        let bytes = counted.rest();
        if bytes.len() != usize::from(quantity) * 2 || quantity > Function::ReadFifoQueue.max_quantity() {
            return Err(MessageError::ByteCount { found: bytes.len() });
        }
        Ok(Self::ReadFifoQueue(Registers::parse(bytes).ok()))
    }
}

fn emit_queue(writer: &mut Writer<'_>, code: u8, registers: Option<Registers<'_>>) -> Result<(), Full> {
    let bytes = registers.map(|registers| registers.as_bytes()).unwrap_or_default();
    let count = u16::try_from(bytes.len()).map_err(|_| Full)?;
    writer.u8(code)?;
    emit_pair(writer, count + 2, count / 2)?;
    writer.slice(bytes)
}

/// Set in the function code of a refusal (MB-APP 7).
pub(crate) const REFUSED: u8 = 0x80;
