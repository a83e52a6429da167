#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod error;
mod frame;
pub mod message;
pub mod security;

pub use error::Error;
