//! Several transactions at once on one connection: replies are told apart by their transaction number.

use ccm_core::{Instant, Machine, Step, Writer};

use crate::frame::tcp::{HEADER, Header, seal};
use crate::frame::{Expected, MAX_ADU, Scan};
use crate::message::REFUSED;
use crate::reply::range;
use crate::{Error, Exception, FrameError, Policy, Reply, Request, RequestError};

/// A client on Modbus TCP with up to `N` transactions under way; a server takes 1 to 16 (MB-TCP 4.4.1.2).
///
/// Start as many as there are places, run the machine, and take what is over; the machine is [`Step::Done`] whenever
/// something is, so that its place can be used again. Replies may come in any order. One whose transaction is unknown,
/// because it came too late, is discarded (MB-TCP 4.4.1.3).
///
/// ```
/// use ccm_core::{Instant, Machine, Step};
/// use ccm_modbus::{Pipeline, Request};
///
/// let mut buffers = [[0; 260]; 3];
/// let mut pipeline = Pipeline::new(&mut buffers);
/// let read = |start| Request::ReadHoldingRegisters { start, quantity: 1 };
/// let first = pipeline.start(Instant::ZERO, 1, read(10))?;
/// let second = pipeline.start(Instant::ZERO, 1, read(20))?;
/// assert!(matches!(pipeline.poll(Instant::ZERO), Step::Send(b"\0\x01\0\0\0\x06\x01\x03\0\x0A\0\x01")));
/// assert!(matches!(pipeline.poll(Instant::ZERO), Step::Send(b"\0\x02\0\0\0\x06\x01\x03\0\x14\0\x01")));
///
/// // The second answer comes first.
/// pipeline.receive(Instant::ZERO, b"\0\x02\0\0\0\x05\x01\x03\x02\0\x2A");
/// assert!(matches!(pipeline.poll(Instant::ZERO), Step::Done));
/// assert_eq!(pipeline.outcome(second)?.registers().and_then(|registers| registers.get(0)), Some(42));
/// assert!(pipeline.outcome(first).is_err(), "not yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pipeline<'b, const N: usize> {
    /// A buffer for each transaction: its request until it was sent, then its reply.
    buffers: &'b mut [[u8; MAX_ADU]; N],
    slots: [Slot; N],
    incoming: Incoming,
    transaction: u16,
    policy: Policy,
    is_broken: bool,
}

/// An exchange of a [`Pipeline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    place: usize,
    transaction: u16,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    transaction: u16,
    asked: Expected,
    wanted: u16,
    until: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// The request of so many bytes waits to be sent.
    Queued(usize),
    Waits,
    /// The PDU of so many bytes has come.
    Answered(usize),
    Failed(Error),
}

/// The frame that is coming in.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    header: [u8; HEADER],
    held: usize,
    /// Where its PDU goes, and how much of it is still to come.
    place: Option<usize>,
    left: usize,
}

impl<'b, const N: usize> Pipeline<'b, N> {
    /// A pipeline with nothing under way.
    pub const fn new(buffers: &'b mut [[u8; MAX_ADU]; N]) -> Self {
        Self {
            buffers,
            slots: [Slot::FREE; N],
            incoming: Incoming::NOTHING,
            transaction: 0,
            policy: Policy::DEFAULT,
            is_broken: false,
        }
    }

    /// Treats units like this; only the time-out and the most registers count here.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Says whether another exchange can begin.
    pub fn has_room(&self) -> bool {
        self.slots.iter().any(|slot| slot.state == State::Free)
    }

    /// Begins an exchange with `unit`.
    ///
    /// # Errors
    /// The caller's mistakes; [`RequestError::Buffer`] with 0 bytes needed where no place is free.
    pub fn start(&mut self, now: Instant, unit: u8, request: Request<'_>) -> Result<Ticket, RequestError> {
        let free = |slot: &Slot| slot.state == State::Free;
        let place = self.slots.iter().position(free).ok_or(RequestError::Buffer { needed: 0 })?;
        let transaction = self.transaction.wrapping_add(1);
        let (Some(buffer), Some(slot)) = (self.buffers.get_mut(place), self.slots.get_mut(place)) else {
            return Err(RequestError::Buffer { needed: MAX_ADU });
        };
        let (_, wanted) = range(&request);
        if wanted > self.policy.max_registers && !matches!(request.function().code(), 1 | 2) {
            return Err(RequestError::Quantity { found: wanted, limit: self.policy.max_registers });
        }
        let mut writer = Writer::new(buffer.get_mut(HEADER..).unwrap_or_default());
        request.emit(&mut writer)?;
        let length = writer.finish();
        let length =
            seal(buffer, transaction, unit, length).ok_or(RequestError::Buffer { needed: MAX_ADU })?;
        let until = now + self.policy.timeout;
        let state = State::Queued(length);
        *slot = Slot { transaction, asked: Expected::of(unit, &request), wanted, until, state };
        self.transaction = transaction;
        Ok(Ticket { place, transaction })
    }

