//! `Data` as bytes: where one ends, without a look at what it says.

use ccm_core::{Full, Writer};

use super::list::Item;
use crate::message::MessageError;
use crate::message::cursor::Cursor;

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
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let start = *cursor;
        cursor.pass_data("data")?;
        Ok(Self(cursor.since(start)))
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.slice(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Fault;

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
        assert_eq!((error.offset, error.fault), (4, Fault::Missing));
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
