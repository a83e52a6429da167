//! Dialogues: recorded ones are repeated byte by byte, and servers that refuse, fail or lie give no value.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod bench;
#[path = "../common/mod.rs"]
mod common;
mod faults;
mod laws;
mod link;
mod proofs;
mod recorded;
mod secured;
mod services;
