//! The client: one exchange with a meter.

mod ear;
mod sink;

pub use sink::{Sink, Wanted};

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ear::{Ear, Note};

use crate::frame::{ACK, NAK};
use crate::message::{Code, Command, Data, START, Select, baud};
use crate::policy::{Echo, Policy};
use crate::{
    Check, Decoder, Error, FrameError, Identification, Refusal, Request, RequestError, Response, Terminator,
};

/// A client on one line. It remembers of its meter the speed the line has, the speed that was offered, and how fast it
/// reacts; all else is of one exchange. Data sets go to the [`Sink`].
///
/// The machine rests when [`start`](Self::start) has not been called or [`outcome`](Self::outcome) is known.
#[derive(Debug)]
pub struct Client<'b, S> {
    policy: Policy,
    ear: Ear<S>,
    decoder: Decoder,
    /// The message on the line, for repeats and for its echo.
    buffer: &'b mut [u8],
    length: usize,
    /// How much of the echo has come; nothing when no more of it is expected.
    echo: Option<usize>,
    asked: Asked,
    line: Option<Line>,
    /// The line after this exchange's message has left.
    target: Line,
    offered: u8,
    reaction: Duration,
    retries: u8,
    repeats: u8,
    /// Bytes came that were not the echo.
    noise: bool,
    phase: Phase,
    heard: Instant,
    until: Instant,
    limit: Instant,
}

/// What the answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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
enum Short {
    Acknowledge,
    Repeat,
    Break,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Identification,
    Data(Check, bool),
    Prompt(u8),
    Acknowledged,
    Exited,
    Binary(Line),
    Failed(Error),
}

impl<'b, S: Sink> Client<'b, S> {
    /// A client that keeps the message it sends in `buffer`: 64 bytes are enough for readouts, 160 for all commands.
    pub const fn new(policy: Policy, sink: S, buffer: &'b mut [u8]) -> Self {
        Self {
            policy,
            ear: Ear::new(sink),
            decoder: Decoder::new(policy.profile),
            buffer,
            length: 0,
            echo: None,
            asked: Asked::Telegram,
            line: None,
            target: policy.start(),
            offered: 0,
            reaction: SLOW,
            retries: 0,
            repeats: 0,
            noise: false,
            phase: Phase::Rest,
            heard: Instant::ZERO,
            until: Instant::ZERO,
            limit: Instant::ZERO,
        }
    }

    /// Where data sets go.
    pub const fn sink(&self) -> &S {
        &self.ear.sink
    }

    /// The same, to empty it between exchanges.
    pub const fn sink_mut(&mut self) -> &mut S {
        &mut self.ear.sink
    }

    /// How the meter is treated.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The setting the line has by now; nothing before the first exchange.
    pub const fn line(&self) -> Option<Line> {
        self.line
    }

    /// Begins an exchange; the machine then says what to do. A [`Request::Select`] follows the exchange that brought the
    /// identification, on the same client.
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    pub fn start(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError> {
        self.phase = Phase::Rest;
        self.check(&request)?;
        let mut writer = Writer::new(self.buffer);
        request.emit(&mut writer)?;
        self.length = writer.finish();
        self.asked = asked(&request);
        self.target = self.target(&request);
        self.limit = now + self.policy.limit;
        self.retries = if self.asked == Asked::Once { 0 } else { self.policy.retries };
        self.repeats = self.policy.repeats;
        self.ear.start();
        self.decoder.reset();
        self.noise = false;
        self.begin(now);
        Ok(())
    }

    /// Gives the answer, once the machine is [`Step::Done`].
    ///
    /// # Errors
    /// [`Error::Unfinished`] before that; afterwards why there is no answer.
    pub fn outcome(&self) -> Result<Response<'_>, Error> {
        let Phase::Over(over) = self.phase else { return Err(Error::Unfinished) };
        let (sets, faults) = (self.ear.count, self.ear.faults);
        Ok(match over {
            Over::Identification => {
                let identification = Identification::parse(self.ear.text());
                Response::Identification(identification.ok_or(Error::Unexpected)?)
            }
            Over::Data(check, whole) => Response::Data { check, sets, faults, whole },
            Over::Prompt(kind) => Response::Prompt { kind, seed: self.ear.text() },
            Over::Acknowledged => Response::Acknowledged,
            Over::Exited => Response::Break,
            Over::Binary(line) => Response::Binary(line),
            Over::Failed(error) => return Err(error),
        })
    }

