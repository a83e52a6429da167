//! What the client says, when, and at which speed.

use ccm_core::{Duration, Instant, Line, Step};

use super::phase::{Asked, Over, Phase};
use super::{Client, Sink};
use crate::message::{Command, Data, START, Select, baud};
use crate::policy::Echo;
use crate::{Request, RequestError};

impl<S: Sink> Client<'_, S> {
    pub(super) fn check(&self, request: &Request<'_>) -> Result<(), RequestError> {
        match request {
            Request::Select(Select { speed, .. }) => {
                let is_offered = *speed == self.offered && baud(*speed).is_some();
                let offered = self.offered;
                let stays = *speed == b'0' && offered != 0;
                if is_offered || stays { Ok(()) } else { Err(RequestError::Speed { asked: *speed, offered }) }
            }
            Request::SignOn { address, .. } => sendable(address),
            Request::Command(Command { data, .. }) => match data {
                Data::Set { address, value, second } => {
                    sendable(address)?;
                    sendable(value)?;
                    second.map_or(Ok(()), sendable)
                }
                Data::Raw(raw) => sendable(raw),
                Data::None => Ok(()),
            },
            Request::Listen { .. } => Ok(()),
        }
    }

    pub(super) fn target(&self, request: &Request<'_>) -> Line {
        let line = self.line.unwrap_or(self.policy.start());
        let speed = match request {
            _ if self.policy.fixed_baud.is_some() => None,
            Request::SignOn { .. } => Some(START),
            Request::Select(select) => baud(select.speed),
            Request::Command(_) => None,
            Request::Listen { baud } => *baud,
        };
        speed.map_or(line, |baud| self.policy.line(baud))
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.until = match self.asked {
            Asked::Identification => now,
            Asked::Selection | Asked::Binary => self.heard + self.line_feed + self.reaction,
            Asked::Telegram => self.heard + self.line_feed + QUICK,
            _ => self.heard + self.reaction,
        };
        // Before a select the line stays as it is: the acknowledgement leaves at the old speed.
        let tunes = self.line.is_none() || matches!(self.asked, Asked::Identification | Asked::Telegram);
        self.phase = match self.line {
            Some(line) if line != self.target && self.asked == Asked::Telegram => Phase::Drain,
            line if tunes && line != Some(self.target) => Phase::Tune,
            _ => self.tuned(),
        };
        if matches!(self.phase, Phase::Wait) {
            self.await_first(now);
        }
    }

    /// What comes when the line is right.
    pub(super) fn tuned(&self) -> Phase {
        match self.asked {
            Asked::Telegram => Phase::Wait,
            Asked::Identification if self.policy.wake_up => Phase::WakeUp,
            _ => Phase::Pause,
        }
    }

    pub(super) fn await_first(&mut self, now: Instant) {
        let patience = self.asked == Asked::Telegram;
        self.until = now + if patience { self.policy.patience } else { self.policy.timeout };
        self.heard = now;
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.echo = (self.policy.echo == Echo::Learn).then_some(0);
        self.await_first(now);
        self.phase = match self.asked {
            Asked::Exit => Phase::Over(Over::Exited),
            _ if self.line == Some(self.target) || self.policy.fixed_baud.is_some() => Phase::Wait,
            _ => {
                self.until = now + self.policy.switch_delay;
                Phase::Drain
            }
        };
    }

    pub(super) fn message(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    pub(super) fn set_line(&mut self, line: Line, then: Phase) -> Step<'_> {
        let changes = self.policy.fixed_baud.is_none() && self.line != Some(line);
        (self.line, self.phase) = (Some(line), then);
        if changes { Step::SetLine(line) } else { self.step() }
    }

    /// Says what to do; phases that pass at once pass here.
    pub(super) fn step(&mut self) -> Step<'_> {
        match self.phase {
            Phase::Tune => self.set_line(self.target, self.tuned()),
            Phase::Switch => self.set_line(self.target, Phase::Wait),
            Phase::HandOver => {
                let line = Line::new(self.target.baud);
                self.set_line(line, Phase::Over(Over::Binary(line)))
            }
            Phase::WakeUp => {
                self.phase = Phase::WokenUp;
                Step::Send(&NULS)
            }
            Phase::Send => {
                self.phase = Phase::Sent;
                Step::Send(self.message())
            }
            Phase::ReplySend(short) => {
                self.phase = Phase::ReplySent(short);
                Step::Send(short.bytes())
            }
            Phase::Rest | Phase::Over(_) => Step::Done,
            _ => Step::Wait(Some(self.until.min(self.limit))),
        }
    }

    /// Deadlines of phases that a message or a change of speed leads to.
    pub(super) fn enter(&mut self, now: Instant) {
        match self.phase {
            Phase::Switch => self.await_first(now),
            Phase::Tune if self.asked == Asked::Telegram => self.await_first(now),
            // Nobody waits before the first message.
            Phase::Pause if now >= self.until => self.phase = Phase::Send,
            Phase::Reply(short) if now >= self.until => self.phase = Phase::ReplySend(short),
            _ => {}
        }
    }
}

/// Printable characters only: a control character would end the message early.
fn sendable(text: &[u8]) -> Result<(), RequestError> {
    let is_sendable = text.iter().all(|byte| matches!(byte, b' '..0x7F));
    if is_sendable { Ok(()) } else { Err(RequestError::Character) }
}

/// 2.2 s at 300 Bd without a gap (annex B: 2.1 to 2.3 s).
const NULS: [u8; 66] = [0; 66];

/// Half the time to react of the fastest meters: by then the LF has left, and the data have not begun.
const QUICK: Duration = Duration::from_millis(10);
