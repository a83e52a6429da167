#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod client;
mod error;
mod frame;
mod message;
pub mod p1;
mod policy;
pub mod script;
mod server;

#[cfg(any(feature = "testing", test))]
pub mod fuzzing;

pub use client::{Client, Sink, Wanted};
pub use error::{Error, FrameError, Refusal, RequestError};
pub use frame::{Check, Decoder, Event, Fault, Polynomial, Profile, Terminator};
pub use message::{
    Address, Channel, Code, Command, Data, Field, Head, Identification, Mode, Record, Records, Request,
    Reset, Response, Season, Select, Time, Value, baud, decimal, speed,
};
pub use policy::{Echo, Policy};
pub use server::{Ending, Handler, Quirks, Reply, Server};
