//! Writing data.

use ccm_core::{Full, Writer};

use super::events::Event;
use super::value::Value;
use super::{length, tag};

impl Event<'_> {
    /// Writes what an array or structure begins with, or a value; an end has no bytes.
    ///
    /// Whoever writes sees to it that as many elements follow as were announced.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Value(value) => value.emit(writer),
            Self::Array(count) => counted(writer, tag::ARRAY, count),
            Self::Structure(count) => counted(writer, tag::STRUCTURE, count),
            Self::End => Ok(()),
        }
    }
}

impl Value<'_> {
    /// Writes the value with its tag.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Null => writer.u8(tag::NULL),
            Self::DontCare => writer.u8(tag::DONT_CARE),
            Self::Boolean(truth) => writer.array([tag::BOOLEAN, truth.into()]),
            Self::BitString(bits) => {
                counted(writer, tag::BIT_STRING, bits.len())?;
                writer.slice(bits.bytes())
            }
            Self::OctetString(bytes) => string(writer, tag::OCTET_STRING, bytes),
            Self::VisibleString(bytes) => string(writer, tag::VISIBLE_STRING, bytes),
            Self::Utf8String(bytes) => string(writer, tag::UTF8_STRING, bytes),
            Self::DateTime(value) => tagged(writer, tag::DATE_TIME, value.to_bytes()),
            Self::Date(value) => tagged(writer, tag::DATE, value.to_bytes()),
            Self::Time(value) => tagged(writer, tag::TIME, value.to_bytes()),
            number => number.emit_number(writer),
        }
    }

    fn emit_number(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::DoubleLong(value) => tagged(writer, tag::DOUBLE_LONG, value.to_be_bytes()),
            Self::DoubleLongUnsigned(value) => tagged(writer, tag::DOUBLE_LONG_UNSIGNED, value.to_be_bytes()),
            Self::Bcd(value) => tagged(writer, tag::BCD, [value]),
            Self::Integer(value) => tagged(writer, tag::INTEGER, value.to_be_bytes()),
            Self::Long(value) => tagged(writer, tag::LONG, value.to_be_bytes()),
            Self::Unsigned(value) => tagged(writer, tag::UNSIGNED, [value]),
            Self::LongUnsigned(value) => tagged(writer, tag::LONG_UNSIGNED, value.to_be_bytes()),
            Self::Long64(value) => tagged(writer, tag::LONG64, value.to_be_bytes()),
            Self::Long64Unsigned(value) => tagged(writer, tag::LONG64_UNSIGNED, value.to_be_bytes()),
            Self::Enum(value) => tagged(writer, tag::ENUM, [value]),
            Self::Float32(bits) => tagged(writer, tag::FLOAT32, bits.to_be_bytes()),
            Self::Float64(bits) => tagged(writer, tag::FLOAT64, bits.to_be_bytes()),
            delta => delta.emit_delta(writer),
        }
    }

    fn emit_delta(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::DeltaInteger(value) => tagged(writer, tag::DELTA_INTEGER, value.to_be_bytes()),
            Self::DeltaLong(value) => tagged(writer, tag::DELTA_LONG, value.to_be_bytes()),
            Self::DeltaDoubleLong(value) => tagged(writer, tag::DELTA_DOUBLE_LONG, value.to_be_bytes()),
            Self::DeltaUnsigned(value) => tagged(writer, tag::DELTA_UNSIGNED, [value]),
            Self::DeltaLongUnsigned(value) => tagged(writer, tag::DELTA_LONG_UNSIGNED, value.to_be_bytes()),
            Self::DeltaDoubleLongUnsigned(value) => {
                tagged(writer, tag::DELTA_DOUBLE_LONG_UNSIGNED, value.to_be_bytes())
            }
            _ => Ok(()),
        }
    }
}

fn tagged<const N: usize>(writer: &mut Writer<'_>, tag: u8, bytes: [u8; N]) -> Result<(), Full> {
    writer.u8(tag)?;
    writer.array(bytes)
}

fn counted(writer: &mut Writer<'_>, tag: u8, count: u32) -> Result<(), Full> {
    writer.u8(tag)?;
    length::emit(writer, count)
}

fn string(writer: &mut Writer<'_>, tag: u8, bytes: &[u8]) -> Result<(), Full> {
    counted(writer, tag, u32::try_from(bytes.len()).map_err(|_| Full)?)?;
    writer.slice(bytes)
}
