//! The client: one exchange with one unit, and never the answer to another.

use ccm_core::{Duration, Instant, Machine, Step, Writer};

use crate::frame::{Debts, Echo, Expected, Framing, Scan, Window, count};
use crate::message::{REFUSED, check};
use crate::reply::range;
use crate::{Error, Exception, FrameError, Policy, Reply, Request, RequestError};

/// A client on one line or connection.
///
/// RTU replies carry no transaction number, so a late one looks like the next one's. This client therefore remembers
/// which units still owe an answer (*suspect*), and before it reads from such a unit again it asks for a few registers
/// whose reply has a length that no owed reply has: when that comes, all earlier ones are past.
///
/// The machine rests when [`start`](Self::start) has not been called or [`outcome`](Self::outcome) is known. An
/// exchange that is abandoned half-way (a dropped future) leaves the unit suspect, not the client broken.
#[derive(Debug)]
pub struct Client<'b, F: Framing> {
    framing: F,
    debts: F::Debts,
    window: Window<'b>,
    policy: Policy,
    /// What is asked on the line now: what the caller wants to know, or a probe for another quantity of it.
    asked: Expected,
    /// Where a read begins, how much of it is asked on the line now, and how much the caller wants.
    first: u16,
    quantity: u16,
    wanted: u16,
    attempts: u8,
    /// Bytes that came when nobody had been asked.
    stray: u8,
    /// No other request's answer is owed any more: what comes is this one's.
    trusted: bool,
    phase: Phase,
    /// The last moment at which the line was in use.
    active: Instant,
    /// When the phase ends at the latest.
    until: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Rest,
    /// What has already come is to be read and thrown away.
    Drain,
    /// The line gets its silence.
    Settle,
    Send,
    /// The next poll says that the last stop bit has left.
    Sent,
    Wait,
    /// All units carry out a broadcast; none may be asked before this ends.
    Turnaround,
    /// The unit cannot be asked. That takes as long as a unit that does not answer, so that nobody runs in circles.
    LeaveAlone,
    /// The reply is the frame of so many bytes at the front of the window.
    Answered(usize),
    Unanswered,
    Failed(Cause),
}

/// Why there is no reply: [`Error`], as small as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Timeout,
    Busy,
    Suspect,
    Collision,
    Frame(FrameError),
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Timeout => Self::Timeout,
            Cause::Busy => Self::Busy,
            Cause::Suspect => Self::Suspect,
            Cause::Collision => Self::Collision,
            Cause::Frame(error) => Self::Frame(error),
        }
    }
}

impl<'b, F: Framing> Client<'b, F> {
    /// A client that keeps the request in `buffer`, and behind it what it hears: 264 bytes are enough for reads and
    /// writes over RTU, 520 for everything over RTU and TCP, 1030 for everything over ASCII.
    pub const fn new(framing: F, buffer: &'b mut [u8]) -> Self {
        Self {
            framing,
            debts: F::Debts::NONE,
            window: Window::new(buffer),
            policy: Policy::DEFAULT,
            asked: Expected::NOTHING,
            first: 0,
            quantity: 0,
            wanted: 0,
            attempts: 0,
            stray: 0,
            trusted: false,
            phase: Phase::Rest,
            active: Instant::ZERO,
            until: Instant::ZERO,
        }
    }

    /// Treats units like this from the next exchange on.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long a unit may take until its reply begins; the rest of the policy stays.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// How often a read without an answer is asked again; the rest of the policy stays.
    pub const fn with_retries(mut self, retries: u8) -> Self {
        self.policy.retries = retries;
        self
    }

    /// Treats units like this from the next exchange on: each unit can have a policy of its own.
    pub const fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// How units are treated now.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether an earlier request to `unit` may still be answered.
    pub fn is_suspect(&self, unit: u8) -> bool {
        self.debts.is_suspect(unit)
    }

    /// The line or connection and what is known of it.
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// Begins an exchange with `unit`; the machine then says what to do.
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    #[inline(always)]
    pub fn start(&mut self, now: Instant, unit: u8, request: Request<'_>) -> Result<(), RequestError> {
        self.abandon(now);
        self.asked = Expected::of(unit, &request);
        let carry = F::STREAM.then(|| self.window.carry(F::remainder(self.window.rest())));
        let length = self.put(unit, &request)?;
        self.window.keep(length);
        if let Some(carry) = carry {
            self.window.put_back(carry);
        }
        self.check_room(length)?;
        if self.is_broadcast() && self.asked.is_ambiguous {
            return Err(RequestError::Broadcast);
        }
        (self.first, self.wanted) = range(&request);
        self.quantity = self.wanted;
        // A register read cannot be its own reply: their lengths differ.
        if !F::STREAM && !is_register_read(&request) && self.contains_reply(is_read(&request)) {
            return Err(RequestError::Echo);
        }
        let repeats = self.asked.is_read() || self.policy.repeats_writes;
        self.attempts = if repeats { self.policy.retries } else { 0 };
        self.trusted = false;
        self.stray = 0;
        self.settle(now);
        Ok(())
    }