    fn check(&self, request: &Request<'_>) -> Result<(), RequestError> {
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

    fn target(&self, request: &Request<'_>) -> Line {
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

    fn begin(&mut self, now: Instant) {
        self.until = match self.asked {
            Asked::Identification => now,
            // The identification is known at its CR, and its LF is still on the line.
            Asked::Selection | Asked::Binary => self.heard + self.character() + self.reaction,
            Asked::Telegram => self.heard + self.character() + QUICK,
            _ => self.heard + self.reaction,
        };
        // Before a select the line stays as it is: the acknowledgement leaves at the old speed.
        let tunes = self.line.is_none() || matches!(self.asked, Asked::Identification | Asked::Telegram);
        self.phase = match self.line {
            Some(line) if line != self.target && self.asked == Asked::Telegram => Phase::Drain,
            line if tunes && line != Some(self.target) => Phase::Tune,
            _ => self.tuned(),
        };
        if self.phase == Phase::Wait {
            self.await_first(now);
        }
    }

    fn character(&self) -> Duration {
        self.line.map_or(Duration::ZERO, Line::character)
    }

    /// What comes when the line is right.
    fn tuned(&self) -> Phase {
        match self.asked {
            Asked::Telegram => Phase::Wait,
            Asked::Identification if self.policy.wake_up => Phase::WakeUp,
            _ => Phase::Pause,
        }
    }

    fn await_first(&mut self, now: Instant) {
        let patience = self.asked == Asked::Telegram;
        self.until = now + if patience { self.policy.patience } else { self.policy.timeout };
        self.heard = now;
    }

    fn sent(&mut self, now: Instant) {
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

    fn hear(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let mut input = self.without_echo(now, bytes);
        self.feed(now, &mut input);
        if self.decoder.is_reading() {
            self.until = now + self.policy.silence;
        }
        // A byte that only shows that what was before it is over is taken with it.
        (bytes.len() - input.len()).max(1)
    }

    /// Gives what follows the echo; what only began like it is given to the decoder after all.
    fn without_echo<'i>(&mut self, now: Instant, bytes: &'i [u8]) -> &'i [u8] {
        let Some(come) = self.echo else {
            self.noise = true;
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

    fn replay(&mut self, now: Instant, length: usize) {
        for at in 0..length {
            let byte = self.buffer.get(at).copied().unwrap_or_default();
            self.feed(now, &mut &[byte][..]);
        }
    }

    fn feed(&mut self, now: Instant, input: &mut &[u8]) {
        while self.phase == Phase::Wait {
            let asked = if self.asked == Asked::Read { address(self.buffer, self.length) } else { &[] };
            let Some(event) = self.decoder.decode(input) else { return };
            let note = self.ear.take(&event, asked);
            self.act(now, note);
        }
    }

    fn act(&mut self, now: Instant, note: Note) {
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

    fn identified(&mut self) {
        if !matches!(self.asked, Asked::Identification | Asked::Telegram) {
            return;
        }
        if let Some(identification) = Identification::parse(self.ear.text()) {
            (self.offered, self.reaction) = (identification.speed, identification.reaction());
        }
        if self.asked == Asked::Identification {
            self.over(Over::Identification);
        }
    }

    fn acknowledged(&mut self) {
        match self.asked {
            // A read is not done with ACK: data or a break may follow (EMH).
            Asked::Once => self.over(Over::Acknowledged),
            Asked::Binary => self.phase = Phase::HandOver,
            _ => {}
        }
    }

    fn enough(&mut self, now: Instant) {
        if self.policy.breaks_early && self.asked == Asked::Selection {
            self.reply(now, Short::Break);
        } else {
            self.over(Over::Data(Check::None, false));
        }
    }

    /// The telegram is over: decides on its checksum.
    fn end(&mut self, now: Instant, check: Check) {
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

    fn accept(&mut self, now: Instant, check: Check) {
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

    fn repeat(&mut self, now: Instant) {
        self.repeats -= 1;
        self.ear.sink.rejected();
        self.reply(now, Short::Repeat);
    }

    fn reply(&mut self, now: Instant, short: Short) {
        self.ear.start_block();
        self.decoder.reset_block();
        // A break cuts in; it waits for nobody.
        self.until = if short == Short::Break { now } else { now + self.reaction };
        self.phase = Phase::Reply(short);
    }

    fn replied(&mut self, now: Instant, short: Short) {
        self.await_first(now);
        self.phase =
            if short == Short::Break { Phase::Over(Over::Data(Check::None, false)) } else { Phase::Wait };
    }

    /// The time has passed: what silence ends is an answer too.
    fn expire(&mut self, now: Instant) {
        while self.phase == Phase::Wait {
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

    fn truncated(&mut self, now: Instant) {
        if self.asked != Asked::Telegram && self.repeats > 0 && now < self.limit {
            return self.repeat(now);
        }
        self.ear.sink.rejected();
        self.fail(FrameError::Truncated.into());
    }

    /// Sends the message again, if it may be.
    fn again(&mut self, now: Instant, error: Error) {
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

    fn fail(&mut self, error: Error) {
        self.over(Over::Failed(error));
    }

    fn over(&mut self, over: Over) {
        self.phase = Phase::Over(over);
    }

    fn message(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    fn set_line(&mut self, line: Line, then: Phase) -> Step<'_> {
        let changes = self.policy.fixed_baud.is_none() && self.line != Some(line);
        (self.line, self.phase) = (Some(line), then);
        if changes { Step::SetLine(line) } else { self.step() }
    }

    /// Says what to do; phases that pass at once pass here.
    fn step(&mut self) -> Step<'_> {
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
}

impl<S: Sink> Machine for Client<'_, S> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Rest | Phase::Over(_) => 0,
            Phase::Wait => {
                self.heard = now;
                self.hear(now, bytes)
            }
            _ => bytes.len(),
        }
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        let due = now >= self.until.min(self.limit);
        match self.phase {
            Phase::WokenUp => {
                self.until = now + WAKING;
                self.phase = Phase::Pause;
            }
            Phase::Pause if due => self.phase = Phase::Send,
            Phase::Sent => {
                self.sent(now);
                if self.phase == Phase::Drain && self.policy.switch_delay == Duration::ZERO {
                    self.phase = Phase::Switch;
                }
            }
            Phase::Drain if due => self.phase = Phase::Switch,
            Phase::Reply(short) if due => self.phase = Phase::ReplySend(short),
            Phase::ReplySent(short) => self.replied(now, short),
            Phase::Wait if due => self.expire(now),
            _ => {}
        }
        self.enter(now);
        self.step()
    }
}

impl<S: Sink> Client<'_, S> {
    /// Deadlines of phases that a message or a change of speed leads to.
    fn enter(&mut self, now: Instant) {
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

impl Short {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Acknowledge => &[ACK],
            Self::Repeat => &[NAK],
            Self::Break => b"\x01B0\x03q",
        }
    }
}

fn asked(request: &Request<'_>) -> Asked {
    match request {
        Request::SignOn { .. } => Asked::Identification,
        Request::Listen { .. } => Asked::Telegram,
        Request::Select(Select { protocol: b'2', option: b'2', .. }) => Asked::Binary,
        Request::Select(_) => Asked::Selection,
        Request::Command(Command { code: Code::Read, .. }) => Asked::Read,
        Request::Command(Command { code: Code::Exit, .. }) => Asked::Exit,
        Request::Command(_) => Asked::Once,
    }
}

/// The address in the command that stands in the buffer.
fn address(buffer: &[u8], length: usize) -> &[u8] {
    let data = buffer.get(COMMAND..length).unwrap_or_default();
    data.split(|byte| *byte == b'(').next().unwrap_or_default()
}

/// Printable characters only: a control character would end the message early.
fn sendable(text: &[u8]) -> Result<(), RequestError> {
    let is_sendable = text.iter().all(|byte| matches!(byte, b' '..0x7F));
    if is_sendable { Ok(()) } else { Err(RequestError::Character) }
}

/// SOH, letter, digit and STX.
const COMMAND: usize = 4;

/// 2.2 s at 300 Bd without a gap (annex B: 2.1 to 2.3 s).
const NULS: [u8; 66] = [0; 66];

/// How long a battery meter takes to be awake (annex B: 1.5 to 1.7 s).
const WAKING: Duration = Duration::from_millis(1600);

/// Half the time to react of the fastest meters: by then the LF has left, and the data have not begun.
const QUICK: Duration = Duration::from_millis(10);

/// The time to react of a meter that has not said who it is.
const SLOW: Duration = Duration::from_millis(200);
