//! What the fuzz targets do with their bytes: ordinary functions, which `cargo test` runs on random bytes too.

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};

use crate::tracker::{Event, Tracker};
use crate::{
    Client, Coils, CoilsMut, Exception, Handler, Registers, RegistersMut, Request, Response, Rtu, Server, Tcp,
};

/// Any bytes as a request: it must not panic, and what it parses must come out again as it came.
pub fn request(bytes: &[u8]) {
    let Ok(request) = Request::parse(pdu(bytes)) else { return };
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    assert!(request.emit(&mut writer).is_ok(), "{request:?} was parsed and cannot be emitted");
    assert_eq!(Request::parse(writer.written()), Ok(request));
}

/// Any bytes as a response: the same.
pub fn response(bytes: &[u8]) {
    let Ok(Ok(response)) = Response::parse(pdu(bytes)) else { return };
    let mut buffer = [0; 260];
    let mut writer = Writer::new(&mut buffer);
    assert!(response.emit(&mut writer).is_ok(), "{response:?} was parsed and cannot be emitted");
    assert_eq!(Response::parse(writer.written()), Ok(Ok(response)));
}

/// As many bytes as a frame can hold.
fn pdu(bytes: &[u8]) -> &[u8] {
    bytes.get(..253).unwrap_or(bytes)
}

/// Any bytes on the line after a request: the client ends, and what it takes for the reply is as long as was asked.
pub fn client(bytes: &[u8]) {
    let request = Request::ReadHoldingRegisters { start: 5, quantity: 2 };
    let mut buffer = [0; 520];
    let mut client = Client::new(Rtu::new(Line::new(9600)), &mut buffer);
    if client.start(Instant::ZERO, 1, request).is_ok() {
        run(&mut client, bytes);
        let registers = client.outcome().ok().and_then(|response| response.registers());
        assert!(registers.is_none_or(|registers| registers.len() == 2));
    }
    let mut client = Client::new(Tcp::new(), &mut buffer);
    if client.start(Instant::ZERO, 1, request).is_ok() {
        run(&mut client, bytes);
    }
}

/// Any bytes on the line towards a server: it goes on, and each request has one answer at most.
pub fn server(bytes: &[u8]) {
    let mut buffer = [0; 520];
    run(&mut Server::new(Rtu::new(Line::new(9600)), 1, Zeros, &mut buffer), bytes);
    run(&mut Server::new(Tcp::new(), 1, Zeros, &mut buffer), bytes);
}

/// Any bytes on a line that is listened to: each is told of once, as part of a frame or as noise.
pub fn tracker(mut bytes: &[u8]) {
    let mut buffer = [0; 300];
    let mut tracker = Tracker::new(Line::new(9600), &mut buffer);
    let (mut now, mut heard, mut told) = (Instant::ZERO, 0, 0);
    let length = |event: Event<'_>| match event {
        Event::Frame(sighting) => sighting.bytes.len(),
        Event::Noise { bytes, .. } => bytes.len(),
        Event::Unanswered { .. } => 0,
    };
    while let Some((head, rest)) = bytes.split_first() {
        let (piece, left) = rest.split_at(usize::from(head & 0x1F).min(rest.len()));
        bytes = left;
        tracker.hear(now, piece, |event| told += length(event));
        heard += piece.len();
        now = now + Duration::from_millis(u64::from(head >> 5) * 40);
    }
    while let Some(event) = tracker.finish(now) {
        told += length(event);
    }
    assert_eq!(told, heard);
}

/// The first byte of each piece says how long it is and how long the line is silent after it.
fn run(machine: &mut impl Machine, mut bytes: &[u8]) {
    let mut now = Instant::ZERO;
    let mut sent = 0;
    while let Some((head, rest)) = bytes.split_first() {
        let (piece, left) = rest.split_at(usize::from(head & 0x1F).min(rest.len()));
        bytes = left;
        deliver(machine, now, piece, &mut sent);
        now = now + Duration::from_millis(u64::from(head >> 5));
    }
    settle(machine, now + Duration::from_secs(60), &mut sent);
    assert!(sent <= 2000, "the machine sends without an end");
}

fn deliver(machine: &mut impl Machine, now: Instant, mut piece: &[u8], sent: &mut usize) {
    for _ in 0..64 {
        settle(machine, now, sent);
        let taken = if piece.is_empty() { 0 } else { machine.receive(now, piece) };
        piece = piece.get(taken..).unwrap_or_default();
    }
}

fn settle(machine: &mut impl Machine, now: Instant, sent: &mut usize) {
    for _ in 0..16 {
        match machine.poll(now) {
            Step::Send(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= 260);
                *sent += 1;
            }
            Step::SetLine(_) => {}
            Step::Wait(_) | Step::Done => return,
        }
    }
}

/// A device that has every address and forgets what is written.
struct Zeros;

impl Handler for Zeros {
    fn read_coils(&mut self, _start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        coils.extend(core::iter::repeat_n(false, coils.len()));
        Ok(())
    }

    fn read_holding_registers(
        &mut self,
        _start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(core::iter::repeat_n(0, registers.len()));
        Ok(())
    }

    fn write_coils(&mut self, _start: u16, _coils: Coils<'_>) -> Result<(), Exception> {
        Ok(())
    }

    fn write_holding_registers(&mut self, _start: u16, _registers: Registers<'_>) -> Result<(), Exception> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_break_anything(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::request(&bytes);
            super::response(&bytes);
            super::client(&bytes);
            super::server(&bytes);
            super::tracker(&bytes);
        }
    }
}
