//! The client: one exchange over a link, whatever carries it.

use ccm_core::{Instant, Machine, Step};

use crate::frame::{Buffer, Framing, LinkError, Next, Order, Policy, RequestError};

/// What a client does in one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request<'a> {
    /// Makes the link. Over HDLC ends one that was left or lost first; over the wrapper sends nothing.
    Connect,
    /// Sends an APDU and takes the one that answers it.
    Exchange(&'a [u8]),
    /// Takes a further APDU that comes without a request, as in general block transfer. Over HDLC polls for it.
    Listen,
    /// Ends the link. Over the wrapper sends nothing.
    Disconnect,
}

/// A client on one line or connection, over [`Hdlc`](crate::hdlc::Hdlc) or [`Wrapper`](crate::wrapper::Wrapper).
///
/// The answer lies where the request lay: in [`apdu_mut`](Self::apdu_mut), all of it or none. After a
/// [`LinkError`] other than [`Overflow`](LinkError::Overflow) the link is gone, and with it the association: connect
/// again, which waits for what may still come on the old link. An exchange that is abandoned half-way (a dropped future) does the same.
///
/// The machine rests when [`start`](Self::start) has not been called or [`outcome`](Self::outcome) is known.
#[derive(Debug)]
pub struct Client<'b, F: Framing> {
    framing: F,
    buffer: Buffer<'b>,
    policy: Policy,
    phase: Phase,
    /// When the phase ends.
    until: Instant,
    /// When waiting ends at the latest; until then an answer may come to what was sent last.
    limit: Instant,
    /// A bad frame has come: silence ends the waiting.
    spoilt: bool,
    heard: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Rest,
    /// What has already come is to be read and thrown away.
    Drain,
    Send,
    /// The next poll says that the last stop bit has left.
    Sent,
    Wait,
    /// A busy server is left alone.
    Pause,
    Over,
}

impl<'b, F: Framing> Client<'b, F> {
    /// A client that keeps frames and APDU in `buffer`: over HDLC the longest information field, at least 128 bytes,
    /// and 17 more, over the wrapper 8; behind them the longest APDU.
    pub fn new(framing: F, buffer: &'b mut [u8]) -> Self {
        let buffer = Buffer::new(buffer, framing.room());
        Self {
            framing,
            buffer,
            policy: Policy::DEFAULT,
            phase: Phase::Rest,
            until: Instant::ZERO,
            limit: Instant::ZERO,
            spoilt: false,
            heard: Instant::ZERO,
        }
    }

    /// Treats the server like this from the next exchange on.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same, where the client lies elsewhere.
    pub const fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// How the server is treated.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The link and what is known of it.
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// When the server was last heard, in an exchange. Servers drop a link that is idle for long, often 120 s.
    pub const fn heard(&self) -> Instant {
        self.heard
    }

    /// Begins an exchange; the machine then says what to do.
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    pub fn start(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError> {
        let order = match request {
            Request::Connect => Order::Connect,
            Request::Exchange(apdu) => return self.start_with(now, apdu),
            Request::Listen => Order::Listen,
            Request::Disconnect => Order::Disconnect,
        };
        self.begin(now, order)
    }

    /// Begins an exchange whose request is the first `length` bytes of [`apdu_mut`](Self::apdu_mut).
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    pub fn exchange(&mut self, now: Instant, length: usize) -> Result<(), RequestError> {
        match length {
            0 => Err(RequestError::Empty),
            _ if length > self.buffer.capacity() => {
                Err(RequestError::Buffer { needed: self.buffer.needed(length) })
            }
            _ => self.begin(now, Order::Exchange(length)),
        }
    }

    /// The answer, once the machine is [`Step::Done`]; empty where the exchange brings none.
    ///
    /// # Errors
    /// [`LinkError::Unfinished`] before that; afterwards why there is no answer.
    pub fn outcome(&self) -> Result<&[u8], LinkError> {
        if self.phase != Phase::Over {
            return Err(LinkError::Unfinished);
        }
        self.framing.outcome().map(|length| self.buffer.apdu().get(..length).unwrap_or_default())
    }

    /// Room for the next request; after an exchange its answer lies at the front, to be deciphered in place.
    pub fn apdu_mut(&mut self) -> &mut [u8] {
        self.buffer.apdu_mut()
    }

    fn start_with(&mut self, now: Instant, apdu: &[u8]) -> Result<(), RequestError> {
        for (slot, byte) in self.buffer.apdu_mut().iter_mut().zip(apdu) {
            *slot = *byte;
        }
        self.exchange(now, apdu.len())
    }

    fn begin(&mut self, now: Instant, order: Order) -> Result<(), RequestError> {
        if !matches!(self.phase, Phase::Rest | Phase::Over) {
            self.framing.abandon();
        }
        self.phase = Phase::Rest;
        match self.framing.begin(order, &self.policy, &mut self.buffer)? {
            Next::Send => {
                // What was asked on a lost link may still be answered, and would look like an answer on the new one.
                let late = if order == Order::Connect { self.limit } else { now };
                (self.phase, self.until) = (Phase::Drain, now.max(late));
            }
            next => self.follow(now, next),
        }
        Ok(())
    }

    fn follow(&mut self, now: Instant, next: Next) {
        match next {
            Next::Send => self.phase = Phase::Send,
            Next::Hear | Next::HearOn => {
                self.wait(now);
                self.spoilt |= next == Next::HearOn;
            }
            Next::Pause => (self.phase, self.until) = (Phase::Pause, now + self.policy.pause),
            Next::Over => {
                self.phase = Phase::Over;
                if self.framing.outcome().is_ok() {
                    self.limit = now;
                }
            }
        }
    }
}

impl<F: Framing> Client<'_, F> {
    /// The deadline is set once: no byte that comes puts it off.
    fn wait(&mut self, now: Instant) {
        if self.phase != Phase::Wait {
            self.limit = now + self.policy.timeout + self.framing.longest();
            (self.phase, self.until, self.spoilt) = (Phase::Wait, self.limit, false);
        }
    }

    /// After a bad frame nothing more may come: the server is asked again as soon as it is silent.
    fn hasten(&mut self, now: Instant) {
        if self.spoilt && self.phase == Phase::Wait {
            self.until = self.limit.min(now + self.policy.silence);
        }
    }
}

impl<F: Framing> Machine for Client<'_, F> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Rest | Phase::Over => 0,
            Phase::Wait => {
                let (taken, next) = self.framing.receive(bytes, &mut self.buffer);
                self.heard = now;
                self.follow(now, next);
                self.hasten(now);
                taken
            }
            _ => self.framing.discard(bytes),
        }
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Sent => {
                let next = self.framing.sent();
                self.follow(now, next);
            }
            Phase::Wait if now >= self.until => {
                let next = self.framing.expire(&mut self.buffer);
                self.follow(now, next);
            }
            Phase::Pause if now >= self.until => self.phase = Phase::Send,
            _ => {}
        }
        match self.phase {
            Phase::Drain => {
                self.phase = Phase::Pause; // What has come is offered now; the next poll sends.
                Step::Wait(Some(self.until.max(now)))
            }
            Phase::Send => {
                self.phase = Phase::Sent;
                Step::Send(self.framing.emit(&mut self.buffer))
            }
            Phase::Wait | Phase::Pause => Step::Wait(Some(self.until)),
            _ => Step::Done,
        }
    }
}
