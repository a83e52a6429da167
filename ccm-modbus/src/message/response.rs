//! What a server answers.

use ccm_core::{Full, Reader, Writer};

use super::fields::{COIL_OFF, COIL_ON, coil_state, counted, emit_counted, emit_pair};
use super::{Coils, Exception, Function, MessageError, Registers};

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
    /// [`Function::WriteMultipleCoils`].
    WriteMultipleCoils { start: u16, quantity: u16 },
    /// [`Function::WriteMultipleRegisters`].
    WriteMultipleRegisters { start: u16, quantity: u16 },
    /// [`Function::MaskWriteRegister`].
    MaskWriteRegister { address: u16, and_mask: u16, or_mask: u16 },
    /// [`Function::ReadWriteMultipleRegisters`]: what was read.
    ReadWriteMultipleRegisters(Registers<'a>),
    /// No response: the request went to all units, and nobody confirms it (MB-SERIAL 2.1).
    Broadcast,
}

impl<'a> Response<'a> {
    /// Reads a response PDU: the outer error is a malformed one, the inner the device's refusal.
    ///
    /// # Errors
    /// [`MessageError`] where the PDU is not one of the functions known here or contradicts itself.
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
        writer.u8(function.code())?;
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
            Self::WriteSingleRegister { address, value } => emit_pair(writer, address, value),
            Self::WriteMultipleCoils { start, quantity }
            | Self::WriteMultipleRegisters { start, quantity } => emit_pair(writer, start, quantity),
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                emit_pair(writer, address, and_mask)?;
                writer.u16(or_mask)
            }
            Self::Broadcast => Ok(()),
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
            Self::WriteMultipleCoils { .. } => Function::WriteMultipleCoils,
            Self::WriteMultipleRegisters { .. } => Function::WriteMultipleRegisters,
            Self::MaskWriteRegister { .. } => Function::MaskWriteRegister,
            Self::ReadWriteMultipleRegisters(_) => Function::ReadWriteMultipleRegisters,
            Self::Broadcast => return None,
        })
    }

    /// The registers of a response that carries some.
    pub const fn registers(&self) -> Option<Registers<'a>> {
        match self {
            Self::ReadHoldingRegisters(registers)
            | Self::ReadInputRegisters(registers)
            | Self::ReadWriteMultipleRegisters(registers) => Some(*registers),
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
            Function::Other(code) => Err(MessageError::Function { code }),
            _ => Self::confirmation(function, reader),
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
}

/// Set in the function code of a refusal (MB-APP 7).
pub(crate) const REFUSED: u8 = 0x80;
