//! Modbus TCP: a header with transaction, length and unit before the PDU (MB-TCP 3.1.3).

use ccm_core::{Duration, Reader};

use super::sealed::Serves;
use super::{Expected, Frame, MAX_ADU, Scan, sealed};
use crate::{FrameError, Request, RequestError};

/// Reads a frame that fills `bytes` exactly; gives its transaction identifier and itself.
///
/// # Errors
/// [`FrameError::Stream`] where the header is none, [`FrameError::Length`] where it announces another length.
pub fn parse(bytes: &[u8]) -> Result<(u16, Frame<'_>), FrameError> {
    let header = Header::parse(bytes).ok_or(FrameError::Length)?;
    if header.extent().map_err(|_| FrameError::Stream)? != bytes.len() {
        return Err(FrameError::Length);
    }
    let (unit, pdu) = bytes.get(6..).and_then(<[u8]>::split_first).ok_or(FrameError::Length)?;
    Ok((header.transaction, Frame { unit: *unit, pdu }))
}

/// Writes a request to `unit` into `buffer` and gives its length.
///
/// # Errors
/// The caller's: what [`Request::emit`] says.
pub fn emit(
    transaction: u16,
    unit: u8,
    request: &Request<'_>,
    buffer: &mut [u8],
) -> Result<usize, RequestError> {
    let pdu = buffer.get_mut(HEADER..).ok_or(RequestError::Buffer { needed: MAX_ADU })?;
    let mut writer = ccm_core::Writer::new(pdu);
    request.emit(&mut writer)?;
    let length = HEADER + writer.finish();
    seal(buffer.get_mut(..length).unwrap_or_default(), transaction, unit);
    Ok(length)
}

/// A TCP connection as a client or server knows it.
#[derive(Clone, Debug, Default)]
pub struct Tcp {
    transaction: u16,
}

impl Tcp {
    /// A connection on which nothing has been sent.
    pub const fn new() -> Self {
        Self { transaction: 0 }
    }
}

impl sealed::Framing for Tcp {
    const HEADER: usize = HEADER;
    const TRAILER: usize = 0;
    const STREAM: bool = true;

    fn seal(&mut self, frame: &mut [u8], unit: u8) -> Result<(), RequestError> {
        self.transaction = self.transaction.wrapping_add(1);
        seal(frame, self.transaction, unit);
        Ok(())
    }

    fn silence(&self) -> Duration {
        Duration::ZERO
    }

    fn transmission(&self, _bytes: usize) -> Duration {
        Duration::ZERO
    }

    fn scan_reply(&self, window: &[u8], expected: &Expected, _last: bool) -> Scan {
        let Some(header) = Header::parse(window) else { return Scan::More };
        let total = match header.extent() {
            Ok(total) if header.transaction == self.transaction => total,
            Ok(total) => return Scan::Skip(total), // MB-TCP 4.4.1.3: an unknown transaction is discarded, not reported.
            Err(scan) => return scan,
        };
        let Some((unit, pdu)) = window.get(6..total).and_then(<[u8]>::split_first) else { return Scan::More };
        let length = pdu.first().map_or(0, |code| expected.length(*code));
        if answers(expected.unit, *unit) && expected.may_start(pdu) && pdu.len() == length {
            return Scan::Frame(total);
        }
        Scan::Reject(total, FrameError::Mismatch)
    }

    fn scan_request(&self, window: &[u8], _unit: u8, _silent: bool) -> Scan {
        let Some(header) = Header::parse(window) else { return Scan::More };
        match header.extent() {
            Ok(total) if window.len() < total => Scan::More,
            Ok(total) => Scan::Frame(total),
            Err(scan) => scan,
        }
    }

    fn serves(&self, unit: u8, asked: u8) -> Serves {
        if answers(asked, unit) { Serves::Answer } else { Serves::Refuse }
    }

    type Header = [u8; HEADER];

    fn header(frame: &[u8]) -> Option<[u8; HEADER]> {
        frame.first_chunk().copied()
    }

    fn unit([.., unit]: [u8; HEADER]) -> u8 {
        unit
    }

    fn seal_reply(frame: &mut [u8], [high, low, .., unit]: [u8; HEADER]) -> Result<(), RequestError> {
        seal(frame, u16::from_be_bytes([high, low]), unit);
        Ok(())
    }
}

/// Whether `unit` may speak for `asked`: on a connection to a single device 0 and 255 mean that one (MB-TCP 4.4.1.2).
const fn answers(asked: u8, unit: u8) -> bool {
    asked == unit || matches!(asked, 0 | 255)
}

struct Header {
    transaction: u16,
    protocol: u16,
    length: u16,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut field = |name| reader.u16(name).ok();
        Some(Self {
            transaction: field("transaction")?,
            protocol: field("protocol")?,
            length: field("length")?,
        })
    }

    /// The length of the whole frame. Another protocol's is stepped over; one too long to be any ends the stream, as
    /// nobody can tell where the next begins.
    fn extent(&self) -> Result<usize, Scan> {
        let total = 6 + usize::from(self.length);
        match (self.protocol, self.length) {
            (_, 255..) => Err(Scan::Reject(6, FrameError::Stream)),
            (0, 2..) => Ok(total),
            _ => Err(Scan::Skip(total)),
        }
    }
}

fn seal(frame: &mut [u8], transaction: u16, unit: u8) {
    let length = u16::try_from(frame.len().saturating_sub(6)).unwrap_or(u16::MAX);
    let mut writer = ccm_core::Writer::new(frame);
    // The four fields are written into a frame that is longer than they are.
    let _ = writer.u16(transaction).and_then(|()| writer.u16(0)).and_then(|()| writer.u16(length));
    let _ = writer.u8(unit);
}

/// Transaction, protocol, length and unit.
const HEADER: usize = 7;
