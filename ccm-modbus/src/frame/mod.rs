//! Frames: where a message ends, whether it is whole, and which unit it is for.

mod crc;
mod decoder;
mod expected;
pub mod rtu;
pub mod tcp;

pub(crate) use decoder::Decoder;
pub(crate) use expected::Expected;

use crate::RequestError;

/// A message and the unit it goes to or comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// 1 to 247; 0 is everybody, 248 to 255 are reserved (MB-SERIAL 2.2).
    pub unit: u8,
    /// Function code and data, at most 253 bytes.
    pub pdu: &'a [u8],
}

/// What carries messages: [`Rtu`](rtu::Rtu) or [`Tcp`](tcp::Tcp). Keeps what a client must remember of its line.
///
/// Sealed: the two framings are all there are, and what they share is not an interface to build upon.
pub trait Framing: sealed::Framing {}

impl<F: sealed::Framing> Framing for F {}

/// What a scan finds at the front of the bytes received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The frame looked for; it has so many bytes, header and trailer included.
    Frame(usize),
    /// So many bytes are none of our business; they may reach beyond those received so far.
    Skip(usize),
    /// So many bytes look like the reply, but are not.
    Reject(usize, crate::FrameError),
    /// More bytes are needed to tell.
    More,
}

pub(crate) mod sealed {
    use ccm_core::Duration;

    use super::{Expected, RequestError, Scan};

    pub trait Framing {
        /// Bytes before the PDU.
        const HEADER: usize;
        /// Bytes after it.
        const TRAILER: usize;
        /// Whether bytes between two exchanges belong to frames that must be followed, rather than be thrown away.
        const STREAM: bool;

        /// Completes the frame whose PDU of `length` bytes stands behind the header.
        fn seal(&mut self, frame: &mut [u8], unit: u8) -> Result<(), RequestError>;

        /// How long the line must be silent before a request.
        fn silence(&self) -> Duration;

        /// How long `bytes` take on the line.
        fn transmission(&self, bytes: usize) -> Duration;

        /// Looks for the reply at the front of `window`; with `last` no more bytes will come.
        fn scan_reply(&self, window: &[u8], expected: &Expected, last: bool) -> Scan;

        /// Looks for a request to `unit`; with `silent` the line has been silent after these bytes.
        fn scan_request(&self, window: &[u8], unit: u8, silent: bool) -> Scan;

        /// Whether a server of `unit` answers a request to `asked`, keeps quiet, or is the wrong one.
        fn serves(&self, unit: u8, asked: u8) -> Serves;

        /// What a reply repeats of its request's header.
        type Header: Copy;

        /// The header of a request.
        fn header(frame: &[u8]) -> Option<Self::Header>;

        /// The unit that a header names.
        fn unit(header: Self::Header) -> u8;

        /// Completes the reply to the request with this header.
        fn seal_reply(frame: &mut [u8], header: Self::Header) -> Result<(), RequestError>;

        /// An exchange was left without its reply, which may still come.
        fn doubt(&mut self, asked: &Expected) {
            let _ = asked;
        }

        /// A reply came that could not be that of an earlier request: nothing is owed any more.
        fn clear(&mut self, unit: u8) {
            let _ = unit;
        }

        /// Whether an earlier request to `unit` may still be answered.
        fn is_suspect(&self, unit: u8) -> bool {
            let _ = unit;
            false
        }

        /// How much to read to tell an earlier request's reply from this one's by its length.
        fn probe(&self, expected: &Expected) -> u16 {
            expected.quantity()
        }

        /// Whether the line gives back what is sent; nothing where nobody knows.
        fn echoes(&self) -> Option<bool> {
            Some(false)
        }

        /// A reply to a read has shown whether the line echoes.
        fn learn_echo(&mut self, echoes: bool) {
            let _ = echoes;
        }
    }

    /// What a server does with a valid request.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Serves {
        /// Carries it out and answers.
        Answer,
        /// Carries it out in silence.
        Broadcast,
        /// Refuses it: it went to a unit that is not here.
        Refuse,
        /// Acts as if it had not come.
        Ignore,
    }
}

/// The longest frame of all framings: TCP's header and a whole PDU.
pub(crate) const MAX_ADU: usize = 260;
