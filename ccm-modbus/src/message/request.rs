//! What a client asks.

use ccm_core::{Reader, Writer};

use super::fields::{COIL_OFF, COIL_ON, coil_state, counted, emit_counted, emit_pair};
use super::function::MAX_READ_WRITE_WRITTEN;
use super::{Coils, Function, MessageError, Registers};
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
    /// [`Function::WriteMultipleCoils`].
    WriteMultipleCoils { start: u16, coils: Coils<'a> },
    /// [`Function::WriteMultipleRegisters`].
    WriteMultipleRegisters { start: u16, registers: Registers<'a> },
    /// [`Function::MaskWriteRegister`]: the register becomes `(register & and_mask) | (or_mask & !and_mask)`.
    MaskWriteRegister { address: u16, and_mask: u16, or_mask: u16 },
    /// [`Function::ReadWriteMultipleRegisters`]: writes first, then reads.
    ReadWriteMultipleRegisters {
        read_start: u16,
        read_quantity: u16,
        write_start: u16,
        registers: Registers<'a>,
    },
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
            Self::WriteMultipleCoils { .. } => Function::WriteMultipleCoils,
            Self::WriteMultipleRegisters { .. } => Function::WriteMultipleRegisters,
            Self::MaskWriteRegister { .. } => Function::MaskWriteRegister,
            Self::ReadWriteMultipleRegisters { .. } => Function::ReadWriteMultipleRegisters,
        }
    }

    /// Reads a request PDU.
    ///
    /// # Errors
    /// In the order of MB-APP 6: an unknown function, then a quantity or byte count that breaks the limits, then an
    /// address range that leaves the 65 536. Each knows the [`exception`](MessageError::exception) to answer with.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(pdu);
        let function = Function::from_code(reader.u8("function code")?);
        if let Function::Other(code) = function {
            return Err(MessageError::Function { code });
        }
        let request = Self::fields(function, &mut reader)?;
        if !reader.is_empty() {
            return Err(MessageError::Trailing { found: reader.rest().len() });
        }
        match request.outside() {
            Some((start, quantity)) => Err(MessageError::Range { start, quantity }),
            None => Ok(request),
        }
    }

    /// Writes the request PDU, function code first.
    ///
    /// # Errors
    /// The caller's mistakes: [`RequestError::Quantity`], [`RequestError::Range`] and [`RequestError::Buffer`].
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), RequestError> {
        let function = self.function();
        if let Some((start, quantity)) = self.outside() {
            return Err(RequestError::Range { start, quantity });
        }
        writer.u8(function.code())?;
        match *self {
            Self::ReadCoils { start, quantity }
            | Self::ReadDiscreteInputs { start, quantity }
            | Self::ReadHoldingRegisters { start, quantity }
            | Self::ReadInputRegisters { start, quantity } => {
                emit_range(writer, start, quantity, function.max_quantity())
            }
            Self::WriteSingleCoil { address, on } => {
                Ok(emit_pair(writer, address, if on { COIL_ON } else { COIL_OFF })?)
            }
            Self::WriteSingleRegister { address, value } => Ok(emit_pair(writer, address, value)?),
            Self::WriteMultipleCoils { start, coils } => {
                emit_range(writer, start, quantity(coils.len()), function.max_quantity())?;
                Ok(emit_counted(writer, coils.as_bytes())?)
            }
            Self::WriteMultipleRegisters { start, registers } => {
                emit_range(writer, start, quantity(registers.len()), function.max_quantity())?;
                Ok(emit_counted(writer, registers.as_bytes())?)
            }
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                emit_pair(writer, address, and_mask)?;
                Ok(writer.u16(or_mask)?)
            }
            Self::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers } => {
                emit_range(writer, read_start, read_quantity, function.max_quantity())?;
                emit_range(writer, write_start, quantity(registers.len()), MAX_READ_WRITE_WRITTEN)?;
                Ok(emit_counted(writer, registers.as_bytes())?)
            }
        }
    }

    /// The first range of addresses that leaves the 65 536: a sum that wraps would reach the start of the map.
    fn outside(&self) -> Option<(u16, u16)> {
        let beyond = |(start, quantity): &(u16, u16)| u32::from(*start) + u32::from(*quantity) > 0x1_0000;
        self.ranges().into_iter().find(beyond)
    }

    /// Start and quantity of what it touches; the second is only there for read/write.
    fn ranges(&self) -> [(u16, u16); 2] {
        let first = match *self {
            Self::ReadCoils { start, quantity }
            | Self::ReadDiscreteInputs { start, quantity }
            | Self::ReadHoldingRegisters { start, quantity }
            | Self::ReadInputRegisters { start, quantity } => (start, quantity),
            Self::WriteMultipleCoils { start, coils } => (start, quantity(coils.len())),
            Self::WriteMultipleRegisters { start, registers } => (start, quantity(registers.len())),
            Self::WriteSingleCoil { .. }
            | Self::WriteSingleRegister { .. }
            | Self::MaskWriteRegister { .. } => (0, 1),
            Self::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers } => {
                return [(read_start, read_quantity), (write_start, quantity(registers.len()))];
            }
        };
        [first, (0, 0)]
    }

    fn fields(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let limit = function.max_quantity();
        Ok(match function {
            Function::ReadCoils => {
                let (start, quantity) = range(reader, limit)?;
                Self::ReadCoils { start, quantity }
            }
            Function::ReadDiscreteInputs => {
                let (start, quantity) = range(reader, limit)?;
                Self::ReadDiscreteInputs { start, quantity }
            }
            Function::ReadHoldingRegisters => {
                let (start, quantity) = range(reader, limit)?;
                Self::ReadHoldingRegisters { start, quantity }
            }
            Function::ReadInputRegisters => {
                let (start, quantity) = range(reader, limit)?;
                Self::ReadInputRegisters { start, quantity }
            }
            Function::WriteSingleCoil => {
                let address = reader.u16("address")?;
                Self::WriteSingleCoil { address, on: coil_state(reader.u16("coil value")?)? }
            }
            Function::WriteSingleRegister => {
                Self::WriteSingleRegister { address: reader.u16("address")?, value: reader.u16("value")? }
            }
            Function::WriteMultipleCoils => {
                let (start, quantity) = range(reader, limit)?;
                Self::WriteMultipleCoils { start, coils: Coils::parse(counted(reader)?, quantity)? }
            }
            Function::WriteMultipleRegisters => {
                let (start, quantity) = range(reader, limit)?;
                Self::WriteMultipleRegisters { start, registers: counted_registers(reader, quantity)? }
            }
            Function::MaskWriteRegister => Self::MaskWriteRegister {
                address: reader.u16("address")?,
                and_mask: reader.u16("and mask")?,
                or_mask: reader.u16("or mask")?,
            },
            Function::ReadWriteMultipleRegisters => {
                let (read_start, read_quantity) = range(reader, limit)?;
                let (write_start, quantity) = range(reader, MAX_READ_WRITE_WRITTEN)?;
                let registers = counted_registers(reader, quantity)?;
                Self::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers }
            }
            Function::Other(code) => return Err(MessageError::Function { code }),
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

fn counted_registers<'a>(reader: &mut Reader<'a>, quantity: u16) -> Result<Registers<'a>, MessageError> {
    let registers = Registers::parse(counted(reader)?)?;
    if registers.len() == usize::from(quantity) {
        Ok(registers)
    } else {
        Err(MessageError::ByteCount { found: registers.as_bytes().len() })
    }
}

fn emit_range(writer: &mut Writer<'_>, start: u16, quantity: u16, limit: u16) -> Result<(), RequestError> {
    if quantity == 0 || quantity > limit {
        return Err(RequestError::Quantity { found: quantity, limit });
    }
    Ok(emit_pair(writer, start, quantity)?)
}

/// A number of coils or registers as a message carries it; one too large for that breaks every limit.
fn quantity(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}
