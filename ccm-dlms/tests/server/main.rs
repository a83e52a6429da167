//! The meter's side, spoken to by a client that exchanges raw APDUs, in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod bench;
mod faults;
mod laws;
mod plain;
mod push;
mod recordings;
mod secure;
mod short;
mod transfers;
