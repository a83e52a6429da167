//! Writing attributes by logical name (Green Book 9.3.7).

use ccm_core::{Full, Writer};

use super::descriptor::{AttributeAccess, DataBlock};
use super::encoded::Encoded;
use super::invoke::Service;
use super::list::{Item, List};
use super::result::DataAccessResult;
use crate::message::cursor::{Cursor, emit_u32};
use crate::message::{Fault, MessageError, tag};

/// What a client wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at their types")]
pub enum SetRequest<'a> {
    /// One attribute.
    Normal { attribute: AttributeAccess<'a>, value: Encoded<'a> },
    /// One attribute, whose value comes in blocks: this is the first.
    WithFirstDataBlock { attribute: AttributeAccess<'a>, block: DataBlock<'a> },
    /// Another block.
    WithDataBlock(DataBlock<'a>),
    /// Several attributes, and as many values.
    WithList { attributes: List<'a, AttributeAccess<'a>>, values: List<'a, Encoded<'a>> },
    /// Several attributes, whose list of values comes in blocks: this is the first.
    WithListAndFirstDataBlock { attributes: List<'a, AttributeAccess<'a>>, block: DataBlock<'a> },
}

impl<'a> Service<'a> for SetRequest<'a> {
    const TAG: u8 = tag::SET_REQUEST;
    const NAME: &'static str = "set-request";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => Self::Normal {
                attribute: AttributeAccess::read(cursor)?,
                value: Encoded::rest(cursor, "value")?,
            },
            2 => Self::WithFirstDataBlock {
                attribute: AttributeAccess::read(cursor)?,
                block: DataBlock::read(cursor)?,
            },
            3 => Self::WithDataBlock(DataBlock::read(cursor)?),
            4 => {
                let attributes = List::read(cursor, ATTRIBUTES)?;
                Self::WithList { attributes, values: paired(cursor, attributes.len(), "value-list")? }
            }
            5 => Self::WithListAndFirstDataBlock {
                attributes: List::read(cursor, ATTRIBUTES)?,
                block: DataBlock::read(cursor)?,
            },
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal { .. } => 1,
            Self::WithFirstDataBlock { .. } => 2,
            Self::WithDataBlock(_) => 3,
            Self::WithList { .. } => 4,
            Self::WithListAndFirstDataBlock { .. } => 5,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal { attribute, value } => {
                attribute.write(writer)?;
                value.write(writer)
            }
            Self::WithFirstDataBlock { attribute, block } => {
                attribute.write(writer)?;
                block.write(writer)
            }
            Self::WithDataBlock(block) => block.write(writer),
            Self::WithList { attributes, values } => {
                attributes.write(writer)?;
                values.write(writer)
            }
            Self::WithListAndFirstDataBlock { attributes, block } => {
                attributes.write(writer)?;
                block.write(writer)
            }
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at their types")]
pub enum SetResponse<'a> {
    /// One attribute.
    Normal(DataAccessResult),
    /// A block has arrived, and the next may come.
    DataBlock { block_number: u32 },
    /// The last block has arrived.
    LastDataBlock { result: DataAccessResult, block_number: u32 },
    /// The last block of a list has arrived.
    LastDataBlockWithList { results: List<'a, DataAccessResult>, block_number: u32 },
    /// One result for each attribute, in the same order.
    WithList(List<'a, DataAccessResult>),
}

impl<'a> Service<'a> for SetResponse<'a> {
    const TAG: u8 = tag::SET_RESPONSE;
    const NAME: &'static str = "set-response";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => Self::Normal(DataAccessResult::read(cursor)?),
            2 => Self::DataBlock { block_number: cursor.u32("block-number")? },
            3 => Self::LastDataBlock {
                result: DataAccessResult::read(cursor)?,
                block_number: cursor.u32("block-number")?,
            },
            4 => Self::LastDataBlockWithList {
                results: List::read(cursor, RESULTS)?,
                block_number: cursor.u32("block-number")?,
            },
            5 => Self::WithList(List::read(cursor, RESULTS)?),
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal(_) => 1,
            Self::DataBlock { .. } => 2,
            Self::LastDataBlock { .. } => 3,
            Self::LastDataBlockWithList { .. } => 4,
            Self::WithList(_) => 5,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal(result) => result.write(writer),
            Self::DataBlock { block_number } => emit_u32(writer, *block_number),
            Self::LastDataBlock { result, block_number } => {
                result.write(writer)?;
                emit_u32(writer, *block_number)
            }
            Self::LastDataBlockWithList { results, block_number } => {
                results.write(writer)?;
                emit_u32(writer, *block_number)
            }
            Self::WithList(results) => results.write(writer),
        }
    }
}

/// A list with one item for each of another list.
pub(super) fn paired<'a, T: Item<'a>>(
    cursor: &mut Cursor<'a>,
    expected: usize,
    field: &'static str,
) -> Result<List<'a, T>, MessageError> {
    let wrong = *cursor;
    let list = List::read(cursor, field)?;
    match list.len() {
        found if found == expected => Ok(list),
        found => Err(wrong.fail(field, Fault::Count { found, expected })),
    }
}

const ATTRIBUTES: &str = "attribute-descriptor-list";
const RESULTS: &str = "result list";
