//! What can go wrong, and whose fault it is.

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// Nothing valid arrived before the deadline.
    #[error("no reply")]
    Timeout,
}
