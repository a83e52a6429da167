//! Requests and responses: the PDU, independent of what carries it.

mod coils;
mod diagnostics;
mod exception;
mod fields;
mod files;
mod function;
mod identification;
mod registers;
mod request;
mod response;

pub use coils::{Coils, CoilsMut};
pub use diagnostics::{CommEvent, SubFunction};
pub use exception::Exception;
pub(crate) use fields::{COIL_OFF, COIL_ON};
pub(crate) use files::REFERENCE;
pub use files::{FileRange, FileReads, FileRecords, FileWrites};
pub(crate) use function::Extent;
pub use function::Function;
pub(crate) use identification::READ_DEVICE_IDENTIFICATION;
pub use identification::{Identification, Objects, ReadDeviceId};
pub use registers::{Registers, RegistersMut};
pub use request::Request;
pub(crate) use request::check;
pub(crate) use response::REFUSED;
pub use response::Response;

use crate::error::MessageError;
