//! Pieces that requests and responses share.

use ccm_core::{Full, Reader, Writer};

use super::MessageError;

/// A coil that is on, as FC 5 writes it (MB-APP 6.5).
pub(super) const COIL_ON: u16 = 0xFF00;

/// A coil that is off.
pub(super) const COIL_OFF: u16 = 0x0000;

/// What a coil is set to: only these two values exist.
pub(super) fn coil_state(value: u16) -> Result<bool, MessageError> {
    match value {
        COIL_ON => Ok(true),
        COIL_OFF => Ok(false),
        found => Err(MessageError::CoilValue { found }),
    }
}

/// A byte count and as many bytes.
pub(super) fn counted<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], MessageError> {
    let count = reader.u8("byte count")?;
    Ok(reader.take(count.into(), "values")?)
}

pub(super) fn emit_counted(writer: &mut Writer<'_>, bytes: &[u8]) -> Result<(), Full> {
    writer.u8(u8::try_from(bytes.len()).map_err(|_| Full)?)?;
    writer.slice(bytes)
}

pub(super) fn emit_pair(writer: &mut Writer<'_>, first: u16, second: u16) -> Result<(), Full> {
    writer.u16(first)?;
    writer.u16(second)
}
