//! What holds whatever happens: every accepted request is answered once, unless its client has gone.

use std::collections::BTreeMap;

use ccm_core::Duration;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Event {
    Request { client: usize, unit: u8, pdu: usize },
    Ask(usize),
    Settle { port: usize, outcome: u8 },
    Pass(u16),
    Disconnect(usize),
    Up(usize),
    Down(usize),
    Reply,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..4_usize, 0..8_u8, 0..PDUS.len())
            .prop_map(|(client, unit, pdu)| Event::Request { client, unit, pdu }),
        4 => (0..2_usize).prop_map(Event::Ask),
        4 => (0..2_usize, any::<u8>()).prop_map(|(port, outcome)| Event::Settle { port, outcome }),
        2 => (0..2000_u16).prop_map(Event::Pass),
        1 => (0..4_usize).prop_map(Event::Disconnect),
        1 => (0..2_usize).prop_map(Event::Up),
        1 => (0..2_usize).prop_map(Event::Down),
        2 => Just(Event::Reply),
    ]
}

const PDUS: [&[u8]; 6] = [
    &[3, 0, 0, 0, 1],
    &[3, 0, 1, 0, 1],
    &[4, 0, 0, 0, 1],
    &[6, 0, 1, 0, 9],
    &[16, 0, 1, 0, 1, 2, 0, 9],
    &[3, 0, 0, 0, 0],
];

/// A gateway, and for each transaction whose answer is still to come its client and function.
struct World {
    gateway: Gateway<2, 4, 5, 2>,
    owed: BTreeMap<u16, (usize, u8)>,
    /// The request that each port was last given, to answer it in kind.
    carried: [Option<(u8, u8)>; 2],
    next: u16,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let cache = Duration::from_millis(500);
        let settings = Settings { share: 3, broadcast: true, cache, ..Settings::new() };
        let mut gateway = Gateway::new(settings);
        gateway.route(1, 3, 0).unwrap();
        gateway.route(4, 6, 1).unwrap();
        gateway.port_up(0);
        gateway.port_up(1);
        Self { gateway, owed: BTreeMap::new(), carried: [None; 2], next: 0, now: Instant::ZERO }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Request { client, unit, pdu } => self.request(client, unit, PDUS[pdu]),
            Event::Ask(port) => {
                let ask = self.gateway.ask(self.now, port);
                self.carried[port] = ask.map(|ask| (ask.unit, ask.request.function().code()));
            }
            Event::Settle { port, outcome } => self.settle(port, outcome),
            Event::Pass(millis) => {
                self.now = self.now + Duration::from_millis(millis.into());
                self.gateway.expire(self.now);
            }
            Event::Disconnect(client) => {
                self.gateway.disconnect(client);
                self.owed.retain(|_, (owed, _)| *owed != client);
            }
            Event::Up(port) => self.gateway.port_up(port),
            Event::Down(port) => self.gateway.port_down(port),
            Event::Reply => while self.fetch() {},
        }
    }

    fn request(&mut self, client: usize, unit: u8, pdu: &[u8]) {
        let transaction = self.next;
        self.next += 1;
        let adu = Adu { client, transaction, frame: Frame { unit, pdu } };
        match self.gateway.request(self.now, adu) {
            Verdict::Queued => drop(self.owed.insert(transaction, (client, pdu[0]))),
            answer => assert_eq!(answer.answer().unwrap()[0] & 0x7F, pdu[0]),
        }
    }

    fn settle(&mut self, port: usize, outcome: u8) {
        let Some((unit, code)) = self.carried[port].take() else { return };
        let read = [code, 2, 0, outcome];
        let write = [code, 0, 1, 0, if code == 16 { 1 } else { 9 }];
        let pdu: &[u8] = if code < 5 { &read } else { &write };
        let result = match outcome % 5 {
            0 => Err(Error::Timeout),
            1 => Err(Error::Exception(Exception::IllegalDataAddress)),
            2 if code > 4 => Err(Error::Suspect),
            _ if unit == 0 => Ok(&[][..]),
            _ => Ok(pdu),
        };
        self.gateway.settle(self.now, port, result);
    }

    /// Takes an answer, which somebody must be waiting for.
    fn fetch(&mut self) -> bool {
        let Some(reply) = self.gateway.reply() else { return false };
        let owed = self.owed.remove(&reply.transaction);
        assert_eq!(owed, Some((reply.client, reply.frame.pdu[0] & 0x7F)), "answered twice, or unasked");
        true
    }
}

proptest! {
    #[test]
    fn every_accepted_request_is_answered_once_unless_its_client_has_gone(
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut world = World::new();
        for event in events {
            world.happens(event);
        }
        // What is on a line still is lost with it; what waits is told.
        world.happens(Event::Down(0));
        world.happens(Event::Down(1));
        world.happens(Event::Reply);
        prop_assert!(world.owed.is_empty(), "never answered: {:?}", world.owed);
        // All places are free again.
        world.happens(Event::Up(0));
        for place in 0..5 {
            let adu = Adu { client: place % 2, transaction: 0, frame: Frame { unit: 1, pdu: PDUS[3] } };
            let verdict = world.gateway.request(world.now + Duration::from_secs(60), adu);
            prop_assert_eq!(verdict, Verdict::Queued);
        }
    }

    #[test]
    fn any_bytes_of_a_client_are_split_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut rest = bytes.as_slice();
        while let Ok(mbap::Split::Request { length, .. } | mbap::Split::Skip(length)) = mbap::split(rest) {
            prop_assert!(length >= 6);
            rest = &rest[length..];
        }
    }
}
