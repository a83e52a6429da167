#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod client;
mod error;
mod frame;
pub mod gateway;
mod message;
pub mod monitor;
mod pipeline;
mod policy;
mod reply;
mod server;
pub mod tracker;

#[cfg(any(feature = "testing", test))]
pub mod fuzzing;

pub use client::Client;
pub use error::{Error, FrameError, MessageError, RequestError};
pub use frame::ascii::Ascii;
pub use frame::rtu::Rtu;
pub use frame::tcp::Tcp;
pub use frame::{Echo, Frame, Framing, ascii, rtu, tcp};
pub use message::{
    Coils, CoilsMut, CommEvent, Exception, FileRange, FileReads, FileRecords, FileWrites, Function,
    Identification, Objects, ReadDeviceId, Registers, RegistersMut, Request, Response, SubFunction,
};
pub use pipeline::{Pipeline, Ticket};
pub use policy::{Policies, Policy, RoundTrips};
pub use reply::Reply;
pub use server::{Counters, Extended, Handler, Server, Services, Traffic};
