//! Data as a stream of events.

use ccm_core::Reader;

use super::error::{DataError, Fault};
use super::length::{counted, size};
use super::skip::{elements, skip};
use super::value::Value;
use super::view::Data;
use super::{compact, tag};

/// How deeply arrays and structures may be nested. The deepest that the classes of COSEM have is 6.
pub const MAX_DEPTH: usize = 12;

/// What comes next in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// A value without parts.
    Value(Value<'a>),
    /// An array of so many elements begins; a compact array too.
    Array(u32),
    /// A structure of so many fields begins.
    Structure(u32),
    /// The innermost array or structure ends.
    End,
}

/// Reads one `Data` and gives its parts in the order in which they lie there.
///
/// Compact arrays come as the arrays that they stand for. The work is bounded: there are at most two events for each byte,
/// and what a compact array may add to that is a small multiple of the bytes as well. After an error there are no more
/// events.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    reader: Reader<'a>,
    /// How many bytes there were, for the offset of an error.
    length: usize,
    /// How many bytes there were to come where the last event began.
    last: usize,
    /// The innermost array or structure, or the one `Data` itself.
    level: Level,
    depth: usize,
    outer: [Level; MAX_DEPTH],
    compact: Option<Compact<'a>>,
    /// How many events compact arrays may still become.
    work: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// How many elements are to come.
    left: u32,
    /// In the contents of a compact array: how much of its description is left where the description of an element of this
    /// array begins. 0 in structures, where each field has its own.
    element: u16,
}

/// What is to be known while the contents of a compact array are read.
#[derive(Clone, Copy, Debug)]
struct Compact<'a> {
    description: &'a [u8],
    /// What of the description has not been gone through.
    types: Reader<'a>,
    /// What lies behind the contents.
    after: &'a [u8],
    /// The depth at which the compact array itself ends.
    depth: usize,
}

