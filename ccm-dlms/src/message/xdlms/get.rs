//! Reading attributes by logical name (Green Book 9.3.6).

use ccm_core::{Full, Writer};

use super::descriptor::AttributeAccess;
use super::encoded::Encoded;
use super::invoke::Service;
use super::list::{Item, List};
use super::result::DataAccessResult;
use crate::message::cursor::{Cursor, emit_octets, emit_u32};
use crate::message::{Fault, MessageError, tag};

/// What a client wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GetRequest<'a> {
    /// One attribute.
    Normal(AttributeAccess<'a>),
    /// The next block; the number is that of the block received last.
    Next {
        /// The number.
        block_number: u32,
    },
    /// Several attributes.
    WithList(List<'a, AttributeAccess<'a>>),
}

impl<'a> Service<'a> for GetRequest<'a> {
    const TAG: u8 = tag::GET_REQUEST;
    const NAME: &'static str = "get-request";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => Self::Normal(AttributeAccess::read(cursor)?),
            2 => Self::Next { block_number: cursor.u32("block-number")? },
            3 => Self::WithList(List::read(cursor, "attribute-descriptor-list")?),
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal(_) => 1,
            Self::Next { .. } => 2,
            Self::WithList(_) => 3,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal(attribute) => attribute.write(writer),
            Self::Next { block_number } => emit_u32(writer, *block_number),
            Self::WithList(attributes) => attributes.write(writer),
        }
    }
}

/// What a server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GetResponse<'a> {
    /// One value.
    Normal(GetDataResult<'a>),
    /// A piece of the value or of the list of results.
    WithDataBlock {
        /// Whether none follows.
        last_block: bool,
        /// From 1; some meters count from 0.
        block_number: u32,
        /// The piece.
        result: GetBlockResult<'a>,
    },
    /// One result for each attribute asked for, in the same order.
    WithList(List<'a, GetDataResult<'a>>),
}

impl<'a> Service<'a> for GetResponse<'a> {
    const TAG: u8 = tag::GET_RESPONSE;
    const NAME: &'static str = "get-response";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => Self::Normal(GetDataResult::read_with(cursor, |cursor| Encoded::rest(cursor, "data"))?),
            2 => Self::WithDataBlock {
                last_block: cursor.boolean("last-block")?,
                block_number: cursor.u32("block-number")?,
                result: GetBlockResult::read(cursor)?,
            },
            3 => Self::WithList(List::read(cursor, "get-data-result list")?),
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal(_) => 1,
            Self::WithDataBlock { .. } => 2,
            Self::WithList(_) => 3,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal(result) => result.write(writer),
            Self::WithDataBlock { last_block, block_number, result } => {
                writer.u8((*last_block).into())?;
                emit_u32(writer, *block_number)?;
                result.write(writer)
            }
            Self::WithList(results) => results.write(writer),
        }
    }
}

/// A value, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GetDataResult<'a> {
    /// The value.
    Data(Encoded<'a>),
    /// Why there is none.
    Result(DataAccessResult),
}

impl<'a> GetDataResult<'a> {
    /// Reads the choice and what follows; the caller knows whether the data end with the APDU.
    pub(super) fn read_with(
        cursor: &mut Cursor<'a>,
        data: impl FnOnce(&mut Cursor<'a>) -> Result<Encoded<'a>, MessageError>,
    ) -> Result<Self, MessageError> {
        if is_result(cursor)? {
            DataAccessResult::read(cursor).map(Self::Result)
        } else {
            data(cursor).map(Self::Data)
        }
    }
}

impl<'a> Item<'a> for GetDataResult<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Self::read_with(cursor, Encoded::read)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Data(data) => {
                writer.u8(DATA)?;
                data.write(writer)
            }
            Self::Result(result) => writer.array([RESULT, result.code()]),
        }
    }
}

/// A piece of an encoded value, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GetBlockResult<'a> {
    /// The piece, cut anywhere.
    RawData(&'a [u8]),
    /// Why there is none.
    Result(DataAccessResult),
}

impl<'a> GetBlockResult<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        if is_result(cursor)? {
            DataAccessResult::read(cursor).map(Self::Result)
        } else {
            cursor.octets("raw-data").map(Self::RawData)
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::RawData(bytes) => {
                writer.u8(DATA)?;
                emit_octets(writer, bytes)
            }
            Self::Result(result) => writer.array([RESULT, result.code()]),
        }
    }
}

fn is_result(cursor: &mut Cursor<'_>) -> Result<bool, MessageError> {
    let wrong = *cursor;
    match cursor.u8("result choice")? {
        DATA => Ok(false),
        RESULT => Ok(true),
        found => Err(wrong.fail("result choice", Fault::Choice { found })),
    }
}

const DATA: u8 = 0;
const RESULT: u8 = 1;
