//! Vectors from files, and a meter on the far end of a link.

#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part; a test fails by panicking")]

use std::collections::VecDeque;

use ccm_core::testing::Peer;
use ccm_core::{Duration, Instant};
use ccm_dlms::{Event, Serving};

/// The bytes of a vector file.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    let text = read(name);
    unhex(&text.lines().filter(|line| !line.starts_with('#')).collect::<String>())
}

/// The messages of a conversation: whether the client sent it, and its bytes.
pub(crate) fn conversation(name: &str) -> Vec<(bool, Vec<u8>)> {
    let text = read(name);
    let messages = text.lines().filter_map(|line| line.split_once(' ').filter(|(who, _)| who.len() == 1));
    messages.filter(|(who, _)| *who != "#").map(|(who, hex)| (who == "C", unhex(hex))).collect()
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/vectors/{name}.hex", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A meter behind a link, whose answers come from a closure.
pub(crate) struct Meter<S, H> {
    pub(crate) station: S,
    pub(crate) handler: H,
    /// What happens to the next frames on their way to it.
    pub(crate) losses: VecDeque<Loss>,
    /// Requests that were handed out.
    pub(crate) executed: Vec<Vec<u8>>,
    pub(crate) connected: usize,
    pub(crate) disconnected: usize,
    pub(crate) pause: Duration,
    pub(crate) now: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Clean,
    Lost,
    Doubled,
    Spoilt,
}

impl<S: Serving, H: FnMut(&[u8]) -> Vec<u8>> Meter<S, H> {
    pub(crate) fn new(station: S, handler: H) -> Self {
        Self {
            station,
            handler,
            losses: VecDeque::new(),
            executed: Vec::new(),
            connected: 0,
            disconnected: 0,
            pause: Duration::from_millis(5),
            now: Instant::ZERO,
        }
    }

    /// What it sends on hearing these bytes.
    pub(crate) fn hear(&mut self, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        loop {
            self.run(&mut sent);
            if bytes.is_empty() {
                return sent;
            }
            let taken = self.station.receive(self.now, bytes);
            assert!((1..=bytes.len()).contains(&taken));
            bytes = &bytes[taken..];
        }
    }

    fn run(&mut self, sent: &mut Vec<Vec<u8>>) {
        loop {
            match self.station.poll(self.now) {
                Event::Send(bytes) => sent.push(bytes.to_vec()),
                Event::Connected { .. } => self.connected += 1,
                Event::Disconnected => self.disconnected += 1,
                Event::Request { length, .. } => {
                    let request = self.station.apdu_mut()[..length].to_vec();
                    let answer = (self.handler)(&request);
                    self.executed.push(request);
                    self.station.apdu_mut()[..answer.len()].copy_from_slice(&answer);
                    self.station.answer(answer.len());
                }
                Event::Wait(_) => return,
            }
        }
    }
}

impl<S: Serving, H: FnMut(&[u8]) -> Vec<u8>> Peer for Meter<S, H> {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let sent = match self.losses.pop_front().unwrap_or(Loss::Clean) {
            Loss::Clean => self.hear(request),
            Loss::Lost => vec![],
            Loss::Doubled => {
                let mut sent = self.hear(request);
                sent.extend(self.hear(request));
                sent
            }
            Loss::Spoilt => {
                let mut spoilt = request.to_vec();
                let middle = spoilt.len() / 2;
                spoilt[middle] ^= 0x20;
                self.hear(&spoilt)
            }
        };
        sent.into_iter().map(|frame| (self.pause, frame)).collect()
    }
}
