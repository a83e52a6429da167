//! Frames: where telegrams, data sets and values begin and end, and whether they are whole.

mod characters;
mod check;
mod decoder;
mod event;
mod grammar;
mod profile;
mod steps;
mod text;
mod token;

pub(crate) use characters::{ACK, CR, EOT, ETX, LF, NAK, SOH, STX};
pub(crate) use check::Sums;
pub use check::{Check, Polynomial};
pub use decoder::Decoder;
pub use event::{Event, Fault, Terminator};
pub use profile::Profile;
