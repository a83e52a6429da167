//! Profile generic (class 7).

use super::list::List;
use super::object::CaptureObject;
use crate::message::data::{Data, DataError};

/// Class 7: values of several objects, captured again and again. The rows of its buffer are read with [`Rows`](super::Rows).
#[derive(Clone, Copy, Debug)]
pub struct ProfileGeneric;

impl ProfileGeneric {
    /// The number of the class.
    pub const CLASS_ID: u16 = 7;
    /// Attribute: the rows, see [`Rows`](super::Rows).
    pub const BUFFER: i8 = 2;
    /// Attribute: which value each column has, see [`ProfileGeneric::capture_objects`].
    pub const CAPTURE_OBJECTS: i8 = 3;
    /// Attribute: seconds from one row to the next; 0 where rows come by events.
    pub const CAPTURE_PERIOD: i8 = 4;
    /// Attribute: [`SortMethod`].
    pub const SORT_METHOD: i8 = 5;
    /// Attribute: by which column, an object definition.
    pub const SORT_OBJECT: i8 = 6;
    /// Attribute: how many rows there are.
    pub const ENTRIES_IN_USE: i8 = 7;
    /// Attribute: how many rows there can be.
    pub const PROFILE_ENTRIES: i8 = 8;
    /// Method: deletes all rows; the parameter is the integer 0.
    pub const RESET: i8 = 1;
    /// Method: captures a row now; the parameter is the integer 0.
    pub const CAPTURE: i8 = 2;

    /// The objects behind the columns, in their order.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn capture_objects(data: Data<'_>) -> Result<List<'_, CaptureObject>, DataError> {
        List::parse(data, "capture_objects")
    }

    /// The column that has the time of the row, from 0: the time of a clock object.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn clock_column(data: Data<'_>) -> Result<Option<usize>, DataError> {
        let mut found = None;
        for (column, object) in Self::capture_objects(data)?.enumerate() {
            let object = object?;
            let is_clock =
                object.class_id == super::Clock::CLASS_ID && object.attribute_index == super::Clock::TIME;
            found = found.or(is_clock.then_some(column));
        }
        Ok(found)
    }
}

/// In which order the rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SortMethod {
    /// As they came, the oldest first.
    Fifo,
    /// As they came, the newest first.
    Lifo,
    /// The largest first.
    Largest,
    /// The smallest first.
    Smallest,
    /// The nearest to zero first.
    NearestToZero,
    /// The farthest from zero first.
    FarthestFromZero,
    /// A code that the standard does not have.
    Other(u8),
}

impl From<u8> for SortMethod {
    fn from(code: u8) -> Self {
        match code {
            1 => Self::Fifo,
            2 => Self::Lifo,
            3 => Self::Largest,
            4 => Self::Smallest,
            5 => Self::NearestToZero,
            6 => Self::FarthestFromZero,
            _ => Self::Other(code),
        }
    }
}
