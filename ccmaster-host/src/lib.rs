#![doc = include_str!("../README.md")]

pub mod cli;
pub mod port;
pub mod server;
