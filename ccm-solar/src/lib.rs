#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]

mod balance;
mod member;
mod sign;
#[cfg(test)]
mod tests;

pub use balance::{Balance, missing_members};
pub use member::{Limits, Member, Quality, Reading, Role};
pub use sign::{SignCheck, Subject, Warning};
