#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod client;
mod error;
mod frame;
pub mod message;
pub mod script;
pub mod security;
mod server;

pub use client::{Client, Request};
pub use error::Error;
pub use frame::{Event, FrameError, Framing, LinkError, Policy, RequestError, Serving, hdlc, wrapper};
pub use server::{
    Association, Authentication, Buffers, Caller, Entry, Import, Load, Meter, Named, Part, Quirks,
    Referencing, Server, Store,
};
