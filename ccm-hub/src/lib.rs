#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[cfg(feature = "api")]
pub mod api;
mod device;
mod hub;
mod reading;
mod schedule;
#[cfg(feature = "sim")]
pub mod sim;
pub mod tasks;

pub use device::Device;
pub use hub::{Action, BuildError, Counters, Event, Failure, Hub, Port, Read, line_of};
pub use reading::{Quality, Reading};
pub use schedule::{Health, Schedule, Turn};
