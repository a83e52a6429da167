//! Invoking methods by logical name (Green Book 9.3.8).

use ccm_core::{Full, Writer};

use super::descriptor::{DataBlock, MethodDescriptor};
use super::encoded::Encoded;
use super::get::GetDataResult;
use super::invoke::Service;
use super::list::{Item, List};
use super::result::ActionResult;
use super::set::paired;
use crate::message::cursor::{Cursor, emit_optional, emit_u32};
use crate::message::{MessageError, tag};

/// What a client wants to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at their types")]
pub enum ActionRequest<'a> {
    /// One method.
    Normal { method: MethodDescriptor, parameters: Option<Encoded<'a>> },
    /// The next block of the answer; the number is that of the block received last.
    NextBlock { block_number: u32 },
    /// Several methods, and parameters for each.
    WithList { methods: List<'a, MethodDescriptor>, parameters: List<'a, Encoded<'a>> },
    /// One method, whose parameters come in blocks: this is the first.
    WithFirstBlock { method: MethodDescriptor, block: DataBlock<'a> },
    /// Several methods, whose list of parameters comes in blocks: this is the first.
    WithListAndFirstBlock { methods: List<'a, MethodDescriptor>, block: DataBlock<'a> },
    /// Another block.
    WithBlock(DataBlock<'a>),
}

impl<'a> Service<'a> for ActionRequest<'a> {
    const TAG: u8 = tag::ACTION_REQUEST;
    const NAME: &'static str = "action-request";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => {
                let method = MethodDescriptor::read(cursor)?;
                let present = cursor.present("method-invocation-parameters")?;
                let rest = |cursor| Encoded::rest(cursor, "method-invocation-parameters");
                Self::Normal { method, parameters: if present { Some(rest(cursor)?) } else { None } }
            }
            2 => Self::NextBlock { block_number: cursor.u32("block-number")? },
            3 => {
                let methods = List::read(cursor, METHODS)?;
                let parameters = paired(cursor, methods.len(), "method-invocation-parameters list")?;
                Self::WithList { methods, parameters }
            }
            4 => Self::WithFirstBlock {
                method: MethodDescriptor::read(cursor)?,
                block: DataBlock::read(cursor)?,
            },
            5 => Self::WithListAndFirstBlock {
                methods: List::read(cursor, METHODS)?,
                block: DataBlock::read(cursor)?,
            },
            6 => Self::WithBlock(DataBlock::read(cursor)?),
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal { .. } => 1,
            Self::NextBlock { .. } => 2,
            Self::WithList { .. } => 3,
            Self::WithFirstBlock { .. } => 4,
            Self::WithListAndFirstBlock { .. } => 5,
            Self::WithBlock(_) => 6,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal { method, parameters } => {
                method.write(writer)?;
                emit_optional(writer, *parameters, |writer, data| data.write(writer))
            }
            Self::NextBlock { block_number } => emit_u32(writer, *block_number),
            Self::WithList { methods, parameters } => {
                methods.write(writer)?;
                parameters.write(writer)
            }
            Self::WithFirstBlock { method, block } => {
                method.write(writer)?;
                block.write(writer)
            }
            Self::WithListAndFirstBlock { methods, block } => {
                methods.write(writer)?;
                block.write(writer)
            }
            Self::WithBlock(block) => block.write(writer),
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(missing_docs, reason = "the fields are the standard's, explained at their types")]
pub enum ActionResponse<'a> {
    /// One method.
    Normal(ActionReturn<'a>),
    /// A piece of the answer.
    WithBlock(DataBlock<'a>),
    /// One answer for each method, in the same order.
    WithList(List<'a, ActionReturn<'a>>),
    /// A block of the parameters has arrived, and the next may come.
    NextBlock { block_number: u32 },
}

impl<'a> Service<'a> for ActionResponse<'a> {
    const TAG: u8 = tag::ACTION_RESPONSE;
    const NAME: &'static str = "action-response";

    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError> {
        Ok(Some(match choice {
            1 => Self::Normal(ActionReturn::read_with(cursor, |cursor| Encoded::rest(cursor, "data"))?),
            2 => Self::WithBlock(DataBlock::read(cursor)?),
            3 => Self::WithList(List::read(cursor, "action-response list")?),
            4 => Self::NextBlock { block_number: cursor.u32("block-number")? },
            _ => return Ok(None),
        }))
    }

    fn choice(&self) -> u8 {
        match self {
            Self::Normal(_) => 1,
            Self::WithBlock(_) => 2,
            Self::WithList(_) => 3,
            Self::NextBlock { .. } => 4,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Normal(answer) => answer.write(writer),
            Self::WithBlock(block) => block.write(writer),
            Self::WithList(answers) => answers.write(writer),
            Self::NextBlock { block_number } => emit_u32(writer, *block_number),
        }
    }
}

/// What became of one method, and what it returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ActionReturn<'a> {
    /// Whether it was done.
    pub result: ActionResult,
    /// What it returned, where it returned something.
    pub return_parameters: Option<GetDataResult<'a>>,
}

impl<'a> ActionReturn<'a> {
    fn read_with(
        cursor: &mut Cursor<'a>,
        data: impl FnOnce(&mut Cursor<'a>) -> Result<Encoded<'a>, MessageError>,
    ) -> Result<Self, MessageError> {
        let result = ActionResult::from_code(cursor.u8("action-result")?);
        let return_parameters = if cursor.present("return-parameters")? {
            Some(GetDataResult::read_with(cursor, data)?)
        } else {
            None
        };
        Ok(Self { result, return_parameters })
    }
}

impl<'a> Item<'a> for ActionReturn<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Self::read_with(cursor, Encoded::read)
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(self.result.code())?;
        emit_optional(writer, self.return_parameters, |writer, result| result.write(writer))
    }
}

const METHODS: &str = "method-descriptor-list";