    /// Gives the answer of an exchange that is over. Its place stays taken until [`release`](Self::release).
    ///
    /// # Errors
    /// [`Error::Unfinished`] before that, or for a ticket whose place was released; afterwards why there is no answer.
    pub fn outcome(&self, ticket: Ticket) -> Result<Reply<'_>, Error> {
        let slot = self.slots.get(ticket.place).filter(|slot| slot.transaction == ticket.transaction);
        let (slot, buffer) = slot.zip(self.buffers.get(ticket.place)).ok_or(Error::Unfinished)?;
        match slot.state {
            State::Answered(length) => match buffer.get(..length) {
                Some([code, exception, ..]) if code & REFUSED != 0 => {
                    Err(Error::Exception(Exception::from_code(*exception)))
                }
                Some(pdu) => Ok(Reply::new(slot.wanted, pdu)),
                None => Err(Error::Frame(FrameError::Length)),
            },
            State::Failed(error) => Err(error),
            _ => Err(Error::Unfinished),
        }
    }

    /// Gives a place back; what is still under way there is forgotten, and its reply will be discarded.
    pub fn release(&mut self, ticket: Ticket) {
        let slot = self.slots.get_mut(ticket.place);
        if let Some(slot) = slot.filter(|slot| slot.transaction == ticket.transaction) {
            slot.state = State::Free;
        }
    }

    /// The connection is a new one: what was under way has failed.
    pub fn reconnect(&mut self) {
        self.incoming = Incoming::NOTHING;
        self.is_broken = false;
        self.fail(Slot::is_under_way, Error::Timeout);
    }

    fn fail(&mut self, which: impl Fn(&Slot) -> bool, error: Error) {
        for slot in self.slots.iter_mut().filter(|slot| which(slot)) {
            slot.state = State::Failed(error);
        }
    }

    /// The header of a frame is whole: finds whose it is.
    fn open(&mut self) {
        let Some(header) = Header::parse(&self.incoming.header) else { return };
        let total = match header.extent() {
            Ok(total) | Err(Scan::Skip(total)) => total,
            _ => {
                self.is_broken = true;
                return self.fail(Slot::is_under_way, Error::Frame(FrameError::Stream));
            }
        };
        let is_asked = |slot: &Slot| slot.state == State::Waits && slot.transaction == header.transaction;
        self.incoming.place = self.slots.iter().position(is_asked).filter(|_| header.extent().is_ok());
        self.incoming.left = total.saturating_sub(HEADER);
    }

    /// Takes a byte behind the header; the last one settles the exchange.
    fn fill(&mut self, byte: u8) {
        let at = self.incoming.held - HEADER;
        let slot = self.incoming.place.and_then(|place| self.buffers.get_mut(place)?.get_mut(at));
        if let Some(slot) = slot {
            *slot = byte;
        }
        self.incoming.held += 1;
        self.incoming.left = self.incoming.left.saturating_sub(1);
    }

    fn close(&mut self) {
        let Incoming { header: [.., unit], held, place, .. } = self.incoming;
        self.incoming = Incoming::NOTHING;
        let Some(place) = place else { return };
        let length = held - HEADER;
        let (Some(slot), Some(buffer)) = (self.slots.get_mut(place), self.buffers.get(place)) else { return };
        let is_answer = crate::frame::tcp::answers(slot.asked.unit, unit)
            && buffer.get(..length).is_some_and(|pdu| slot.asked.is_answered_by(pdu));
        slot.state = if is_answer {
            State::Answered(length)
        } else {
            State::Failed(Error::Frame(FrameError::Mismatch))
        };
    }

    fn take(&mut self, byte: u8) {
        match self.incoming.header.get_mut(self.incoming.held) {
            Some(slot) => {
                *slot = byte;
                self.incoming.held += 1;
                if self.incoming.held == HEADER {
                    self.open();
                }
            }
            None => self.fill(byte),
        }
        if self.incoming.held >= HEADER && self.incoming.left == 0 {
            self.close();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.slots.iter().filter(|slot| slot.state == State::Waits).map(|slot| slot.until).min()
    }
}

impl Slot {
    const FREE: Self = Self {
        transaction: 0,
        asked: Expected::NOTHING,
        wanted: 0,
        until: Instant::ZERO,
        state: State::Free,
    };

    const fn is_under_way(&self) -> bool {
        matches!(self.state, State::Queued(_) | State::Waits)
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, State::Answered(_) | State::Failed(_))
    }
}

impl Incoming {
    const NOTHING: Self = Self { header: [0; HEADER], held: 0, place: None, left: 0 };
}

impl<const N: usize> Machine for Pipeline<'_, N> {
    fn receive(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        for byte in bytes {
            if self.is_broken {
                break; // Nobody can tell any more where a frame begins.
            }
            self.take(*byte);
        }
        bytes.len()
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        self.fail(|slot| slot.state == State::Waits && now >= slot.until, Error::Timeout);
        let queued = |slot: &Slot| matches!(slot.state, State::Queued(_));
        if let Some(place) = self.slots.iter().position(queued) {
            return self.send(place);
        }
        // What is over makes room: the caller wants to know.
        if self.slots.iter().any(Slot::is_over) {
            return Step::Done;
        }
        self.deadline().map_or(Step::Done, |deadline| Step::Wait(Some(deadline)))
    }
}

