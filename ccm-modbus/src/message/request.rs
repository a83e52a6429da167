//! What a client asks.

use ccm_core::{Reader, Writer};

use super::fields::{COIL_OFF, COIL_ON, coil_state, counted, emit_counted, emit_pair, rest};
use super::function::MAX_READ_WRITE_WRITTEN;
use super::identification::READ_DEVICE_IDENTIFICATION;
use super::{
    Coils, FileReads, FileWrites, Function, MessageError, REFUSED, ReadDeviceId, Registers, SubFunction,
};
use crate::RequestError;

/// A request, typed and checked once: by [`parse`](Self::parse) what came, by [`emit`](Self::emit) what goes.
///
/// Addresses are those on the wire, from 0; `start + quantity` must stay within 65 536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at the enum")]
pub enum Request<'a> {
    /// [`Function::ReadCoils`].
    ReadCoils { start: u16, quantity: u16 },
    /// [`Function::ReadDiscreteInputs`].
    ReadDiscreteInputs { start: u16, quantity: u16 },
    /// [`Function::ReadHoldingRegisters`].
    ReadHoldingRegisters { start: u16, quantity: u16 },
    /// [`Function::ReadInputRegisters`].
    ReadInputRegisters { start: u16, quantity: u16 },
    /// [`Function::WriteSingleCoil`].
    WriteSingleCoil { address: u16, on: bool },
    /// [`Function::WriteSingleRegister`].
    WriteSingleRegister { address: u16, value: u16 },
    /// [`Function::ReadExceptionStatus`].
    ReadExceptionStatus,
    /// [`Function::Diagnostics`]: the data are pairs of bytes, one at least.
    Diagnostics { sub_function: SubFunction, data: &'a [u8] },
    /// [`Function::GetCommEventCounter`].
    GetCommEventCounter,
    /// [`Function::GetCommEventLog`].
    GetCommEventLog,
    /// [`Function::WriteMultipleCoils`].
    WriteMultipleCoils { start: u16, coils: Coils<'a> },
    /// [`Function::WriteMultipleRegisters`].
    WriteMultipleRegisters { start: u16, registers: Registers<'a> },
    /// [`Function::ReportServerId`].
    ReportServerId,
    /// [`Function::ReadFileRecord`].
    ReadFileRecord(FileReads<'a>),
    /// [`Function::WriteFileRecord`].
    WriteFileRecord(FileWrites<'a>),
    /// [`Function::MaskWriteRegister`]: the register becomes `(register & and_mask) | (or_mask & !and_mask)`.
    MaskWriteRegister { address: u16, and_mask: u16, or_mask: u16 },
    /// [`Function::ReadWriteMultipleRegisters`]: writes first, then reads.
    ReadWriteMultipleRegisters {
        read_start: u16,
        read_quantity: u16,
        write_start: u16,
        registers: Registers<'a>,
    },
    /// [`Function::ReadFifoQueue`].
    ReadFifoQueue { address: u16 },
    /// Interface 14 of [`Function::EncapsulatedInterfaceTransport`]: a stream of objects from one on, or that one alone.
    ReadDeviceIdentification { kind: ReadDeviceId, object: u8 },
    /// Any other interface of it, as bytes: 13 is CANopen.
    EncapsulatedInterface { interface: u8, data: &'a [u8] },
    /// A function of the device's own, as bytes; the code is 1 to 127.
    Other { code: u8, data: &'a [u8] },
}

impl<'a> Request<'a> {
    /// The function asked for.
    pub const fn function(&self) -> Function {
        match self {
            Self::ReadCoils { .. } => Function::ReadCoils,
            Self::ReadDiscreteInputs { .. } => Function::ReadDiscreteInputs,
            Self::ReadHoldingRegisters { .. } => Function::ReadHoldingRegisters,
            Self::ReadInputRegisters { .. } => Function::ReadInputRegisters,
            Self::WriteSingleCoil { .. } => Function::WriteSingleCoil,
            Self::WriteSingleRegister { .. } => Function::WriteSingleRegister,
            Self::ReadExceptionStatus => Function::ReadExceptionStatus,
            Self::Diagnostics { .. } => Function::Diagnostics,
            Self::GetCommEventCounter => Function::GetCommEventCounter,
            Self::GetCommEventLog => Function::GetCommEventLog,
            Self::WriteMultipleCoils { .. } => Function::WriteMultipleCoils,
            Self::WriteMultipleRegisters { .. } => Function::WriteMultipleRegisters,
            Self::ReportServerId => Function::ReportServerId,
            Self::ReadFileRecord(_) => Function::ReadFileRecord,
            Self::WriteFileRecord(_) => Function::WriteFileRecord,
            Self::MaskWriteRegister { .. } => Function::MaskWriteRegister,
            Self::ReadWriteMultipleRegisters { .. } => Function::ReadWriteMultipleRegisters,
            Self::ReadFifoQueue { .. } => Function::ReadFifoQueue,
            Self::ReadDeviceIdentification { .. } | Self::EncapsulatedInterface { .. } => {
                Function::EncapsulatedInterfaceTransport
            }
            Self::Other { code, .. } => Function::Other(*code),
        }
    }

    /// Reads a request PDU.
    ///
    /// # Errors
    /// In the order of MB-APP 6: an impossible function, then a quantity or byte count that breaks the limits, then an
    /// address range that leaves the 65 536. Each knows the [`exception`](MessageError::exception) to answer with.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, MessageError> {
        Self::read(pdu, Self::service)
    }

    /// Reads a request for coils or registers; any other function is [`MessageError::Function`]. A server that has no
    /// other does without their code.
    pub(crate) fn parse_access(pdu: &'a [u8]) -> Result<Self, MessageError> {
        Self::read(pdu, |function, _| Err(MessageError::Function { code: function.code() }))
    }

    fn read(
        pdu: &'a [u8],
        service: impl FnOnce(Function, &mut Reader<'a>) -> Result<Self, MessageError>,
    ) -> Result<Self, MessageError> {
        let mut reader = Reader::new(pdu);
        let function = Function::from_code(reader.u8("function code")?);
        let request = match function {
            Function::WriteSingleCoil | Function::WriteSingleRegister | Function::MaskWriteRegister => {
                Self::single(function, &mut reader)?
            }
            Function::ReadCoils
            | Function::ReadDiscreteInputs
            | Function::ReadHoldingRegisters
            | Function::ReadInputRegisters
            | Function::WriteMultipleCoils
            | Function::WriteMultipleRegisters
            | Function::ReadWriteMultipleRegisters => Self::ranged(function, &mut reader)?,
            _ => service(function, &mut reader)?,
        };
        if !reader.is_empty() {
            return Err(MessageError::Trailing { found: reader.rest().len() });
        }
        Ok(request)
    }

    /// Writes the request PDU, function code first.
    ///
    /// # Errors
    /// The caller's mistakes: [`RequestError::Quantity`], [`RequestError::Range`], [`RequestError::Buffer`] and those of
    /// single functions.
    #[inline]
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), RequestError> {
        let function = self.function();
        let (code, limit) = (function.code(), function.max_quantity());
        match *self {
            Self::ReadCoils { start, quantity }
            | Self::ReadDiscreteInputs { start, quantity }
            | Self::ReadHoldingRegisters { start, quantity }
            | Self::ReadInputRegisters { start, quantity } => emit_head(writer, code, start, quantity, limit),
            Self::WriteSingleCoil { address, on } => {
                emit_head(writer, code, address, if on { COIL_ON } else { COIL_OFF }, ANY_VALUE)
            }
            Self::WriteSingleRegister { address, value } => {
                emit_head(writer, code, address, value, ANY_VALUE)
            }
            Self::WriteMultipleCoils { start, coils } => {
                emit_head(writer, code, start, quantity(coils.len()), limit)?;
                Ok(emit_counted(writer, coils.as_bytes())?)
            }
            Self::WriteMultipleRegisters { start, registers } => {
                emit_head(writer, code, start, quantity(registers.len()), limit)?;
                Ok(emit_counted(writer, registers.as_bytes())?)
            }
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                emit_head(writer, code, address, and_mask, ANY_VALUE)?;
                Ok(writer.u16(or_mask)?)
            }
            Self::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers } => {
                emit_head(writer, code, read_start, read_quantity, limit)?;
                let quantity = quantity(registers.len());
                check(write_start, quantity, MAX_READ_WRITE_WRITTEN)?;
                emit_pair(writer, write_start, quantity)?;
                Ok(emit_counted(writer, registers.as_bytes())?)
            }
            _ => self.emit_service(writer, code, limit),
        }
    }

    /// The functions that are not about coils and registers. Called, not inlined: 72 bytes less where all are used.
    #[inline(never)]
    fn emit_service(&self, writer: &mut Writer<'_>, code: u8, limit: u16) -> Result<(), RequestError> {
        match *self {
            Self::Diagnostics { sub_function, data } => {
                check_bytes(data.len(), limit)?;
                if data.is_empty() || !data.len().is_multiple_of(2) {
                    return Err(RequestError::OddData { found: data.len() });
                }
                emit_bytes(writer, code, &sub_function.code().to_be_bytes(), data)
            }
            Self::ReadFileRecord(reads) => {
                emit_group(writer, code, reads.as_bytes(), reads.reply_bytes(), limit)
            }
            Self::WriteFileRecord(writes) => {
                let bytes = writes.as_bytes();
                emit_group(writer, code, bytes, bytes.len(), limit)
            }
            Self::ReadFifoQueue { address } => emit_bytes(writer, code, &address.to_be_bytes(), &[]),
            Self::ReadDeviceIdentification { kind, object } => {
                Ok(writer.array([code, READ_DEVICE_IDENTIFICATION, kind.code(), object])?)
            }
            Self::EncapsulatedInterface { interface, data } => {
                check_bytes(data.len(), limit)?;
                emit_bytes(writer, code, &[interface], data)
            }
            Self::Other { code, data } => {
                check_bytes(data.len(), MAX_DATA)?;
                if code == 0 || code & REFUSED != 0 {
                    return Err(RequestError::Function { code });
                }
                emit_bytes(writer, code, &[], data)
            }
            _ => Ok(writer.u8(code)?),
        }
    }

    fn service(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        Ok(match function {
            Function::ReadExceptionStatus => Self::ReadExceptionStatus,
            Function::GetCommEventCounter => Self::GetCommEventCounter,
            Function::GetCommEventLog => Self::GetCommEventLog,
            Function::ReportServerId => Self::ReportServerId,
            Function::Diagnostics => Self::diagnostics(reader)?,
            Function::ReadFileRecord => Self::file_reads(FileReads::parse(group(function, reader)?))?,
            Function::WriteFileRecord => Self::WriteFileRecord(FileWrites::parse(group(function, reader)?)),
            Function::ReadFifoQueue => Self::ReadFifoQueue { address: reader.u16("FIFO pointer address")? },
            Function::EncapsulatedInterfaceTransport => Self::encapsulated(reader)?,
            _ => Self::other(function.code(), reader)?,
        })
    }

    fn diagnostics(reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let sub_function = SubFunction::from_code(reader.u16("sub-function")?);
        let data = rest(reader)?;
        if data.is_empty() || !data.len().is_multiple_of(2) {
            return Err(MessageError::ByteCount { found: data.len() });
        }
        Ok(Self::Diagnostics { sub_function, data })
    }

    /// What is asked for must fit the reply (MB-APP 6.14).
    fn file_reads(reads: FileReads<'a>) -> Result<Self, MessageError> {
        let (found, limit) = (quantity(reads.reply_bytes()), Function::ReadFileRecord.max_quantity());
        if found > limit {
            Err(MessageError::Quantity { found, limit })
        } else {
            Ok(Self::ReadFileRecord(reads))
        }
    }

    fn encapsulated(reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let interface = reader.u8("MEI type")?;
        if interface != READ_DEVICE_IDENTIFICATION {
            return Ok(Self::EncapsulatedInterface { interface, data: rest(reader)? });
        }
        let code = reader.u8("read device ID code")?;
        let kind = ReadDeviceId::from_code(code).ok_or(MessageError::ReadDeviceId { code })?;
        Ok(Self::ReadDeviceIdentification { kind, object: reader.u8("object ID")? })
    }

    fn other(code: u8, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        if code == 0 || code & REFUSED != 0 {
            return Err(MessageError::Function { code });
        }
        Ok(Self::Other { code, data: rest(reader)? })
    }

    /// Functions whose requests have one shape share one reading of it: that is what keeps this small.
    fn single(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let address = reader.u16("address")?;
        let value = reader.u16("value or and mask")?;
        Ok(match function {
            Function::WriteSingleCoil => Self::WriteSingleCoil { address, on: coil_state(value)? },
            Function::WriteSingleRegister => Self::WriteSingleRegister { address, value },
            _ => Self::MaskWriteRegister { address, and_mask: value, or_mask: reader.u16("or mask")? },
        })
    }

    fn ranged(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let (start, quantity) = range(reader, function.max_quantity())?;
        if !matches!(
            function,
            Function::ReadCoils
                | Function::ReadDiscreteInputs
                | Function::ReadHoldingRegisters
                | Function::ReadInputRegisters
        ) {
            return Self::writing(function, start, quantity, reader);
        }
        addresses(start, quantity)?;
        Ok(match function {
            Function::ReadCoils => Self::ReadCoils { start, quantity },
            Function::ReadDiscreteInputs => Self::ReadDiscreteInputs { start, quantity },
            Function::ReadHoldingRegisters => Self::ReadHoldingRegisters { start, quantity },
            _ => Self::ReadInputRegisters { start, quantity },
        })
    }

    fn writing(
        function: Function,
        start: u16,
        quantity: u16,
        reader: &mut Reader<'a>,
    ) -> Result<Self, MessageError> {
        let is_read_too = matches!(function, Function::ReadWriteMultipleRegisters);
        let (read_start, read_quantity) = (start, quantity);
        let (start, quantity) =
            if is_read_too { range(reader, MAX_READ_WRITE_WRITTEN)? } else { (start, quantity) };
        let bytes = counted(reader)?;
        if matches!(function, Function::WriteMultipleCoils) {
            let coils = Coils::parse(bytes, quantity)?;
            addresses(start, quantity)?;
            return Ok(Self::WriteMultipleCoils { start, coils });
        }
        let registers = Registers::parse(bytes)?;
        if registers.len() != usize::from(quantity) {
            return Err(MessageError::ByteCount { found: bytes.len() });
        }
        // Only now: a wrong byte count is told before a wrong address (MB-APP 6.12).
        addresses(read_start, read_quantity)?;
        addresses(start, quantity)?;
        Ok(if is_read_too {
            Self::ReadWriteMultipleRegisters { read_start, read_quantity, write_start: start, registers }
        } else {
            Self::WriteMultipleRegisters { start, registers }
        })
    }
}

fn range(reader: &mut Reader<'_>, limit: u16) -> Result<(u16, u16), MessageError> {
    let start = reader.u16("start address")?;
    let quantity = reader.u16("quantity")?;
    if quantity == 0 || quantity > limit {
        return Err(MessageError::Quantity { found: quantity, limit });
    }
    Ok((start, quantity))
}

/// Whether the last address is 65 535 at most: a sum that wraps would reach the start of the map.
fn addresses(start: u16, quantity: u16) -> Result<(), MessageError> {
    match start.checked_add(quantity.saturating_sub(1)) {
        Some(_) => Ok(()),
        None => Err(MessageError::Range { start, quantity }),
    }
}

/// The counted bytes of function 20 or 21.
fn group<'a>(function: Function, reader: &mut Reader<'a>) -> Result<&'a [u8], MessageError> {
    let bytes = counted(reader)?;
    let (least, most) = if matches!(function, Function::ReadFileRecord) { (7, 0xF5) } else { (9, 0xFB) };
    if !(least..=most).contains(&bytes.len()) {
        return Err(MessageError::ByteCount { found: bytes.len() });
    }
    Ok(bytes)
}

/// Function code, address and what follows it: a quantity within `limit`, or a value.
fn emit_head(
    writer: &mut Writer<'_>,
    code: u8,
    start: u16,
    second: u16,
    limit: u16,
) -> Result<(), RequestError> {
    if limit != ANY_VALUE {
        check(start, second, limit)?;
    }
    let ([a, b], [c, d]) = (start.to_be_bytes(), second.to_be_bytes());
    Ok(writer.array([code, a, b, c, d])?)
}

fn emit_bytes(writer: &mut Writer<'_>, code: u8, head: &[u8], data: &[u8]) -> Result<(), RequestError> {
    writer.u8(code)?;
    writer.slice(head)?;
    Ok(writer.slice(data)?)
}

/// A byte count and as many bytes, where they and the `reply` stay within the limit.
fn emit_group(
    writer: &mut Writer<'_>,
    code: u8,
    bytes: &[u8],
    reply: usize,
    limit: u16,
) -> Result<(), RequestError> {
    check_bytes(bytes.len().max(reply), limit)?;
    writer.u8(code)?;
    Ok(emit_counted(writer, bytes)?)
}

/// Stands for a limit where the field is no quantity.
const ANY_VALUE: u16 = 0;

/// What follows the function code in the longest PDU (MB-APP 4.1).
const MAX_DATA: u16 = 252;

fn check_bytes(found: usize, limit: u16) -> Result<(), RequestError> {
    let found = quantity(found);
    if found > limit { Err(RequestError::Data { found, limit }) } else { Ok(()) }
}

/// Whether a quantity is within its limit and the last address within the 65 536.
pub(crate) fn check(start: u16, quantity: u16, limit: u16) -> Result<(), RequestError> {
    if quantity == 0 || quantity > limit {
        return Err(RequestError::Quantity { found: quantity, limit });
    }
    match start.checked_add(quantity.saturating_sub(1)) {
        Some(_) => Ok(()),
        None => Err(RequestError::Range { start, quantity }),
    }
}

/// A number of coils or registers as a message carries it; one too large for that breaks every limit.
fn quantity(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
