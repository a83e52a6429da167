//! Reading by short name (Green Book 9.3.14).

use ccm_core::{Full, Writer};

use super::encoded::Encoded;
use super::list::{Item, List};
use super::result::DataAccessResult;
use crate::message::codes::apdu;
use crate::message::cursor::{Cursor, emit_octets};
use crate::message::{Fault, MessageError, tag};

/// Which variable, or which block of a long value (Variable-Access-Specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at the variants")]
pub enum VariableAccess<'a> {
    /// A variable: the base name of the object + 8 × (attribute - 1).
    VariableName(u16),
    /// A part of a variable, or a method with parameters.
    Parameterized { variable_name: u16, selector: u8, parameter: Encoded<'a> },
    /// The next block of what is read; the number is that of the block received last.
    BlockNumber(u16),
    /// A block of a read request that is too long for one APDU.
    ReadDataBlock { last_block: bool, block_number: u16, raw_data: &'a [u8] },
    /// Announces a block of what is written; the block itself is the data.
    WriteDataBlock { last_block: bool, block_number: u16 },
}

impl<'a> Item<'a> for VariableAccess<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let wrong = *cursor;
        Ok(match cursor.u8("variable-access-specification")? {
            VARIABLE_NAME => Self::VariableName(cursor.u16("variable-name")?),
            PARAMETERIZED => Self::Parameterized {
                variable_name: cursor.u16("variable-name")?,
                selector: cursor.u8("selector")?,
                parameter: Encoded::read(cursor)?,
            },
            BLOCK_NUMBER => Self::BlockNumber(cursor.u16("block-number")?),
            READ_DATA_BLOCK => Self::ReadDataBlock {
                last_block: cursor.boolean("last-block")?,
                block_number: cursor.u16("block-number")?,
                raw_data: cursor.octets("raw-data")?,
            },
            WRITE_DATA_BLOCK => Self::WriteDataBlock {
                last_block: cursor.boolean("last-block")?,
                block_number: cursor.u16("block-number")?,
            },
            found => return Err(wrong.fail("variable-access-specification", Fault::Choice { found })),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::VariableName(name) => emit_number(writer, VARIABLE_NAME, name),
            Self::Parameterized { variable_name, selector, parameter } => {
                emit_number(writer, PARAMETERIZED, variable_name)?;
                writer.u8(selector)?;
                parameter.write(writer)
            }
            Self::BlockNumber(number) => emit_number(writer, BLOCK_NUMBER, number),
            Self::ReadDataBlock { last_block, block_number, raw_data } => {
                emit_block(writer, READ_DATA_BLOCK, last_block, block_number)?;
                emit_octets(writer, raw_data)
            }
            Self::WriteDataBlock { last_block, block_number } => {
                emit_block(writer, WRITE_DATA_BLOCK, last_block, block_number)
            }
        }
    }
}

/// What a client wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadRequest<'a>(pub List<'a, VariableAccess<'a>>);

impl<'a> ReadRequest<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        List::read(cursor, "variable-access-specification").map(Self)
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        self.0.write(writer)
    }
}

apdu!(ReadRequest<'a>, tag::READ_REQUEST, "read-request");

/// One of the results of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at the variants")]
pub enum ReadResult<'a> {
    /// The value.
    Data(Encoded<'a>),
    /// Why there is none.
    Error(DataAccessResult),
    /// A piece of the encoded list of results.
    DataBlock { last_block: bool, block_number: u16, raw_data: &'a [u8] },
    /// A block of the request has arrived, and the next may come.
    BlockNumber(u16),
}

impl<'a> Item<'a> for ReadResult<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let wrong = *cursor;
        Ok(match cursor.u8("result choice")? {
            0 => Self::Data(Encoded::read(cursor)?),
            1 => Self::Error(DataAccessResult::read(cursor)?),
            2 => Self::DataBlock {
                last_block: cursor.boolean("last-block")?,
                block_number: cursor.u16("block-number")?,
                raw_data: cursor.octets("raw-data")?,
            },
            3 => Self::BlockNumber(cursor.u16("block-number")?),
            found => return Err(wrong.fail("result choice", Fault::Choice { found })),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::Data(data) => {
                writer.u8(0)?;
                data.write(writer)
            }
            Self::Error(error) => writer.array([1, error.code()]),
            Self::DataBlock { last_block, block_number, raw_data } => {
                emit_block(writer, 2, last_block, block_number)?;
                emit_octets(writer, raw_data)
            }
            Self::BlockNumber(number) => emit_number(writer, 3, number),
        }
    }
}

/// One result for each variable asked for, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadResponse<'a>(pub List<'a, ReadResult<'a>>);

impl<'a> ReadResponse<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        List::read(cursor, "result list").map(Self)
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        self.0.write(writer)
    }
}

apdu!(ReadResponse<'a>, tag::READ_RESPONSE, "read-response");

pub(super) fn emit_number(writer: &mut Writer<'_>, choice: u8, number: u16) -> Result<(), Full> {
    writer.u8(choice)?;
    writer.u16(number)
}

fn emit_block(writer: &mut Writer<'_>, choice: u8, last: bool, number: u16) -> Result<(), Full> {
    writer.array([choice, last.into()])?;
    writer.u16(number)
}

const VARIABLE_NAME: u8 = 2;
const PARAMETERIZED: u8 = 4;
const BLOCK_NUMBER: u8 = 5;
const READ_DATA_BLOCK: u8 = 6;
const WRITE_DATA_BLOCK: u8 = 7;
