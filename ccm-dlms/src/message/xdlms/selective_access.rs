//! Which rows and columns of a profile (Blue Book 4.3.6).

use ccm_core::{Full, Writer};

use super::descriptor::SelectiveAccess;
use super::encoded::Encoded;
use super::list::{Item, List};
use crate::message::cursor::{Cursor, emit_u32};
use crate::message::{Fault, MessageError};

/// A column of a profile, or what a row is selected by (`capture_object_definition`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CaptureObject {
    /// The class of the object.
    pub class_id: u16,
    /// Its logical name.
    pub logical_name: [u8; 6],
    /// The attribute.
    pub attribute_index: i8,
    /// 0 for the whole attribute, or the element of it, from 1.
    pub data_index: u16,
}

impl<'a> Item<'a> for CaptureObject {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        cursor.expect(STRUCTURE, "capture object")?;
        cursor.expect(4, "capture object")?;
        cursor.expect(LONG_UNSIGNED, "class-id")?;
        let class_id = cursor.u16("class-id")?;
        cursor.expect(OCTET_STRING, "logical-name")?;
        cursor.expect(6, "logical-name")?;
        let logical_name = *cursor.array("logical-name")?;
        cursor.expect(INTEGER, "attribute-index")?;
        let attribute_index = cursor.i8("attribute-index")?;
        cursor.expect(LONG_UNSIGNED, "data-index")?;
        Ok(Self { class_id, logical_name, attribute_index, data_index: cursor.u16("data-index")? })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.array([STRUCTURE, 4, LONG_UNSIGNED])?;
        writer.u16(self.class_id)?;
        writer.array([OCTET_STRING, 6])?;
        writer.array(self.logical_name)?;
        writer.u8(INTEGER)?;
        writer.array(self.attribute_index.to_be_bytes())?;
        writer.u8(LONG_UNSIGNED)?;
        writer.u16(self.data_index)
    }
}

/// The rows between two values of a column, mostly the clock, both included (selector 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RangeDescriptor<'a> {
    /// The column.
    pub restricting_object: CaptureObject,
    /// The lowest value. Some meters refuse a date-time with a deviation here, others one without.
    pub from_value: Encoded<'a>,
    /// The highest value.
    pub to_value: Encoded<'a>,
    /// The columns that are wanted; none means all.
    pub selected_values: List<'a, CaptureObject>,
}

impl<'a> RangeDescriptor<'a> {
    /// The selector that goes with it.
    pub const SELECTOR: u8 = 1;

    /// Reads what a client selects.
    ///
    /// # Errors
    /// Another selector, or parameters of another shape; offsets count from the parameters.
    pub fn parse(access: &SelectiveAccess<'a>) -> Result<Self, MessageError> {
        parameters(access, Self::SELECTOR, |cursor| {
            let restricting_object = CaptureObject::read(cursor)?;
            let from_value = Encoded::read(cursor)?;
            let to_value = Encoded::read(cursor)?;
            cursor.expect(ARRAY, "selected-values")?;
            let selected_values = List::read(cursor, "selected-values")?;
            Ok(Self { restricting_object, from_value, to_value, selected_values })
        })
    }

    /// Writes the selection into the caller's bytes: 50 for two date-times, and 18 for each column.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit<'b>(&self, bytes: &'b mut [u8]) -> Result<SelectiveAccess<'b>, Full> {
        access(bytes, Self::SELECTOR, |writer| {
            self.restricting_object.write(writer)?;
            self.from_value.write(writer)?;
            self.to_value.write(writer)?;
            writer.u8(ARRAY)?;
            self.selected_values.write(writer)
        })
    }
}

/// The rows and the columns by their numbers, from 1, both ends included (selector 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EntryDescriptor {
    /// The first row.
    pub from_entry: u32,
    /// The last row; 0 is the last there is.
    pub to_entry: u32,
    /// The first column.
    pub from_selected_value: u16,
    /// The last column; 0 is the last there is.
    pub to_selected_value: u16,
}

