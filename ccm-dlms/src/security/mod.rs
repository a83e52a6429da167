//! Security suites 0, 1 and 2 (Green Book 9.2, IEC 62056-5-3, clause 5): messages protected and unprotected in the
//! caller's buffer, and challenges answered (HLS).
//!
//! A [`Context`] is one association's keys, titles and counters. Keys are handles of a
//! [`Crypto`](ccm_core::crypto::Crypto), which does all that is secret.
//! - The **receiver's policy** decides how much protection a message needs; what the message says of itself decides
//!   nothing but which key and which algorithm to try.
//! - The **key** is found by the message's own tag: answers are taken in whatever envelope they come.
//! - **Counters** of the peer must grow for each of its keys; a message that is refused leaves them as they were.
//! - A wrong key cannot be told from a changed message; see [`SecurityError`] for what can be known.
//!
//! ```
//! use ccm_core::crypto::{Key, Software};
//! use ccm_dlms::security::*;
//!
//! let title = SystemTitle::new(*b"CCM\0\0\0\0\x01");
//! let keys = Keys::new(Key::Aes128([0x0E; 16]), AuthenticationKey::short([0x0A; 16]));
//! let mut context = Context::new(Suite::Zero, title, keys, InvocationCounter::volatile(1))?;
//!
//! let mut buffer = [0; 64];
//! let get = [0xC0, 1, 0xC1, 0, 8, 0, 0, 1, 0, 0, 0xFF, 2, 0];
//! buffer[..get.len()].copy_from_slice(&get);
//! let length = context.protect(&Software, Outgoing::GLOBAL, &mut buffer, get.len())?;
//! assert_eq!(buffer[..7], [0xC8, 30, 0x30, 0, 0, 0, 1]);
//! assert_eq!(length, 2 + 5 + get.len() + 12);
//! # Ok::<(), SecurityError>(())
//! ```

mod context;
mod control;
mod counter;
mod envelope;
mod error;
mod general;
mod hls;
mod keys;
mod length;
mod title;
mod transform;

pub use context::{Context, Incoming, Outgoing};
pub use control::{Control, Protection, Suite};
pub use counter::InvocationCounter;
pub use envelope::{Envelope, Glance, glance};
pub use error::SecurityError;
pub use general::{Agreement, General, KeyInformation, ReceivedGeneral};
pub use hls::{Challenges, MAX_ANSWER, Mechanism, Secret};
pub use keys::{AuthenticationKey, KeyUse, Keys};
pub use title::SystemTitle;
