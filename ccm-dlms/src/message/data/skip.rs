//! Where one `Data` ends, without looking at what it says.

use ccm_core::Reader;

use super::error::Fault;
use super::length::{counted, read, size};
use super::{compact, tag};

/// Passes over one `Data`.
///
/// It needs no stack: an array is nothing but so many more elements to pass. It goes over each byte once at most, because
/// every element has a byte of its own.
pub(super) fn skip(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let mut left = 1_u32;
    while left > 0 {
        left = more(left, element(reader)?, reader)?;
    }
    Ok(())
}

/// How many elements are to come once one has announced `count`: no more than there are bytes, so it cannot overflow.
pub(super) fn more(left: u32, count: u32, reader: &Reader<'_>) -> Result<u32, Fault> {
    let (count, left) = ((left - 1).saturating_add(count), reader.rest().len());
    if size(count) > left { Err(Fault::Count { count, left }) } else { Ok(count) }
}

/// Passes over one element and says how many more it announces.
#[inline]
fn element(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    let start = *reader;
    let tag = reader.u8("tag")?;
    if let Some(size) = tag::fixed_size(tag) {
        reader.take(size, "value")?;
        return Ok(0);
    }
    match tag {
        tag::ARRAY | tag::STRUCTURE => return elements(reader),
        tag::OCTET_STRING | tag::VISIBLE_STRING | tag::UTF8_STRING => {
            counted(reader, "string")?;
        }
        tag::BIT_STRING => {
            let bits = read(reader, "bit-string")?;
            reader.take(size(bits.div_ceil(8)), "bit-string")?;
        }
        tag::COMPACT_ARRAY => {
            compact::skip_description(reader)?;
            counted(reader, "contents of the compact-array")?;
        }
        tag => {
            *reader = start;
            return Err(Fault::Tag { tag });
        }
    }
    Ok(0)
}

/// Reads how many elements follow: no more than there are bytes.
#[inline]
pub(super) fn elements(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    let count = read(reader, "number of elements")?;
    let left = reader.rest().len();
    if size(count) > left { Err(Fault::Count { count, left }) } else { Ok(count) }
}
