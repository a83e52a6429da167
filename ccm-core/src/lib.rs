#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

pub mod crypto;
mod cursor;
mod decimal;
#[cfg(any(feature = "blocking", feature = "asynch"))]
mod half_duplex;
mod line;
mod machine;
mod obis;
mod time;
mod word_order;

#[cfg(feature = "asynch")]
pub mod asynch;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "testing")]
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test harness fails by panicking"
)]
pub mod testing;

pub use cursor::{Full, Missing, Reader, Writer};
pub use decimal::Decimal;
#[cfg(any(feature = "blocking", feature = "asynch"))]
pub use half_duplex::{Direction, HalfDuplex};
pub use line::{DataBits, Line, Parity, StopBits};
pub use machine::{DriveError, Machine, Step};
pub use obis::Obis;
#[cfg(feature = "std")]
pub use time::SystemClock;
pub use time::{Clock, Duration, Instant};
pub use word_order::WordOrder;
