//! Modbus TCP: a header with transaction, length and unit before the PDU (MB-TCP 3.1.3).

use ccm_core::{Duration, Reader};

use super::sealed::Serves;
use super::{Expected, Frame, MAX_ADU, Scan, Serial, sealed};
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
    let length = writer.finish();
    seal(buffer, transaction, unit, length).ok_or(RequestError::Buffer { needed: HEADER + length })
}

/// A TCP connection, or a UDP socket, as a client or server knows it.
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
    const SILENT: bool = false;
    type Header = [u8; HEADER];
    type Debts = ();

    fn serial(&self) -> Option<&Serial> {
        None
    }

    fn serial_mut(&mut self) -> Option<&mut Serial> {
        None
    }

    fn silence(&self) -> Duration {
        Duration::ZERO
    }

    fn seal(&mut self, buffer: &mut [u8], unit: u8, length: usize) -> Option<usize> {
        self.transaction = self.transaction.wrapping_add(1);
        seal(buffer, self.transaction, unit, length)
    }

    fn seal_reply(buffer: &mut [u8], [high, low, .., unit]: Self::Header, length: usize) -> Option<usize> {
        seal(buffer, u16::from_be_bytes([high, low]), unit, length)
    }

    fn scan_reply(&self, window: &[u8], asked: &Expected, _last: bool) -> Scan {
        scan_reply(window, self.transaction, asked)
    }

    fn blame(_heard: &[u8], _unit: u8) -> Option<FrameError> {
        None // Replies to other transactions are no fault.
    }

    fn remainder(window: &[u8]) -> usize {
        match Header::parse(window).map(|header| header.extent()) {
            Some(Ok(total) | Err(Scan::Skip(total))) => total.saturating_sub(window.len()),
            _ => 0,
        }
    }

    fn scan_request(&self, window: &[u8], _unit: u8, _silent: bool) -> Scan {
        let Some(header) = Header::parse(window) else { return Scan::More };
        match header.extent() {
            Ok(total) if window.len() < total => Scan::More,
            Ok(total) => Scan::Frame(total),
            Err(scan) => scan,
        }
    }

    fn serves(unit: u8, asked: u8) -> Serves {
        if answers(asked, unit) { Serves::Answer } else { Serves::Refuse }
    }

    fn header(frame: &[u8]) -> Option<Self::Header> {
        frame.first_chunk().copied()
    }

    fn unit([.., unit]: Self::Header) -> u8 {
        unit
    }
}

/// Looks for the reply to the request of this transaction at the front of `window`.
pub(crate) fn scan_reply(window: &[u8], transaction: u16, asked: &Expected) -> Scan {
    let Some(header) = Header::parse(window) else { return Scan::More };
    let total = match header.extent() {
        Ok(total) if header.transaction == transaction => total,
        Ok(total) => return Scan::Skip(total), // MB-TCP 4.4.1.3: an unknown transaction is discarded, not reported.
        Err(scan) => return scan,
    };
    let Some((unit, pdu)) = window.get(6..total).and_then(<[u8]>::split_first) else { return Scan::More };
    if answers(asked.unit, *unit) && asked.is_answered_by(pdu) {
        return Scan::Frame(total);
    }
    Scan::Fail(total, FrameError::Mismatch)
}

/// Whether `unit` may speak for `asked`: on a connection to a single device 0 and 255 mean that one (MB-TCP 4.4.1.2).
pub(crate) const fn answers(asked: u8, unit: u8) -> bool {
    asked == unit || matches!(asked, 0 | 255)
}

pub(crate) struct Header {
    pub(crate) transaction: u16,
    protocol: u16,
    length: u16,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
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
    pub(crate) fn extent(&self) -> Result<usize, Scan> {
        let total = 6 + usize::from(self.length);
        match (self.protocol, self.length) {
            (_, 255..) => Err(Scan::Fail(6, FrameError::Stream)),
            (0, 2..) => Ok(total),
            _ => Err(Scan::Skip(total)),
        }
    }
}

/// Writes the header before the PDU of `length` bytes that stands behind its place.
pub(crate) fn seal(buffer: &mut [u8], transaction: u16, unit: u8, length: usize) -> Option<usize> {
    let [a, b] = transaction.to_be_bytes();
    let [c, d] = u16::try_from(length + 1).ok()?.to_be_bytes();
    *buffer.first_chunk_mut()? = [a, b, 0, 0, c, d, unit];
    buffer.get(..HEADER + length).map(<[u8]>::len)
}

/// Transaction, protocol, length and unit.
pub(crate) const HEADER: usize = 7;
