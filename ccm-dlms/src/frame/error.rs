//! What can go wrong on a link, and whose fault it is.

use ccm_core::{Full, Missing};

use super::hdlc::Address;

/// Why an exchange over a link brought no APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LinkError {
    /// Bytes came, but no frame that answers.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// The server is not linked any more (DM): it has timed out, was reset, or serves another client. Link anew.
    #[error("the server is disconnected")]
    Disconnected,
    /// The server cannot make sense of a frame (FRMR): the two ends are out of step. Link anew.
    #[error("the server rejected a frame with control {control:#04x} for reason {reason:#04x}")]
    Rejected {
        /// The control field of the frame that it rejected; 0 where it does not say.
        control: u8,
        /// Bits W 1 (no such control), X 2 (no information allowed), Y 4 (too long), Z 8 (N(R) out of range).
        reason: u8,
    },
    /// The server is there, but has kept its client waiting for too long (RNR, or RR without an answer).
    #[error("the server stays busy")]
    Busy,
    /// The answer is longer than the caller's buffer.
    #[error("the answer has {needed} bytes; the buffer takes {room}")]
    Overflow {
        /// How long the answer is, as far as it is known.
        needed: usize,
        /// How much of the buffer is there for an APDU.
        room: usize,
    },
    /// Nothing came before the deadline.
    #[error("no reply")]
    Timeout,
    /// No exchange was started, or it is not over.
    #[error("the exchange is not over")]
    Unfinished,
}

/// What the caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// The caller's buffer cannot hold the frame and the APDU.
    #[error("the buffer must hold {needed} bytes")]
    Buffer {
        /// Bytes it must hold.
        needed: usize,
    },
    /// There is nothing to send.
    #[error("an APDU has one byte at least")]
    Empty,
    /// The wrapper's length field ends at 65 535.
    #[error("{found} bytes of APDU; the wrapper carries at most 65535")]
    Length {
        /// How long the APDU is.
        found: usize,
    },
    /// The link is not there, or was lost: connect first.
    #[error("the link is not connected")]
    NotConnected,
    /// The halves of an address have 7 bits in one or two bytes, 14 bits in four, and one byte has no lower half.
    #[error("address {upper}/{lower} does not fit its width")]
    Address {
        /// The logical device or client.
        upper: u16,
        /// The physical device.
        lower: u16,
    },
    /// Information fields have 1 to 2030 bytes, windows 1 to 7 frames.
    #[error("the parameters are out of range")]
    Parameters,
}

impl From<Full> for RequestError {
    fn from(Full: Full) -> Self {
        Self::Buffer { needed: super::hdlc::OVERHEAD }
    }
}

/// What came was not a frame for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// It ends too early.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// The first bytes are not those of a type 3 frame.
    #[error("format {found:#06x} is none of a type 3 frame")]
    Format {
        /// The first two bytes.
        found: u16,
    },
    /// Fewer or more bytes than the length field says.
    #[error("the length field says {announced} bytes; there are {found}")]
    Length {
        /// What the length field says.
        announced: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// The header's check sequence is wrong.
    #[error("the header's checksum is wrong")]
    HeaderChecksum,
    /// The frame's check sequence is wrong: noise, a collision, or wrong settings of the line.
    #[error("the checksum is wrong")]
    Checksum,
    /// An address has three bytes, or more than four.
    #[error("an address has {width} bytes; it must have 1, 2 or 4")]
    AddressWidth {
        /// How many bytes it has.
        width: usize,
    },
    /// The frame is longer than the caller's buffer.
    #[error("a frame of {length} bytes; the buffer takes {room}")]
    TooLong {
        /// The length field.
        length: usize,
        /// How much there is room for.
        room: usize,
    },
    /// A sound frame between others than the two of this link.
    #[error("a frame from {found}; {expected} was asked")]
    Source {
        /// Who was asked.
        expected: Address,
        /// Who sent the frame.
        found: Address,
    },
    /// A sound frame to somebody else.
    #[error("a frame to {found}; this is {expected}")]
    Destination {
        /// Who listens.
        expected: Address,
        /// Whom the frame is for.
        found: Address,
    },
    /// A frame between two other ports of the wrapper.
    #[error("a frame from port {source_port} to {destination_port}; port {server} was asked by {client}")]
    Port {
        /// Who sent it.
        source_port: u16,
        /// Whom it is for.
        destination_port: u16,
        /// Who was asked.
        server: u16,
        /// Who asked.
        client: u16,
    },
    /// Sequence numbers that no frame of this link can have.
    #[error("the frame is out of sequence")]
    Sequence,
    /// The parameters of SNRM or UA are none.
    #[error("the link's parameters are malformed")]
    Parameters,
    /// A segment of an APDU is missing: what came of it before is thrown away.
    #[error("a segment is missing")]
    Incomplete,
    /// The wrapper has version 1: the stream carries something else, or is out of step.
    #[error("version {found} of the wrapper is unknown")]
    Version {
        /// The version field.
        found: u16,
    },
}
