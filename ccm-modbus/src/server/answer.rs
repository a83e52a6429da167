//! From a request to its reply.

use ccm_core::{Full, Writer};

use super::Handler;
use crate::message::{CoilsMut, REFUSED, RegistersMut};
use crate::{Coils, Exception, Function, MessageError, Registers, Request};

/// Carries out a request and writes the reply's PDU; gives its length, or nothing where there is no reply.
pub(super) fn answer(pdu: &[u8], handler: &mut impl Handler, buffer: &mut [u8]) -> Option<usize> {
    let room = buffer.len().min(MAX_PDU);
    let mut writer = Writer::new(buffer.get_mut(..room)?);
    match carry_out(pdu, handler, &mut writer) {
        Ok(()) => Some(writer.finish()).filter(|length| *length > 0),
        Err(exception) => refuse(pdu, exception, buffer),
    }
}

/// Writes a refusal.
pub(super) fn refuse(pdu: &[u8], exception: Exception, buffer: &mut [u8]) -> Option<usize> {
    *buffer.first_chunk_mut()? = [pdu.first()? | REFUSED, exception.code()];
    Some(2)
}

// Inlined it costs 300 bytes.
#[inline(never)]
fn carry_out(pdu: &[u8], handler: &mut impl Handler, reply: &mut Writer<'_>) -> Result<(), Exception> {
    if !handler.permits(Function::from_code(pdu.first().copied().unwrap_or_default())) {
        return Err(Exception::IllegalFunction);
    }
    let request = match Request::parse_access(pdu) {
        Ok(request) => request,
        Err(MessageError::Function { .. }) => return handler.other(pdu, reply),
        Err(error) => return Err(error.exception()),
    };
    match request {
        Request::WriteSingleCoil { address, on } => {
            handler
                .write_coils(address, Coils::parse(&[u8::from(on)], 1).map_err(MessageError::exception)?)?;
        }
        Request::WriteMultipleCoils { start, coils } => handler.write_coils(start, coils)?,
        Request::WriteSingleRegister { address, value } => write_one(handler, address, value)?,
        Request::WriteMultipleRegisters { start, registers } => {
            handler.write_holding_registers(start, registers)?;
        }
        Request::MaskWriteRegister { address, and_mask, or_mask } => {
            mask(handler, address, and_mask, or_mask)?;
            confirm(pdu, reply)?;
            return reply.u16(or_mask).map_err(full);
        }
        Request::ReadWriteMultipleRegisters { write_start, registers, .. } => {
            handler.write_holding_registers(write_start, registers)?;
            return values(request, pdu, handler, reply);
        }
        _ => return values(request, pdu, handler, reply),
    }
    confirm(pdu, reply)
}

fn mask(handler: &mut impl Handler, address: u16, and_mask: u16, or_mask: u16) -> Result<(), Exception> {
    let mut bytes = [0; 2];
    fill_registers(&mut bytes, |registers| handler.read_holding_registers(address, registers))?;
    let value = u16::from_be_bytes(bytes);
    write_one(handler, address, value & and_mask | or_mask & !and_mask)
}

fn write_one(handler: &mut impl Handler, address: u16, value: u16) -> Result<(), Exception> {
    let bytes = value.to_be_bytes();
    let registers = Registers::parse(&bytes).map_err(MessageError::exception)?;
    handler.write_holding_registers(address, registers)
}

/// All writes are confirmed by the fields they begin with.
fn confirm(pdu: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
    // Byte by byte: whole arrays would bring in `memcpy`, 0.6 KB.
    let [a, b, c, d, e] = *pdu.first_chunk().ok_or(Exception::IllegalDataValue)?;
    reply.array([a, b, c, d, e]).map_err(full)
}

/// Has the handler fill in a range behind its byte count.
fn values(
    request: Request<'_>,
    pdu: &[u8],
    handler: &mut impl Handler,
    reply: &mut Writer<'_>,
) -> Result<(), Exception> {
    let (start, quantity) = match request {
        Request::ReadCoils { start, quantity }
        | Request::ReadDiscreteInputs { start, quantity }
        | Request::ReadHoldingRegisters { start, quantity }
        | Request::ReadInputRegisters { start, quantity }
        | Request::ReadWriteMultipleRegisters { read_start: start, read_quantity: quantity, .. } => {
            (start, quantity)
        }
        _ => return Err(Exception::IllegalFunction),
    };
    let is_coils = matches!(request, Request::ReadCoils { .. } | Request::ReadDiscreteInputs { .. });
    let count = if is_coils { quantity.div_ceil(8) } else { quantity * 2 };
    let count = u8::try_from(count).map_err(|_| Exception::IllegalDataValue)?;
    reply.array([pdu.first().copied().unwrap_or_default(), count]).map_err(full)?;
    let bytes = reply.room(count.into()).map_err(full)?;
    match request {
        Request::ReadCoils { .. } => fill_coils(bytes, quantity, |coils| handler.read_coils(start, coils)),
        Request::ReadDiscreteInputs { .. } => {
            fill_coils(bytes, quantity, |inputs| handler.read_discrete_inputs(start, inputs))
        }
        Request::ReadInputRegisters { .. } => {
            fill_registers(bytes, |registers| handler.read_input_registers(start, registers))
        }
        _ => fill_registers(bytes, |registers| handler.read_holding_registers(start, registers)),
    }
}

fn fill_coils(
    bytes: &mut [u8],
    quantity: u16,
    fill: impl FnOnce(&mut CoilsMut<'_>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    let mut coils = CoilsMut::new(bytes, quantity);
    fill(&mut coils)?;
    if coils.is_complete() { Ok(()) } else { Err(Exception::ServerDeviceFailure) }
}

/// A register that the handler has not set is no value of anybody's: the whole reply fails.
pub(super) fn fill_registers(
    bytes: &mut [u8],
    fill: impl FnOnce(&mut RegistersMut<'_>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    let mut registers = RegistersMut::new(bytes);
    fill(&mut registers)?;
    if registers.is_complete() { Ok(()) } else { Err(Exception::ServerDeviceFailure) }
}

/// The reply does not fit the buffer.
pub(super) fn full(Full: Full) -> Exception {
    Exception::ServerDeviceFailure
}

/// MB-APP 4.1.
const MAX_PDU: usize = 253;
