//! The client: one exchange with one unit, and never the answer to another.

use ccm_core::{Duration, Instant, Machine, Step, Writer};

use crate::frame::{Decoder, Expected, Framing, Scan};
use crate::message::REFUSED;
use crate::{Error, Exception, FrameError, Request, RequestError, Response};

/// A client on one line or connection.
///
/// RTU replies carry no transaction number, so a late one looks like the next one's. This client therefore remembers
/// which units still owe an answer (*suspect*), and before it reads from such a unit again it asks for a few registers
/// whose reply has a length that no owed reply has: when that comes, all earlier ones are past.
///
/// The machine rests when [`start`](Self::start) has not been called or [`outcome`](Self::outcome) is known. An
/// exchange that is abandoned half-way (a dropped future) leaves the unit suspect, not the client broken.
#[derive(Debug)]
pub struct Client<'b, F> {
    framing: F,
    decoder: Decoder<'b>,
    settings: Settings,
    /// What is asked on the line now: what the caller wants to know, or a probe for another quantity of it.
    asked: Expected,
    /// The quantity, or what stands in its place, that the caller wants.
    wanted: u16,
    attempts: u8,
    /// The last moment at which the line was in use.
    active: Instant,
    phase: Phase,
    flags: Flags,
    rejected: Option<FrameError>,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    timeout: Duration,
    turnaround: Duration,
    gap: Duration,
    retries: u8,
}

/// What is true of the exchange that runs.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// No other request's answer is owed any more: what comes is this one's.
    trusted: bool,
    /// The request could be read as its own reply.
    mirrors: bool,
    /// How many of the first bytes received repeat the request; more than there are once one does not.
    echoed: usize,
    /// Bytes that came before the request, when nobody was asked.
    stray: usize,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Rest,
    /// What has already come is read and thrown away, and the line gets its silence.
    Settle {
        give_up: Instant,
        drained: bool,
    },
    Send,
    /// The next poll says that the last stop bit has left.
    Sent,
    Wait {
        deadline: Instant,
    },
    /// All units carry out a broadcast; none may be asked before this.
    Turnaround {
        until: Instant,
    },
    /// The reply is the frame of so many bytes at the front of what was received.
    Answered(usize),
    Broadcast,
    Failed(Cause),
}

/// Why there is no reply: [`Error`], as small as can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Timeout,
    Busy,
    Suspect,
    Frame(FrameError),
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Timeout => Self::Timeout,
            Cause::Busy => Self::Busy,
            Cause::Suspect => Self::Suspect,
            Cause::Frame(error) => Self::Frame(error),
        }
    }
}

impl<'b, F: Framing> Client<'b, F> {
    /// A client that receives into `buffer`, which must hold the longest request and reply it will exchange: 256 bytes
    /// are enough for all over RTU, 520 for all over TCP, where a late reply is followed while a request is sent.
    pub const fn new(framing: F, buffer: &'b mut [u8]) -> Self {
        Self {
            framing,
            decoder: Decoder::new(buffer),
            settings: SETTINGS,
            asked: Expected::NOTHING,
            wanted: 0,
            attempts: 0,
            active: Instant::ZERO,
            phase: Phase::Rest,
            flags: Flags { trusted: false, mirrors: false, echoed: 0, stray: 0 },
            rejected: None,
        }
    }

    /// How long a unit may take until its reply begins; 1 s unless set. The reply's own length comes on top.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How often a read without an answer is asked again; never unless set. Writes are not repeated.
    pub const fn with_retries(mut self, retries: u8) -> Self {
        self.settings.retries = retries;
        self
    }

    /// How long all units get after a broadcast; 100 ms unless set (MB-SERIAL 2.4.1).
    pub const fn with_turnaround(mut self, turnaround: Duration) -> Self {
        self.settings.turnaround = turnaround;
        self
    }

