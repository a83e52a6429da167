//! A hostile wire in virtual time, and the exchange laws every protocol crate passes on it.

mod conformance;
mod link;

pub use conformance::{Exchange, Runner, Verdict, conformance};
pub use link::{Fault, Link, Peer, Script};
