#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod client;
mod error;
mod frame;
pub mod message;
pub mod script;
pub mod security;

pub use client::{Client, Request};
pub use error::Error;
pub use frame::{Event, FrameError, Framing, LinkError, Policy, RequestError, Serving, hdlc, wrapper};
