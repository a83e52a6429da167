//! Several simulated devices on one line.

use std::boxed::Box;
use std::cell::RefCell;
use std::vec::Vec;

use ccm_core::testing::Peer;
use ccm_core::{Duration, Instant, Machine, Step};
use ccm_modbus::{Framing, Server};

use super::SimDevice;

/// A simulated device that its site keeps up to date while servers read it. It lives as long as the program.
pub(crate) type Shared = &'static RefCell<SimDevice>;

/// A line with a server for each device on it. Itself a machine, it runs on a real port as well as on a
/// [`Wire`](super::Wire).
#[derive(Debug)]
pub struct Bus<F> {
    servers: Vec<Server<'static, F, Shared>>,
    silence: Duration,
}

impl<F: Framing + Clone> Bus<F> {
    pub(crate) fn new(
        framing: &F,
        silence: Duration,
        devices: impl IntoIterator<Item = (u8, Shared)>,
    ) -> Self {
        let buffer = || Box::leak(Box::new([0; 520])).as_mut_slice();
        let servers =
            devices.into_iter().map(|(unit, device)| Server::new(framing.clone(), unit, device, buffer()));
        Self { servers: servers.collect(), silence }
    }
}

impl<F: Framing> Machine for Bus<F> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.servers.iter_mut().map(|server| server.receive(now, bytes)).max().unwrap_or(bytes.len())
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        let mut earliest = None::<Instant>;
        for server in &mut self.servers {
            match server.poll(now) {
                Step::Wait(Some(until)) => {
                    earliest = Some(earliest.map_or(until, |earliest| earliest.min(until)));
                }
                Step::Wait(None) | Step::SetLine(_) => {}
                step => return step,
            }
        }
        Step::Wait(earliest)
    }
}

impl<F: Framing> Peer for Bus<F> {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let _ = self.poll(Instant::ZERO);
        self.receive(Instant::ZERO, request);
        let silence = self.silence;
        let answered = match self.poll(Instant::ZERO + silence) {
            Step::Send(bytes) => Some((silence, bytes.to_vec())),
            _ => None,
        };
        let _ = self.poll(Instant::ZERO + silence);
        answered.into_iter().collect()
    }
}
