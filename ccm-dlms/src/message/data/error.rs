//! What can be wrong with data, and at which byte.

use ccm_core::Missing;

/// Data that are not what they should be, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("byte {offset}: {fault}")]
pub struct DataError {
    /// How many bytes before the faulty one, from the beginning of the data that were being read.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with the data: everything here is the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// They end too early; with more bytes they might be good.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// No type of data has this tag.
    #[error("no type of data has the tag {tag:#04x}")]
    Tag {
        /// The tag.
        tag: u8,
    },
    /// A length in more than four bytes.
    #[error("a length in {bytes} bytes; four are the most")]
    Length {
        /// How many bytes.
        bytes: u8,
    },
    /// More elements than there are bytes left for them.
    #[error("{count} elements in {left} bytes")]
    Count {
        /// How many elements are announced.
        count: u32,
        /// How many bytes are left.
        left: usize,
    },
    /// Arrays and structures inside each other more deeply than [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nested more than {limit} deep")]
    Depth {
        /// The most there can be.
        limit: usize,
    },
    /// A compact array that becomes more elements than its bytes are worth.
    #[error("a compact array of too many elements for its size")]
    Work,
    /// The contents of a compact array are no whole number of elements.
    #[error("the contents of a compact array are no whole number of elements")]
    Contents,
    /// Bytes follow the end.
    #[error("{found} bytes follow the end of the data")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// The type of a field is not the one that its class has.
    #[error("the {field} is no {expected}")]
    Type {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A structure that has another number of fields than its class says, or an octet string of another length.
    #[error("the {field} has {found} parts, not {expected}")]
    Size {
        /// The structure or octet string.
        field: &'static str,
        /// How many there should be.
        expected: u32,
        /// How many there are.
        found: u32,
    },
    /// A number that this field cannot have.
    #[error("the {field} is out of its range")]
    Range {
        /// The field.
        field: &'static str,
    },
}

impl Fault {
    pub(crate) const fn at(self, offset: usize) -> DataError {
        DataError { offset, fault: self }
    }
}
