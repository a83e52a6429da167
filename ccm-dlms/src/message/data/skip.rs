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
fn element(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    let mut peek = *reader;
    let tag = peek.u8("tag")?;
    match tag {
        tag::ARRAY | tag::STRUCTURE => {
            *reader = peek;
            return elements(reader);
        }
        tag::OCTET_STRING | tag::VISIBLE_STRING | tag::UTF8_STRING => {
            counted(&mut peek, "string")?;
        }
        tag::BIT_STRING => {
            let bits = read(&mut peek, "bit-string")?;
            peek.take(size(bits.div_ceil(8)), "bit-string")?;
        }
        tag::COMPACT_ARRAY => {
            compact::skip_description(&mut peek)?;
            counted(&mut peek, "contents of the compact-array")?;
        }
        _ => {
            let size = tag::fixed_size(tag).ok_or(Fault::Tag { tag })?;
            peek.take(size, "value")?;
        }
    }
    *reader = peek;
    Ok(0)
}

/// Reads how many elements follow: no more than there are bytes.
pub(super) fn elements(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    let count = read(reader, "number of elements")?;
    let left = reader.rest().len();
    if size(count) > left { Err(Fault::Count { count, left }) } else { Ok(count) }
}
