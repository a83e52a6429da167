//! A long array, element by element, in a buffer that holds a block of it.

use ccm_core::crypto::Crypto;

use super::{Move, Script, Session, SessionError, Task, Transfer};
use crate::message::AttributeAccess;
use crate::message::data::{Data, DataError, Fault};
use crate::{Error, LinkError};

/// Reads an attribute that is a long array: the buffer of a profile, or an object list.
///
/// After each [`next`](Script::next), also after the last, take all elements with [`row`](Self::row): they make room for
/// the next block. Elements that came before an error are good. What the meter left out of a row as unchanged stays left
/// out; to have it filled in, read by portions that fit the buffer, and by [`Rows`](crate::message::cosem::Rows).
pub struct Profile<'t, 's, C: Crypto> {
    transfer: Transfer<'t, 's, C>,
    /// How many elements are to come; nothing before the array's head is known.
    left: Option<u32>,
    /// What was handed out last, and is dropped by what is asked next.
    used: usize,
}

impl<'t, 's, C: Crypto> Profile<'t, 's, C> {
    pub(super) const fn new(
        session: &'t mut Session<'s, C>,
        attribute: AttributeAccess<'t>,
        buffer: &'t mut [u8],
    ) -> Self {
        let transfer = Transfer::new(session, Task::Get(attribute), buffer).streaming();
        Self { transfer, left: None, used: 0 }
    }

    /// How many elements are to come; nothing before the first block.
    pub const fn left(&self) -> Option<u32> {
        self.left
    }

    /// The next element that is there whole; nothing where the next block has to come first, or after the last.
    ///
    /// # Errors
    /// What is no array, or no data. There are no more then.
    pub fn row(&mut self) -> Result<Option<Data<'_>>, Error> {
        self.drop_used();
        if self.left.is_none() {
            self.left = self.head()?;
        }
        let (over, received) = (self.transfer.is_over(), self.transfer.gather().length);
        let Some(left) = self.left.filter(|left| *left > 0) else {
            return match (over, self.left) {
                (true, Some(_)) if received > 0 => Err(Fault::Trailing { found: received }.at(0).into()),
                (true, None) => Err(SessionError::Truncated { received }.into()),
                _ => Ok(None),
            };
        };
        let gather = self.transfer.gather();
        let mut reader = ccm_core::Reader::new(gather.bytes(0..gather.length));
        match Data::take(&mut reader) {
            Ok(data) => {
                self.left = Some(left - 1);
                self.used = gather.length - reader.rest().len();
                Ok(Some(data))
            }
            Err(DataError { fault: Fault::Missing(_) | Fault::Count { .. }, .. }) if !over => Ok(None),
            Err(DataError { fault: Fault::Missing(_) | Fault::Count { .. }, .. }) => {
                Err(SessionError::Truncated { received }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The number of elements, once the head of the array has come whole.
    fn head(&mut self) -> Result<Option<u32>, Error> {
        let gather = self.transfer.gather_mut();
        let bytes = gather.bytes(0..gather.length);
        let (count, used) = match *bytes {
            [] | [ARRAY] => return Ok(None),
            [ARRAY, count @ 0..=0x7F, ..] => (u32::from(count), 2),
            [ARRAY, 0x81, count, ..] => (u32::from(count), 3),
            [ARRAY, 0x82, high, low, ..] => (u32::from(u16::from_be_bytes([high, low])), 4),
            [ARRAY, 0x81..=0x82, ..] => return Ok(None),
            _ => {
                return Err(Fault::Type { field: "buffer", expected: "array" }.at(0).into());
            }
        };
        gather.drop_front(used);
        Ok(Some(count))
    }

    fn drop_used(&mut self) {
        let used = core::mem::take(&mut self.used);
        if used > 0 {
            self.transfer.gather_mut().drop_front(used);
        }
    }
}

impl<C: Crypto> Script for Profile<'_, '_, C> {
    fn advance(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        self.drop_used();
        self.transfer.advance(outcome, apdu)
    }

    fn stored(&mut self, ceiling: u32) {
        self.transfer.stored(ceiling);
    }
}

const ARRAY: u8 = 1;
