//! Modbus RTU: unit, PDU and checksum on a serial line, frames divided by silence (MB-SERIAL 2.5.1).

use ccm_core::{Duration, Line};

use super::sealed::Serves;
use super::{Expected, Frame, Scan, crc, sealed};
use crate::message::{Extent, Function, REFUSED, Request};
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
    let (header, pdu) = buffer.split_first_mut().ok_or(RequestError::Buffer { needed: MAX_LENGTH })?;
    *header = unit;
    let mut writer = ccm_core::Writer::new(pdu);
    request.emit(&mut writer)?;
    let length = 1 + writer.finish();
    seal(buffer.get_mut(..length + 2).ok_or(RequestError::Buffer { needed: length + 2 })?)?;
    Ok(length + 2)
}

/// An RTU line as a client or server knows it: its timing, its echo, and which units still owe an answer.
#[derive(Clone, Debug)]
pub struct Rtu {
    /// In microseconds; 65 ms are more than any line needs.
    character: u16,
    silence: Duration,
    echo: Option<bool>,
    learns: bool,
    /// Units that still owe an answer; 0 is a free place, as nobody answers for all.
    suspects: [u8; MOST_SUSPECTS],
    /// There were more of them than places: then everybody is one.
    overflow: bool,
    /// The short lengths that owed answers have, a bit each.
    owed: u8,
}

/// Whether a half-duplex line gives back what is sent on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Echo {
    /// Nobody knows; the replies to reads will tell. Until then writes whose reply equals the request are refused.
    #[default]
    Learn,
    /// It does not.
    Absent,
    /// It does, always.
    Present,
}

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
        let silence = line.frame_silence();
        let micros = line.character().as_micros();
        #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
        let character = if micros > u16::MAX as u64 { u16::MAX } else { micros as u16 };
        Self {
            character,
            silence,
            echo: None,
            learns: true,
            suspects: [0; MOST_SUSPECTS],
            overflow: false,
            owed: 0,
        }
    }

    /// Says whether the line echoes.
    pub const fn with_echo(mut self, echo: Echo) -> Self {
        (self.echo, self.learns) = match echo {
            Echo::Learn => (None, true),
            Echo::Absent => (Some(false), false),
            Echo::Present => (Some(true), false),
        };
        self
    }

    /// Waits longer between frames: for a host whose adapter delivers late, or a device that wants a pause.
    pub const fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// How long the line is silent between two frames.
    pub const fn silence(&self) -> Duration {
        self.silence
    }

    /// Whether an earlier request to `unit` may still be answered.
    pub fn is_suspect(&self, unit: u8) -> bool {
        sealed::Framing::is_suspect(self, unit)
    }

    /// The place of `unit` among the suspects; that of 0 is a free one.
    fn place(&mut self, unit: u8) -> Option<&mut u8> {
        self.suspects.iter_mut().find(|suspect| **suspect == unit)
    }
}

impl sealed::Framing for Rtu {
    const HEADER: usize = 1;
    const TRAILER: usize = 2;
    const STREAM: bool = false;

    fn seal(&mut self, frame: &mut [u8], unit: u8) -> Result<(), RequestError> {
        Self::seal_reply(frame, unit)
    }

    fn silence(&self) -> Duration {
        self.silence
    }

    fn transmission(&self, bytes: usize) -> Duration {
        // 16 bits each, so that no 64-bit multiplication is linked: no frame is longer than 260 bytes.
        let micros = u32::from(self.character) * u32::from(u16::try_from(bytes).unwrap_or(u16::MAX));
        Duration::from_micros(micros.into())
    }

    fn scan_reply(&self, window: &[u8], expected: &Expected, last: bool) -> Scan {
        let [unit, code, ..] = *window else { return Scan::More };
        let (is_unit, length) = (unit == expected.unit, 1 + expected.length(code) + 2);
        if is_unit && window.get(1..).is_some_and(|pdu| expected.may_start(pdu)) {
            return match window.get(..length).map(parse) {
                None if last => Scan::Reject(1, FrameError::Checksum),
                None => Scan::More,
                Some(Ok(_)) => Scan::Frame(length),
                Some(Err(error)) => Scan::Reject(1, error),
            };
        }
        let related = is_unit && code == expected.code;
        match scan_other(window, is_unit) {
            // A short or long reply of this unit may still be coming, or an echo: unless the reply stands behind it.
            Scan::More if related && !last => behind(window, expected).unwrap_or(Scan::More),
            Scan::More if related => Scan::Reject(1, FrameError::Checksum),
            Scan::More => Scan::Skip(1),
            found => found,
        }
    }

    fn scan_request(&self, window: &[u8], unit: u8, silent: bool) -> Scan {
        // What ends at the silence is a request, whatever came before it: noise, a torn frame, other units' traffic.
        let ours = |start: &usize| window.get(*start..).is_some_and(|bytes| is_request(bytes, unit));
        match (0..window.len()).find(ours).filter(|_| silent) {
            Some(0) => Scan::Frame(window.len()),
            Some(start) => Scan::Skip(start),
            None => Scan::More,
        }
    }

    fn serves(&self, unit: u8, asked: u8) -> Serves {
        match asked {
            0 => Serves::Broadcast,
            _ if asked == unit => Serves::Answer,
            _ => Serves::Ignore,
        }
    }

