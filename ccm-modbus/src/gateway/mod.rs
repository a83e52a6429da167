//! The gateway: many clients on TCP, few serial lines behind them, and every request answered once.
//!
//! # How it is used
//!
//! [`Gateway`] knows neither sockets nor ports. Whoever has them tells it what came and asks it what to do:
//!
//! ```text
//! a client's bytes -> mbap::split -> request()  -> an answer at once, or a place in the queue
//! a port is idle   ->                ask()      -> what it carries next     (then a Client<Rtu> runs)
//! the Client ended ->                settle()   <- the reply's PDU, or why there is none
//! at any time      ->                expire(), reply() -> mbap::emit -> the client's bytes
//! ```
//!
//! ```
//! use ccm_core::Instant;
//! use ccm_modbus::gateway::{Adu, Gateway, Settings, Verdict};
//! use ccm_modbus::{Error, Frame};
//!
//! // One port, two clients, four places, no cache.
//! let mut gateway = Gateway::<1, 2, 4>::new(Settings::new());
//! gateway.route(1, 32, 0)?;
//! gateway.port_up(0);
//!
//! let read = Adu { client: 1, transaction: 7, frame: Frame { unit: 17, pdu: &[3, 0, 0x6B, 0, 3] } };
//! assert_eq!(gateway.request(Instant::ZERO, read), Verdict::Queued);
//! assert!(gateway.ask(Instant::ZERO, 0).is_some_and(|ask| ask.unit == 17));
//! gateway.settle(Instant::from_millis(500), 0, Err(Error::Timeout));
//!
//! let reply = gateway.reply().ok_or("no reply")?;
//! assert_eq!((reply.client, reply.transaction, reply.frame.pdu), (1, 7, &[0x83, 0x0B][..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a client is told
//!
//! | answer | when |
//! |---|---|
//! | the device's own, its exceptions included | it answered |
//! | 01 illegal function | the function is denied, or would write through a gateway that only reads |
//! | 01, 02, 03 | the request breaks the standard's limits; it costs no time on the line |
//! | 06 server device busy | the queue is full, or this client's share of it (MB-TCP 4.4.1.2 allows 1 to 16 transactions) |
//! | 0A gateway path unavailable | no route to this unit; 248 to 255 never have one, and 0 only where broadcasts are on |
//! | 0B gateway target device failed to respond | no or no valid reply, the deadline passed, the port is lost, the unit is resting |
//!
//! # What it promises
//!
//! - **Fair.** A port serves the clients in turn, however many requests each has queued.
//! - **In time.** A request that has waited until its deadline is answered 0B and never sent; those of a client that
//!   has gone are forgotten.
//! - **A dead unit costs little.** After three failures in a row it *rests*: it is asked at most every 15 s, without
//!   retries, and everybody else is told 0B at once.
//! - **Never an old value for a new one.** An identical read shares an answer only where it waited before the question
//!   was put on the line; the cache (off unless set) counts a value's age from then, too. Neither is used for a unit to
//!   which somebody is about to write, and a write drops what the cache knows of its unit.
//! - **A broadcast** (off unless set) goes to all ports that have routes. The confirmation only says that it was sent:
//!   no unit confirms one, and a client that hears nothing would send it again.
//!
//! On a line whose echo nobody knows yet, or after a late reply, the [`Client`](crate::Client) refuses some requests
//! until something has been read. The gateway then *knocks*: it reads one register of the same unit first.

mod cache;
pub mod mbap;
mod message;
mod port;
mod queue;
mod settings;
mod units;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use message::{Adu, Ask, Counters, Verdict};
pub use settings::{FunctionSet, RouteError, Settings};

use ccm_core::Instant;

use crate::{Error, Exception, Frame, Request};
use cache::Cache;
use port::{Asked, Port, Stage};
use queue::{Place, Queue};
use units::Units;

