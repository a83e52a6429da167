//! `Data` as bytes: where one ends, without a look at what it says.

use ccm_core::{Full, Writer};

use super::list::Item;
use crate::message::cursor::Cursor;
use crate::message::{Fault, MessageError};

/// One encoded `Data`, tag first.
///
/// At the end of an APDU it is all that is left, unchecked; among other fields it is exactly one `Data`. An empty one
/// writes nothing, so that a caller can write the APDU up to here and then the `Data` behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Encoded<'a>(pub &'a [u8]);

impl<'a> Encoded<'a> {
    /// What is left of the APDU.
    pub(super) fn rest(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, MessageError> {
        cursor.rest(field).map(Self)
    }
}

impl<'a> Item<'a> for Encoded<'a> {
    /// Reads exactly one `Data`.
    ///
    /// There is no stack, and so no depth to limit: it counts how many are still to come. Each takes a byte at least, so
    /// that the work ends with the bytes.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let start = *cursor;
        skip(cursor, content)?;
        Ok(Self(cursor.since(start)))
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.slice(self.0)
    }
}

/// Skips one element and all inside of it; `content` gives how many are inside.
fn skip(
    cursor: &mut Cursor<'_>,
    content: fn(u8, &mut Cursor<'_>) -> Result<usize, MessageError>,
) -> Result<(), MessageError> {
    let mut outstanding = 1_usize;
    while outstanding > 0 {
        let at = *cursor;
        let tag = cursor.u8(FIELD)?;
        let inside = content(tag, cursor).map_err(|error| match error.fault {
            Fault::Choice { found } if found == tag => at.fail(FIELD, error.fault),
            _ => error,
        })?;
        outstanding = (outstanding - 1).saturating_add(inside);
        if outstanding > cursor.left() {
            return Err(at.fail(FIELD, Fault::Missing));
        }
    }
    Ok(())
}

/// Skips the content of one `Data` (Green Book 9.5), and gives how many `Data` follow inside.
fn content(tag: u8, cursor: &mut Cursor<'_>) -> Result<usize, MessageError> {
    let length = match tag {
        ARRAY | STRUCTURE => return cursor.length(FIELD),
        BIT_STRING => cursor.length(FIELD)?.div_ceil(8),
        OCTET_STRING | VISIBLE_STRING | UTF8_STRING => cursor.length(FIELD)?,
        COMPACT_ARRAY => {
            skip(cursor, description)?;
            cursor.length(FIELD)?
        }
        NULL | DONT_CARE => 0,
        3 | 13 | 15 | 17 | 22 | 28 | 31 => 1,
        16 | 18 | 29 | 32 => 2,
        5 | 6 | 23 | 27 | 30 | 33 => 4,
        26 => 5,
        20 | 21 | 24 => 8,
        25 => 12,
        found => return Err(cursor.fail(FIELD, Fault::Choice { found })),
    };
    cursor.take(length, FIELD)?;
    Ok(0)
}

/// Skips one type of a compact array's description, and gives how many types follow inside.
fn description(tag: u8, cursor: &mut Cursor<'_>) -> Result<usize, MessageError> {
    match tag {
        ARRAY => cursor.u16(FIELD).map(|_| 1),
        STRUCTURE => cursor.length(FIELD),
        _ => Ok(0),
    }
}

const FIELD: &str = "data";
const NULL: u8 = 0;
const ARRAY: u8 = 1;
const STRUCTURE: u8 = 2;
const BIT_STRING: u8 = 4;
const OCTET_STRING: u8 = 9;
const VISIBLE_STRING: u8 = 10;
const UTF8_STRING: u8 = 12;
const COMPACT_ARRAY: u8 = 19;
const DONT_CARE: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: &[u8]) -> Result<usize, MessageError> {
        Encoded::read(&mut Cursor::new(bytes)).map(|Encoded(bytes)| bytes.len())
    }

    #[test]
    fn one_data_ends_where_it_ends() {
        for data in [
            &[0][..],
            &[2, 2, 17, 5, 1, 1, 0],
            &[4, 9, 0xFF, 0x80],
            &[9, 2, 1, 2],
            &[19, 2, 2, 18, 6, 6, 0, 1, 0, 0, 0, 100],
            &[19, 1, 0, 2, 17, 2, 7, 8],
            &[1, 0],
            &[25, 7, 0xE5, 1, 1, 5, 0, 0, 0, 0, 0x80, 0, 0],
        ] {
            assert_eq!(length(&[data, &[0xEE]].concat()), Ok(data.len()));
        }
    }

    #[test]
    fn a_promise_of_more_elements_than_bytes_ends_at_once() {
        let error = length(&[1, 0x82, 0xFF, 0xFF, 0, 0]).unwrap_err();
        assert_eq!((error.offset, error.fault), (0, Fault::Missing));
    }

    #[test]
    fn a_thousand_levels_need_no_more_memory_than_one() {
        let bytes: Vec<u8> = [1, 1].repeat(1000).into_iter().chain([0]).collect();
        assert_eq!(length(&bytes), Ok(2001));
    }

    #[test]
    fn an_unknown_tag_is_refused_where_it_stands() {
        let error = length(&[2, 2, 0, 99]).unwrap_err();
        assert_eq!((error.offset, error.fault), (3, Fault::Choice { found: 99 }));
    }
}
