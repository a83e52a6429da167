//! COSEM data in A-XDR (IEC 62056-6-2 and IEC 62056-5-3): read as a stream of events, never as a tree.
//!
//! ```
//! use ccm_dlms::message::data::{Data, Event, Value};
//!
//! let data = Data::parse(&[0x02, 0x02, 0x12, 0x08, 0xF4, 0x16, 0x23])?;
//! let mut events = data.events();
//! assert_eq!(events.structure("reading")?, 2);
//! assert_eq!(events.value("voltage")?, Value::LongUnsigned(2292));
//! assert_eq!(events.next(), Some(Ok(Event::Value(Value::Enum(35)))));
//! assert_eq!(events.next(), Some(Ok(Event::End)));
//! assert_eq!(events.next(), None);
//! # Ok::<(), ccm_dlms::message::data::DataError>(())
//! ```

mod calendar;
mod compact;
mod date_time;
mod emit;
mod error;
mod events;
mod expect;
mod float;
mod length;
mod skip;
mod tag;
mod value;
mod view;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use calendar::{Date, Day, Month, Time};
pub use date_time::{ClockStatus, DateTime, TimeFault};
pub use error::{DataError, Fault};
pub use events::{Event, Events, MAX_DEPTH};
pub(crate) use skip::skip;
pub use value::{BitString, Value};
pub use view::Data;
