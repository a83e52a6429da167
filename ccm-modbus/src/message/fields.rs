//! Pieces that requests and responses share.

use ccm_core::{Full, Reader, Writer};

use super::MessageError;

/// A coil that is on, as FC 5 writes it (MB-APP 6.5).
pub(crate) const COIL_ON: u16 = 0xFF00;

/// A coil that is off.
pub(crate) const COIL_OFF: u16 = 0x0000;

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

/// Reads items until the bytes or the sense end.
pub(super) fn items<'a, T>(
    bytes: &'a [u8],
    parse: impl Fn(&mut Reader<'a>) -> Result<T, MessageError>,
) -> impl Iterator<Item = Result<T, MessageError>> {
    let mut reader = Reader::new(bytes);
    core::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let item = parse(&mut reader);
        if item.is_err() {
            reader = Reader::new(&[]);
        }
        Some(item)
    })
}

/// Everything up to the end of the PDU.
pub(super) fn rest<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], MessageError> {
    Ok(reader.take(reader.rest().len(), "data")?)
}

pub(super) fn emit_counted(writer: &mut Writer<'_>, bytes: &[u8]) -> Result<(), Full> {
    writer.u8(u8::try_from(bytes.len()).map_err(|_| Full)?)?;
    writer.slice(bytes)
}

pub(super) fn emit_pair(writer: &mut Writer<'_>, first: u16, second: u16) -> Result<(), Full> {
    writer.u16(first)?;
    writer.u16(second)
}
