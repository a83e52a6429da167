//! Requests and responses: the PDU, independent of what carries it.

mod coils;
mod exception;
mod fields;
mod function;
mod registers;
mod request;
mod response;

pub use coils::{Coils, CoilsMut};
pub use exception::Exception;
pub(crate) use function::Extent;
pub use function::Function;
pub use registers::{Registers, RegistersMut};
pub use request::Request;
pub(crate) use response::REFUSED;
pub use response::Response;

use crate::error::MessageError;