impl EntryDescriptor {
    /// The selector that goes with it.
    pub const SELECTOR: u8 = 2;

    /// Rows with all their columns.
    pub const fn rows(from_entry: u32, to_entry: u32) -> Self {
        Self { from_entry, to_entry, from_selected_value: 1, to_selected_value: 0 }
    }

    /// Reads what a client selects.
    ///
    /// # Errors
    /// Another selector, or parameters of another shape; offsets count from the parameters.
    pub fn parse(access: &SelectiveAccess<'_>) -> Result<Self, MessageError> {
        parameters(access, Self::SELECTOR, |cursor| {
            cursor.expect(DOUBLE_LONG_UNSIGNED, "from-entry")?;
            let from_entry = cursor.u32("from-entry")?;
            cursor.expect(DOUBLE_LONG_UNSIGNED, "to-entry")?;
            let to_entry = cursor.u32("to-entry")?;
            cursor.expect(LONG_UNSIGNED, "from-selected-value")?;
            let from_selected_value = cursor.u16("from-selected-value")?;
            cursor.expect(LONG_UNSIGNED, "to-selected-value")?;
            let to_selected_value = cursor.u16("to-selected-value")?;
            Ok(Self { from_entry, to_entry, from_selected_value, to_selected_value })
        })
    }

    /// Writes the selection into the caller's bytes: 18.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit<'b>(&self, bytes: &'b mut [u8]) -> Result<SelectiveAccess<'b>, Full> {
        access(bytes, Self::SELECTOR, |writer| {
            writer.u8(DOUBLE_LONG_UNSIGNED)?;
            emit_u32(writer, self.from_entry)?;
            writer.u8(DOUBLE_LONG_UNSIGNED)?;
            emit_u32(writer, self.to_entry)?;
            writer.u8(LONG_UNSIGNED)?;
            writer.u16(self.from_selected_value)?;
            writer.u8(LONG_UNSIGNED)?;
            writer.u16(self.to_selected_value)
        })
    }
}

/// Reads a structure of four of one selector.
fn parameters<'a, T>(
    access: &SelectiveAccess<'a>,
    selector: u8,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, MessageError>,
) -> Result<T, MessageError> {
    let mut cursor = Cursor::new(access.parameters.0);
    if access.selector != selector {
        return Err(cursor.fail("access-selector", Fault::Choice { found: access.selector }));
    }
    cursor.expect(STRUCTURE, "access-parameters")?;
    cursor.expect(4, "access-parameters")?;
    let descriptor = read(&mut cursor)?;
    cursor.finish("access-parameters")?;
    Ok(descriptor)
}

/// Writes a structure of four.
fn access<'b>(
    bytes: &'b mut [u8],
    selector: u8,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), Full>,
) -> Result<SelectiveAccess<'b>, Full> {
    let mut writer = Writer::new(bytes);
    writer.array([STRUCTURE, 4])?;
    write(&mut writer)?;
    let length = writer.finish();
    let parameters = Encoded(bytes.get(..length).unwrap_or_default());
    Ok(SelectiveAccess { selector, parameters })
}

const ARRAY: u8 = 1;
const STRUCTURE: u8 = 2;
const DOUBLE_LONG_UNSIGNED: u8 = 6;
const OCTET_STRING: u8 = 9;
const INTEGER: u8 = 15;
const LONG_UNSIGNED: u8 = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_writing_and_reading() {
        let entries = EntryDescriptor::rows(1, 96);
        let mut bytes = [0; 18];
        let access = entries.emit(&mut bytes).unwrap();
        assert_eq!((access.selector, access.parameters.0.len()), (2, 18));
        assert_eq!(EntryDescriptor::parse(&access), Ok(entries));
        assert!(RangeDescriptor::parse(&access).is_err());
        assert_eq!(entries.emit(&mut [0; 17]), Err(Full));
    }
}
