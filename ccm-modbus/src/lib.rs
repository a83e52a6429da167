#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod client;
mod error;
mod frame;
pub mod gateway;
mod message;
mod server;

#[cfg(any(feature = "testing", test))]
pub mod fuzzing;

pub use client::Client;
pub use error::{Error, FrameError, MessageError, RequestError};
pub use frame::rtu::{Echo, Rtu};
pub use frame::tcp::Tcp;
pub use frame::{Frame, Framing, rtu, tcp};
pub use message::{Coils, CoilsMut, Exception, Function, Registers, RegistersMut, Request, Response};
pub use server::{Handler, Server};
