//! Two machines and the line between them, in virtual time. Who listens at another speed than is sent hears garbage.

use std::collections::VecDeque;

use ccm_core::{Duration, Instant, Line, Machine, Step};

/// The line, and the client's and the meter's ends of it.
pub(crate) struct Wire {
    pub(crate) now: Instant,
    ends: [End; 2],
    /// What the client sent, in order.
    pub(crate) sent: Vec<Vec<u8>>,
    /// How many bytes the meter has sent.
    pub(crate) bytes: usize,
    /// How long the line was in use.
    pub(crate) busy: Duration,
}

struct End {
    line: Line,
    arriving: VecDeque<(Instant, u8, Line)>,
    sends_until: Option<Instant>,
    wakes: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(line: Line) -> Self {
        let end = || End { line, arriving: VecDeque::new(), sends_until: None, wakes: Some(Instant::ZERO) };
        Self { now: Instant::ZERO, ends: [end(), end()], sent: Vec::new(), bytes: 0, busy: Duration::ZERO }
    }

    /// Runs both until the client is done.
    pub(crate) fn run(&mut self, client: &mut dyn Machine, meter: &mut dyn Machine) {
        let end = self.now + Duration::from_secs(7200);
        self.ends[0].wakes = Some(self.now);
        let mut turns = 0;
        loop {
            assert!(self.now < end, "no end in two hours");
            if self.turn(0, client) {
                return;
            }
            self.turn(1, meter);
            turns += 1;
            assert!(turns < 1_000_000, "no progress at {:?}", self.now);
            self.now = self.next().expect("somebody waits for something");
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Instant> {
        let of = |end: &End| match end.sends_until {
            Some(until) => Some(until),
            None => end.wakes.into_iter().chain(end.arriving.front().map(|(at, ..)| *at)).min(),
        };
        self.ends.iter().filter_map(of).min().map(|next| next.max(self.now))
    }

    /// Lets one side do what it can now; true when it is done.
    fn turn(&mut self, side: usize, machine: &mut dyn Machine) -> bool {
        if self.ends[side].sends_until.is_some_and(|until| until > self.now) {
            return false;
        }
        self.ends[side].sends_until = None;
        for _ in 0..10_000 {
            match machine.poll(self.now) {
                Step::Send(bytes) => {
                    let bytes = bytes.to_vec();
                    self.send(side, &bytes);
                    return false;
                }
                Step::SetLine(line) => self.ends[side].line = line,
                Step::Done => {
                    self.ends[side].wakes = None;
                    return true;
                }
                Step::Wait(until) => {
                    self.ends[side].wakes = until;
                    let heard = self.arrived(side);
                    if heard.is_empty() {
                        // A wait for a moment that is now is an ear for what has come; then it goes on.
                        if until.is_some_and(|until| until <= self.now) {
                            continue;
                        }
                        return false;
                    }
                    let taken = machine.receive(self.now, &heard);
                    assert!((1..=heard.len()).contains(&taken), "a machine that waits takes something");
                    let rest = &heard[taken..];
                    self.put_back(side, rest);
                }
            }
        }
        panic!("a machine does not come to rest at {:?}", self.now);
    }

    fn send(&mut self, side: usize, bytes: &[u8]) {
        let line = self.ends[side].line;
        let mut at = self.now;
        for byte in bytes {
            at = at + line.character();
            self.ends[1 - side].arriving.push_back((at, *byte, line));
        }
        self.busy = self.busy + line.characters(u32::try_from(bytes.len()).unwrap());
        self.ends[side].sends_until = Some(at);
        if side == 0 {
            self.sent.push(bytes.to_vec());
        } else {
            self.bytes += bytes.len();
        }
    }

    fn arrived(&mut self, side: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Some((at, byte, line)) = self.ends[side].arriving.front().copied() {
            if at > self.now {
                break;
            }
            self.ends[side].arriving.pop_front();
            // At another speed no bit is where it should be.
            heard.push(if line.baud == self.ends[side].line.baud {
                byte
            } else {
                byte.rotate_left(3) ^ 0x95
            });
        }
        heard
    }

    fn put_back(&mut self, side: usize, rest: &[u8]) {
        let line = self.ends[side].line;
        for byte in rest.iter().rev() {
            self.ends[side].arriving.push_front((self.now, *byte, line));
        }
    }
}
