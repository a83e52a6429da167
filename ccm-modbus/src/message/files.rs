//! Groups of registers in files: functions 20 and 21.
//!
//! A message holds several groups, which are read one by one: each view is a stream whose items may be mistakes.

use ccm_core::{Reader, Writer};

use super::fields::items;
use super::{MessageError, Registers};
use crate::RequestError;

/// So many registers of a file from a record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileRange {
    /// The file, 1 to 65 535.
    pub file: u16,
    /// The first register, 0 to 9999.
    pub record: u16,
    /// How many.
    pub length: u16,
}

impl FileRange {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let reference = reader.u8("reference type")?;
        let [file, record, length] =
            [reader.u16("file")?, reader.u16("record")?, reader.u16("record length")?];
        let range = Self { file, record, length };
        if reference == REFERENCE && range.is_valid() { Ok(range) } else { Err(MessageError::FileReference) }
    }

    fn emit(self, writer: &mut Writer<'_>) -> Result<(), RequestError> {
        if !self.is_valid() {
            return Err(RequestError::FileReference);
        }
        let ([a, b], [c, d], [e, f]) =
            (self.file.to_be_bytes(), self.record.to_be_bytes(), self.length.to_be_bytes());
        Ok(writer.array([REFERENCE, a, b, c, d, e, f])?)
    }

    const fn is_valid(self) -> bool {
        self.file > 0 && self.length > 0 && self.record as u32 + self.length as u32 <= 10_000
    }
}

/// What a [`Request::ReadFileRecord`](crate::Request::ReadFileRecord) asks for.
///
/// ```
/// use ccm_modbus::{FileRange, FileReads};
///
/// let ranges = [FileRange { file: 4, record: 1, length: 2 }, FileRange { file: 3, record: 9, length: 2 }];
/// let mut bytes = [0; 14];
/// let reads = FileReads::pack(&ranges, &mut bytes)?;
/// assert!(reads.iter().eq(ranges.map(Ok)));
/// # Ok::<(), ccm_modbus::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileReads<'a> {
    bytes: &'a [u8],
}

impl<'a> FileReads<'a> {
    /// Lays ranges out in `bytes`, seven for each.
    ///
    /// # Errors
    /// [`RequestError::FileReference`], [`RequestError::Buffer`].
    pub fn pack(ranges: &[FileRange], bytes: &'a mut [u8]) -> Result<Self, RequestError> {
        let mut writer = Writer::new(bytes);
        for range in ranges {
            range.emit(&mut writer)?;
        }
        let length = writer.finish();
        Ok(Self { bytes: bytes.get(..length).unwrap_or_default() })
    }

    pub(crate) const fn parse(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes behind the byte count.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The ranges in order; a mistake is the last item.
    pub fn iter(&self) -> impl Iterator<Item = Result<FileRange, MessageError>> + use<'a> {
        items(self.bytes, FileRange::parse)
    }

    /// How many bytes of records the reply has: a count and a reference type for each range.
    pub(crate) fn reply_bytes(&self) -> usize {
        self.iter().flatten().map(|range| 2 + 2 * usize::from(range.length)).sum()
    }
}

/// What a [`Request::WriteFileRecord`](crate::Request::WriteFileRecord) writes; its response is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileWrites<'a> {
    bytes: &'a [u8],
}

impl<'a> FileWrites<'a> {
    /// Lays groups out in `bytes`: where each begins, and its registers.
    ///
    /// # Errors
    /// [`RequestError::FileReference`], [`RequestError::Buffer`].
    pub fn pack(groups: &[(u16, u16, Registers<'_>)], bytes: &'a mut [u8]) -> Result<Self, RequestError> {
        let mut writer = Writer::new(bytes);
        for (file, record, registers) in groups {
            let length = u16::try_from(registers.len()).unwrap_or(u16::MAX);
            FileRange { file: *file, record: *record, length }.emit(&mut writer)?;
            writer.slice(registers.as_bytes())?;
        }
        let length = writer.finish();
        Ok(Self { bytes: bytes.get(..length).unwrap_or_default() })
    }

    pub(crate) const fn parse(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes behind the byte count.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The groups in order: where each begins, and its registers; a mistake is the last item.
    pub fn iter(&self) -> impl Iterator<Item = Result<(FileRange, Registers<'a>), MessageError>> + use<'a> {
        items(self.bytes, |reader| {
            let range = FileRange::parse(reader)?;
            let bytes = reader.take(usize::from(range.length) * 2, "record data")?;
            Ok((range, Registers::parse(bytes)?))
        })
    }
}

/// What a [`Response::ReadFileRecord`](crate::Response::ReadFileRecord) brings: a group for each range asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FileRecords<'a> {
    bytes: &'a [u8],
}

impl<'a> FileRecords<'a> {
    pub(crate) const fn parse(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes behind the byte count.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The groups in the order in which they were asked for; a mistake is the last item.
    pub fn iter(&self) -> impl Iterator<Item = Result<Registers<'a>, MessageError>> + use<'a> {
        items(self.bytes, |reader| {
            let length = usize::from(reader.u8("file response length")?);
            let mut group = Reader::new(reader.take(length, "record data")?);
            match group.u8("reference type")? {
                REFERENCE => Registers::parse(group.rest()),
                _ => Err(MessageError::FileReference),
            }
        })
    }
}

/// The only reference type there is (MB-APP 6.14).
pub(crate) const REFERENCE: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_read() {
        // MB-APP 6.14: two registers of file 4 from record 1, two of file 3 from record 9.
        let records = FileRecords::parse(&[5, 6, 0x0D, 0xFE, 0, 0x20, 5, 6, 0x33, 0xCD, 0, 0x40]);
        let groups: Vec<Vec<u16>> = records.iter().map(|group| group.unwrap().iter().collect()).collect();
        assert_eq!(groups, [[0x0DFE, 0x20], [0x33CD, 0x40]]);
    }

    #[test]
    fn a_range_outside_of_any_file_is_a_mistake_and_the_end() {
        for wrong in
            [[7, 0, 4, 0, 1, 0, 2], [6, 0, 0, 0, 1, 0, 2], [6, 0, 4, 0x27, 0x0F, 0, 2], [6, 0, 4, 0, 1, 0, 0]]
        {
            let bytes = [wrong, [6, 0, 4, 0, 1, 0, 2]].concat();
            let found: Vec<_> = FileReads::parse(&bytes).iter().collect();
            assert_eq!(found, [Err(MessageError::FileReference)]);
        }
        assert!(FileReads::parse(&[6, 0, 4]).iter().next().unwrap().is_err());
    }
}
