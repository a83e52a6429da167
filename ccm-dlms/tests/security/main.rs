//! Protection of messages: published ones, recorded ones, and what must be refused.
#![cfg(feature = "aes-gcm")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, missing_docs)]

mod challenges;
mod common;
#[cfg(all(feature = "suite1", feature = "suite2"))]
mod general;
mod handles;
mod laws;
mod refusals;
mod vectors;
