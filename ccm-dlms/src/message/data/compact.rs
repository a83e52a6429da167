//! The type description of a compact array (IEC 62056-5-3, `TypeDescription`).

use ccm_core::Reader;

use super::error::Fault;
use super::skip::{elements, more};
use super::tag;

/// Passes over one type description: a tag, and for arrays and structures what is in them.
pub(super) fn skip_description(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let mut left = 1_u32;
    while left > 0 {
        left = more(left, one(reader)?, reader)?;
    }
    Ok(())
}

/// Passes over one description and says how many more it announces.
fn one(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    let mut peek = *reader;
    let tag = peek.u8("type description")?;
    let more = match tag {
        tag::ARRAY => {
            peek.u16("number of elements")?;
            1
        }
        tag::STRUCTURE => elements(&mut peek)?,
        tag::BIT_STRING | tag::OCTET_STRING | tag::VISIBLE_STRING | tag::UTF8_STRING => 0,
        _ if tag::fixed_size(tag).is_some() => 0,
        // A compact array has no place in a compact array.
        _ => return Err(Fault::Tag { tag }),
    };
    *reader = peek;
    Ok(more)
}
