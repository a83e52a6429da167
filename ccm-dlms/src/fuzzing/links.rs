//! Bytes on a link.

use std::vec::Vec;

use ccm_core::{Duration, Instant, Machine, Step};

use crate::frame::{Event, Framing, LinkError, Policy, Serving};
use crate::hdlc::{Address, Assembler, Control, Decoder, Frame, Hdlc, Parameters, Station, Width};
use crate::wrapper::{self, Header, Service, Wrapper};
use crate::{Client, Request};

/// Any bytes on a serial line: however they are cut, the same frames come out, and each is written as it was read. They
/// are put together as pushes, and read as negotiated parameters and as a stream of the wrapper.
pub fn hdlc(bytes: &[u8]) {
    let Some((head, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(head % 16) + 1;
    let whole = frames(bytes, bytes.len().max(1));
    assert_eq!(whole, frames(bytes, piece));
    assert_eq!(apdus(bytes, bytes.len().max(1)), apdus(bytes, piece));
    if let Ok(parameters) = Parameters::parse(bytes) {
        assert!((1..=7).contains(&parameters.window_receive));
    }
    let _ = wrapper::Frame::parse(bytes);
}

/// The sound frames, as they are written.
fn frames(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let (mut buffer, mut apdu) = ([0; 160], [0; 100]);
    let (mut decoder, mut assembler) = (Decoder::new(&mut buffer), Assembler::new(&mut apdu));
    let mut found = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let taken = decoder.push(piece);
            assert!((1..=piece.len()).contains(&taken));
            piece = piece.get(taken..).unwrap_or_default();
            while let Some(frame) = decoder.next_frame() {
                found.extend(sound(frame, &mut assembler));
            }
        }
    }
    while let Some(frame) = decoder.last_frame() {
        found.extend(sound(frame, &mut assembler));
    }
    found
}

fn sound(frame: Result<Frame<'_>, crate::FrameError>, assembler: &mut Assembler<'_>) -> Option<Vec<u8>> {
    let Ok(frame) = frame else {
        assembler.lost();
        return None;
    };
    let _ = assembler.take(&frame);
    let written = emitted(frame);
    assert_eq!(Frame::parse(inner(&written)), Ok(frame));
    Some(written)
}

fn emitted(frame: Frame<'_>) -> Vec<u8> {
    let mut buffer = [0; 300];
    let length = frame.emit(&mut buffer);
    assert!(length.is_ok(), "{frame:?} cannot be written");
    buffer.get(..length.unwrap_or_default()).unwrap_or_default().to_vec()
}

/// What stands between the flags.
fn inner(frame: &[u8]) -> &[u8] {
    let end = frame.len().saturating_sub(1);
    frame.get(1..end).unwrap_or_default()
}

/// The APDUs of a stream of the wrapper, up to where it is out of step.
fn apdus(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut buffer = [0; 100];
    let mut decoder = wrapper::Decoder::new(&mut buffer);
    let mut found = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            let (taken, frame) = decoder.push(piece);
            assert!((1..=piece.len()).contains(&taken));
            piece = piece.get(taken..).unwrap_or_default();
            match frame {
                Ok(frame) => found.extend(frame.map(|frame| frame.apdu.to_vec())),
                Err(crate::FrameError::Version { .. }) => return found,
                Err(_) => {}
            }
        }
    }
    found
}

/// Any frames and bytes as answers of a meter: each exchange of a client ends, over either link, and gives no more than
/// its buffer holds.
pub fn client(bytes: &[u8]) {
    let Some((head, bytes)) = bytes.split_first() else { return };
    let (client, server) = (Address::client(CLIENT), meter());
    let parameters = Parameters::new(if head & 1 == 0 { 128 } else { 20 }, head % 7 + 1);
    let hdlc = Hdlc::new(client, server).with_parameters(parameters.unwrap_or_default());
    let wrapped = Script { bytes, write: |script| script.wrapped(1, CLIENT.into()) };
    match head >> 6 {
        2 => converse(Wrapper::tcp(CLIENT.into(), 1), wrapped),
        3 => converse(Wrapper::udp(CLIENT.into(), 1), wrapped),
        _ => {
            let write = |script: &mut Script<'_>| script.frame(meter(), Address::client(CLIENT));
            converse(hdlc, Script { bytes, write });
        }
    }
}

fn converse<F: Framing>(framing: F, mut script: Script<'_>) {
    let mut buffer = [0; 400];
    let mut client = Client::new(framing, &mut buffer).with_policy(POLICY);
    let mut now = Instant::ZERO;
    let (short, long) = (Request::Exchange(&[0xC0; 13]), Request::Exchange(&[0xC1; 90]));
    for request in
        [Request::Connect, short, long, Request::Listen, Request::Connect, long, Request::Disconnect]
    {
        if client.start(now, request).is_err() {
            continue;
        }
        now = exchange(&mut client, now, &mut script);
        assert_ne!(client.outcome(), Err(LinkError::Unfinished));
        let fits = |apdu: &[u8]| apdu.len() < 400 && apdu.is_empty() == is_of_the_link(&request);
        assert!(client.outcome().map_or(true, fits));
    }
}

