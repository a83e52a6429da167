//! What can go wrong, and whose fault it is.

use ccm_core::{Full, Missing};

use crate::Exception;

/// Why an exchange brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The caller asked for something the protocol cannot carry.
    #[error("invalid request: {0}")]
    Request(#[from] RequestError),
    /// Bytes came from the line, but not the reply.
    #[error("bad frame: {0}")]
    Frame(#[from] FrameError),
    /// The device's reply contradicts itself.
    #[error("bad message: {0}")]
    Message(#[from] MessageError),
    /// The device understood and refused.
    #[error("device answered {0}")]
    Exception(Exception),
    /// The line gave back something else than was sent: a collision, or a broken driver.
    #[error("the echo is not what was sent: somebody else sends too")]
    Collision,
    /// Nothing came before the deadline.
    #[error("no reply")]
    Timeout,
    /// Somebody else sends without a pause; the request was never sent.
    #[error("the line is never silent")]
    Busy,
    /// An answer to an earlier request may still come, and it could not be told from the answer to this one.
    #[error("an earlier answer may still come: read something from this unit first")]
    Suspect,
    /// No exchange was started, or it is not over.
    #[error("the exchange is not over")]
    Unfinished,
}

/// What the caller did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RequestError {
    /// The function carries 1 to `limit` coils or registers.
    #[error("{found} coils or registers at once; the function carries 1 to {limit}")]
    Quantity {
        /// What was asked for.
        found: u16,
        /// The most there can be.
        limit: u16,
    },
    /// The last address would be above 65 535.
    #[error("{quantity} from address {start} on end beyond address 65535")]
    Range {
        /// The first address.
        start: u16,
        /// How many follow.
        quantity: u16,
    },
    /// More bytes of data than the function carries.
    #[error("{found} bytes of data; the function carries at most {limit}, in the reply too")]
    Data {
        /// How many there are.
        found: u16,
        /// The most there can be.
        limit: u16,
    },
    /// Diagnostics carry pairs of bytes, one pair at least (MB-APP 6.8).
    #[error("{found} bytes of diagnostic data; it takes pairs, one at least")]
    OddData {
        /// How many there are.
        found: usize,
    },
    /// Function codes are 1 to 127.
    #[error("there is no function {code}; use 1 to 127")]
    Function {
        /// The code.
        code: u8,
    },
    /// Files begin with 1, records end with 9999, and a group has one register at least (MB-APP 6.14).
    #[error("no file has such registers: files begin with 1 and records end with 9999")]
    FileReference,
    /// The caller's buffer cannot hold the message or its reply.
    #[error("the buffer must hold {needed} bytes")]
    Buffer {
        /// Bytes it must hold.
        needed: usize,
    },
    /// Unit 0 means every unit, and no unit answers it: only writes make sense (MB-SERIAL 2.1).
    #[error("unit 0 reaches all units and none answers; it can only be written to")]
    Broadcast,
    /// The reply to this request equals the request, and nobody has said whether the line echoes.
    #[error("on a line that may echo this reply proves nothing: set the echo, or read something first")]
    Echo,
}

impl From<Full> for RequestError {
    fn from(Full: Full) -> Self {
        Self::Buffer { needed: crate::frame::MAX_ADU }
    }
}

/// What came was not a frame for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// Fewer or more bytes than a frame has, or than its header says.
    #[error("the frame has the wrong length")]
    Length,
    /// The checksum is wrong: noise, a collision, or two units with one address.
    #[error("the checksum is wrong")]
    Checksum,
    /// The frame is sound and from this unit, but it does not answer this request.
    #[error("the unit answered something else than it was asked")]
    Mismatch,
    /// What the connection carries is not Modbus; connect anew.
    #[error("the connection carries no Modbus")]
    Stream,
}

/// A message contradicts itself or the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MessageError {
    /// It ends too early.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// It goes on after its end.
    #[error("{found} bytes follow the end of the message")]
    Trailing {
        /// How many.
        found: usize,
    },
    /// A function code that no request can have.
    #[error("function code {code:#04x} is none")]
    Function {
        /// The code.
        code: u8,
    },
    /// The quantity breaks the function's limit.
    #[error("a quantity of {found}; the function carries 1 to {limit}")]
    Quantity {
        /// What was asked for.
        found: u16,
        /// The most there can be.
        limit: u16,
    },
    /// The byte count does not fit the quantity or is odd.
    #[error("{found} bytes of values do not fit the quantity")]
    ByteCount {
        /// How many bytes of values there are.
        found: usize,
    },
    /// A single coil is set to neither 0xFF00 nor 0x0000.
    #[error("a coil cannot be set to {found:#06x}")]
    CoilValue {
        /// What it was to be set to.
        found: u16,
    },
    /// The last address would be above 65 535.
    #[error("{quantity} from address {start} on end beyond address 65535")]
    Range {
        /// The first address.
        start: u16,
        /// How many follow.
        quantity: u16,
    },
    /// A group of registers that no file has (MB-APP 6.14).
    #[error("no file has such registers")]
    FileReference,
    /// A kind of identification that the standard does not know (MB-APP 6.21).
    #[error("there is no read device ID code {code}")]
    ReadDeviceId {
        /// The code.
        code: u8,
    },
}

impl MessageError {
    /// What a server answers a request that is wrong in this way (MB-APP 6, the diagrams).
    pub const fn exception(self) -> Exception {
        match self {
            Self::Function { .. } => Exception::IllegalFunction,
            Self::Range { .. } | Self::FileReference => Exception::IllegalDataAddress,
            _ => Exception::IllegalDataValue,
        }
    }
}
