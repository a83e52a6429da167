//! Reading and writing the pieces that BER (of ACSE) and A-XDR (of xDLMS) share.

use ccm_core::{Full, Missing, Reader, Writer};

use super::data::{Fault as DataFault, skip};
use super::{Fault, MessageError};

/// A [`Reader`] that knows where in the whole message it stands, so that errors can say so.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    reader: Reader<'a>,
    /// Where the bytes of the reader end in the whole message.
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), end: bytes.len() }
    }

    pub(crate) const fn offset(&self) -> usize {
        self.end - self.reader.rest().len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    pub(crate) const fn fail(&self, field: &'static str, fault: Fault) -> MessageError {
        MessageError { offset: self.offset(), field, fault }
    }

    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], MessageError> {
        match self.reader.take(length, field) {
            Ok(taken) => Ok(taken),
            Err(Missing { field }) => Err(self.fail(field, Fault::Missing)),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], MessageError> {
        let Some((taken, rest)) = self.reader.rest().split_first_chunk() else {
            return Err(self.fail(field, Fault::Missing));
        };
        self.reader = Reader::new(rest);
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, MessageError> {
        self.array(field).map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, MessageError> {
        self.array(field).map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, MessageError> {
        self.array(field).map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(crate) fn i8(&mut self, field: &'static str) -> Result<i8, MessageError> {
        self.array(field).map(|bytes| i8::from_be_bytes(*bytes))
    }

    /// Anything but 0 is true, as in BER.
    pub(crate) fn boolean(&mut self, field: &'static str) -> Result<bool, MessageError> {
        self.u8(field).map(|byte| byte != 0)
    }

    /// Whether an optional field follows; a flag other than 0 and 1 is a mistake.
    pub(crate) fn present(&mut self, field: &'static str) -> Result<bool, MessageError> {
        let wrong = *self;
        match self.u8(field)? {
            ABSENT => Ok(false),
            PRESENT => Ok(true),
            found => Err(wrong.fail(field, Fault::Choice { found })),
        }
    }

    /// Reads a byte that can only be this one.
    pub(crate) fn expect(&mut self, byte: u8, field: &'static str) -> Result<(), MessageError> {
        let wrong = *self;
        match self.u8(field)? {
            found if found == byte => Ok(()),
            found => Err(wrong.fail(field, Fault::Choice { found })),
        }
    }

    /// A length of up to four bytes, as A-XDR and BER write it. BER's indefinite form does not occur in ACSE.
    pub(crate) fn length(&mut self, field: &'static str) -> Result<usize, MessageError> {
        let wrong = *self;
        let first = self.u8(field)?;
        match first {
            0..=0x7F => Ok(first.into()),
            0x81..=0x84 => {
                let bytes = self.take(usize::from(first & 0x7F), field)?;
                Ok(bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)))
            }
            found => Err(wrong.fail(field, Fault::Choice { found })),
        }
    }

    /// Passes over one `Data`, without a look at what it says.
    pub(crate) fn pass_data(&mut self, field: &'static str) -> Result<(), MessageError> {
        skip(&mut self.reader).map_err(|fault| {
            self.fail(
                field,
                match fault {
                    DataFault::Tag { tag } => Fault::Choice { found: tag },
                    DataFault::Length { bytes } => Fault::Length { found: bytes.into() },
                    _ => Fault::Missing,
                },
            )
        })
    }

    /// A length and as many bytes.
    pub(crate) fn octets(&mut self, field: &'static str) -> Result<&'a [u8], MessageError> {
        let length = self.length(field)?;
        self.take(length, field)
    }

    /// A length, and a cursor over as many bytes.
    pub(crate) fn inner(&mut self, field: &'static str) -> Result<Self, MessageError> {
        let bytes = self.octets(field)?;
        Ok(Self { reader: Reader::new(bytes), end: self.offset() })
    }

    /// All that is left: at least one byte.
    pub(crate) fn rest(&mut self, field: &'static str) -> Result<&'a [u8], MessageError> {
        self.take(self.reader.rest().len().max(1), field)
    }

    /// All that is left, without reading it.
    pub(crate) const fn all(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// How much is left.
    pub(crate) const fn left(&self) -> usize {
        self.reader.rest().len()
    }

    /// The bytes between an earlier state of this cursor and this one.
    pub(crate) fn since(&self, earlier: Self) -> &'a [u8] {
        earlier.reader.rest().get(..self.offset() - earlier.offset()).unwrap_or_default()
    }

    /// Checks that nothing follows.
    pub(crate) const fn finish(&self, field: &'static str) -> Result<(), MessageError> {
        match self.left() {
            0 => Ok(()),
            found => Err(self.fail(field, Fault::Trailing { found })),
        }
    }
}

/// Writes a length in as few bytes as it takes.
pub(crate) fn emit_length(writer: &mut Writer<'_>, length: usize) -> Result<(), Full> {
    let [.., top, high, low] = length.to_be_bytes();
    match length_size(length) {
        1 => writer.u8(low),
        2 => writer.array([0x81, low]),
        3 => writer.array([0x82, high, low]),
        4 if length >> 24 == 0 => writer.array([0x83, top, high, low]),
        _ => Err(Full),
    }
}

/// How many bytes a length takes.
pub(crate) const fn length_size(length: usize) -> usize {
    match length {
        0..=0x7F => 1,
        0x80..=0xFF => 2,
        0x100..=0xFFFF => 3,
        _ => 4,
    }
}

/// Writes a length and the bytes.
pub(crate) fn emit_octets(writer: &mut Writer<'_>, bytes: &[u8]) -> Result<(), Full> {
    emit_length(writer, bytes.len())?;
    writer.slice(bytes)
}

/// Writes the flag of an optional field, and the field where it is there.
pub(crate) fn emit_optional<T>(
    writer: &mut Writer<'_>,
    value: Option<T>,
    emit: impl FnOnce(&mut Writer<'_>, T) -> Result<(), Full>,
) -> Result<(), Full> {
    match value {
        None => writer.u8(ABSENT),
        Some(value) => {
            writer.u8(PRESENT)?;
            emit(writer, value)
        }
    }
}

pub(crate) fn emit_u32(writer: &mut Writer<'_>, value: u32) -> Result<(), Full> {
    writer.array(value.to_be_bytes())
}

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_survive_writing_and_reading() {
        for length in [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x1_0000, 0xFF_FFFF] {
            let mut bytes = [0; 4];
            let mut writer = Writer::new(&mut bytes);
            emit_length(&mut writer, length).unwrap();
            assert_eq!(writer.written().len(), length_size(length));
            assert_eq!(Cursor::new(&bytes).length("length"), Ok(length));
        }
    }

    #[test]
    fn an_error_inside_an_element_counts_from_the_first_byte() {
        let mut outer = Cursor::new(&[9, 2, 0x55, 0x66, 7]);
        outer.u8("tag").unwrap();
        let mut inner = outer.inner("element").unwrap();
        inner.u8("first").unwrap();
        let error = inner.u16("second").unwrap_err();
        assert_eq!(error, MessageError { offset: 3, field: "second", fault: Fault::Missing });
        assert_eq!(error.to_string(), "second at byte 3 is cut off");
    }

    #[test]
    fn an_indefinite_length_is_refused() {
        let error = Cursor::new(&[0x80, 0, 0]).length("length").unwrap_err();
        assert_eq!(error.fault, Fault::Choice { found: 0x80 });
    }
}