const fn is_of_the_link(request: &Request<'_>) -> bool {
    matches!(request, Request::Connect | Request::Disconnect)
}

/// Polls until the end, and gives the time of it.
fn exchange(client: &mut impl Machine, mut now: Instant, script: &mut Script<'_>) -> Instant {
    for _ in 0..2000 {
        match client.poll(now) {
            Step::Send(bytes) => assert!(!bytes.is_empty() && bytes.len() <= 160),
            Step::SetLine(_) => {}
            Step::Done => return now,
            Step::Wait(until) => match script.next_piece() {
                Some(Piece::Bytes(piece)) => offer(client, now, &piece),
                Some(Piece::Silence(time)) => now = now + time,
                None => now = until.map_or(now, |until| until.max(now)),
            },
        }
    }
    now
}

fn offer(client: &mut impl Machine, now: Instant, mut piece: &[u8]) {
    while !piece.is_empty() {
        let taken = client.receive(now, piece);
        assert!(taken <= piece.len());
        piece = piece.get(taken..).unwrap_or_default();
        if !matches!(client.poll(now), Step::Wait(_)) {
            return;
        }
        assert!(taken > 0, "it waits and takes nothing");
    }
}

/// What the bytes of a target stand for: each piece begins with a byte that says what it is.
struct Script<'a> {
    bytes: &'a [u8],
    /// Makes a sound frame of what follows.
    write: fn(&mut Self) -> Vec<u8>,
}

enum Piece {
    Bytes(Vec<u8>),
    Silence(Duration),
}

impl Script<'_> {
    fn next_piece(&mut self) -> Option<Piece> {
        let head = self.byte()?;
        Some(match head & 3 {
            0 => Piece::Bytes(self.take(usize::from(head >> 2))),
            1 => Piece::Silence(Duration::from_millis(u64::from(head >> 2) * 40)),
            _ => Piece::Bytes((self.write)(self)),
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        taken.to_vec()
    }

    /// A control byte, a length with the bit of segmentation, and as many bytes.
    fn frame(&mut self, source: Address, destination: Address) -> Vec<u8> {
        let control = Control::from_byte(self.byte().unwrap_or_default());
        let length = self.byte().unwrap_or_default();
        let information = self.take(usize::from(length & 0x7F));
        let segmented = length & 0x80 != 0;
        emitted(Frame { destination, source, control, segmented, information: &information })
    }

    fn wrapped(&mut self, source: u16, destination: u16) -> Vec<u8> {
        let length = self.byte().unwrap_or_default();
        let apdu = self.take(length.into());
        let header = Header { source, destination, length: u16::try_from(apdu.len()).unwrap_or_default() };
        [&header.to_bytes(), &apdu[..]].concat()
    }
}

/// Any frames and bytes as requests to a meter: it goes on, and hands out nothing but what came. And with a client of
/// this crate, while frames between the two are lost, doubled and spoilt: no request is carried out twice, and no answer
/// is another's.
pub fn server(bytes: &[u8]) {
    let Some((head, bytes)) = bytes.split_first() else { return };
    let window = head % 7 + 1;
    let mut buffer = [0; 400];
    match (head >> 6, Parameters::new(if head & 0x20 == 0 { 128 } else { 20 }, window)) {
        (0, Ok(parameters)) => {
            let station = Station::new(meter(), &mut buffer).with_parameters(parameters);
            let write = |script: &mut Script<'_>| script.frame(Address::client(CLIENT), meter());
            let _ = station.map(|station| serve(station, Script { bytes, write }));
        }
        (1, _) => {
            let write = |script: &mut Script<'_>| script.wrapped(CLIENT.into(), 1);
            serve(Service::new(&mut buffer), Script { bytes, write });
        }
        (_, Ok(parameters)) => quarrel(parameters, bytes),
        _ => {}
    }
}

fn serve(mut station: impl Serving, mut script: Script<'_>) {
    let mut now = Instant::ZERO;
    let mut open = false;
    while let Some(piece) = script.next_piece() {
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Silence(time) => {
                now = now + time;
                Vec::new()
            }
        };
        let mut rest = &bytes[..];
        for _ in 0..64 {
            open = respond(&mut station, now, &mut script, open);
            let taken = station.receive(now, rest);
            assert!(taken <= rest.len());
            rest = rest.get(taken..).unwrap_or_default();
        }
    }
}