/// A gateway to `PORTS` ports (32 at most) for `CLIENTS` clients, with `QUEUE` places for their requests and `CACHE`
/// for values.
///
/// Each place takes about 300 bytes, and so does each value; the units take 2 KiB.
#[derive(Debug)]
pub struct Gateway<const PORTS: usize, const CLIENTS: usize, const QUEUE: usize, const CACHE: usize = 0> {
    settings: Settings,
    units: Units,
    ports: [Port; PORTS],
    queue: Queue<QUEUE>,
    cache: Cache<CACHE>,
    counters: Counters,
}

impl<const PORTS: usize, const CLIENTS: usize, const QUEUE: usize, const CACHE: usize>
    Gateway<PORTS, CLIENTS, QUEUE, CACHE>
{
    /// A gateway without routes, all ports down.
    pub const fn new(settings: Settings) -> Self {
        const {
            assert!(PORTS <= 32, "a broadcast remembers its ports in 32 bits");
        }
        Self {
            settings,
            units: Units::NOBODY,
            ports: [Port::DOWN; PORTS],
            queue: Queue::EMPTY,
            cache: Cache::EMPTY,
            counters: Counters::ZERO,
        }
    }

    /// Says that the units `first` to `last` are on `port`.
    ///
    /// # Errors
    /// [`RouteError`], and nothing has changed then.
    pub fn route(&mut self, first: u8, last: u8, port: usize) -> Result<(), RouteError> {
        if port >= PORTS {
            return Err(RouteError::Port { found: port, limit: PORTS });
        }
        self.units.route(first, last, port)
    }

    /// What has happened so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The port is open: its requests wait for [`ask`](Self::ask).
    pub fn port_up(&mut self, port: usize) {
        if let Some(port) = self.ports.get_mut(port) {
            port.is_up = true;
        }
    }

    /// The port is lost: what waited for it and what it was carrying is answered 0B, and so is what comes until it is
    /// [up](Self::port_up) again. That is no unit's failure.
    pub fn port_down(&mut self, port: usize) {
        let Some(lost) = self.ports.get_mut(port) else { return };
        lost.is_up = false;
        // What was being written may have arrived.
        self.cache.drop_unit(0);
        let carried = lost.asked.take().map(|asked| asked.place);
        if let Some(place) = carried.and_then(|place| self.queue.get_mut(place)) {
            place.carried = place.carried.saturating_sub(1);
            place.has_failed = true;
        }
        self.give_up(|place| place.ports & mask(port) != 0);
        if let Some(place) = carried {
            self.conclude(place);
        }
    }

    /// Forgets the requests of a client that has gone. One that is on the line is carried to its end, and its answer
    /// thrown away.
    pub fn disconnect(&mut self, client: usize) {
        self.queue.forget(client);
    }

    /// Takes a request: answers it at once or gives it a place. After [`Verdict::Queued`] an idle port has something to
    /// [`ask`](Self::ask).
    pub fn request(&mut self, now: Instant, adu: Adu<'_>) -> Verdict<'_> {
        self.counters.requests = self.counters.requests.wrapping_add(1);
        match self.admit(now, &adu) {
            Ok(None) => Verdict::Queued,
            Ok(Some(value)) => {
                self.counters.cached = self.counters.cached.wrapping_add(1);
                Verdict::Cached(self.cache.pdu(value))
            }
            Err(exception) => {
                self.counters.refused = self.counters.refused.wrapping_add(1);
                Verdict::Refused(refusal(adu.frame.pdu, exception))
            }
        }
    }

    /// What `port` carries next, if anything. Until it is [settled](Self::settle) this gives the same again.
    pub fn ask(&mut self, now: Instant, port: usize) -> Option<Ask<'_>> {
        let state = *self.ports.get(port)?;
        if !state.is_up {
            return None;
        }
        let asked = match state.asked {
            Some(asked) => asked,
            None => self.take(now, port)?,
        };
        let place = self.queue.get(asked.place)?;
        let request = match asked.stage {
            Stage::Knock => KNOCK,
            Stage::First | Stage::Again => Request::parse(self.queue.pdu(asked.place)).ok()?,
        };
        Some(Ask { unit: place.unit, request, may_retry: !self.units.is_dead(place.unit, &self.settings) })
    }

    /// Takes what came of the request that `port` was carrying: the PDU of a client's `outcome()` (empty where nobody was
    /// to answer), or the error of its `start`. Afterwards there may be something to [`reply`](Self::reply) and to
    /// [`ask`](Self::ask).
    pub fn settle(&mut self, now: Instant, port: usize, outcome: Result<&[u8], Error>) {
        let Some(state) = self.ports.get_mut(port) else { return };
        let Some(asked) = &mut state.asked else { return };
        if asked.goes_on(outcome) {
            return;
        }
        let ended = *asked;
        state.asked = None;
        if let Some(place) = self.queue.get_mut(ended.place) {
            place.carried = place.carried.saturating_sub(1);
            let place = *place;
            self.judge(now, place.unit, outcome);
            self.answer(ended, &place, outcome);
        }
    }

    /// Answers 0B what has waited until its deadline, and says when the next one comes.
    pub fn expire(&mut self, now: Instant) -> Option<Instant> {
        self.give_up(|place| place.deadline <= now);
        self.queue.iter().filter(|place| place.ports != 0).map(|place| place.deadline).min()
    }

    /// An answer that is ready, if there is one; each is given once.
    pub fn reply(&mut self) -> Option<Adu<'_>> {
        self.queue.fetch()
    }

    /// Finds what is wrong with a request, or its value in the cache, or a place for it.
    fn admit(&mut self, now: Instant, adu: &Adu<'_>) -> Result<Option<usize>, Exception> {
        let Frame { unit, pdu } = adu.frame;
        let ports = self.ports_to(unit)?;
        self.settings.admits(unit, pdu)?;
        Request::parse(pdu).map_err(crate::MessageError::exception)?;
        if self.units.is_resting(unit, now, &self.settings) || !self.are_up(ports) {
            return Err(Exception::GatewayTargetFailed);
        }
        if is_read(pdu) && !self.queue.iter().any(|place| place.writes && place.reaches(unit)) {
            let value = self.cache.find(&adu.frame, now, self.settings.cache);
            if value.is_some() {
                return Ok(value);
            }
        }
        if adu.client >= CLIENTS || self.queue.held_by(adu.client) >= self.settings.share {
            return Err(Exception::ServerDeviceBusy);
        }
        let place = Place::new(adu, ports, now + self.settings.deadline, !is_read(pdu));
        self.queue.add(place, pdu).map_or(Err(Exception::ServerDeviceBusy), |()| Ok(None))
    }

    /// The ports that lead to `unit`, a bit each.
    fn ports_to(&self, unit: u8) -> Result<u32, Exception> {
        let ports = match unit {
            0 if self.settings.broadcast => {
                (0..PORTS).filter(|port| self.units.is_used(*port)).map(mask).sum()
            }
            _ => self.units.port(unit).map_or(0, mask),
        };
        if ports == 0 { Err(Exception::GatewayPathUnavailable) } else { Ok(ports) }
    }

    fn are_up(&self, ports: u32) -> bool {
        self.ports.iter().enumerate().all(|(index, port)| port.is_up || ports & mask(index) == 0)
    }

    /// Takes the next request for `port` out of the queue: of the client whose turn it is, the oldest.
    fn take(&mut self, now: Instant, port: usize) -> Option<Asked> {
        self.expire(now);
        let state = self.ports.get_mut(port)?;
        let last = state.served;
        // How many others come before this client: the one served last comes last.
        let turn = |client: usize| (client + CLIENTS - 1).wrapping_sub(last) % CLIENTS.max(1);
        let (index, client) = self.queue.first(mask(port), turn)?;
        state.served = client;
        let asked = Asked { place: index, at: now, age: self.queue.now(), stage: Stage::First };
        state.asked = Some(asked);
        let place = self.queue.get_mut(index)?;
        place.ports &= !mask(port);
        place.carried = place.carried.saturating_add(1);
        self.units.asked(place.unit, now, &self.settings);
        self.counters.asked = self.counters.asked.wrapping_add(1);
        Some(asked)
    }

    /// Keeps count of a unit's failures; one that fails too often rests, and those who wait for it are told.
    fn judge(&mut self, now: Instant, unit: u8, outcome: Result<&[u8], Error>) {
        match outcome {
            Ok([]) => {}
            Ok(_) | Err(Error::Exception(_)) => self.units.answered(unit),
            // Somebody else's noise, or our own mistake: no proof against the unit.
            Err(Error::Busy | Error::Collision | Error::Request(_) | Error::Unfinished) => {}
            Err(_) => {
                self.units.failed(unit, now, &self.settings);
                if self.units.is_dead(unit, &self.settings) {
                    self.give_up(|place| place.unit == unit);
                }
            }
        }
    }

    /// Writes down the answer to what a port carried, for all who asked the same before it was put on the line.
    fn answer(&mut self, asked: Asked, place: &Place, outcome: Result<&[u8], Error>) {
        if place.writes {
            self.cache.drop_unit(place.unit);
        }
        let refused;
        let (pdu, is_value) = match outcome {
            Ok([]) if place.unit == 0 => return self.conclude(asked.place),
            Ok(pdu @ [_, ..]) if pdu.len() <= MAX_PDU => (pdu, true),
            Err(Error::Exception(exception)) => {
                refused = refusal(self.queue.pdu(asked.place), exception);
                (refused.as_slice(), false)
            }
            _ => {
                self.queue.fail(asked.place);
                return self.conclude(asked.place);
            }
        };
        self.counters.answered = self.counters.answered.wrapping_add(1);
        self.share(asked, pdu, is_value);
        self.queue.finish(asked.place, pdu);
    }

    /// Gives the answer to identical reads, and keeps a value for those that come soon.
    fn share(&mut self, asked: Asked, pdu: &[u8], is_value: bool) {
        let Some(place) = self.queue.get(asked.place).copied().filter(|place| !place.writes) else { return };
        let Some(request) = self.queue.pdu(asked.place).first_chunk().copied() else { return };
        if is_value && self.settings.cache.as_micros() > 0 {
            self.cache.keep(place.unit, request, asked.at, pdu);
        }
        if self.settings.shares_reads {
            let count = self.queue.share(place.unit, request, asked.age, pdu);
            self.counters.shared = self.counters.shared.wrapping_add(count);
        }
    }

    /// No port will carry those any more.
    fn give_up(&mut self, which: impl Fn(&Place) -> bool) {
        for index in 0..QUEUE {
            let Some(place) = self.queue.get_mut(index).filter(|place| place.ports != 0) else { continue };
            if which(place) {
                place.ports = 0;
                place.has_failed = true;
                self.conclude(index);
            }
        }
    }

    /// Answers what needs no port any more: a broadcast that was sent, or anything that failed.
    fn conclude(&mut self, index: usize) {
        let Some(place) = self.queue.get(index).filter(|place| place.ports == 0 && place.carried == 0) else {
            return;
        };
        if place.has_failed {
            let refusal = refusal(self.queue.pdu(index), Exception::GatewayTargetFailed);
            self.counters.failed = self.counters.failed.wrapping_add(1);
            self.queue.finish(index, &refusal);
        } else {
            self.counters.answered = self.counters.answered.wrapping_add(1);
            self.queue.confirm(index);
        }
    }
}

/// Whether a PDU is one of the four functions that only read.
fn is_read(pdu: &[u8]) -> bool {
    matches!(pdu, [1..=4, ..])
}

const fn mask(port: usize) -> u32 {
    if port < 32 { 1 << port } else { 0 }
}

fn refusal(request: &[u8], exception: Exception) -> [u8; 2] {
    [request.first().copied().unwrap_or_default() | REFUSED, exception.code()]
}

/// Any answer will do, a refusal too.
const KNOCK: Request<'static> = Request::ReadHoldingRegisters { start: 0, quantity: 1 };

/// Set in the function code of a refusal (MB-APP 7).
const REFUSED: u8 = 0x80;

/// MB-APP 4.1: 256 bytes on a serial line, less unit and checksum.
const MAX_PDU: usize = 253;
