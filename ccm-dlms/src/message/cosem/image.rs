//! Image transfer (class 18): new firmware in blocks.

use core::ops::Range;

use ccm_core::{Full, Writer};

use super::list::{Element, List};
use crate::message::data::{BitString, Data, DataError, Event, Events, Value};

/// Class 18: takes an image in blocks, checks it and puts it into use.
#[derive(Clone, Copy, Debug)]
pub struct ImageTransfer;

impl ImageTransfer {
    /// The number of the class.
    pub const CLASS_ID: u16 = 18;
    /// Attribute: how many bytes a block has, a double-long-unsigned.
    pub const IMAGE_BLOCK_SIZE: i8 = 2;
    /// Attribute: a bit for each block, set where it has come, see [`Blocks::missing`].
    pub const IMAGE_TRANSFERRED_BLOCKS_STATUS: i8 = 3;
    /// Attribute: the first block that has not come, a double-long-unsigned; beyond the last where all have.
    pub const IMAGE_FIRST_NOT_TRANSFERRED_BLOCK_NUMBER: i8 = 4;
    /// Attribute: whether images are taken at all, a boolean.
    pub const IMAGE_TRANSFER_ENABLED: i8 = 5;
    /// Attribute: [`ImageStatus`].
    pub const IMAGE_TRANSFER_STATUS: i8 = 6;
    /// Attribute: see [`ImageTransfer::images`].
    pub const IMAGE_TO_ACTIVATE_INFO: i8 = 7;
    /// Method: see [`ImageTransfer::emit_initiate`].
    pub const IMAGE_TRANSFER_INITIATE: i8 = 1;
    /// Method: see [`ImageTransfer::emit_block`].
    pub const IMAGE_BLOCK_TRANSFER: i8 = 2;
    /// Method: checks the image; the parameter is the integer 0.
    pub const IMAGE_VERIFY: i8 = 3;
    /// Method: puts the image into use; the parameter is the integer 0.
    pub const IMAGE_ACTIVATE: i8 = 4;

    /// The images that wait to be put into use.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn images(data: Data<'_>) -> Result<List<'_, ImageInfo<'_>>, DataError> {
        List::parse(data, "image_to_activate_info")
    }

    /// Writes the parameter of [`ImageTransfer::IMAGE_TRANSFER_INITIATE`]: which image comes, and how many bytes it has.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit_initiate(writer: &mut Writer<'_>, identifier: &[u8], size: u32) -> Result<(), Full> {
        Event::Structure(2).emit(writer)?;
        Value::OctetString(identifier).emit(writer)?;
        Value::DoubleLongUnsigned(size).emit(writer)
    }

    /// Writes the parameter of [`ImageTransfer::IMAGE_BLOCK_TRANSFER`]: a block and its number, from 0.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit_block(writer: &mut Writer<'_>, number: u32, block: &[u8]) -> Result<(), Full> {
        Event::Structure(2).emit(writer)?;
        Value::DoubleLongUnsigned(number).emit(writer)?;
        Value::OctetString(block).emit(writer)
    }
}

/// How an image of so many bytes is cut into blocks, of which only the last may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Blocks {
    size: u32,
    block_size: u32,
}

impl Blocks {
    /// Cuts `size` bytes into blocks of `block_size`; nothing where a block has no bytes.
    pub fn new(size: u32, block_size: u32) -> Option<Self> {
        (block_size > 0).then_some(Self { size, block_size })
    }

    /// How many blocks there are.
    pub const fn count(self) -> u32 {
        self.size.div_ceil(self.block_size)
    }

    /// Where the block `number` lies in the image; nothing behind the last.
    pub fn range(self, number: u32) -> Option<Range<u32>> {
        let start = number.checked_mul(self.block_size).filter(|start| *start < self.size)?;
        Some(start..self.size.min(start.saturating_add(self.block_size)))
    }

    /// The block `number` of an image; nothing behind the last, or where the image is shorter than it was said to be.
    pub fn of(self, image: &[u8], number: u32) -> Option<&[u8]> {
        let Range { start, end } = self.range(number)?;
        image.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Which blocks have not come. A meter that keeps fewer bits than there are blocks has not got the others.
    pub fn missing(self, transferred: BitString<'_>) -> impl Iterator<Item = u32> + '_ {
        (0..self.count()).filter(move |number| transferred.get(*number) != Some(true))
    }
}

/// An image that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImageInfo<'a> {
    /// How many bytes it has.
    pub size: u32,
    /// Which it is.
    pub identification: &'a [u8],
    /// Its signature.
    pub signature: &'a [u8],
}

impl<'a> Element<'a> for ImageInfo<'a> {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("image_to_activate_info_element", 3)?;
        let image = Self {
            size: events.integer("image_to_activate_size")?,
            identification: events.octets("image_to_activate_identification")?,
            signature: events.octets("image_to_activate_signature")?,
        };
        events.end().map(|()| image)
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImageStatus {
    /// None was begun.
    NotInitiated,
    /// Blocks may come.
    Initiated,
    /// It is being checked.
    VerificationInitiated,
    /// It is whole and right.
    VerificationSuccessful,
    /// It is not.
    VerificationFailed,
    /// It is being put into use.
    ActivationInitiated,
    /// It is in use.
    ActivationSuccessful,
    /// It could not be put into use.
    ActivationFailed,
    /// A code that the standard does not have.
    Other(u8),
}

impl From<u8> for ImageStatus {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::NotInitiated,
            1 => Self::Initiated,
            2 => Self::VerificationInitiated,
            3 => Self::VerificationSuccessful,
            4 => Self::VerificationFailed,
            5 => Self::ActivationInitiated,
            6 => Self::ActivationSuccessful,
            7 => Self::ActivationFailed,
            _ => Self::Other(code),
        }
    }
}
