//! Lengths and octet strings of A-XDR (IEC 61334-6), as envelopes have them.

use ccm_core::{Full, Missing, Reader, Writer};

/// Reads a length: one byte below 80, else the number of bytes that follow and they.
pub(super) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<usize, Missing> {
    match reader.u8(field)? {
        short @ 0..=0x7F => Ok(usize::from(short)),
        0x81 => reader.u8(field).map(usize::from),
        0x82 => reader.u16(field).map(usize::from),
        // No buffer holds what a longer length announces, and none of the bytes will be there.
        _ => Err(Missing { field }),
    }
}

/// Reads an octet string.
pub(super) fn string<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], Missing> {
    let length = parse(reader, field)?;
    reader.take(length, field)
}

/// Bytes that a length takes: 1 to 3.
pub(super) const fn size(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        0x80..=0xFF => 2,
        _ => 3,
    }
}

/// Writes a length, at most 65 535.
pub(super) fn emit(writer: &mut Writer<'_>, length: usize) -> Result<(), Full> {
    let [high, low] = u16::try_from(length).map_err(|_| Full)?.to_be_bytes();
    match size(length) {
        1 => writer.u8(low),
        2 => writer.array([0x81, low]),
        _ => writer.array([0x82, high, low]),
    }
}

/// Writes an octet string.
pub(super) fn emit_string(writer: &mut Writer<'_>, string: &[u8]) -> Result<(), Full> {
    emit(writer, string.len())?;
    writer.slice(string)
}
