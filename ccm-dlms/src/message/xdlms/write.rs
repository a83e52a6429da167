//! Writing by short name (Green Book 9.3.15, 9.3.16).

use ccm_core::{Full, Writer};

use super::encoded::Encoded;
use super::list::{Item, List};
use super::read::{VariableAccess, emit_number};
use super::result::DataAccessResult;
use super::set::paired;
use crate::message::codes::apdu;
use crate::message::cursor::Cursor;
use crate::message::{Fault, MessageError, tag};

macro_rules! write_request {
    ($(#[$doc:meta])* $type:ident, $tag:expr, $name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $type<'a> {
            /// Which variables.
            pub variables: List<'a, VariableAccess<'a>>,
            /// What is written to them, in the same order.
            pub values: List<'a, Encoded<'a>>,
        }

        impl<'a> $type<'a> {
            pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
                let variables = List::read(cursor, "variable-access-specification")?;
                Ok(Self { variables, values: paired(cursor, variables.len(), "list-of-data")? })
            }

            pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
                self.variables.write(writer)?;
                self.values.write(writer)
            }
        }

        apdu!($type<'a>, $tag, $name);
    };
}

write_request! {
    /// What a client wants to write.
    WriteRequest, tag::WRITE_REQUEST, "write-request"
}

write_request! {
    /// What a client wants to write without an answer.
    UnconfirmedWriteRequest, tag::UNCONFIRMED_WRITE_REQUEST, "unconfirmed-write-request"
}

/// One of the results of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteResult {
    /// It was written.
    Success,
    /// Why it was not.
    Error(DataAccessResult),
    /// A block has arrived, and the next may come.
    BlockNumber(u16),
}

impl<'a> Item<'a> for WriteResult {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let wrong = *cursor;
        Ok(match cursor.u8("result choice")? {
            0 => Self::Success,
            1 => Self::Error(DataAccessResult::read(cursor)?),
            2 => Self::BlockNumber(cursor.u16("block-number")?),
            found => return Err(wrong.fail("result choice", Fault::Choice { found })),
        })
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::Success => writer.u8(0),
            Self::Error(error) => writer.array([1, error.code()]),
            Self::BlockNumber(number) => emit_number(writer, 2, number),
        }
    }
}

/// One result for each variable, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteResponse<'a>(pub List<'a, WriteResult>);

impl<'a> WriteResponse<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        List::read(cursor, "result list").map(Self)
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        self.0.write(writer)
    }
}

apdu!(WriteResponse<'a>, tag::WRITE_RESPONSE, "write-response");
