//! HDLC, the link layer of serial lines (Green Book 8; IEC 62056-46).

mod address;
mod assembler;
mod control;
mod decoder;
mod frame;
mod incoming;
mod link;
mod outgoing;
mod parameters;
mod server;

pub use address::{Address, Width};
pub use assembler::{Assembler, Push};
pub use control::{Control, Unnumbered};
pub use decoder::Decoder;
pub(crate) use decoder::Window;
pub use frame::Frame;
pub(crate) use frame::{FLAG, OVERHEAD};
pub(crate) use incoming::strip;
pub use link::Hdlc;
pub use parameters::Parameters;
pub use server::{Quirks, Station};
