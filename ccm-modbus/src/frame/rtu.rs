//! Modbus RTU: unit, PDU and checksum on a serial line, frames divided by silence (MB-SERIAL 2.5.1).

use ccm_core::{Duration, Line};

use super::sealed::Serves;
use super::{Echo, Expected, Frame, Scan, Serial, crc, sealed};
use crate::message::{Function, REFUSED, Request};
use crate::{FrameError, RequestError};

/// Reads a frame that fills `bytes` exactly.
///
/// The length is checked as well as the checksum, which stays right when zeros follow.
///
/// # Errors
/// [`FrameError::Length`] for fewer than 4 or more than 256 bytes, [`FrameError::Checksum`].
pub fn parse(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (message, checksum) = bytes.split_last_chunk().ok_or(FrameError::Length)?;
    let (unit, pdu) = message.split_first().ok_or(FrameError::Length)?;
    if pdu.is_empty() || bytes.len() > MAX_LENGTH {
        return Err(FrameError::Length);
    }
    if crc::checksum(message) != u16::from_le_bytes(*checksum) {
        return Err(FrameError::Checksum);
    }
    Ok(Frame { unit: *unit, pdu })
}

/// Writes a request to `unit` into `buffer` and gives its length.
///
/// # Errors
/// The caller's: what [`Request::emit`] says.
pub fn emit(unit: u8, request: &Request<'_>, buffer: &mut [u8]) -> Result<usize, RequestError> {
    let mut writer = ccm_core::Writer::new(buffer.get_mut(1..).unwrap_or_default());
    request.emit(&mut writer)?;
    let length = writer.finish();
    seal(buffer, unit, length).ok_or(RequestError::Buffer { needed: length + 3 })
}

/// An RTU line as a client or server knows it: its timing and its echo.
#[derive(Clone, Debug)]
pub struct Rtu(Serial);

impl Rtu {
    /// A line with these settings, its silence of 3.5 characters after them, its echo to be learnt.
    ///
    /// ```
    /// use ccm_core::{Duration, Line};
    /// use ccm_modbus::Rtu;
    ///
    /// assert_eq!(Rtu::new(Line::new(9600)).silence(), Duration::from_micros(4011));
    /// assert_eq!(Rtu::new(Line::new(115_200)).silence(), Duration::from_micros(1750));
    /// ```
    pub const fn new(line: Line) -> Self {
        Self(Serial::new(line, line.frame_silence()))
    }

    /// RTU frames in a TCP connection to a device server: silence means nothing there, so frames end by their length, and
    /// nothing echoes. `line` is the one behind the device server: a long reply takes its time on it.
    pub const fn over_tcp(line: Line) -> Self {
        Self(Serial::new(line, Duration::ZERO).with_echo(Echo::Off))
    }

    /// Says whether the line echoes.
    pub const fn with_echo(self, echo: Echo) -> Self {
        Self(self.0.with_echo(echo))
    }

    /// Waits longer between frames: for a host whose adapter delivers late, or a device that wants a pause.
    pub const fn with_silence(self, silence: Duration) -> Self {
        Self(self.0.with_silence(silence))
    }

    /// How long the line is silent between two frames.
    pub const fn silence(&self) -> Duration {
        self.0.silence()
    }
}

impl sealed::Framing for Rtu {
    const HEADER: usize = 1;
    const TRAILER: usize = 2;
    const STREAM: bool = false;
    const SILENT: bool = true;
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

    fn scan_reply(&self, window: &[u8], asked: &Expected, last: bool) -> Scan {
        let Some((unit, pdu)) = window.split_first() else { return Scan::More };
        if *unit != asked.unit || !asked.may_start(pdu) {
            return Scan::Skip(1);
        }
        match asked.length(pdu).map(|length| (length + 3, window.get(..length + 3))) {
            Some((length, Some(frame))) if is_sound(frame) => Scan::Frame(length),
            // What looked like the beginning of the reply was none.
            Some((_, Some(_))) => Scan::Skip(1),
            None if last && asked.is_open() => scan_silent(window),
            _ if last => Scan::Skip(1),
            _ => Scan::More,
        }
    }

    fn blame(heard: &[u8], unit: u8) -> Option<FrameError> {
        let sound = (0..heard.len()).find_map(|start| heard.get(start..).filter(|bytes| is_sound(bytes)));
        match sound.and_then(<[u8]>::first) {
            Some(found) if *found == unit => Some(FrameError::Mismatch),
            Some(_) => None,
            None => Some(FrameError::Checksum),
        }
    }

