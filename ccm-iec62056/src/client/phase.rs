//! Where a client stands.

use ccm_core::Line;

use crate::frame::{ACK, NAK};
use crate::message::{Code, Command, Select};
use crate::{Check, Error, Request};

/// What the answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Identification,
    /// A telegram that pushes or follows by itself.
    Telegram,
    /// Data, or the wish for a password.
    Selection,
    /// Mode E: the acknowledgement comes back.
    Binary,
    Read,
    /// A command that is never sent twice.
    Once,
    Exit,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Rest,
    /// The line gets the speed of the exchange's beginning.
    Tune,
    WakeUp,
    WokenUp,
    /// Nothing is sent until `until`: the meter wakes up, or has its time to react.
    Pause,
    Send,
    /// The next poll says that the last stop bit has left.
    Sent,
    /// Waits before the change of speed.
    Drain,
    Switch,
    Wait,
    /// ACK, NAK or break is sent when the meter has had its time.
    Reply(Short),
    ReplySend(Short),
    ReplySent(Short),
    HandOver,
    Over(Over),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    Acknowledge,
    Repeat,
    Break,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Over {
    Identification,
    Data(Check, bool),
    Prompt(u8),
    Acknowledged,
    Exited,
    Binary(Line),
    Failed(Error),
}

impl Short {
    pub(super) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Acknowledge => &[ACK],
            Self::Repeat => &[NAK],
            Self::Break => b"\x01B0\x03q",
        }
    }
}

impl Asked {
    pub(super) const fn of(request: &Request<'_>) -> Self {
        match request {
            Request::SignOn { .. } => Self::Identification,
            Request::Listen { .. } => Self::Telegram,
            Request::Select(Select { protocol: b'2', option: b'2', .. }) => Self::Binary,
            Request::Select(_) => Self::Selection,
            Request::Command(Command { code: Code::Read, .. }) => Self::Read,
            Request::Command(Command { code: Code::Exit, .. }) => Self::Exit,
            Request::Command(_) => Self::Once,
        }
    }
}
