//! Messages: what the two sides say to each other, and the grammar of what they say it about.

mod address;
mod identification;
mod number;
mod profile;
mod request;
mod response;
mod time;
mod value;

pub use address::{Address, Reset};
pub(crate) use identification::START;
pub use identification::{Identification, Mode, baud, speed};
pub use number::decimal;
pub use profile::{Channel, Field, Head, Record, Records};
pub use request::{Code, Command, Data, Request, Select};
pub use response::Response;
pub use time::{Season, Time};
pub use value::Value;
