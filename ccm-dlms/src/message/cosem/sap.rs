//! SAP assignment (class 17): which logical devices a physical one has.

use super::list::{Element, List};
use crate::message::data::{Data, DataError, Events};

/// Class 17: the logical devices and their addresses. It is object 0.0.41.0.0.255 of the management logical device.
#[derive(Clone, Copy, Debug)]
pub struct SapAssignment;

impl SapAssignment {
    /// The number of the class.
    pub const CLASS_ID: u16 = 17;
    /// Attribute: see [`SapAssignment::list`].
    pub const SAP_ASSIGNMENT_LIST: i8 = 2;
    /// Method: connects a logical device to an address, or takes it away (name empty).
    pub const CONNECT_LOGICAL_DEVICE: i8 = 1;

    /// The logical devices.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn list(data: Data<'_>) -> Result<List<'_, Sap<'_>>, DataError> {
        List::parse(data, "SAP_assignment_list")
    }
}

/// A logical device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sap<'a> {
    /// Its address.
    pub sap: u16,
    /// Its name, up to 16 bytes; the first three are the maker's.
    pub logical_device_name: &'a [u8],
}

impl<'a> Element<'a> for Sap<'a> {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("asslist_element", 2)?;
        let sap = events.integer("SAP")?;
        let logical_device_name = events.octets("logical_device_name")?;
        events.end().map(|()| Self { sap, logical_device_name })
    }
}