impl<const N: usize> Pipeline<'_, N> {
    fn send(&mut self, place: usize) -> Step<'_> {
        let (Some(slot), Some(buffer)) = (self.slots.get_mut(place), self.buffers.get(place)) else {
            return Step::Done;
        };
        let State::Queued(length) = slot.state else { return Step::Done };
        slot.state = State::Waits;
        Step::Send(buffer.get(..length).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;

    fn read(start: u16) -> Request<'static> {
        Request::ReadHoldingRegisters { start, quantity: 1 }
    }

    fn frame(transaction: u16, value: u16) -> Vec<u8> {
        let mut bytes = [0; 12];
        bytes[HEADER..HEADER + 2].copy_from_slice(&[3, 2]);
        bytes[HEADER + 2..HEADER + 4].copy_from_slice(&value.to_be_bytes());
        let length = seal(&mut bytes, transaction, 1, 4).unwrap();
        bytes[..length].to_vec()
    }

    fn send_all<const N: usize>(pipeline: &mut Pipeline<'_, N>) -> usize {
        let mut sent = 0;
        while let Step::Send(_) = pipeline.poll(Instant::ZERO) {
            sent += 1;
        }
        sent
    }

    proptest! {
        /// Replies in any order and any pieces, strangers' among them: each ticket gets its own.
        #[test]
        fn each_exchange_gets_its_own_answer(
            order in Just((1_u16..=8).collect::<Vec<_>>()).prop_shuffle(), piece in 1_usize..30, stranger in 100_u16..,
        ) {
            let mut buffers = [[0; MAX_ADU]; 8];
            let mut pipeline = Pipeline::new(&mut buffers);
            let tickets: Vec<_> = (1..=8).map(|n| pipeline.start(Instant::ZERO, 1, read(n)).unwrap()).collect();
            prop_assert!(!pipeline.has_room());
            prop_assert_eq!(send_all(&mut pipeline), 8);
            let stream: Vec<u8> = order.iter().flat_map(|n| [frame(stranger, 9), frame(*n, 1000 + n)].concat()).collect();
            for bytes in stream.chunks(piece) {
                pipeline.receive(Instant::ZERO, bytes);
            }
            for (ticket, n) in tickets.iter().zip(1..) {
                prop_assert_eq!(pipeline.outcome(*ticket).unwrap().registers().unwrap().get(0), Some(1000 + n));
            }
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut buffers = [[0; MAX_ADU]; 2];
            let mut pipeline = Pipeline::new(&mut buffers);
            let ticket = pipeline.start(Instant::ZERO, 1, read(1)).unwrap();
            send_all(&mut pipeline);
            pipeline.receive(Instant::ZERO, &bytes);
            let _ = pipeline.poll(Instant::from_millis(5000));
            prop_assert!(!matches!(pipeline.outcome(ticket), Err(Error::Unfinished)));
        }
    }

    #[test]
    fn a_late_reply_finds_nobody_and_its_place_is_used_again() {
        let mut buffers = [[0; MAX_ADU]; 1];
        let mut pipeline = Pipeline::new(&mut buffers);
        let late = pipeline.start(Instant::ZERO, 1, read(1)).unwrap();
        send_all(&mut pipeline);
        assert!(matches!(pipeline.poll(Instant::from_millis(1000)), Step::Done));
        assert_eq!(pipeline.outcome(late), Err(Error::Timeout));
        pipeline.release(late);
        let next = pipeline.start(Instant::from_millis(1000), 1, read(2)).unwrap();
        send_all(&mut pipeline);
        pipeline.receive(Instant::from_millis(1001), &frame(1, 111));
        assert_eq!(pipeline.outcome(next), Err(Error::Unfinished));
        pipeline.receive(Instant::from_millis(1002), &frame(2, 222));
        assert_eq!(pipeline.outcome(next).unwrap().registers().unwrap().get(0), Some(222));
        assert_eq!(pipeline.outcome(late), Err(Error::Unfinished), "its place is another's");
    }

    #[test]
    fn a_stream_that_is_no_modbus_fails_everything_under_way() {
        let mut buffers = [[0; MAX_ADU]; 2];
        let mut pipeline = Pipeline::new(&mut buffers);
        let ticket = pipeline.start(Instant::ZERO, 1, read(1)).unwrap();
        send_all(&mut pipeline);
        pipeline.receive(Instant::ZERO, b"HTTP/1.1 200 OK\r\n");
        assert_eq!(pipeline.outcome(ticket), Err(Error::Frame(FrameError::Stream)));
        pipeline.release(ticket);
        pipeline.reconnect();
        assert!(pipeline.has_room());
    }
}
