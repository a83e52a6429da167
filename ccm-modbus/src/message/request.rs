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
        Ok(request)
    }

    /// Writes the request PDU, function code first.
    ///
    /// # Errors
    /// The caller's mistakes: [`RequestError::Quantity`], [`RequestError::Range`] and [`RequestError::Buffer`].
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
        }
    }

    /// Functions whose requests have one shape share one reading of it: that is what keeps this small.
    fn fields(function: Function, reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        match function {
            Function::WriteSingleCoil | Function::WriteSingleRegister | Function::MaskWriteRegister => {
                Self::single(function, reader)
            }
            Function::Other(code) => Err(MessageError::Function { code }),
            _ => Self::ranged(function, reader),
        }
    }

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

/// Stands for a limit where the field is no quantity.
const ANY_VALUE: u16 = 0;

/// Whether a quantity is within its limit and the last address within the 65 536.
fn check(start: u16, quantity: u16, limit: u16) -> Result<(), RequestError> {
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