impl<'a> Events<'a> {
    /// Begins with the `Data` that starts at the first byte; what follows it is left alone.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::begin(bytes, None)
    }

    /// Begins with one element of a compact array.
    pub(super) fn compact(description: &'a [u8], contents: &'a [u8]) -> Self {
        let types = Reader::new(description);
        Self::begin(contents, Some(Compact { description, types, after: &[], depth: 0 }))
    }

    fn begin(bytes: &'a [u8], compact: Option<Compact<'a>>) -> Self {
        let level = Level { left: 1, element: 0 };
        let work = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_mul(WORK).saturating_add(WORK);
        let (reader, outer) = (Reader::new(bytes), [Level::default(); MAX_DEPTH]);
        Self { reader, length: bytes.len(), last: bytes.len(), level, depth: 0, outer, compact, work }
    }

    /// How many elements are to come before the innermost array or structure ends.
    pub const fn left(&self) -> u32 {
        self.level.left
    }

    /// How many arrays and structures are open.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The position of the next byte, from the beginning of the bytes.
    pub fn offset(&self) -> usize {
        let after = self.compact.map_or(0, |compact| compact.after.len());
        self.length.saturating_sub(self.reader.rest().len()).saturating_sub(after)
    }

    /// What has not been read. After the last event it is what follows the data.
    pub fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// Takes the next element whole, whatever it is.
    ///
    /// # Errors
    /// [`Fault::Type`] where the innermost array or structure has no more, and what the element itself has.
    pub fn data(&mut self, field: &'static str) -> Result<Data<'a>, DataError> {
        let (start, types) = (self.reader.rest(), self.compact.map(|compact| compact.types.rest()));
        self.pass(field)?;
        let taken = start.len() - self.reader.rest().len();
        let bytes = start.get(..taken).unwrap_or_default();
        Ok(match types {
            None => Data::tagged(bytes),
            Some(types) => Data::compact(self.description_of_last(types), bytes),
        })
    }

    /// Passes over the next element, whatever it is.
    pub(crate) fn pass(&mut self, field: &'static str) -> Result<(), DataError> {
        if self.level.left == 0 {
            return Err(self.fault(Fault::Type { field, expected: "element" }));
        }
        if self.compact.is_some() {
            return self.pass_compact();
        }
        self.level.left -= 1;
        skip(&mut self.reader).map_err(|fault| self.fault(fault))
    }

    #[cold]
    fn pass_compact(&mut self) -> Result<(), DataError> {
        let (depth, left) = (self.depth, self.level.left);
        while (self.depth, self.level.left) != (depth, left - 1) {
            self.step()?;
        }
        Ok(())
    }

    /// The description of the element that was just passed, which began with `types` unless it is one of an array.
    fn description_of_last(&self, types: &'a [u8]) -> &'a [u8] {
        let Some(compact) = self.compact else { return types };
        match self.level.element {
            0 => types,
            element => compact.from(element).rest(),
        }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, DataError> {
        if self.level.left == 0 {
            return Ok(self.leave());
        }
        self.level.left -= 1;
        let event = if self.compact.is_some() { self.untagged() } else { self.tagged() };
        event.map(Some).map_err(|fault| self.fault(fault))
    }

    fn tagged(&mut self) -> Result<Event<'a>, Fault> {
        let start = self.reader;
        self.last = start.rest().len();
        let tag = self.reader.u8("tag")?;
        let event = match tag {
            tag::ARRAY => {
                let count = elements(&mut self.reader)?;
                self.enter(count, 0).map(|()| Event::Array(count))
            }
            tag::STRUCTURE => {
                let count = elements(&mut self.reader)?;
                self.enter(count, 0).map(|()| Event::Structure(count))
            }
            tag::COMPACT_ARRAY => self.enter_compact(),
            tag => Value::read(tag, &mut self.reader).map(Event::Value),
        };
        if let Err(Fault::Tag { .. }) = event {
            self.reader = start;
        }
        event
    }

    fn enter(&mut self, left: u32, element: u16) -> Result<(), Fault> {
        let outer = self.outer.get_mut(self.depth).ok_or(Fault::Depth { limit: MAX_DEPTH })?;
        *outer = self.level;
        self.level = Level { left, element };
        self.depth += 1;
        Ok(())
    }

    /// Ends the innermost array or structure, of which nothing is left.
    #[inline]
    pub(crate) fn leave(&mut self) -> Option<Event<'a>> {
        let depth = self.depth.checked_sub(1)?;
        if let Some(compact) = self.compact {
            self.leave_in(compact);
        }
        self.level = *self.outer.get(depth)?;
        self.depth = depth;
        Some(Event::End)
    }

    /// Ends an array or structure inside of a compact array, or the compact array itself.
    fn leave_in(&mut self, compact: Compact<'a>) {
        if compact.depth == self.depth {
            self.reader = Reader::new(compact.after);
            self.last = compact.after.len();
            self.compact = None;
        }
    }

    #[cold]
    fn enter_compact(&mut self) -> Result<Event<'a>, Fault> {
        let start = self.reader.rest();
        compact::skip_description(&mut self.reader)?;
        let description = start.get(..start.len() - self.reader.rest().len()).unwrap_or_default();
        let element = u16::try_from(description.len()).map_err(|_| Fault::Work)?;
        let contents = counted(&mut self.reader, "contents of the compact-array")?;
        self.enter(0, element)?;
        let (types, after) = (Reader::new(description), self.reader.rest());
        self.compact = Some(Compact { description, types, after, depth: self.depth });
        self.reader = Reader::new(contents);
        self.level.left = self.count()?;
        Ok(Event::Array(self.level.left))
    }

    /// Counts the elements in the contents of a compact array, by going through them.
    fn count(&mut self) -> Result<u32, Fault> {
        let mut probe = self.clone();
        let mut count = 0;
        while !probe.reader.is_empty() {
            let left = probe.reader.rest().len();
            probe.level.left = 1;
            probe.pass_compact().map_err(|error| error.fault)?;
            if probe.reader.rest().len() == left {
                return Err(Fault::Contents);
            }
            count += 1;
        }
        self.work = probe.work;
        Ok(count)
    }

    /// Reads an element of the contents of a compact array, whose tag stands in the description.
    #[cold]
    fn untagged(&mut self) -> Result<Event<'a>, Fault> {
        self.work = self.work.checked_sub(1).ok_or(Fault::Work)?;
        let Some(compact) = &mut self.compact else { return Err(Fault::Contents) };
        if self.level.element > 0 {
            compact.types = compact.from(self.level.element);
        }
        self.last = self.reader.rest().len() + compact.after.len();
        let types = &mut compact.types;
        match types.u8("type description")? {
            tag::ARRAY => {
                let count = types.u16("number of elements")?;
                let element = u16::try_from(types.rest().len()).map_err(|_| Fault::Work)?;
                if count == 0 {
                    compact::skip_description(types)?;
                }
                self.enter(count.into(), element).map(|()| Event::Array(count.into()))
            }
            tag::STRUCTURE => {
                let count = elements(types)?;
                self.enter(count, 0).map(|()| Event::Structure(count))
            }
            tag => Value::read(tag, &mut self.reader).map(Event::Value),
        }
    }

    /// Ends the stream with an error at the byte where it stands.
    #[cold]
    pub(super) fn fault(&mut self, fault: Fault) -> DataError {
        let error = fault.at(self.offset());
        (self.level, self.depth) = (Level::default(), 0);
        error
    }

    /// Ends the stream with an error about the last event, which is not what belongs there.
    #[cold]
    pub(crate) fn wrong(&mut self, fault: Fault) -> DataError {
        (self.level, self.depth) = (Level::default(), 0);
        fault.at(self.length.saturating_sub(self.last))
    }

    pub(crate) fn next_event(&mut self) -> Result<Option<Event<'a>>, DataError> {
        self.step()
    }

    /// Passes over the next element, which [`Events::peek`] has shown to have so many bytes.
    pub(crate) fn pass_peeked(&mut self, length: usize) {
        if self.reader.take(length, "element").is_ok() {
            self.level.left -= 1;
        }
    }

    /// The next element, where it is nothing but a good value that lies there with its tag. What else it may be, or what is
    /// wrong with it, the long way says.
    #[inline]
    pub(crate) fn next_plain(&mut self) -> Option<Value<'a>> {
        if self.compact.is_some() || self.level.left == 0 {
            return None;
        }
        let mut reader = self.reader;
        let value = Value::read(reader.u8("tag").ok()?, &mut reader).ok()?;
        self.last = self.reader.rest().len();
        self.reader = reader;
        self.level.left -= 1;
        Some(value)
    }

    /// Enters a structure of so many fields, where that is what comes next.
    #[inline]
    pub(crate) fn next_structure(&mut self, expected: u32) -> bool {
        let comes = match self.peek() {
            Some([tag::STRUCTURE, count @ 0..=0x7F]) => u32::from(*count) == expected,
            _ => false,
        };
        let left = self.reader.rest().len();
        let fits = size(expected) <= left.saturating_sub(2) && self.depth < MAX_DEPTH;
        if !comes || !fits || self.reader.take(2, "structure").is_err() {
            return false;
        }
        self.last = left;
        self.level.left -= 1;
        self.enter(expected, 0).is_ok()
    }

    /// Whether the next element lies there as a tagged value without parts.
    pub(crate) fn next_is_value(&self) -> bool {
        let tag = self.peek().map(|[tag]| *tag);
        tag.is_some_and(|tag| !matches!(tag, tag::ARRAY | tag::STRUCTURE | tag::COMPACT_ARRAY))
    }

    /// The next bytes, where they lie there with their tags: a compact array hides them.
    pub(crate) fn peek<const N: usize>(&self) -> Option<&'a [u8; N]> {
        if self.compact.is_some() || self.level.left == 0 {
            return None;
        }
        self.reader.rest().first_chunk()
    }
}

impl<'a> Compact<'a> {
    /// The description from where so much of it is left.
    fn from(&self, left: u16) -> Reader<'a> {
        let start = self.description.len().saturating_sub(left.into());
        Reader::new(self.description.get(start..).unwrap_or_default())
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// How many events a byte may become in a compact array: more than any description of a real one makes of it.
const WORK: u32 = 16;
