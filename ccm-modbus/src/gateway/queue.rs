//! The places in which requests wait for their port, and answers for their client.

use ccm_core::Instant;

use super::{Adu, MAX_PDU};
use crate::{Frame, Function};

/// Places for `N` requests. What is looked through lies apart from the PDUs, which are long.
#[derive(Debug)]
pub(super) struct Queue<const N: usize> {
    places: [Place; N],
    pdus: [[u8; MAX_PDU]; N],
    /// The number of the next request.
    next: u32,
    /// How many answers are ready.
    ready: usize,
}

/// A request and how far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    state: State,
    /// Nobody, once the client has gone.
    client: Option<usize>,
    transaction: u16,
    pub(super) unit: u8,
    /// Whether it may change something in the device.
    pub(super) writes: bool,
    /// Whether a port could not carry it.
    pub(super) has_failed: bool,
    /// The ports for which it waits, a bit each.
    pub(super) ports: u32,
    /// How many ports are carrying it now.
    pub(super) carried: u8,
    pub(super) deadline: Instant,
    order: u32,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// Waits for a port or is carried by one.
    Open,
    /// The PDU is the answer.
    Ready,
}

impl Place {
    const FREE: Self = Self {
        state: State::Free,
        client: None,
        transaction: 0,
        unit: 0,
        writes: false,
        has_failed: false,
        ports: 0,
        carried: 0,
        deadline: Instant::ZERO,
        order: 0,
        length: 0,
    };

    /// A place for this request, which waits for these ports.
    pub(super) const fn new(adu: &Adu<'_>, ports: u32, deadline: Instant, writes: bool) -> Self {
        Self {
            state: State::Open,
            client: Some(adu.client),
            transaction: adu.transaction,
            unit: adu.frame.unit,
            writes,
            ports,
            deadline,
            ..Self::FREE
        }
    }

    /// Whether `unit` hears it.
    pub(super) const fn reaches(&self, unit: u8) -> bool {
        self.unit == unit || self.unit == 0
    }
}

impl<const N: usize> Queue<N> {
    pub(super) const EMPTY: Self =
        Self { places: [Place::FREE; N], pdus: [[0; MAX_PDU]; N], next: 0, ready: 0 };

    /// Takes a request into a free place, if there is one.
    pub(super) fn add(&mut self, place: Place, pdu: &[u8]) -> Option<()> {
        let index = self.places.iter().position(|place| place.state == State::Free)?;
        self.pdus.get_mut(index)?.get_mut(..pdu.len())?.copy_from_slice(pdu);
        *self.places.get_mut(index)? = Place { order: self.next, length: pdu.len(), ..place };
        self.next = self.next.wrapping_add(1);
        Some(())
    }

    /// The requests that are not answered yet.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| place.state == State::Open)
    }

    /// A request that is not answered yet.
    pub(super) fn get(&self, index: usize) -> Option<&Place> {
        self.places.get(index).filter(|place| place.state == State::Open)
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Place> {
        self.places.get_mut(index).filter(|place| place.state == State::Open)
    }

    /// The PDU of a request, or of its answer.
    pub(super) fn pdu(&self, index: usize) -> &[u8] {
        let length = self.places.get(index).map_or(0, |place| place.length);
        self.pdus.get(index).and_then(|pdu| pdu.get(..length)).unwrap_or_default()
    }

    /// The number that the next request gets.
    pub(super) const fn now(&self) -> u32 {
        self.next
    }

    /// How many places a client holds, answers that it has not fetched included.
    pub(super) fn held_by(&self, client: usize) -> usize {
        let held = |place: &&Place| place.state != State::Free && place.client == Some(client);
        self.places.iter().filter(held).count()
    }

    /// The oldest request for `port` of the client that `turn` puts first, and that client.
    pub(super) fn first(&self, port: u32, turn: impl Fn(usize) -> usize) -> Option<(usize, usize)> {
        let waits = |place: &Place| place.state == State::Open && place.ports & port != 0;
        let clients = self.places.iter().enumerate().filter(|(_, place)| waits(place));
        let clients = clients.filter_map(|(index, place)| Some((index, place.client?, place.order)));
        clients
            .min_by_key(|(_, client, order)| (turn(*client), order.wrapping_sub(self.next)))
            .map(|(index, client, _)| (index, client))
    }

    /// Forgets a client; what a port carries for it keeps its place until then.
    pub(super) fn forget(&mut self, client: usize) {
        for place in self.places.iter_mut().filter(|place| place.client == Some(client)) {
            if place.state == State::Ready {
                self.ready = self.ready.saturating_sub(1);
            }
            place.client = None;
            place.ports = 0;
            if place.state != State::Open || place.carried == 0 {
                place.state = State::Free;
            }
        }
    }

    /// Notes that a port could not carry it.
    pub(super) fn fail(&mut self, index: usize) {
        if let Some(place) = self.get_mut(index) {
            place.has_failed = true;
        }
    }

    /// Puts an answer in place of the request.
    pub(super) fn finish(&mut self, index: usize, pdu: &[u8]) {
        let (Some(slot), Some(_)) = (self.pdus.get_mut(index), self.places.get(index)) else { return };
        if let Some(slot) = slot.get_mut(..pdu.len()) {
            slot.copy_from_slice(pdu);
            self.close(index, pdu.len());
        }
    }

    /// Turns a write into its confirmation, which repeats its beginning (MB-APP 6.5, 6.6, 6.11, 6.12, 6.16).
    pub(super) fn confirm(&mut self, index: usize) {
        let pdu = self.pdu(index);
        let length = match pdu.first().map(|code| Function::from_code(*code)) {
            Some(Function::WriteMultipleCoils | Function::WriteMultipleRegisters) => pdu.len().min(5),
            _ => pdu.len(),
        };
        self.close(index, length);
    }

    /// Gives an answer to the reads of the same that were waiting before the request of number `age` came, and says
    /// how many there were. One that waits behind a write to its unit expects to see what that changes.
    pub(super) fn share(&mut self, unit: u8, request: [u8; 5], age: u32, pdu: &[u8]) -> u32 {
        let is_older = |order: u32, than: u32| order.wrapping_sub(than) > u32::MAX / 2;
        let mut count = 0;
        for index in 0..N {
            let Some(place) = self.get(index).filter(|place| place.unit == unit && place.ports != 0) else {
                continue;
            };
            let order = place.order;
            let is_same = self.pdu(index) == request && is_older(order, age);
            if is_same && !self.iter().any(|place| place.writes && place.reaches(unit)) {
                self.finish(index, pdu);
                count += 1;
            }
        }
        count
    }

    /// The next answer that is ready; its place is free afterwards.
    pub(super) fn fetch(&mut self) -> Option<Adu<'_>> {
        if self.ready == 0 {
            return None;
        }
        let index = self.places.iter().position(|place| place.state == State::Ready)?;
        let place = self.places.get_mut(index)?;
        place.state = State::Free;
        self.ready = self.ready.saturating_sub(1);
        let Place { client, transaction, unit, .. } = *place;
        Some(Adu { client: client?, transaction, frame: Frame { unit, pdu: self.pdu(index) } })
    }

    /// The answer of `length` bytes stands where the request was, if somebody still wants it.
    fn close(&mut self, index: usize, length: usize) {
        let Some(place) = self.get_mut(index) else { return };
        (place.ports, place.length) = (0, length);
        if place.client.is_some() {
            place.state = State::Ready;
            self.ready += 1;
        } else {
            place.state = State::Free;
        }
    }
}
