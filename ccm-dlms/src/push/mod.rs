//! What meters say unasked: pushes, taken from any link and opened, as readings.
//!
//! A [`Listener`] takes bytes as they come from a source: [`Hdlc`] (a serial line), [`Stream`] (the wrapper over TCP),
//! [`Datagram`] (the wrapper over UDP), [`Mixed`] (whole frames or APDUs of any kind, as people keep them). It puts segments
//! and blocks together, has an [`Opener`] open what is ciphered, and gives each [`Push`], or why there is none. All of a push
//! has been checked when it is given: one that is damaged anywhere gives no reading at all.
//!
//! ```
//! use ccm_core::Instant;
//! use ccm_dlms::push::{Buffers, Listener, Mixed, Plain};
//!
//! let [mut frames, mut apdu, mut blocks] = [[0; 256]; 3];
//! let buffers = Buffers { frames: &mut frames, apdu: &mut apdu, blocks: &mut blocks };
//! let (source, blocks) = Mixed::new(buffers);
//! let mut listener = Listener::new(source, blocks, Plain);
//! let apdu = [
//!     0x0F, 0, 0, 0, 1, 0, 0x01, 0x01, 0x02, 0x03, 0x09, 0x06, 1, 0, 32, 7, 0, 255, 0x12, 0x08, 0xF4,
//!     0x02, 0x02, 0x0F, 0xFF, 0x16, 35,
//! ];
//! let (taken, push) = listener.receive(Instant::ZERO, &apdu);
//! assert_eq!(taken, apdu.len());
//! let reading = push.unwrap()?.readings().next().unwrap();
//! assert_eq!(reading.decimal().unwrap().to_string(), "229.2");
//! # Ok::<(), ccm_dlms::push::PushError>(())
//! ```

mod error;
mod extent;
mod listener;
mod notification;
mod opener;
mod source;

pub use error::PushError;
pub use listener::Listener;
pub use notification::{Kind, Push, Readings};
pub use opener::{Opener, Plain, Sender};
pub use source::{Buffers, Datagram, Hdlc, Mixed, Source, Stream};
