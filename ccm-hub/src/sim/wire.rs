//! A hub's port in virtual time.

use ccm_core::testing::{Link, Peer};
use ccm_core::{Duration, Instant, Line};
use ccm_modbus::{Client, Framing};

use crate::{Action, Event, Hub, tasks};

/// One port of a hub on a paced line, without threads and without waiting.
#[derive(Debug)]
pub struct Wire<F: Framing> {
    link: Link,
    client: Client<'static, F>,
    port: usize,
}

impl<F: Framing> Wire<F> {
    /// The port at place `port` of a hub, on a line of its own.
    pub fn new(line: Line, framing: F, timeout: Duration, port: usize) -> Self {
        let buffer = std::boxed::Box::leak(std::boxed::Box::new([0; 520]));
        Self { link: Link::new(line), client: Client::new(framing, buffer).with_timeout(timeout), port }
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.link.now()
    }

    /// Reads what is due until `end`; `tick` is told the time before each exchange.
    pub fn run<const P: usize, const D: usize, const V: usize>(
        &mut self,
        hub: &mut Hub<P, D, V>,
        peer: &mut impl Peer,
        end: Instant,
        mut tick: impl FnMut(Instant),
    ) {
        hub.handle(self.now(), Event::PortUp { port: self.port });
        while self.now() < end {
            tick(self.now());
            match hub.poll(self.now(), self.port) {
                Action::Read(read) => {
                    let started = self.now();
                    if tasks::begin(&mut self.client, started, read) {
                        self.link.run(&mut self.client, peer, LIMIT);
                    }
                    tasks::report(hub, self.now(), read, &self.client, self.now().since(started));
                }
                // A port of Modbus has no meters of another kind.
                Action::ReadOut(_) | Action::Listen(_) => return,
                Action::Wait(until) => {
                    let until = until.unwrap_or(end).min(end);
                    self.link.pass(until.since(self.now()).max(Duration::from_micros(1)));
                }
            }
        }
    }
}

/// No exchange takes longer, retries included.
const LIMIT: Duration = Duration::from_secs(60);
