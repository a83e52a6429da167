//! Several APDUs in one frame: some meters put them one behind the other, each with an LLC header.

use ccm_core::Reader;

use crate::message::cursor::Cursor;
use crate::message::data::Data;
use crate::message::{DataNotification, MessageError, tag};

/// Where the first of several APDUs ends and the next one begins; nothing where it is alone.
pub(super) fn split(apdus: &[u8]) -> Option<(usize, usize)> {
    let end = end(apdus)?;
    match apdus.get(end..)? {
        [0xE6, 0xE6 | 0xE7, 0x00, _, ..] => Some((end, end + LLC)),
        _ => None,
    }
}

/// Where an APDU ends, if it says so itself.
fn end(apdus: &[u8]) -> Option<usize> {
    match *apdus.first()? {
        tag::DATA_NOTIFICATION => {
            let body = DataNotification::parse(apdus).ok()?.body.0;
            let mut reader = Reader::new(body);
            Data::take(&mut reader).ok()?;
            Some(apdus.len() - reader.rest().len())
        }
        tag::GENERAL_BLOCK_TRANSFER => fields(apdus, BLOCK_HEADER, 1).ok(),
        GENERAL_GLO | GENERAL_DED => fields(apdus, 0, 2).ok(),
        GENERAL_CIPHERING | GENERAL_SIGNING => None,
        tag if tag::is_ciphered(tag) => fields(apdus, 0, 1).ok(),
        _ => None,
    }
}

/// The end of an APDU of a tag, `header` bytes and so many octet strings.
fn fields(apdus: &[u8], header: usize, strings: usize) -> Result<usize, MessageError> {
    let mut cursor = Cursor::new(apdus);
    cursor.take(1 + header, FIELD)?;
    for _ in 0..strings {
        cursor.octets(FIELD)?;
    }
    Ok(cursor.offset())
}

const FIELD: &str = "APDU";
const LLC: usize = 3;
/// Control and two block numbers.
const BLOCK_HEADER: usize = 5;
const GENERAL_GLO: u8 = 0xDB;
const GENERAL_DED: u8 = 0xDC;
const GENERAL_CIPHERING: u8 = 0xDD;
const GENERAL_SIGNING: u8 = 0xDF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apdus_behind_each_other_are_told_apart_by_their_llc_headers() {
        let notification = [0x0F, 0, 0, 0, 1, 0, 0x11, 7];
        let block = [0xE0, 0xC0, 0, 1, 0, 0, 2, 8, 9];
        let ciphered = [0xDB, 1, 5, 3, 0x30, 0, 0];
        let event = [0xCA, 2, 0x30, 0];
        for apdu in [&notification[..], &block, &ciphered, &event] {
            let two = [apdu, &[0xE6, 0xE7, 0, 0x0F]].concat();
            assert_eq!(split(&two), Some((apdu.len(), apdu.len() + 3)));
            assert_eq!(split(apdu), None);
            assert_eq!(split(&[apdu, &[1, 2, 3, 4]].concat()), None, "what follows is no APDU");
        }
        assert_eq!(split(&[]), None);
    }
}
