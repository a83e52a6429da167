//! What the client makes of an answer, or of silence.

use ccm_core::{Duration, Instant, Line};

use super::ear::Note;
use super::phase::{Asked, Over, Phase, Short};
use super::{Client, Sink};
use crate::frame::{CR, LF};
use crate::{Check, Error, FrameError, Identification, Refusal, Terminator};

impl<S: Sink> Client<'_, S> {
    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let mut input = self.without_echo(now, bytes);
        self.feed(now, &mut input);
        if let (Phase::Over(Over::Identification), [LF, rest @ ..]) = (self.phase, input) {
            (self.line_feed, input) = (Duration::ZERO, rest);
        }
        if self.decoder.is_reading() {
            self.until = now + self.policy.silence;
        }
        // A byte that only shows that what was before it is over is taken with it.
        (bytes.len() - input.len()).max(1)
    }

    /// Gives what follows the echo; what only began like it is given to the decoder after all.
    pub(super) fn without_echo<'i>(&mut self, now: Instant, bytes: &'i [u8]) -> &'i [u8] {
        let Some(come) = self.echo else {
            // The end of an identification may still be on its way.
            self.noise |= !matches!(bytes, [CR | LF]);
            return bytes;
        };
        let message = self.buffer.get(come..self.length).unwrap_or_default();
        let equal = message.iter().zip(bytes).take_while(|(sent, heard)| **sent == **heard & 0x7F).count();
        let (come, rest) = (come + equal, bytes.get(equal..).unwrap_or_default());
        self.echo = (come < self.length && rest.is_empty()).then_some(come);
        if self.echo.is_none() && come < self.length {
            self.noise = true;
            self.replay(now, come);
        }
        rest
    }

    pub(super) fn replay(&mut self, now: Instant, length: usize) {
        for at in 0..length {
            let byte = self.buffer.get(at).copied().unwrap_or_default();
            self.feed(now, &mut &[byte][..]);
        }
    }

    pub(super) fn feed(&mut self, now: Instant, input: &mut &[u8]) {
        while matches!(self.phase, Phase::Wait) {
            let asked = if self.asked == Asked::Read { address(self.buffer, self.length) } else { &[] };
            let Some(event) = self.decoder.decode(input) else { return };
            let note = self.ear.take(&event, asked);
            self.act(now, note);
        }
    }

    pub(super) fn act(&mut self, now: Instant, note: Note) {
        match note {
            Note::Nothing => {}
            Note::Identification => self.identified(),
            Note::End(check) => self.end(now, check),
            Note::Acknowledge => self.acknowledged(),
            Note::Repeat if matches!(self.asked, Asked::Identification | Asked::Telegram) => {}
            Note::Repeat => self.again(now, Error::Repeat),
            Note::Enough => self.enough(now),
        }
    }

    pub(super) fn identified(&mut self) {
        if !matches!(self.asked, Asked::Identification | Asked::Telegram) {
            return;
        }
        if let Some(identification) = Identification::parse(self.ear.text()) {
            (self.offered, self.reaction) = (identification.speed, identification.reaction());
        }
        if self.asked == Asked::Identification {
            self.line_feed = self.line.map_or(Duration::ZERO, Line::character);
            self.over(Over::Identification);
        }
    }

    pub(super) fn acknowledged(&mut self) {
        match self.asked {
            // A read is not done with ACK: data or a break may follow (EMH).
            Asked::Once => self.over(Over::Acknowledged),
            Asked::Binary => self.phase = Phase::HandOver,
            _ => {}
        }
    }

    pub(super) fn enough(&mut self, now: Instant) {
        if self.policy.breaks_early && self.asked == Asked::Selection {
            self.reply(now, Short::Break);
        } else {
            self.over(Over::Data(Check::None, false));
        }
    }

    /// The telegram is over: decides on its checksum.
    pub(super) fn end(&mut self, now: Instant, check: Check) {
        let repeatable = matches!(check, Check::Bcc { .. }) && self.asked != Asked::Telegram;
        if check.is_wrong() && repeatable && self.repeats > 0 {
            return self.repeat(now);
        }
        if check.is_wrong() && self.policy.strict {
            self.ear.sink.rejected();
            return self.fail(FrameError::Checksum(check).into());
        }
        self.accept(now, check);
    }

    pub(super) fn accept(&mut self, now: Instant, check: Check) {
        if self.ear.is_foreign {
            self.ear.sink.rejected();
            self.ear.start();
            return;
        }
        if self.ear.is_refusal {
            return self.fail(Error::Refused(Refusal::new(self.ear.text())));
        }
        match (self.ear.command, self.ear.terminator) {
            (Some((b'P', kind)), _) => self.over(Over::Prompt(kind.wrapping_sub(b'0'))),
            (Some((b'B', _)), _) => self.fail(Error::Break),
            (Some(_), _) => self.fail(Error::Unexpected),
            (None, Terminator::Partial) => {
                self.ear.sink.accepted();
                self.reply(now, Short::Acknowledge);
            }
            (None, Terminator::Last) => {
                self.ear.sink.accepted();
                self.over(Over::Data(check, true));
            }
        }
    }

    pub(super) fn repeat(&mut self, now: Instant) {
        self.repeats -= 1;
        self.ear.sink.rejected();
        self.reply(now, Short::Repeat);
    }

    pub(super) fn reply(&mut self, now: Instant, short: Short) {
        self.ear.start_block();
        self.decoder.reset_block();
        // A break cuts in; it waits for nobody.
        self.until = if short == Short::Break { now } else { now + self.reaction };
        self.phase = Phase::Reply(short);
    }

    pub(super) fn replied(&mut self, now: Instant, short: Short) {
        self.await_first(now);
        self.phase =
            if short == Short::Break { Phase::Over(Over::Data(Check::None, false)) } else { Phase::Wait };
    }

    /// The time has passed: what silence ends is an answer too.
    pub(super) fn expire(&mut self, now: Instant) {
        while matches!(self.phase, Phase::Wait) {
            let Some(event) = self.decoder.finish() else { break };
            let note = self.ear.take(&event, &[]);
            self.act(now, note);
        }
        match self.phase {
            Phase::Wait if self.asked == Asked::Binary => self.phase = Phase::HandOver,
            Phase::Wait if self.ear.is_truncated => self.truncated(now),
            Phase::Wait if self.noise => self.again(now, FrameError::Noise.into()),
            Phase::Wait => self.again(now, Error::Timeout),
            _ => {}
        }
    }

    pub(super) fn truncated(&mut self, now: Instant) {
        if self.asked != Asked::Telegram && self.repeats > 0 && now < self.limit {
            return self.repeat(now);
        }
        self.ear.sink.rejected();
        self.fail(FrameError::Truncated.into());
    }

    /// Sends the message again, if it may be.
    pub(super) fn again(&mut self, now: Instant, error: Error) {
        let may = matches!(self.asked, Asked::Identification | Asked::Read) && now < self.limit;
        match self.retries.checked_sub(1) {
            Some(left) if may => {
                self.retries = left;
                self.ear.start();
                self.decoder.reset();
                self.begin(now);
            }
            _ => self.fail(error),
        }
    }

    pub(super) fn fail(&mut self, error: Error) {
        self.over(Over::Failed(error));
    }

    pub(super) fn over(&mut self, over: Over) {
        self.phase = Phase::Over(over);
    }
}

/// The address in the command that stands in the buffer.
fn address(buffer: &[u8], length: usize) -> &[u8] {
    let data = buffer.get(COMMAND..length).unwrap_or_default();
    data.split(|byte| *byte == b'(').next().unwrap_or_default()
}

/// SOH, letter, digit and STX.
const COMMAND: usize = 4;