/// Polls until it waits; a byte of the script says how long each answer is, and whether it comes at all yet. Says whether
/// there is still one to come.
fn respond(station: &mut impl Serving, now: Instant, script: &mut Script<'_>, mut open: bool) -> bool {
    for turn in 0.. {
        assert!(turn < 64, "the meter has something to do for ever");
        match station.poll(now) {
            Event::Send(bytes) => assert!(!bytes.is_empty() && bytes.len() <= 400),
            Event::Connected { .. } | Event::Disconnected => open = false,
            Event::Request { length, .. } => {
                assert!(!open, "a second request before the first is answered");
                assert!((1..=400).contains(&length) && length <= station.apdu_mut().len());
                open = true;
            }
            Event::Wait(_) if !open => return false,
            Event::Wait(_) => match script.byte() {
                Some(length) if length & 1 == 0 => {
                    let room = station.apdu_mut().len();
                    station.answer(usize::from(length).min(room));
                    open = false;
                }
                _ => return true,
            },
        }
    }
    open
}

/// Client and meter; each byte says what happens to a frame.
fn quarrel(parameters: Parameters, bytes: &[u8]) {
    let (mut own, mut theirs) = ([0; 700], [0; 700]);
    let hdlc = Hdlc::new(Address::client(CLIENT), meter()).with_parameters(parameters);
    let mut client = Client::new(hdlc, &mut own).with_policy(POLICY);
    let Ok(station) = Station::new(meter(), &mut theirs).with_parameters(parameters) else { return };
    let mut line = Line { station, fates: bytes, executed: 0, now: Instant::ZERO };
    let mut is_linked = false;
    for number in 1..=6 {
        if !is_linked {
            is_linked = client.start(line.now, Request::Connect).is_ok() && line.carry(&mut client);
            is_linked = is_linked && client.outcome().is_ok();
        }
        let request = [number; 100];
        if client.start(line.now, Request::Exchange(&request)).is_err() {
            continue;
        }
        let before = line.executed;
        line.carry(&mut client);
        assert!(line.executed <= before + 1, "a request was carried out twice");
        is_linked = client.outcome().is_ok();
        if let Ok(answer) = client.outcome() {
            assert_eq!(answer, [number ^ 0xFF; 150], "another's answer");
        }
    }
}

/// What lies between a client and a meter.
struct Line<'b, 'f> {
    station: Station<'b>,
    fates: &'f [u8],
    executed: usize,
    now: Instant,
}

impl Line<'_, '_> {
    /// Carries one exchange to its end.
    fn carry<F: Framing>(&mut self, client: &mut Client<'_, F>) -> bool {
        for turn in 0.. {
            assert!(turn < 2000, "the exchange has no end");
            match client.poll(self.now) {
                Step::Send(bytes) => {
                    let frames = self.fate(bytes.to_vec());
                    for answer in frames.iter().flat_map(|frame| self.hear(frame)).collect::<Vec<_>>() {
                        for frame in self.fate(answer) {
                            let _ = client.poll(self.now);
                            offer(client, self.now, &frame);
                        }
                    }
                }
                Step::SetLine(_) => {}
                Step::Wait(until) => self.now = until.map_or(self.now, |until| until.max(self.now)),
                Step::Done => return true,
            }
        }
        false
    }

    /// Lost, doubled, spoilt, or as it was.
    fn fate(&mut self, mut frame: Vec<u8>) -> Vec<Vec<u8>> {
        let (fate, rest) = self.fates.split_first().map_or((0, self.fates), |(fate, rest)| (*fate, rest));
        self.fates = rest;
        match fate & 7 {
            1 => std::vec![],
            2 => std::vec![frame.clone(), frame],
            3 => {
                // The last byte of the check sequence: no other frame comes of it.
                let end = frame.len().saturating_sub(2);
                if let Some(byte) = frame.get_mut(end) {
                    *byte ^= fate | 1;
                }
                std::vec![frame]
            }
            _ => std::vec![frame],
        }
    }

    /// What the meter sends when it hears a frame.
    fn hear(&mut self, mut frame: &[u8]) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        for _ in 0..64 {
            match self.station.poll(self.now) {
                Event::Send(bytes) => sent.push(bytes.to_vec()),
                Event::Connected { .. } | Event::Disconnected => {}
                Event::Request { length, .. } => {
                    let number = self.station.apdu_mut().first().copied().unwrap_or_default();
                    let request = self.station.apdu_mut().get(..length).unwrap_or_default();
                    assert_eq!(request, [number; 100]);
                    self.station.apdu_mut().iter_mut().take(150).for_each(|byte| *byte = number ^ 0xFF);
                    self.station.answer(150);
                    self.executed += 1;
                }
                Event::Wait(_) if frame.is_empty() => break,
                Event::Wait(_) => {
                    let taken = self.station.receive(self.now, frame);
                    frame = frame.get(taken..).unwrap_or_default();
                }
            }
        }
        sent
    }
}

fn meter() -> Address {
    Address::new(1, 17, Width::Two).unwrap_or(Address::client(1))
}

const CLIENT: u8 = 16;
/// So patient that a frame may be lost, and not so much that a run takes long.
const POLICY: Policy = Policy { polls: 5, retries: 2, ..Policy::DEFAULT };
