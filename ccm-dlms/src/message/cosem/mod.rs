//! Typed reading of the interface classes (IEC 62056-6-2): what an attribute's data say.
//!
//! Each class has its number and the indexes of its attributes and methods as constants, and a `parse` for each attribute
//! that has a form of its own. Attributes that are a plain number or text are read with [`Data::value`](crate::message::data::Data::value).
//!
//! ```
//! use ccm_dlms::message::cosem::ScalerUnit;
//! use ccm_dlms::message::data::Data;
//!
//! let voltage = Data::parse(&[0x12, 0x08, 0xF4])?.value()?;
//! let scaler_unit = ScalerUnit::parse(Data::parse(&[0x02, 0x02, 0x0F, 0xFF, 0x16, 0x23])?)?;
//! assert_eq!(scaler_unit.apply(voltage).unwrap().to_string(), "229.2");
//! assert_eq!(scaler_unit.unit.name(), Some("V"));
//! # Ok::<(), ccm_dlms::message::data::DataError>(())
//! ```

mod association;
mod clock;
mod disconnect;
mod image;
mod list;
mod object;
mod profile;
mod push;
mod push_setup;
mod register;
mod rows;
mod sap;
mod security;
mod unit;

#[cfg(test)]
mod tests;

pub use association::{
    AssociationLn, AssociationSn, AttributeAccess, MethodAccess, ObjectElement, ObjectElementSn,
};
pub use clock::{Clock, ClockBase};
pub use disconnect::{ControlState, DisconnectControl};
pub use image::{Blocks, ImageInfo, ImageStatus, ImageTransfer};
pub use list::List;
pub use object::CaptureObject;
pub use profile::{ProfileGeneric, SortMethod};
pub use push::{Layout, PushBody, Reading};
pub use push_setup::{MessageType, PushSetup, Service, Window};
pub use register::{DataClass, DemandRegister, ExtendedRegister, Register, ScalerUnit};
pub use rows::{Cell, Rows};
pub use sap::{Sap, SapAssignment};
pub use security::{Certificate, KeyId, SecuritySetup};
pub use unit::Unit;
