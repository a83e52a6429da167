//! What a service is about: an attribute or a method, a part of it, a block of it.

use ccm_core::{Full, Writer};

use super::encoded::Encoded;
use super::list::Item;
use crate::message::MessageError;
use crate::message::cursor::{Cursor, emit_octets, emit_optional, emit_u32};

/// One attribute of one object (Cosem-Attribute-Descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeDescriptor {
    /// The class: 3 is Register, 7 Profile generic.
    pub class_id: u16,
    /// The logical name: six groups of an OBIS code.
    pub instance_id: [u8; 6],
    /// The attribute, from 1; 0 means all, and negative ones are the maker's.
    pub attribute_id: i8,
}

impl<'a> Item<'a> for AttributeDescriptor {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Ok(Self {
            class_id: cursor.u16("class-id")?,
            instance_id: *cursor.array("instance-id")?,
            attribute_id: cursor.i8("attribute-id")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_descriptor(writer, self.class_id, self.instance_id, self.attribute_id)
    }
}

/// One method of one object (Cosem-Method-Descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MethodDescriptor {
    /// The class: 15 is Association LN.
    pub class_id: u16,
    /// The logical name: six groups of an OBIS code.
    pub instance_id: [u8; 6],
    /// The method, from 1; negative ones are the maker's.
    pub method_id: i8,
}

impl<'a> Item<'a> for MethodDescriptor {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Ok(Self {
            class_id: cursor.u16("class-id")?,
            instance_id: *cursor.array("instance-id")?,
            method_id: cursor.i8("method-id")?,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_descriptor(writer, self.class_id, self.instance_id, self.method_id)
    }
}

fn emit_descriptor(writer: &mut Writer<'_>, class_id: u16, instance_id: [u8; 6], id: i8) -> Result<(), Full> {
    writer.u16(class_id)?;
    writer.array(instance_id)?;
    writer.array(id.to_be_bytes())
}

/// Which part of an attribute (Selective-Access-Descriptor); see [`RangeDescriptor`](super::RangeDescriptor) and
/// [`EntryDescriptor`](super::EntryDescriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SelectiveAccess<'a> {
    /// Which of the class's ways of selection: for a profile, 1 is by range and 2 by entry.
    pub selector: u8,
    /// What is selected; the class says how.
    pub parameters: Encoded<'a>,
}

impl SelectiveAccess<'_> {
    fn write(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(self.selector)?;
        self.parameters.write(writer)
    }
}

/// An attribute or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeAccess<'a> {
    /// The attribute.
    pub attribute: AttributeDescriptor,
    /// The part, where it is not the whole.
    pub access: Option<SelectiveAccess<'a>>,
}

impl AttributeAccess<'_> {
    /// A whole attribute.
    pub const fn whole(attribute: AttributeDescriptor) -> Self {
        Self { attribute, access: None }
    }
}

impl<'a> Item<'a> for AttributeAccess<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let attribute = AttributeDescriptor::read(cursor)?;
        let access = if cursor.present("access-selection")? {
            let selector = cursor.u8("access-selector")?;
            Some(SelectiveAccess { selector, parameters: Encoded::read(cursor)? })
        } else {
            None
        };
        Ok(Self { attribute, access })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        self.attribute.write(writer)?;
        emit_optional(writer, self.access, |writer, access| access.write(writer))
    }
}

/// A piece of an encoded `Data`, cut anywhere (DataBlock-SA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DataBlock<'a> {
    /// Whether none follows.
    pub last_block: bool,
    /// From 1; some meters count from 0.
    pub block_number: u32,
    /// The piece.
    pub raw_data: &'a [u8],
}

impl<'a> DataBlock<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Ok(Self {
            last_block: cursor.boolean("last-block")?,
            block_number: cursor.u32("block-number")?,
            raw_data: cursor.octets("raw-data")?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(self.last_block.into())?;
        emit_u32(writer, self.block_number)?;
        emit_octets(writer, self.raw_data)
    }
}
