//! The laws of one exchange, for every protocol.

use std::vec::Vec;

use super::{Fault, Link, Script};
use crate::{Duration, Line, Machine};

/// A golden exchange of a protocol: what its client sends and what a device answers.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What it shows, for messages.
    pub name: &'static str,
    /// The bytes the client must send.
    pub request: Vec<u8>,
    /// The bytes the device answers.
    pub reply: Vec<u8>,
    /// A valid frame of the same protocol that answers another device or another request.
    pub foreign: Vec<u8>,
    /// Whether the frame carries a checksum, so that a flipped bit must be noticed.
    pub checksum: bool,
}

/// How a machine ended an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With the reply's own content.
    Good,
    /// With an error.
    Failed,
    /// With content that is not the reply's: what must never happen.
    Wrong,
}

/// Checks the laws of one exchange on a hostile line.
///
/// `attempt` makes a client for the exchange at time zero, without retries, hands it to the runner it is given, and
/// judges its outcome.
///
/// # Panics
/// With the exchange's name and the law it breaks.
pub fn conformance(
    line: Line,
    exchanges: &[Exchange],
    mut attempt: impl FnMut(&Exchange, Runner<'_>) -> Verdict,
) {
    for exchange in exchanges {
        let mut judge =
            |fault: Fault| attempt(exchange, &mut |machine| run(line, exchange, fault.clone(), machine));
        for fault in must_succeed(exchange) {
            let verdict = judge(fault.clone());
            assert_eq!(verdict, Verdict::Good, "{}: {fault:?}", exchange.name);
        }
        for fault in must_fail(exchange) {
            let verdict = judge(fault.clone());
            assert_eq!(verdict, Verdict::Failed, "{}: {fault:?}", exchange.name);
        }
        for fault in must_not_lie(exchange) {
            let verdict = judge(fault.clone());
            assert_ne!(verdict, Verdict::Wrong, "{}: {fault:?}", exchange.name);
        }
    }
}

/// Runs a client on the hostile line until it is done.
pub type Runner<'a> = &'a mut dyn FnMut(&mut dyn Machine);

fn run(line: Line, exchange: &Exchange, fault: Fault, machine: &mut dyn Machine) {
    let mut peer = Script::new([exchange.reply.clone()]);
    Link::new(line).with_faults([fault]).run(machine, &mut peer, LIMIT);
    let sent = peer.requests.first();
    assert_eq!(sent, Some(&exchange.request), "{}: the client must send the golden request", exchange.name);
}

/// A whole reply arrives, once or twice, in one piece or two.
fn must_succeed(exchange: &Exchange) -> Vec<Fault> {
    let splits = (1..exchange.reply.len()).map(|at| Fault::Split(at, Duration::from_millis(20)));
    let delays = [0, 1, 10, 50].map(|millis| Fault::Delay(Duration::from_millis(millis)));
    [Fault::Clean, Fault::Duplicate].into_iter().chain(splits).chain(delays).collect()
}

/// No whole reply arrives in time.
fn must_fail(exchange: &Exchange) -> Vec<Fault> {
    let truncated = (0..exchange.reply.len()).map(Fault::Truncate);
    [Fault::Lose, Fault::Delay(LIMIT)].into_iter().chain(truncated).collect()
}

/// Whatever the client makes of these, it must not be a value.
fn must_not_lie(exchange: &Exchange) -> Vec<Fault> {
    let flipped = if exchange.checksum { exchange.reply.len() } else { 0 };
    let flips = (0..flipped).flat_map(|at| (0..8).map(move |bit| Fault::Corrupt(at, 1 << bit)));
    let noise = [0x00, 0x01, 0x7E, 0xFF].map(|byte| Fault::Foreign(std::vec![byte; 3]));
    let trails = [0x00, 0x0A, 0xFF].map(|byte| Fault::Trail(std::vec![byte; 2]));
    let foreign = [Fault::Foreign(exchange.foreign.clone()), Fault::Echo];
    flips.chain(noise).chain(trails).chain(foreign).collect()
}

/// No exchange of one request and one reply may take longer.
const LIMIT: Duration = Duration::from_secs(30);
