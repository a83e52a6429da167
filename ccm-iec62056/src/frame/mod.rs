//! Frames: where telegrams, data sets and values begin and end, and whether they are whole.

mod check;
mod decoder;
mod event;
mod profile;

pub(crate) use check::Sums;
pub use check::{Check, Polynomial};
pub use decoder::{Decoder, PIECE};
pub use event::{Event, Fault, Terminator};
pub use profile::Profile;