    type Header = u8;

    fn header(frame: &[u8]) -> Option<u8> {
        frame.first().copied()
    }

    fn unit(header: u8) -> u8 {
        header
    }

    fn seal_reply(frame: &mut [u8], unit: u8) -> Result<(), RequestError> {
        if let Some(header) = frame.first_mut() {
            *header = unit;
        }
        seal(frame)
    }

    fn doubt(&mut self, asked: &Expected) {
        if !asked.is_ambiguous() {
            return;
        }
        self.owed |= size_bit(asked);
        if self.place(asked.unit).is_none() {
            match self.place(0) {
                Some(free) => *free = asked.unit,
                None => self.overflow = true,
            }
        }
    }

    fn clear(&mut self, unit: u8) {
        if let Some(place) = self.place(unit) {
            *place = 0;
        }
        if self.suspects.iter().all(|suspect| *suspect == 0) {
            (self.owed, self.overflow) = (0, false);
        }
    }

    fn is_suspect(&self, unit: u8) -> bool {
        self.overflow || self.suspects.contains(&unit)
    }

    /// So few registers that the reply has a length no owed reply has, and neither has the request's own.
    fn probe(&self, expected: &Expected) -> u16 {
        let own = size_bit(expected);
        let not_in = |taken: u8| (1..8).find(|size| taken >> size & 1 == 0);
        // Where all seven are owed, one that is not the request's own will do: replies come in order, so none of the
        // request's own length can follow it.
        let free = not_in(self.owed | own).or_else(|| not_in(own)).unwrap_or(1);
        if expected.is_coil_read() { free * 8 } else { free }
    }

    fn echoes(&self) -> Option<bool> {
        self.echo
    }

    fn learn_echo(&mut self, echoes: bool) {
        if self.learns {
            self.echo = Some(echoes);
        }
    }
}

/// Steps over a whole frame that is not the reply, so that nothing inside it can be taken for one.
fn scan_other(window: &[u8], from_unit: bool) -> Scan {
    let Some(length) = window.get(1..).and_then(reply_extent) else { return Scan::Skip(1) };
    match window.get(..length + 3).map(parse) {
        None => Scan::More,
        Some(Ok(_)) if from_unit => Scan::Reject(length + 3, FrameError::Mismatch),
        Some(Ok(_)) => Scan::Skip(length + 3),
        Some(Err(error)) if from_unit => Scan::Reject(1, error),
        Some(Err(_)) => Scan::Skip(1),
    }
}

/// Steps to the reply where it is whole and somewhere behind the front of `window`.
fn behind(window: &[u8], expected: &Expected) -> Option<Scan> {
    let whole = |start: &usize| window.get(*start..).is_some_and(|bytes| is_reply(bytes, expected));
    (1..window.len()).find(whole).map(Scan::Skip)
}

/// Whether `bytes` start with a whole frame that answers `expected`.
fn is_reply(bytes: &[u8], expected: &Expected) -> bool {
    let [unit, pdu @ ..] = bytes else { return false };
    let length = pdu.first().map_or(0, |code| 1 + expected.length(*code) + 2);
    *unit == expected.unit
        && expected.may_start(pdu)
        && bytes.get(..length).is_some_and(|frame| parse(frame).is_ok())
}

/// How long the PDU of the reply is that starts with `bytes`, as far as they tell.
fn reply_extent(bytes: &[u8]) -> Option<usize> {
    let code = *bytes.first()?;
    if code & REFUSED == 0 {
        Function::from_code(code).response()?.of(bytes)
    } else {
        Extent::Fixed(2).of(bytes)
    }
}

/// Whether `bytes` are exactly one request to `unit` or to all.
fn is_request(bytes: &[u8], unit: u8) -> bool {
    let Some((asked, pdu)) = bytes.split_first() else { return false };
    (*asked == unit || *asked == 0) && request_length_fits(pdu) && parse(bytes).is_ok()
}

/// Whether the length suits the function; for an unknown one any does, as its refusal needs none.
fn request_length_fits(pdu_and_checksum: &[u8]) -> bool {
    let Some(code) = pdu_and_checksum.first() else { return false };
    match Function::from_code(*code).request() {
        Some(extent) => {
            extent.of(pdu_and_checksum).is_some_and(|length| length + 2 == pdu_and_checksum.len())
        }
        None => *code & REFUSED == 0,
    }
}

/// Writes the checksum of all but the last two bytes into those.
fn seal(frame: &mut [u8]) -> Result<(), RequestError> {
    let (message, checksum) =
        frame.split_last_chunk_mut().ok_or(RequestError::Buffer { needed: MAX_LENGTH })?;
    *checksum = crc::checksum(message).to_le_bytes();
    Ok(())
}

/// A bit for each short length of a read's values: one byte or register, two, and so on to seven; none for longer.
fn size_bit(asked: &Expected) -> u8 {
    let size = if asked.is_coil_read() { asked.byte_count() } else { asked.byte_count() / 2 };
    if size < 8 { 1 << size } else { 0 }
}

/// More units than this that all owe an answer are rare, and cost one short read more for each read.
const MOST_SUSPECTS: usize = 8;

/// MB-SERIAL 2.3: unit, a PDU of at most 253 bytes, two bytes of checksum.
const MAX_LENGTH: usize = 256;
