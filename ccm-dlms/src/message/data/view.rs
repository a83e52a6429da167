//! One `Data`, borrowed whole.

use ccm_core::Reader;

use super::error::{DataError, Fault};
use super::events::{Event, Events};
use super::skip::skip;
use super::value::Value;

/// One `Data` whose end is known; what it says is read with [`Data::events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Data<'a> {
    /// The type, where it does not lie before each value: in a compact array.
    description: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Data<'a> {
    /// Takes the whole of `bytes` as one `Data`.
    ///
    /// # Errors
    /// [`Fault::Trailing`] where it ends earlier, [`Fault::Missing`] where it does not end, others for what is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DataError> {
        let mut reader = Reader::new(bytes);
        let data = Self::take(&mut reader)?;
        let found = reader.rest().len();
        if found > 0 { Err(Fault::Trailing { found }.at(bytes.len() - found)) } else { Ok(data) }
    }

    /// Takes one `Data` from the front and leaves the reader behind it. No value in it is looked at.
    ///
    /// # Errors
    /// As [`Data::parse`], counted from where the reader stood, and without [`Fault::Trailing`].
    pub fn take(reader: &mut Reader<'a>) -> Result<Self, DataError> {
        let (start, mut end) = (reader.rest(), *reader);
        let passed = skip(&mut end);
        let length = start.len() - end.rest().len();
        passed.map_err(|fault| fault.at(length))?;
        *reader = end;
        Ok(Self::tagged(start.get(..length).unwrap_or_default()))
    }

    /// Reads it from its beginning.
    pub fn events(self) -> Events<'a> {
        if self.description.is_empty() {
            return Events::new(self.bytes);
        }
        Events::compact(self.description, self.bytes)
    }

    /// The value, where it has no parts.
    ///
    /// # Errors
    /// [`Fault::Type`] where it is an array or a structure.
    pub fn value(self) -> Result<Value<'a>, DataError> {
        self.events().value("value")
    }

    /// Its bytes; nothing for an element of a compact array, which has none of its own.
    pub fn encoded(self) -> Option<&'a [u8]> {
        self.description.is_empty().then_some(self.bytes)
    }

    /// Checks all of it, down to the last value.
    ///
    /// # Errors
    /// The first fault there is.
    pub fn check(self) -> Result<(), DataError> {
        self.events().try_for_each(|event| event.map(|_: Event<'_>| ()))
    }

    pub(super) const fn tagged(bytes: &'a [u8]) -> Self {
        Self { description: &[], bytes }
    }

    pub(super) const fn compact(description: &'a [u8], bytes: &'a [u8]) -> Self {
        Self { description, bytes }
    }
}
