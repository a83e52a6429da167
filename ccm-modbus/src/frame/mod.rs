//! Frames: where a message ends, whether it is whole, and which unit it is for.

pub mod ascii;
pub(crate) mod crc;
mod debts;
mod expected;
pub mod rtu;
mod serial;
pub mod tcp;
mod window;

pub(crate) use debts::{Debts, count};
pub(crate) use expected::Expected;
pub use serial::Echo;
pub(crate) use serial::Serial;
pub(crate) use window::Window;

/// A message and the unit it goes to or comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// 1 to 247; 0 is everybody, 248 to 255 are reserved (MB-SERIAL 2.2).
    pub unit: u8,
    /// Function code and data, at most 253 bytes.
    pub pdu: &'a [u8],
}

/// What carries messages: [`Rtu`](rtu::Rtu), [`Ascii`](ascii::Ascii) or [`Tcp`](tcp::Tcp). Knows the line's timing
/// and its echo.
///
/// Sealed: the three framings are all there are, and what they share is not an interface to build upon.
pub trait Framing: sealed::Framing {}

impl<F: sealed::Framing> Framing for F {}

/// What a scan finds at the front of the bytes received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The frame looked for; it has so many bytes, header and trailer included.
    Frame(usize),
    /// So many bytes are none of our business; they may reach beyond those received so far.
    Skip(usize),
    /// So many bytes are a sound frame, but somebody else's.
    Pass(usize),
    /// So many bytes are the reply's frame, but not the reply.
    Fail(usize, crate::FrameError),
    /// More bytes are needed to tell.
    More,
}

pub(crate) mod sealed {
    use ccm_core::Duration;

    use super::{Debts, Expected, Scan, Serial};
    use crate::FrameError;

    pub trait Framing {
        /// Bytes before the PDU.
        const HEADER: usize;
        /// Bytes after it.
        const TRAILER: usize;
        /// Whether bytes between two exchanges belong to frames that must be followed, rather than be thrown away.
        const STREAM: bool;
        /// Whether silence ends a frame.
        const SILENT: bool;
        /// What a reply repeats of its request's header.
        type Header: Copy;
        /// What a client must remember of its units.
        type Debts: Debts;

        /// The serial line below; nothing for a network.
        fn serial(&self) -> Option<&Serial>;

        /// The same, to learn from what happens on it.
        fn serial_mut(&mut self) -> Option<&mut Serial>;

        /// How long the line must be silent before a frame.
        fn silence(&self) -> Duration;

        /// Completes the frame to `unit` whose PDU of `length` bytes stands behind the header; gives the frame's
        /// length, or nothing where the buffer is too short.
        fn seal(&mut self, buffer: &mut [u8], unit: u8, length: usize) -> Option<usize>;

        /// Completes the reply to the request with this header.
        fn seal_reply(buffer: &mut [u8], header: Self::Header, length: usize) -> Option<usize>;

        /// Turns a frame that was received into header, PDU and trailer, in place; gives its length.
        fn open(frame: &mut [u8]) -> usize {
            frame.len()
        }

        /// How many bytes a frame of so many bytes has on the wire.
        fn on_wire(length: usize) -> usize {
            length
        }

        /// Looks for the reply at the front of `window`; with `last` no more bytes will come.
        fn scan_reply(&self, window: &[u8], asked: &Expected, last: bool) -> Scan;

        /// What was wrong with what was heard, where it was no other unit's.
        fn blame(heard: &[u8], unit: u8) -> Option<FrameError>;

        /// How many bytes of a frame that begins at the front of `window` are still to come; nothing while not even its
        /// length is there, or where frames between exchanges do not matter.
        fn remainder(window: &[u8]) -> usize {
            let _ = window;
            0
        }

        /// Looks for a frame at the front of `window`; with `silent` the line has been silent after these bytes.
        fn scan_request(&self, window: &[u8], unit: u8, silent: bool) -> Scan;

        /// Whether a server of `unit` answers a request to `asked`, keeps quiet, or is the wrong one.
        fn serves(unit: u8, asked: u8) -> Serves;

        /// The header of a request.
        fn header(frame: &[u8]) -> Option<Self::Header>;

        /// The unit that a header names.
        fn unit(header: Self::Header) -> u8;
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

/// The longest frame of RTU and TCP: TCP's header and a whole PDU.
pub(crate) const MAX_ADU: usize = 260;
