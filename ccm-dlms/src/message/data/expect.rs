//! Reading what a class says must be there.

use ccm_core::Obis;

use super::date_time::DateTime;
use super::error::{DataError, Fault};
use super::events::{Event, Events};
use super::value::{BitString, Value};

/// Fields by name. Integers are taken in whatever width they come: meters differ, and the number says all.
///
/// Each of these fails with [`Fault::Type`] where something else comes, and ends the stream there.
impl<'a> Events<'a> {
    /// A value without parts.
    ///
    /// # Errors
    /// [`Fault::Type`], and whatever is wrong with the bytes.
    pub fn value(&mut self, field: &'static str) -> Result<Value<'a>, DataError> {
        if let Some(value) = self.next_plain() {
            return Ok(value);
        }
        match self.next_event()? {
            Some(Event::Value(value)) => Ok(value),
            _ => Err(self.wrong(Fault::Type { field, expected: "value" })),
        }
    }

    /// The beginning of an array: how many elements there are.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn array(&mut self, field: &'static str) -> Result<u32, DataError> {
        match self.next_event()? {
            Some(Event::Array(count)) => Ok(count),
            _ => Err(self.wrong(Fault::Type { field, expected: "array" })),
        }
    }

    /// The beginning of a structure: how many fields there are.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn structure(&mut self, field: &'static str) -> Result<u32, DataError> {
        match self.next_event()? {
            Some(Event::Structure(count)) => Ok(count),
            _ => Err(self.wrong(Fault::Type { field, expected: "structure" })),
        }
    }

    /// The beginning of a structure of exactly so many fields.
    ///
    /// # Errors
    /// As [`Events::value`], and [`Fault::Size`].
    pub fn structure_of(&mut self, field: &'static str, expected: u32) -> Result<(), DataError> {
        let found = self.structure(field)?;
        if found == expected { Ok(()) } else { Err(self.wrong(Fault::Size { field, expected, found })) }
    }

    /// The end of the innermost array or structure; what is left of it is passed over.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes that are passed over.
    pub fn end(&mut self) -> Result<(), DataError> {
        while self.left() > 0 {
            self.pass("rest")?;
        }
        self.leave();
        Ok(())
    }

    /// The end of all: everything was read, and nothing follows.
    ///
    /// # Errors
    /// [`Fault::Trailing`].
    pub fn finish(mut self) -> Result<(), DataError> {
        while self.depth() > 0 {
            self.end()?;
        }
        let found = self.rest().len();
        if found > 0 { Err(self.fault(Fault::Trailing { found })) } else { Ok(()) }
    }

    /// An integer of any type that fits in `T`.
    ///
    /// # Errors
    /// As [`Events::value`], and [`Fault::Range`].
    pub fn integer<T: TryFrom<i64>>(&mut self, field: &'static str) -> Result<T, DataError> {
        let Some(number) = self.value(field)?.integer() else {
            return Err(self.wrong(Fault::Type { field, expected: "integer" }));
        };
        T::try_from(number).map_err(|_| self.wrong(Fault::Range { field }))
    }

    /// An enumeration; meters that send an unsigned mean the same.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn enumeration(&mut self, field: &'static str) -> Result<u8, DataError> {
        match self.value(field)? {
            Value::Enum(code) | Value::Unsigned(code) => Ok(code),
            _ => Err(self.wrong(Fault::Type { field, expected: "enum" })),
        }
    }

    /// A truth.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn boolean(&mut self, field: &'static str) -> Result<bool, DataError> {
        match self.value(field)? {
            Value::Boolean(truth) => Ok(truth),
            _ => Err(self.wrong(Fault::Type { field, expected: "boolean" })),
        }
    }

    /// The bytes of a string of any type.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn octets(&mut self, field: &'static str) -> Result<&'a [u8], DataError> {
        let bytes = self.value(field)?.bytes();
        bytes.ok_or_else(|| self.wrong(Fault::Type { field, expected: "octet-string" }))
    }

    /// Bits.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn bits(&mut self, field: &'static str) -> Result<BitString<'a>, DataError> {
        match self.value(field)? {
            Value::BitString(bits) => Ok(bits),
            _ => Err(self.wrong(Fault::Type { field, expected: "bit-string" })),
        }
    }

    /// A logical name.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn logical_name(&mut self, field: &'static str) -> Result<Obis, DataError> {
        let name = self.value(field)?.logical_name();
        name.ok_or_else(|| self.wrong(Fault::Type { field, expected: "logical name" }))
    }

    /// A date and time, as its own type or as octets.
    ///
    /// # Errors
    /// As [`Events::value`].
    pub fn date_time(&mut self, field: &'static str) -> Result<DateTime, DataError> {
        let date_time = self.value(field)?.date_time();
        date_time.ok_or_else(|| self.wrong(Fault::Type { field, expected: "date-time" }))
    }
}
