//! Modbus ASCII: a colon, two hexadecimal digits for each byte, and a line end (MB-SERIAL 2.5.2).

use ccm_core::{Duration, Line};

use super::sealed::Serves;
use super::{Echo, Expected, Scan, Serial, sealed};
use crate::message::REFUSED;
use crate::{FrameError, Request, RequestError};

/// Writes a request to `unit` into `buffer` and gives its length.
///
/// # Errors
/// The caller's: what [`Request::emit`] says.
pub fn emit(unit: u8, request: &Request<'_>, buffer: &mut [u8]) -> Result<usize, RequestError> {
    let mut writer = ccm_core::Writer::new(buffer.get_mut(1..).unwrap_or_default());
    request.emit(&mut writer)?;
    let length = writer.finish();
    seal(buffer, unit, length).ok_or(RequestError::Buffer { needed: on_wire(length + 2) })
}

/// An ASCII line as a client or server knows it. Most have 7 data bits and even parity.
#[derive(Clone, Debug)]
pub struct Ascii(Serial);

impl Ascii {
    /// A line with these settings, its echo to be learnt. Frames need no silence between them.
    pub const fn new(line: Line) -> Self {
        Self(Serial::new(line, Duration::ZERO))
    }

    /// Says whether the line echoes.
    pub const fn with_echo(self, echo: Echo) -> Self {
        Self(self.0.with_echo(echo))
    }

    /// Waits between frames, for a device that wants a pause.
    pub const fn with_silence(self, silence: Duration) -> Self {
        Self(self.0.with_silence(silence))
    }
}

impl sealed::Framing for Ascii {
    const HEADER: usize = 1;
    const TRAILER: usize = 1;
    const STREAM: bool = false;
    const SILENT: bool = false;
    type Header = u8;
    type Debts = super::debts::Ledger;

    fn serial(&self) -> Option<&Serial> {
        Some(&self.0)
    }

    fn serial_mut(&mut self) -> Option<&mut Serial> {
        Some(&mut self.0)
    }

    fn silence(&self) -> Duration {
        self.0.silence()
    }

    fn seal(&mut self, buffer: &mut [u8], unit: u8, length: usize) -> Option<usize> {
        seal(buffer, unit, length)
    }

    fn seal_reply(buffer: &mut [u8], unit: u8, length: usize) -> Option<usize> {
        seal(buffer, unit, length)
    }

    fn open(frame: &mut [u8]) -> usize {
        let mut length = 0;
        while let Some(byte) = byte_at(frame, length) {
            if let Some(slot) = frame.get_mut(length) {
                *slot = byte;
            }
            length += 1;
        }
        length
    }

    fn on_wire(length: usize) -> usize {
        on_wire(length)
    }

    fn scan_reply(&self, window: &[u8], asked: &Expected, last: bool) -> Scan {
        match scan(window) {
            Scan::More if last && !window.is_empty() => Scan::Skip(window.len()),
            Scan::Frame(length) if !answers(window, length, asked) => Scan::Skip(length),
            found => found,
        }
    }

    fn blame(heard: &[u8], unit: u8) -> Option<FrameError> {
        let is_frame = |bytes: &&[u8]| matches!(scan(bytes), Scan::Frame(_));
        let sound = (0..heard.len()).find_map(|start| heard.get(start..).filter(is_frame));
        match sound.map(|bytes| byte_at(bytes, 0)) {
            Some(found) if found == Some(unit) => Some(FrameError::Mismatch),
            Some(_) => None,
            None => Some(FrameError::Checksum),
        }
    }

    fn scan_request(&self, window: &[u8], unit: u8, _silent: bool) -> Scan {
        match scan(window) {
            Scan::Frame(length) if !is_request(window, unit) => Scan::Pass(length),
            Scan::Skip(length) if length > 1 => Scan::Fail(length, FrameError::Checksum),
            found => found,
        }
    }

    fn serves(unit: u8, asked: u8) -> Serves {
        super::rtu::Rtu::serves(unit, asked)
    }

    fn header(frame: &[u8]) -> Option<u8> {
        frame.first().copied()
    }

    fn unit(header: u8) -> u8 {
        header
    }
}

/// Looks for a sound frame at the front of `window`.
fn scan(window: &[u8]) -> Scan {
    let Some((first, rest)) = window.split_first() else { return Scan::More };
    if *first != b':' {
        return Scan::Skip(1);
    }
    // The first character that is no digit ends the frame; a colon begins the next one.
    let Some(digits) = rest.iter().position(|byte| digit(*byte).is_none()) else {
        return if rest.len() > MAX_LENGTH { Scan::Skip(1) } else { Scan::More };
    };
    match rest.get(digits..) {
        Some([b'\r']) => Scan::More,
        Some([b'\r', b'\n', ..]) if is_sound(window, digits) => Scan::Frame(digits + 3),
        _ => Scan::Skip(1 + digits),
    }
}