    /// A pause before each request beyond the line's own silence, for devices that need one.
    pub const fn with_gap(mut self, gap: Duration) -> Self {
        self.settings.gap = gap;
        self
    }

    /// Sets from the next exchange on how often a read without an answer is asked again.
    pub const fn set_retries(&mut self, retries: u8) {
        self.settings.retries = retries;
    }

    /// The line or connection and what is known of it.
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// Begins an exchange with `unit`; the machine then says what to do.
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    pub fn start(&mut self, now: Instant, unit: u8, request: Request<'_>) -> Result<(), RequestError> {
        self.abandon();
        self.make_room();
        let mut writer = Writer::new(self.decoder.free().get_mut(F::HEADER..).unwrap_or_default());
        request.emit(&mut writer)?;
        let length = writer.finish();
        self.frame(unit, length)?;
        let frame = self.decoder.frame();
        self.asked = Expected::of(unit, frame.get(F::HEADER..).unwrap_or_default());
        self.wanted = self.asked.quantity();
        self.check_start()?;
        self.attempts = if self.asked.is_read() { self.settings.retries } else { 0 };
        self.flags.trusted = false;
        self.flags.stray = 0;
        self.settle(now);
        Ok(())
    }

    /// Gives the answer, once the machine is [`Step::Done`].
    ///
    /// # Errors
    /// [`Error::Unfinished`] before that; afterwards why there is no answer.
    pub fn outcome(&self) -> Result<Response<'_>, Error> {
        let length = match self.phase {
            Phase::Answered(length) => length,
            Phase::Broadcast => return Ok(Response::Broadcast),
            Phase::Failed(cause) => return Err(cause.into()),
            _ => return Err(Error::Unfinished),
        };
        match self.decoder.window().get(F::HEADER..length - F::TRAILER) {
            Some([code, exception, ..]) if code & REFUSED != 0 => {
                Err(Error::Exception(Exception::from_code(*exception)))
            }
            Some([_, data @ ..]) => self.asked.response(data).ok_or(Error::Frame(FrameError::Mismatch)),
            _ => Err(Error::Frame(FrameError::Mismatch)),
        }
    }

    /// Forgets a half-received frame: the connection is a new one.
    pub const fn reconnect(&mut self) {
        self.decoder.clear();
        self.phase = Phase::Rest;
    }

    fn abandon(&mut self) {
        match self.phase {
            Phase::Sent | Phase::Wait { .. } => self.framing.doubt(&self.asked),
            Phase::Answered(length) => self.decoder.drop_front(length),
            _ => {}
        }
        self.phase = Phase::Rest;
    }

    /// Bytes of a serial line mean nothing without their request; a stream's must be followed frame by frame.
    fn make_room(&mut self) {
        if !F::STREAM {
            self.decoder.clear();
        }
        self.decoder.release();
        self.decoder.compact();
    }

    /// Completes the frame around the PDU of `length` bytes that was written behind the header.
    fn frame(&mut self, unit: u8, length: usize) -> Result<(), RequestError> {
        let length = F::HEADER + length + F::TRAILER;
        let frame = self.decoder.free().get_mut(..length).ok_or(RequestError::Buffer { needed: length })?;
        self.framing.seal(frame, unit)?;
        if F::STREAM {
            self.decoder.set_aside(length);
        } else {
            self.decoder.keep(length);
        }
        Ok(())
    }

    fn check_start(&mut self) -> Result<(), RequestError> {
        if self.is_broadcast() && self.asked.is_ambiguous() {
            return Err(RequestError::Broadcast);
        }
        let needed = F::HEADER + self.asked.reply_length() + F::TRAILER;
        if self.decoder.capacity() < needed {
            return Err(RequestError::Buffer { needed });
        }
        self.flags.mirrors = self.contains_reply();
        if self.flags.mirrors && self.framing.echoes().is_none() && !self.is_broadcast() {
            return Err(RequestError::Echo);
        }
        Ok(())
    }

    /// Whether the request, heard again, could be taken for its reply.
    fn contains_reply(&self) -> bool {
        let request = self.decoder.frame();
        let is_reply = |bytes| matches!(self.framing.scan_reply(bytes, &self.asked, true), Scan::Frame(_));
        !F::STREAM && (0..request.len()).any(|start| request.get(start..).is_some_and(is_reply))
    }

    const fn is_broadcast(&self) -> bool {
        !F::STREAM && self.asked.unit == 0
    }

    // Called from three places; inlined into each it costs 120 bytes.
    #[inline(never)]
    fn settle(&mut self, now: Instant) {
        self.rejected = None;
        let give_up = self.silent().max(now) + self.settings.timeout;
        self.phase = Phase::Settle { give_up, drained: F::STREAM };
    }

    /// When the line will have been silent for long enough, if it stays so.
    fn silent(&self) -> Instant {
        self.active + self.framing.silence() + self.settings.gap
    }

    /// The line is silent: puts the request on it, or first the probe of a suspect unit.
    fn begin(&mut self) -> Phase {
        // Bytes enough for a frame came when nobody had been asked: this unit may be out of step.
        if self.flags.stray >= SHORTEST_REPLY {
            self.framing.doubt(&self.asked);
        }
        self.flags.stray = 0;
        if self.asked.is_ambiguous() && self.framing.is_suspect(self.asked.unit) && !self.flags.trusted {
            if !self.asked.is_read() {
                return Phase::Failed(Cause::Suspect);
            }
            self.asked.set_quantity(self.wanted);
            self.ask(self.framing.probe(&self.asked));
        } else if self.is_probe() || !self.decoder.has_frame() {
            self.ask(self.wanted);
        }
        Phase::Send
    }

    /// Puts a read of so many in place of what was to be sent.
    fn ask(&mut self, quantity: u16) {
        self.asked.set_quantity(quantity);
        self.decoder.release();
        let mut writer = Writer::new(self.decoder.free().get_mut(F::HEADER..).unwrap_or_default());
        // `start` has sent a longer frame from the same buffer, or one as long: it fits.
        let _ = writer.array(self.asked.read_pdu());
        let length = writer.finish();
        let _ = self.frame(self.asked.unit, length);
    }

    const fn is_probe(&self) -> bool {
        self.asked.quantity() != self.wanted
    }

    fn sent(&mut self, now: Instant) {
        self.active = now;
        self.decoder.release();
        self.flags.echoed = 0;
        let reply = F::HEADER + self.asked.reply_length() + F::TRAILER;
        self.phase = if self.is_broadcast() {
            Phase::Turnaround { until: now + self.settings.turnaround }
        } else {
            Phase::Wait { deadline: now + self.settings.timeout + self.framing.transmission(reply) }
        };
    }

    /// Looks through what was received; gives the length of the reply once it is at the front.
    fn scan(&mut self, last: bool) -> Option<usize> {
        while !self.decoder.window().is_empty() {
            match self.framing.scan_reply(self.decoder.window(), &self.asked, last) {
                Scan::Frame(length) if self.is_echo() => self.decoder.drop_front(length),
                Scan::Frame(length) => return Some(length),
                Scan::Skip(count) => self.decoder.drop_front(count),
                Scan::Reject(count, error) => {
                    self.reject(error);
                    self.decoder.drop_front(count);
                }
                Scan::More if self.decoder.is_full() => self.decoder.drop_front(1),
                Scan::More => return None,
            }
        }
        None
    }

    /// On a line that echoes, the first frame that equals the request is the request.
    fn is_echo(&mut self) -> bool {
        let echo = self.flags.mirrors && self.framing.echoes() == Some(true);
        self.flags.mirrors &= !echo;
        echo
    }

    fn reject(&mut self, error: FrameError) {
        if self.rejected != Some(FrameError::Mismatch) {
            self.rejected = Some(error);
        }
    }

    fn accept(&mut self, now: Instant, length: usize) {
        self.learn_echo();
        if !self.is_probe() {
            self.phase = Phase::Answered(length);
            return;
        }
        // The probe's reply came, and replies come in order: whatever was owed before it is past.
        self.framing.clear(self.asked.unit);
        self.flags.trusted = true;
        self.make_room();
        self.settle(now);
    }

    fn learn_echo(&mut self) {
        let echoed = self.flags.echoed == self.asked.echo().len();
        if self.asked.is_read() && (echoed || self.decoder.dropped() == 0) {
            self.framing.learn_echo(echoed);
        }
    }

    /// The deadline has passed without the reply.
    fn expire(&mut self, now: Instant) {
        if let Some(length) = self.scan(true) {
            return self.accept(now, length);
        }
        self.framing.doubt(&self.asked);
        self.flags.trusted |= !self.is_probe();
        match self.attempts.checked_sub(1) {
            Some(left) => {
                self.attempts = left;
                self.make_room();
                self.settle(now);
            }
            None => self.phase = Phase::Failed(self.rejected.map_or(Cause::Timeout, Cause::Frame)),
        }
    }

    fn compare_echo(&mut self, bytes: &[u8]) {
        let echo = self.asked.echo();
        for byte in bytes {
            match echo.get(self.flags.echoed) {
                Some(sent) if sent == byte => self.flags.echoed += 1,
                Some(_) => self.flags.echoed = usize::MAX,
                None => return,
            }
        }
    }

    /// Takes bytes that answer nothing: a stream's are followed, a serial line's thrown away.
    fn discard(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.active = now;
        self.flags.stray = self.flags.stray.saturating_add(bytes.len());
        if !F::STREAM {
            return bytes.len();
        }
        let taken = self.decoder.push(bytes);
        while let Some(length) = self.scan(false) {
            self.decoder.drop_front(length);
        }
        taken
    }

    fn step(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Send => {
                self.phase = Phase::Sent;
                Step::Send(self.decoder.frame())
            }
            Phase::Wait { deadline } => Step::Wait(Some(deadline)),
            Phase::Turnaround { until } => Step::Wait(Some(until)),
            Phase::Settle { .. } | Phase::Sent => Step::Wait(Some(self.silent().max(now))),
            _ => Step::Done,
        }
    }
}

