//! What a tracker sees.

use ccm_core::{Duration, Instant};

use crate::{Frame, Function};

/// Something that happened on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// A sound frame.
    Frame(Sighting<'a>),
    /// A request that had no sound reply before the next one began.
    Unanswered {
        /// Who was asked.
        unit: u8,
        /// For what.
        function: Function,
        /// When the request ended.
        asked: Instant,
    },
    /// Bytes that are no frame: noise, a collision, a wrong checksum. So many as are heard between two frames or pauses
    /// come at once, as long as the buffer holds them.
    Noise {
        /// When the first of them came.
        at: Instant,
        /// The bytes.
        bytes: &'a [u8],
        /// The unit whose reply was waited for.
        waited_for: Option<u8>,
    },
}

/// A sound frame on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sighting<'a> {
    /// When its last byte came.
    pub at: Instant,
    /// All its bytes, unit and checksum included.
    pub bytes: &'a [u8],
    /// The message and its unit.
    pub frame: Frame<'a>,
    /// Who sent it.
    pub role: Role,
}

/// Whether a frame goes to its unit or comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// The master asks.
    Request,
    /// The unit answers the last request, be it with an exception.
    Reply {
        /// How long after the request's end the reply began, as it was heard; nothing where both came in one lump.
        after: Option<Duration>,
    },
    /// A reply to no request that was heard: late, or to another question.
    Stray,
}
