#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]

mod code;
#[cfg(feature = "toml")]
mod file;
mod map;
mod planner;
mod point;
mod quantity;
#[cfg(feature = "toml")]
mod user_map;

pub use ccm_core::{Decimal, Obis};
pub use code::{CodePoint, Form, MOST_CODES, Said, Term};
pub use map::{DeviceKind, MAPS, Map, PortKind, Probe, find};
pub use planner::{Block, Costs, Holes, plan};
pub use point::{Invalid, Kind, Point, Space};
pub use quantity::{Quantity, Turned, Unit};
#[cfg(feature = "toml")]
pub use user_map::{MapError, parse_map};
