//! Which attribute of which object: the definition that profiles and pushes share.

use ccm_core::{Full, Obis, Writer};

use super::list::Element;
use crate::message::data::{DataError, Event, Events, Value};

/// `capture_object_definition` (class 7, attribute 3) and `push_object` (class 40, attribute 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CaptureObject {
    /// The class of the object.
    pub class_id: u16,
    /// Its name.
    pub logical_name: Obis,
    /// The attribute; 0 is all of them.
    pub attribute_index: i8,
    /// Which part of an attribute that has parts; 0 is all of it.
    pub data_index: u16,
}

impl CaptureObject {
    /// The value of an object of this class, all of it.
    pub const fn value(class_id: u16, logical_name: Obis) -> Self {
        Self { class_id, logical_name, attribute_index: 2, data_index: 0 }
    }

    /// Writes the definition; nothing is written for a name that is not whole.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let name = self.logical_name.bytes().unwrap_or_default();
        Event::Structure(4).emit(writer)?;
        Value::LongUnsigned(self.class_id).emit(writer)?;
        Value::OctetString(&name).emit(writer)?;
        Value::Integer(self.attribute_index).emit(writer)?;
        Value::LongUnsigned(self.data_index).emit(writer)
    }
}

/// Newer versions of the push setup add fields behind the four, which are passed over.
impl<'a> Element<'a> for CaptureObject {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure("object definition")?;
        let object = Self {
            class_id: events.integer("class_id")?,
            logical_name: events.logical_name("logical_name")?,
            attribute_index: events.integer("attribute_index")?,
            data_index: events.integer("data_index")?,
        };
        events.end().map(|()| object)
    }
}
