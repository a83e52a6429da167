//! Where one `Data` ends, without looking at what it says.

use ccm_core::Reader;

use super::error::Fault;
use super::length::{counted, read, size};
use super::{compact, tag};

/// Passes over one `Data`.
///
/// It needs no stack: an array is nothing but so many more elements to pass. It goes over each byte once at most, because
/// every element has a byte of its own.
pub(crate) fn skip(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let mut left = 1_u32;
    while left > 0 {
        left = match plain_size(reader.rest()) {
            // Most are this, and it is what the speed of the whole depends on.
            Some(size) if reader.take(size, "value").is_ok() => left - 1,
            _ => more(left, element(reader)?, reader)?,
        };
    }
    Ok(())
}

/// How many bytes a value takes, its tag included, where its first two say that.
fn plain_size(bytes: &[u8]) -> Option<usize> {
    match (tag::fixed_size(*bytes.first()?), bytes) {
        (Some(size), _) => Some(1 + size),
        (None, [tag::OCTET_STRING | tag::VISIBLE_STRING | tag::UTF8_STRING, length @ 0..=0x7F, ..]) => {
            Some(2 + usize::from(*length))
        }
        _ => None,
    }
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
