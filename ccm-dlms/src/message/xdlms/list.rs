//! `SEQUENCE OF`: items as they came, or as the caller has them.

use core::fmt;

use ccm_core::{Full, Writer};

use crate::message::MessageError;
use crate::message::cursor::{Cursor, emit_length};

/// What a list can hold.
pub trait Item<'a>: Copy {
    /// Reads one.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError>;
    /// Writes it.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full>;
}

/// A list of items: parsed and checked once, and read again where it is needed; or a slice of the caller's to be written.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Source<'a, T>);

#[derive(Clone, Copy)]
enum Source<'a, T> {
    Came { count: usize, bytes: &'a [u8] },
    Given(&'a [T]),
}

impl<'a, T: Item<'a>> List<'a, T> {
    /// A list to be written.
    pub const fn new(items: &'a [T]) -> Self {
        Self(Source::Given(items))
    }

    /// How many items there are.
    pub const fn len(&self) -> usize {
        match self.0 {
            Source::Came { count, .. } => count,
            Source::Given(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items in order.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let (bytes, items) = match self.0 {
            Source::Came { bytes, .. } => (bytes, &[][..]),
            Source::Given(items) => (&[][..], items),
        };
        let mut cursor = Cursor::new(bytes);
        // They have been read once without a mistake; a mistake would end the list.
        let came =
            core::iter::from_fn(move || if cursor.is_empty() { None } else { T::read(&mut cursor).ok() });
        came.chain(items.iter().copied())
    }

    pub(super) fn read(cursor: &mut Cursor<'a>, field: &'static str) -> Result<Self, MessageError> {
        let count = cursor.length(field)?;
        let start = *cursor;
        for _ in 0..count {
            // Each item takes a byte at least: the bytes end before a count that promises too much.
            T::read(cursor)?;
        }
        Ok(Self(Source::Came { count, bytes: cursor.since(start) }))
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_length(writer, self.len())?;
        match self.0 {
            Source::Came { bytes, .. } => writer.slice(bytes),
            Source::Given(items) => items.iter().try_for_each(|item| item.write(writer)),
        }
    }
}

impl<'a, T: Item<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Item<'a> + Eq> Eq for List<'a, T> {}

impl<'a, T: Item<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<'a, T: Item<'a> + defmt::Format> defmt::Format for List<'a, T> {
    fn format(&self, formatter: defmt::Formatter<'_>) {
        defmt::write!(formatter, "{} items", self.len());
    }
}