/// Unit and function at least, whole bytes, and a sum of 0 (MB-SERIAL 2.5.2.2).
fn is_sound(window: &[u8], digits: usize) -> bool {
    let bytes = (0..digits / 2).filter_map(|index| byte_at(window, index));
    digits >= 6 && digits.is_multiple_of(2) && bytes.fold(0, u8::wrapping_add) == 0
}

/// Whether a sound frame is for `unit` or for all, and no refusal: that may be our own, heard again.
fn is_request(frame: &[u8], unit: u8) -> bool {
    let asked = byte_at(frame, 0).is_some_and(|asked| asked == unit || asked == 0);
    asked && byte_at(frame, 1).is_some_and(|code| code & REFUSED == 0)
}

/// Whether the frame of `length` characters answers the request.
fn answers(window: &[u8], length: usize, asked: &Expected) -> bool {
    let mut bytes = [0; MAX_BYTES];
    let found = (length - 3) / 2;
    for (index, slot) in bytes.iter_mut().enumerate().take(found) {
        *slot = byte_at(window, index).unwrap_or_default();
    }
    match bytes.get(..found) {
        Some([unit, pdu @ .., _]) => *unit == asked.unit && asked.is_answered_by(pdu),
        _ => false,
    }
}

/// The byte whose two digits stand at `index` behind the colon.
fn byte_at(frame: &[u8], index: usize) -> Option<u8> {
    let [high, low] = *frame.get(1 + 2 * index..)?.first_chunk()?;
    Some(digit(high)? << 4 | digit(low)?)
}

/// Lower case is not in the standard, but in devices.
const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'A'..=b'F' => Some(character - b'A' + 10),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

const fn character(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }
}

/// Writes unit and checksum around the PDU of `length` bytes behind the first byte, and spells all of it out.
fn seal(buffer: &mut [u8], unit: u8, length: usize) -> Option<usize> {
    *buffer.first_mut()? = unit;
    let sum = buffer.get(..=length)?.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    *buffer.get_mut(length + 1)? = sum.wrapping_neg();
    let total = on_wire(length + 2);
    buffer.get_mut(..total)?;
    // From the end, as the digits of a byte stand behind the byte.
    for index in (0..length + 2).rev() {
        let byte = *buffer.get(index)?;
        *buffer.get_mut(1 + 2 * index..)?.first_chunk_mut()? = [character(byte >> 4), character(byte & 0xF)];
    }
    *buffer.first_mut()? = b':';
    *buffer.get_mut(total - 2..)?.first_chunk_mut()? = *b"\r\n";
    Some(total)
}

/// A colon, two digits a byte, carriage return and line feed.
const fn on_wire(bytes: usize) -> usize {
    2 * bytes + 3
}

/// Unit, a PDU of at most 253 bytes, one byte of checksum.
const MAX_BYTES: usize = 255;

/// MB-SERIAL 2.5.2: the longest frame has 513 characters.
const MAX_LENGTH: usize = 513;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_spelt_as_the_standard_shows() {
        let mut buffer = [0; 17];
        let length = emit(0x11, &Request::ReadHoldingRegisters { start: 0x6B, quantity: 3 }, &mut buffer);
        assert_eq!((length, &buffer), (Ok(17), b":1103006B00037E\r\n"));
        assert_eq!(scan(&buffer), Scan::Frame(17));
        let opened = sealed_open(&mut buffer);
        assert_eq!(opened, [0x11, 3, 0, 0x6B, 0, 3, 0x7E]);
    }

    fn sealed_open(frame: &mut [u8]) -> &[u8] {
        let length = <Ascii as sealed::Framing>::open(frame);
        &frame[..length]
    }

    #[test]
    fn a_broken_line_is_stepped_over_to_the_next_colon() {
        let table: [(&[u8], Scan); 7] = [
            (b"", Scan::More),
            (b"x:11", Scan::Skip(1)),
            (b":1103", Scan::More),
            (b":11:11", Scan::Skip(3)),
            (b":1103006B00037F\r\n", Scan::Skip(15)),
            (b":1103006B00037E\r", Scan::More),
            (b":1103006B00037E\rX", Scan::Skip(15)),
        ];
        for (bytes, expected) in table {
            assert_eq!(scan(bytes), expected, "{:?}", core::str::from_utf8(bytes));
        }
    }
}
