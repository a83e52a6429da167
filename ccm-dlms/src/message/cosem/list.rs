//! Arrays whose elements all have one form.

use core::marker::PhantomData;

use crate::message::data::{Data, DataError, Events};

/// The elements of an array, read one by one as they are asked for. After an error there are no more.
#[derive(Clone, Debug)]
pub struct List<'a, T> {
    events: Events<'a>,
    element: PhantomData<fn() -> T>,
}

/// An element of a [`List`].
pub(super) trait Element<'a>: Sized {
    /// Reads one from the midst of the array.
    fn read(events: &mut Events<'a>) -> Result<Self, DataError>;
}

impl<'a, T> List<'a, T> {
    /// Begins to read the array `field`.
    pub(super) fn parse(data: Data<'a>, field: &'static str) -> Result<Self, DataError> {
        let mut events = data.events();
        events.array(field)?;
        Ok(Self { events, element: PhantomData })
    }

    /// How many elements are to come.
    pub const fn left(&self) -> u32 {
        self.events.left()
    }
}

impl<'a, T: Element<'a>> Iterator for List<'a, T> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left() > 0).then(|| T::read(&mut self.events))
    }
}
