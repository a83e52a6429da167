#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[cfg(feature = "api")]
pub mod api;
mod behind;
mod device;
mod dlms;
mod hub;
mod link;
mod reading;
mod schedule;
mod sealed;
#[cfg(feature = "sim")]
pub mod sim;
pub mod tasks;
mod telegram;

pub use behind::Behind;
pub use device::Device;
pub use dlms::{DlmsMeter, DlmsReader, Vault, VaultError};
pub use hub::{Action, BuildError, Counters, Event, Failure, Hub, Listen, Port, Read, ReadOut};
pub use link::{keys_of, line_of, policy_of};
pub use reading::{Quality, Reading};
pub use schedule::{Health, Schedule, Turn};
pub use sealed::Opener;
pub use telegram::Telegram;