    fn scan_request(&self, window: &[u8], unit: u8, silent: bool) -> Scan {
        // Whole frames of others first, so that nothing inside them can be taken for a request.
        match frame_length(window) {
            // Where silence means nothing, requests may follow each other closely.
            Some(length) if self.0.silence() == Duration::ZERO && is_front_request(window, length, unit) => {
                return Scan::Frame(length);
            }
            Some(length) if length < window.len() => return Scan::Pass(length),
            Some(length) if silent && !is_request(window, unit) => return Scan::Pass(length),
            _ => {}
        }
        if silent && is_sound(window) {
            return whole(window, unit);
        }
        // What ends at the silence is a request, whatever came before it: noise, a torn frame.
        let ours = |start: &usize| window.get(*start..).is_some_and(|bytes| is_request(bytes, unit));
        (1..window.len()).find(ours).filter(|_| silent).map_or(Scan::More, Scan::Skip)
    }

    fn serves(unit: u8, asked: u8) -> Serves {
        match asked {
            0 => Serves::Broadcast,
            _ if asked == unit => Serves::Answer,
            _ => Serves::Ignore,
        }
    }

    fn header(frame: &[u8]) -> Option<u8> {
        frame.first().copied()
    }

    fn unit(header: u8) -> u8 {
        header
    }
}

/// The line is silent: what was heard is the reply, but for a few bytes of noise behind it; zeros there leave the checksum
/// right, so the shortest frame is the one. Where none is sound, the silence was an adapter's.
fn scan_silent(window: &[u8]) -> Scan {
    let mut ends = window.len().saturating_sub(MOST_TRAILING)..=window.len();
    ends.find(|end| window.get(..*end).is_some_and(is_sound)).map_or(Scan::More, Scan::Frame)
}

/// Whether `bytes` are one frame, whoever's.
pub(crate) fn is_sound(bytes: &[u8]) -> bool {
    parse(bytes).is_ok()
}

/// How long the sound frame is that `window` starts with: a request's or a reply's, whichever the checksum says.
pub(crate) fn frame_length(window: &[u8]) -> Option<usize> {
    let pdu = window.get(1..)?;
    let code = *pdu.first()?;
    let function = Function::from_code(code & !REFUSED);
    let refusal = (code & REFUSED != 0).then_some(2);
    let lengths = [refusal.or_else(|| function.request().of(pdu)), function.response().of(pdu)];
    lengths
        .into_iter()
        .flatten()
        .map(|length| length + 3)
        .find(|length| window.get(..*length).is_some_and(is_sound))
}

/// Whether `bytes` are exactly one request to `unit` or to all.
fn is_request(bytes: &[u8], unit: u8) -> bool {
    let Some((asked, pdu)) = bytes.split_first() else { return false };
    (*asked == unit || *asked == 0) && request_length_fits(pdu) && is_sound(bytes)
}

/// A sound frame between two silences that is as long as no reply of its function: a request, to be refused where its
/// length is wrong, or other units' business.
fn whole(frame: &[u8], unit: u8) -> Scan {
    match *frame {
        [asked, code, ..] if (asked == unit || asked == 0) && code & REFUSED == 0 => Scan::Frame(frame.len()),
        _ => Scan::Pass(frame.len()),
    }
}

fn is_front_request(window: &[u8], length: usize, unit: u8) -> bool {
    window.get(..length).is_some_and(|frame| is_request(frame, unit))
}

/// Whether the length suits the function; for one without a length any does, as its refusal needs none.
fn request_length_fits(pdu_and_checksum: &[u8]) -> bool {
    let Some(code) = pdu_and_checksum.first().filter(|code| *code & REFUSED == 0) else { return false };
    match Function::from_code(*code).request() {
        crate::message::Extent::Open => true,
        extent => extent.of(pdu_and_checksum).is_some_and(|length| length + 2 == pdu_and_checksum.len()),
    }
}

/// Writes unit and checksum around the PDU of `length` bytes behind the first byte.
fn seal(buffer: &mut [u8], unit: u8, length: usize) -> Option<usize> {
    *buffer.first_mut()? = unit;
    let checksum = crc::checksum(buffer.get(..length + 1)?);
    *buffer.get_mut(length + 1..)?.first_chunk_mut()? = checksum.to_le_bytes();
    Some(length + 3)
}

/// Bytes of noise that a driver switching off leaves behind a frame, at most.
const MOST_TRAILING: usize = 4;

/// MB-SERIAL 2.3: unit, a PDU of at most 253 bytes, two bytes of checksum.
const MAX_LENGTH: usize = 256;
