//! The ports and what each of them carries.

use ccm_core::Instant;

use crate::{Error, RequestError};

/// A port and what it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Port {
    pub(super) is_up: bool,
    /// The client served last.
    pub(super) served: usize,
    pub(super) asked: Option<Asked>,
}

impl Port {
    pub(super) const DOWN: Self = Self { is_up: false, served: 0, asked: None };
}

/// A request on the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) place: usize,
    /// When it was taken from the queue.
    pub(super) at: Instant,
    /// Requests with a lower number were waiting then.
    pub(super) age: u32,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The request itself.
    First,
    /// Something is read from the unit, so that the client can tell answers apart.
    Knock,
    /// The request itself, after that.
    Again,
}

impl Asked {
    /// Whether another exchange comes before the answer.
    pub(super) fn goes_on(&mut self, outcome: Result<&[u8], Error>) -> bool {
        let next = match (self.stage, outcome) {
            (Stage::First, Err(Error::Suspect | Error::Request(RequestError::Echo))) => Stage::Knock,
            (Stage::Knock, Ok(_) | Err(Error::Exception(_))) => Stage::Again,
            _ => return false,
        };
        self.stage = next;
        true
    }
}
