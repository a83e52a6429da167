//! A half-duplex line between a machine and its peer, in virtual time.

use std::collections::VecDeque;
use std::vec::Vec;

use crate::{Duration, Instant, Line, Machine, Step};

/// The other end of a [`Link`].
pub trait Peer {
    /// Answers what the machine sent: the pause before the answer and its bytes, as often as it answers.
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)>;
}

impl<F: FnMut(&[u8]) -> Vec<(Duration, Vec<u8>)>> Peer for F {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self(request)
    }
}

/// A peer that gives the same answers whatever it is asked, one list per request.
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: VecDeque<Vec<u8>>,
    /// What the machine sent, in order.
    pub requests: Vec<Vec<u8>>,
}

impl Script {
    /// Answers the n-th request with the n-th of `answers`; silence after the last and for empty ones.
    pub fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { answers: answers.into_iter().collect(), requests: Vec::new() }
    }
}

impl Peer for Script {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self.requests.push(request.to_vec());
        self.answers.pop_front().map(|answer| (TURNAROUND, answer)).into_iter().collect()
    }
}

/// What the wire does to one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    Clean,
    /// The answer never comes.
    Lose,
    /// The answer comes twice.
    Duplicate,
    /// The byte at this position is flipped by this mask.
    Corrupt(usize, u8),
    /// The answer stops after so many bytes.
    Truncate(usize),
    /// The line is silent for a while at this position.
    Split(usize, Duration),
    /// The answer comes so much later.
    Delay(Duration),
    /// Another sender's bytes come first.
    Foreign(Vec<u8>),
    /// Bytes follow directly.
    Trail(Vec<u8>),
    /// The machine hears its own request first.
    Echo,
}

/// The line: bytes take their time on it, and each answer can suffer one [`Fault`].
#[derive(Debug)]
pub struct Link {
    line: Line,
    now: Instant,
    incoming: VecDeque<(Instant, u8)>,
    faults: VecDeque<Fault>,
}

impl Link {
    /// A line with these settings, quiet, at time zero.
    pub fn new(line: Line) -> Self {
        Self { line, now: Instant::ZERO, incoming: VecDeque::new(), faults: VecDeque::new() }
    }

    /// Lets the next answers suffer these faults, one each; those after them are clean.
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// The virtual time.
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass with nobody listening; bytes that arrive meanwhile wait in the receiver.
    pub fn pass(&mut self, duration: Duration) {
        self.now = self.now + duration;
    }

    /// Puts bytes on the line that start at `at`, or as soon as it is free.
    pub fn inject(&mut self, at: Instant, bytes: &[u8]) {
        let mut end = self.incoming.back().map_or(at, |(last, _)| at.max(*last));
        for byte in bytes {
            end = end + self.line.character();
            self.incoming.push_back((end, *byte));
        }
    }

    /// Runs a machine against a peer until it is done.
    ///
    /// # Panics
    /// Where the machine breaks the pattern: it runs past `limit`, waits for bytes alone for ever, or takes none.
    pub fn run(&mut self, machine: &mut (impl Machine + ?Sized), peer: &mut impl Peer, limit: Duration) {
        let end = self.now + limit;
        loop {
            assert!(self.now <= end, "the machine runs past its limit of {limit:?}");
            match machine.poll(self.now) {
                Step::Send(bytes) => {
                    let request = bytes.to_vec();
                    self.carry(&request, peer);
                }
                Step::SetLine(line) => self.line = line,
                Step::Wait(until) => self.wait(machine, until),
                Step::Done => return,
            }
        }
    }

    fn carry(&mut self, request: &[u8], peer: &mut impl Peer) {
        let length = u32::try_from(request.len()).expect("a request fits a line");
        self.now = self.now + self.line.characters(length);
        for (pause, answer) in peer.answer(request) {
            let fault = self.faults.pop_front().unwrap_or_default();
            self.answer(request, self.now + pause, answer, fault);
        }
    }

    fn answer(&mut self, request: &[u8], at: Instant, mut answer: Vec<u8>, fault: Fault) {
        match fault {
            Fault::Clean => {}
            Fault::Lose => return,
            Fault::Duplicate => self.inject(at, &answer),
            Fault::Corrupt(position, mask) => answer[position] ^= mask,
            Fault::Truncate(length) => answer.truncate(length),
            Fault::Split(position, pause) => {
                self.inject(at, &answer[..position]);
                let resumed = self.incoming.back().map_or(at, |(last, _)| *last) + pause;
                return self.inject(resumed, &answer[position..]);
            }
            Fault::Delay(pause) => return self.inject(at + pause, &answer),
            Fault::Foreign(bytes) => {
                self.inject(at, &bytes);
                return self.inject(at + FOREIGN_PAUSE, &answer);
            }
            Fault::Trail(bytes) => answer.extend(bytes),
            Fault::Echo => self.inject(at, request),
        }
        self.inject(at, &answer);
    }

    fn wait(&mut self, machine: &mut (impl Machine + ?Sized), until: Option<Instant>) {
        let arrival = self.incoming.front().map(|(at, _)| *at);
        match (arrival, until) {
            (Some(arrival), Some(until)) if arrival > until => self.now = self.now.max(until),
            (Some(arrival), _) => self.deliver(machine, arrival),
            (None, Some(until)) => self.now = self.now.max(until),
            (None, None) => panic!("the machine waits for ever"),
        }
    }

    /// Offers everything that has come by `arrival`, at once: what came while nobody listened comes in one piece.
    fn deliver(&mut self, machine: &mut (impl Machine + ?Sized), arrival: Instant) {
        self.now = self.now.max(arrival);
        let arrived: Vec<u8> =
            self.incoming.iter().take_while(|(at, _)| *at <= self.now).map(|(_, byte)| *byte).collect();
        let taken = machine.receive(self.now, &arrived);
        assert!((1..=arrived.len()).contains(&taken), "the machine took {taken} of {} bytes", arrived.len());
        self.incoming.drain(..taken);
    }
}

/// How long a [`Script`] takes to answer.
const TURNAROUND: Duration = Duration::from_millis(5);

/// How long after a foreign frame the right one comes.
const FOREIGN_PAUSE: Duration = Duration::from_millis(20);