impl<F: Framing> Machine for Client<'_, F> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Wait { .. } => {}
            Phase::Settle { .. } | Phase::Send | Phase::Sent | Phase::Turnaround { .. } => {
                return self.discard(now, bytes);
            }
            _ => return 0,
        }
        self.active = now;
        self.compare_echo(bytes);
        let taken = self.decoder.push(bytes);
        if let Some(length) = self.scan(false) {
            self.accept(now, length);
        } else if self.rejected == Some(FrameError::Stream) {
            self.phase = Phase::Failed(Cause::Frame(FrameError::Stream));
        }
        taken
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Settle { give_up, drained } => {
                let silent = self.silent();
                if !drained || now < silent.min(give_up) {
                    self.phase = Phase::Settle { give_up, drained: true };
                    return Step::Wait(Some(silent.min(give_up).max(now)));
                }
                self.phase = if now < silent { Phase::Failed(Cause::Busy) } else { self.begin() };
            }
            Phase::Sent => self.sent(now),
            Phase::Wait { deadline } if now >= deadline => self.expire(now),
            Phase::Turnaround { until } if now >= until => self.phase = Phase::Broadcast,
            _ => {}
        }
        self.step(now)
    }
}

const SETTINGS: Settings = Settings {
    timeout: Duration::from_secs(1),
    turnaround: Duration::from_millis(100),
    gap: Duration::ZERO,
    retries: 0,
};

/// Unit, function, exception and checksum.
const SHORTEST_REPLY: usize = 5;