    /// Gives the answer, once the machine is [`Step::Done`].
    ///
    /// # Errors
    /// [`Error::Unfinished`] before that; afterwards why there is no answer.
    #[inline]
    pub fn outcome(&self) -> Result<Reply<'_>, Error> {
        match self.phase {
            Phase::Answered(length) => self.answer(length),
            Phase::Unanswered => Ok(Reply::new(self.wanted, &[])),
            Phase::Failed(cause) => Err(cause.into()),
            _ => Err(Error::Unfinished),
        }
    }

    /// How long the unit took to answer, its reply's own length left out: what a time-out must allow for.
    pub fn round_trip(&self) -> Option<Duration> {
        let Phase::Answered(length) = self.phase else { return None };
        let limit = self.policy.timeout + self.transmission(self.asked.longest() + F::HEADER + F::TRAILER);
        let taken = limit - self.until.since(self.active);
        Some(taken - self.transmission(length))
    }

    /// Forgets a half-received frame: the connection is a new one.
    pub const fn reconnect(&mut self) {
        self.window.clear();
        self.phase = Phase::Rest;
    }

    fn answer(&self, length: usize) -> Result<Reply<'_>, Error> {
        match self.window.rest().get(F::HEADER..length - F::TRAILER) {
            Some([code, exception, ..]) if code & REFUSED != 0 => {
                Err(Error::Exception(Exception::from_code(*exception)))
            }
            Some(pdu) => Ok(Reply::new(self.wanted, pdu)),
            None => Err(Error::Frame(FrameError::Length)),
        }
    }

    fn abandon(&mut self, now: Instant) {
        match self.phase {
            Phase::Sent | Phase::Wait => self.doubt(now),
            Phase::Answered(length) => self.window.skip(length),
            _ => {}
        }
        self.phase = Phase::Rest;
    }

    fn doubt(&mut self, now: Instant) {
        self.debts.doubt(now, &self.asked);
    }

    /// Puts the request into the buffer and gives the frame's length. A read is put there when its turn comes.
    #[inline(always)]
    fn put(&mut self, unit: u8, request: &Request<'_>) -> Result<usize, RequestError> {
        if is_read(request) {
            let (start, quantity) = range(request);
            let most = if is_register_read(request) { self.policy.max_registers } else { u16::MAX };
            check(start, quantity, request.function().max_quantity().min(most))?;
            return Ok(F::on_wire(F::HEADER + READ_PDU + F::TRAILER));
        }
        let mut writer = Writer::new(self.window.room().get_mut(F::HEADER..).unwrap_or_default());
        request.emit(&mut writer)?;
        let length = writer.finish();
        let needed = F::on_wire(F::HEADER + length + F::TRAILER);
        if F::STREAM {
            return Ok(needed); // Each attempt is a transaction of its own, and sealed when its turn comes.
        }
        self.framing.seal(self.window.room(), unit, length).ok_or(RequestError::Buffer { needed })
    }

    fn check_room(&self, sent: usize) -> Result<(), RequestError> {
        let needed = sent + F::on_wire(F::HEADER + self.asked.longest() + F::TRAILER);
        if self.window.capacity() < needed { Err(RequestError::Buffer { needed }) } else { Ok(()) }
    }

    /// Whether the request, heard again on a line that may echo, could be taken for its reply.
    fn contains_reply(&mut self, is_read: bool) -> bool {
        if is_read {
            self.ask(self.wanted);
        }
        let request = self.window.frame();
        let is_reply = |bytes| matches!(self.framing.scan_reply(bytes, &self.asked, true), Scan::Frame(_));
        !self.is_broadcast()
            && self.framing.serial().is_some_and(|serial| serial.echo() == Echo::Learn)
            && (0..request.len()).any(|start| request.get(start..).is_some_and(is_reply))
    }

    const fn is_broadcast(&self) -> bool {
        !F::STREAM && self.asked.unit == 0
    }

    const fn is_probe(&self) -> bool {
        self.quantity != self.wanted
    }

    fn transmission(&self, length: usize) -> Duration {
        self.framing.serial().map_or(Duration::ZERO, |serial| serial.transmission(F::on_wire(length)))
    }

    // Called from three places; inlined into each it costs 120 bytes.
    #[inline(never)]
    fn settle(&mut self, now: Instant) {
        self.until = self.silent().max(now) + self.policy.timeout;
        self.phase = if F::STREAM { Phase::Settle } else { Phase::Drain };
    }

    /// When the line will have been silent for long enough, if it stays so.
    fn silent(&self) -> Instant {
        self.active + self.framing.silence() + self.policy.gap
    }

    /// The line is silent: puts the request on it, or first the probe of a suspect unit.
    fn begin(&mut self, now: Instant) {
        self.phase = Phase::Send;
        // Bytes enough for a frame came when nobody had been asked: this unit may be out of step.
        if self.stray >= SHORTEST_REPLY {
            self.doubt(now);
        }
        self.stray = 0;
        match self.quantity(now) {
            None => {
                self.phase = Phase::LeaveAlone;
                self.until = now + self.policy.timeout;
            }
            Some(quantity) if self.asked.is_read() => self.ask(quantity),
            Some(_) if F::STREAM => {
                let length = self.window.frame().len() - F::HEADER;
                let _ = self.framing.seal(self.window.room(), self.asked.unit, length);
            }
            Some(_) => {}
        }
    }

    /// How much to ask for; nothing where an owed answer could be taken for this one's, and no probe can be told from it.
    fn quantity(&mut self, now: Instant) -> Option<u16> {
        let unit = self.asked.unit;
        if !self.asked.is_ambiguous || self.trusted || !self.debts.is_suspect(unit) {
            return Some(self.wanted);
        }
        if self.asked.is_read() {
            return self.debts.probe(now, unit, self.asked.is_coil_read(), self.wanted);
        }
        self.debts.is_past(now, unit).then_some(self.wanted)
    }

    /// Puts a read of so many registers in the place that `start` has left for it.
    fn ask(&mut self, quantity: u16) {
        self.quantity = quantity;
        self.asked.set_count(count(self.asked.is_coil_read(), quantity));
        let ([a, b], [c, d]) = (self.first.to_be_bytes(), quantity.to_be_bytes());
        let pdu: [u8; READ_PDU] = [self.asked.code, a, b, c, d];
        let room = self.window.room();
        if let Some(place) = room.get_mut(F::HEADER..).and_then(<[u8]>::first_chunk_mut) {
            *place = pdu;
        }
        let _ = self.framing.seal(room, self.asked.unit, READ_PDU);
    }

    fn sent(&mut self, now: Instant) {
        self.active = now;
        if !F::STREAM {
            self.window.forget();
        }
        if self.is_broadcast() || self.asked.is_silent() {
            self.until = now + self.policy.turnaround;
            self.phase = Phase::Turnaround;
        } else {
            let reply = self.asked.longest() + F::HEADER + F::TRAILER;
            self.until = now + self.policy.timeout + self.transmission(reply);
            self.phase = Phase::Wait;
        }
    }

    /// Looks through what was heard; with `last` no more will come.
    fn hear(&mut self, now: Instant, last: bool) {
        if self.hears_itself() {
            return;
        }
        let waits = matches!(self.phase, Phase::Wait);
        loop {
            match self.framing.scan_reply(self.window.rest(), &self.asked, last) {
                Scan::Frame(length) if waits => return self.accept(now, length),
                Scan::Fail(count, error) if waits || error == FrameError::Stream => {
                    self.window.skip(count);
                    self.phase = Phase::Failed(Cause::Frame(error));
                    return;
                }
                Scan::Frame(count) | Scan::Skip(count) | Scan::Pass(count) | Scan::Fail(count, _) => {
                    self.window.skip(count);
                }
                Scan::More => return,
            }
        }
    }

    /// Steps over the echo; true while it is not yet over, or is not what was sent.
    fn hears_itself(&mut self) -> bool {
        let echo = self.framing.serial().map_or(Echo::Off, crate::frame::Serial::echo);
        if echo == Echo::Off {
            return false;
        }
        let (sent, heard) = (self.window.frame(), self.window.heard());
        if sent.iter().zip(heard).any(|(sent, heard)| sent != heard) {
            if echo == Echo::Verify {
                self.phase = Phase::Failed(Cause::Collision);
            }
            return echo == Echo::Verify;
        }
        if heard.len() < sent.len() {
            // On a line that nobody knows these may be the first bytes of the reply.
            return echo != Echo::Learn;
        }
        self.window.skip_echo();
        false
    }

    fn accept(&mut self, now: Instant, length: usize) {
        self.learn_echo();
        let length = F::open(self.window.rest_mut().get_mut(..length).unwrap_or_default());
        if !self.is_probe() {
            self.phase = Phase::Answered(length);
            return;
        }
        let refused = self.window.rest().get(F::HEADER).is_some_and(|code| code & REFUSED != 0);
        self.trusted = self.debts.settle(&self.asked, refused);
        self.settle(now);
    }

    /// The reply to a read shows whether the line echoes.
    fn learn_echo(&mut self) {
        let echoed = self.window.is_echoed();
        let known = echoed || self.window.is_first();
        if let Some(serial) = self.framing.serial_mut().filter(|_| known && self.asked.is_read()) {
            serial.learn_echo(echoed);
        }
    }

    /// The time has passed without the reply.
    fn expire(&mut self, now: Instant) {
        self.hear(now, true);
        if !matches!(self.phase, Phase::Wait) {
            return;
        }
        self.doubt(now);
        self.trusted |= !self.is_probe();
        match self.attempts.checked_sub(1) {
            Some(left) => {
                self.attempts = left;
                self.settle(now);
            }
            None => self.phase = Phase::Failed(self.cause()),
        }
    }

    fn cause(&self) -> Cause {
        let heard = self.window.heard();
        let heard =
            if self.window.is_echoed() { heard.get(self.window.frame().len()..) } else { Some(heard) };
        let blame =
            heard.filter(|heard| !heard.is_empty()).and_then(|heard| F::blame(heard, self.asked.unit));
        blame.map_or(Cause::Timeout, Cause::Frame)
    }

    /// Takes bytes that answer nothing: a stream's are followed, a serial line's thrown away.
    fn discard(&mut self, now: Instant, bytes: &[u8]) -> usize {
        if !F::STREAM {
            self.stray = self.stray.saturating_add(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
            return bytes.len();
        }
        let taken = self.window.push(bytes);
        self.hear(now, false);
        taken
    }

    /// A reply that only silence ends may be over.
    fn is_quiet(&self, now: Instant) -> bool {
        F::SILENT && self.asked.is_open() && now >= self.active + self.framing.silence()
    }

    fn step(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Send => {
                self.phase = Phase::Sent;
                Step::Send(self.window.frame())
            }
            Phase::Drain => {
                self.phase = Phase::Settle;
                Step::Wait(Some(self.silent().min(self.until).max(now)))
            }
            Phase::Settle => Step::Wait(Some(self.silent().min(self.until))),
            Phase::Wait if F::SILENT && self.asked.is_open() && !self.is_quiet(now) => {
                Step::Wait(Some((self.active + self.framing.silence()).min(self.until)))
            }
            Phase::Wait | Phase::Turnaround | Phase::LeaveAlone => Step::Wait(Some(self.until)),
            _ => Step::Done,
        }
    }
}

