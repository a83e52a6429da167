#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod frame;
mod message;

pub use frame::{Check, Decoder, Event, Fault, PIECE, Polynomial, Profile, Terminator};
pub use message::{
    Address, Channel, Code, Command, Data, Field, Head, Identification, Mode, Record, Records, Request,
    Reset, Response, Season, Select, Sets, Time, Value, baud, decimal, speed,
};

/// placeholder
pub trait Sink {}
/// placeholder
pub struct Server;
