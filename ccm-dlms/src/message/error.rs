//! What is wrong with a message, where, and in which field.

/// A message that contradicts itself or the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("{field} at byte {offset} {fault}")]
pub struct MessageError {
    /// Where the field begins, counted from the first byte that was parsed.
    pub offset: usize,
    /// The field, in the standard's words.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the field does.
    #[error("is cut off")]
    Missing,
    /// The standard demands the field, and it is not there.
    #[error("is absent")]
    Absent,
    /// The field came twice: which of the two counts nobody can say.
    #[error("came twice")]
    Repeated,
    /// The message goes on after its end.
    #[error("is followed by {found} bytes too many")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// A tag, choice or flag that the standard does not have here.
    #[error("cannot be {found:#04x}")]
    Choice {
        /// The byte.
        found: u8,
    },
    /// A length that the field cannot have.
    #[error("cannot have {found} bytes")]
    Length {
        /// The length.
        found: usize,
    },
    /// Two lists that belong together have different lengths.
    #[error("has {found} items for {expected}")]
    Count {
        /// How many items there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
}