impl<F: Framing> Machine for Client<'_, F> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let waits = match self.phase {
            Phase::Wait => true,
            Phase::Drain
            | Phase::Settle
            | Phase::Send
            | Phase::Sent
            | Phase::Turnaround
            | Phase::LeaveAlone => false,
            _ => return 0,
        };
        self.active = now;
        if !waits {
            return self.discard(now, bytes);
        }
        let taken = self.window.push(bytes);
        self.hear(now, false);
        taken
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Settle if now >= self.silent() => self.begin(now),
            Phase::Settle if now >= self.until => self.phase = Phase::Failed(Cause::Busy),
            Phase::Sent => self.sent(now),
            Phase::Wait if now >= self.until => self.expire(now),
            Phase::Wait if self.is_quiet(now) => self.hear(now, true),
            Phase::Turnaround if now >= self.until => self.phase = Phase::Unanswered,
            Phase::LeaveAlone if now >= self.until => self.phase = Phase::Failed(Cause::Suspect),
            _ => {}
        }
        self.step(now)
    }
}

#[inline]
const fn is_read(request: &Request<'_>) -> bool {
    is_register_read(request)
        || matches!(request, Request::ReadCoils { .. } | Request::ReadDiscreteInputs { .. })
}

#[inline]
const fn is_register_read(request: &Request<'_>) -> bool {
    matches!(request, Request::ReadHoldingRegisters { .. } | Request::ReadInputRegisters { .. })
}

/// Function code, address and quantity.
const READ_PDU: usize = 5;

/// Unit, function, exception and checksum.
const SHORTEST_REPLY: u8 = 5;
