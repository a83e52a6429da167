//! Frames of format type 3 (Green Book 8.4.1).

use ccm_core::{Full, Reader, Writer};

use super::{Address, Control};
use crate::frame::{FrameError, RequestError, fcs};

/// A frame without flags and check sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// Whom it is for.
    pub destination: Address,
    /// Who sends it.
    pub source: Address,
    /// What it is for.
    pub control: Control,
    /// Whether its APDU goes on in the next frame.
    pub segmented: bool,
    /// What it carries, the LLC header included: 0 to 2030 bytes.
    pub information: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads what stands between two flags.
    ///
    /// # Errors
    /// A [`FrameError`] that says what keeps it from being a frame.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let announced = length(bytes)?;
        if announced != bytes.len() {
            return Err(FrameError::Length { announced, found: bytes.len() });
        }
        if !fcs::is_sound(bytes) {
            return Err(FrameError::Checksum);
        }
        let (header, mut reader) = Header::parse(bytes)?;
        let information = match reader.rest().len() {
            0 | 1 | 3 => return Err(FrameError::Length { announced, found: bytes.len() }),
            CHECK => &[],
            left => {
                header.check(bytes)?;
                reader.take(CHECK, "header check sequence")?;
                reader.take(left.saturating_sub(2 * CHECK), "information")?
            }
        };
        Ok(Self { information, ..header.frame })
    }

    /// Writes flags, frame and check sequences into `buffer` and says how many bytes they have.
    ///
    /// # Errors
    /// [`RequestError::Buffer`] where they do not fit.
    pub fn emit(&self, buffer: &mut [u8]) -> Result<usize, RequestError> {
        self.emit_parts([&[], self.information], buffer)
    }

    /// Writes the frame with an information field of two parts in place of its own.
    pub(crate) fn emit_parts(&self, parts: [&[u8]; 2], buffer: &mut [u8]) -> Result<usize, RequestError> {
        let needed = OVERHEAD + parts.iter().map(|part| part.len()).sum::<usize>();
        self.write(parts, buffer).map_err(|Full| RequestError::Buffer { needed })
    }

    fn write(&self, parts: [&[u8]; 2], buffer: &mut [u8]) -> Result<usize, Full> {
        let (flag, room) = buffer.split_first_mut().ok_or(Full)?;
        *flag = FLAG;
        let mut writer = Writer::new(room);
        writer.u16(0)?; // The format, once the length is known.
        self.destination.emit(&mut writer)?;
        self.source.emit(&mut writer)?;
        writer.u8(self.control.byte())?;
        let header = writer.written().len();
        let information = parts.iter().map(|part| part.len()).sum::<usize>();
        let with_header_check = if information == 0 { header } else { header + CHECK + information };
        let format = self.format(with_header_check + CHECK)?;
        let mut writer = Writer::new(room);
        writer.u16(format)?;
        writer.room(header - 2)?;
        if information > 0 {
            write_check(&mut writer)?;
            parts.iter().try_for_each(|part| writer.slice(part))?;
        }
        write_check(&mut writer)?;
        writer.u8(FLAG)?;
        Ok(1 + writer.finish())
    }

    fn format(&self, length: usize) -> Result<u16, Full> {
        let length = u16::try_from(length).ok().filter(|length| *length <= LENGTH).ok_or(Full)?;
        Ok(TYPE_3 | length | if self.segmented { SEGMENTED } else { 0 })
    }
}

/// What stands before the information field.
struct Header<'a> {
    frame: Frame<'a>,
    length: usize,
}

impl Header<'_> {
    fn parse(bytes: &[u8]) -> Result<(Self, Reader<'_>), FrameError> {
        let mut reader = Reader::new(bytes);
        let segmented = reader.u16("format")? & SEGMENTED != 0;
        let destination = Address::parse(&mut reader, "destination address")?;
        let source = Address::parse(&mut reader, "source address")?;
        let control = Control::from_byte(reader.u8("control")?);
        let length = bytes.len() - reader.rest().len();
        let frame = Frame { destination, source, control, segmented, information: &[] };
        Ok((Self { frame, length }, reader))
    }

    fn check(&self, bytes: &[u8]) -> Result<(), FrameError> {
        let checked = bytes.get(..self.length + CHECK).ok_or(FrameError::HeaderChecksum)?;
        if fcs::is_sound(checked) { Ok(()) } else { Err(FrameError::HeaderChecksum) }
    }
}

/// The length that the format field announces.
pub(crate) fn length(bytes: &[u8]) -> Result<usize, FrameError> {
    let found = Reader::new(bytes).u16("format")?;
    let length = usize::from(found & LENGTH);
    if found & !(SEGMENTED | LENGTH) != TYPE_3 || length < SHORTEST {
        return Err(FrameError::Format { found });
    }
    Ok(length)
}

/// Whether the header of a frame that has begun can be right, as far as it has come. A length that noise has made long
/// is found out here, not when as many bytes have come.
pub(crate) fn may_start(bytes: &[u8], length: usize) -> Result<(), FrameError> {
    match Header::parse(bytes) {
        Ok((header, _)) if header.length + CHECK < length && bytes.len() >= header.length + CHECK => {
            header.check(bytes)
        }
        Err(error @ FrameError::AddressWidth { width }) if width > 4 => Err(error),
        _ => Ok(()),
    }
}

fn write_check(writer: &mut Writer<'_>) -> Result<(), Full> {
    let check = fcs::checksum(writer.written());
    writer.array(check.to_le_bytes())
}

/// Flags, format, two addresses of four bytes, control and two check sequences: the most there is around the
/// information field.
pub(crate) const OVERHEAD: usize = 2 + 2 + 8 + 1 + 2 * CHECK;

pub(crate) const FLAG: u8 = 0x7E;

const TYPE_3: u16 = 0xA000;
const SEGMENTED: u16 = 0x0800;
const LENGTH: u16 = 0x07FF;

/// Format, two addresses of one byte, control and check sequence.
const SHORTEST: usize = 7;

/// A check sequence.
const CHECK: usize = 2;
