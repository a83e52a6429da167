//! Lengths: one byte up to 127, else the number of bytes that follow (A-XDR, IEC 61334-6).

use ccm_core::{Full, Missing, Reader, Writer};

use super::error::Fault;

/// Reads a length; the standard wants the shortest form, meters do not all give it, and every form is read.
#[inline]
pub(crate) fn read(reader: &mut Reader<'_>, field: &'static str) -> Result<u32, Fault> {
    match reader.u8(field)? {
        length @ 0..=0x7F => Ok(length.into()),
        first => read_long(first & 0x7F, reader, field),
    }
}

#[cold]
fn read_long(bytes: u8, reader: &mut Reader<'_>, field: &'static str) -> Result<u32, Fault> {
    if bytes > 4 {
        return Err(Fault::Length { bytes });
    }
    Ok(long(reader.take(bytes.into(), field)?))
}

/// Writes a length in its shortest form.
pub(crate) fn emit(writer: &mut Writer<'_>, length: u32) -> Result<(), Full> {
    let [a, b, c, d] = length.to_be_bytes();
    match length {
        0..=0x7F => writer.u8(d),
        0x80..=0xFF => writer.array([0x81, d]),
        0x100..=0xFFFF => writer.array([0x82, c, d]),
        0x1_0000..=0xFF_FFFF => writer.array([0x83, b, c, d]),
        _ => writer.array([0x84, a, b, c, d]),
    }
}

/// Takes so many bytes as they are.
pub(crate) fn array<const N: usize>(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<[u8; N], Missing> {
    reader.take(N, field)?.first_chunk().copied().ok_or(Missing { field })
}

/// Takes a length and the bytes that it counts.
pub(crate) fn counted<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], Fault> {
    let length = read(reader, field)?;
    Ok(reader.take(size(length), field)?)
}

/// A length as a size of memory; on a core where it does not fit, nothing is that long.
pub(crate) fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn long(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |length, byte| length << 8 | u32::from(*byte))
}
