//! Frames: where telegrams, data sets and values begin and end, and whether they are whole.

mod check;
mod decoder;
mod event;
mod profile;

pub use check::{Check, Polynomial};
pub(crate) use check::{crc_arc, crc_x25};
pub use decoder::{Decoder, PIECE};
pub use event::{Event, Fault, Terminator};
pub use profile::Profile;
