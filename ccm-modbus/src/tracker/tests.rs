//! Traffic of several units in virtual time, and what the tracker makes of it.

use super::*;
use crate::Function;

/// A line in virtual time: who sends, sends at 9600 baud; the tracker hears it.
pub(super) struct Bus<'b> {
    pub(super) tracker: Tracker<'b>,
    now: Instant,
    /// What was seen, in short.
    pub(super) seen: Vec<String>,
}

impl<'b> Bus<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        let tracker = Tracker::new(Line::new(9600), buffer);
        Self { tracker, now: Instant::ZERO, seen: Vec::new() }
    }

    /// Byte by byte, as a UART gives them.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.pass(Line::new(9600).character());
            self.lump(&[*byte]);
        }
    }

    /// All at once, as an adapter gives them.
    pub(super) fn lump(&mut self, bytes: &[u8]) {
        let seen = &mut self.seen;
        self.tracker.hear(self.now, bytes, |event| seen.push(short(&event)));
    }

    /// Time passes; the tracker is polled when it wants to be.
    pub(super) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(deadline) = self.tracker.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.lump(&[]);
        }
        self.now = end;
    }

    pub(super) fn pause(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    fn finish(&mut self) {
        while let Some(event) = self.tracker.finish(self.now) {
            self.seen.push(short(&event));
        }
    }
}

fn short(event: &Event<'_>) -> String {
    match event {
        Event::Frame(Sighting { frame, role, bytes, .. }) => {
            assert_eq!(bytes.len(), frame.pdu.len() + 3);
            let role = match role {
                Role::Request => "asks",
                Role::Reply { .. } => "answers",
                Role::Stray => "strays",
            };
            format!("{} {role} {}", frame.unit, frame.pdu[0])
        }
        Event::Unanswered { unit, function, .. } => format!("{unit} silent {}", function.code()),
        Event::Noise { bytes, waited_for: None, .. } => format!("noise {}", bytes.len()),
        Event::Noise { bytes, waited_for: Some(unit), .. } => format!("noise {} for {unit}", bytes.len()),
    }
}

pub(super) fn frame(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = [&[unit], pdu].concat();
    frame.extend(crate::frame::crc::checksum(&frame).to_le_bytes());
    frame
}

const READ: &[u8] = &[3, 0, 5, 0, 2];
const VALUES: &[u8] = &[3, 4, 0, 1, 0, 2];
const WRITE: &[u8] = &[6, 0, 5, 0, 9];

#[test]
fn requests_and_replies_of_several_units_take_turns() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    for unit in [1, 2, 3] {
        bus.send(&frame(unit, READ));
        bus.pause(20);
        bus.send(&frame(unit, VALUES));
        bus.pause(5);
    }
    let expected: Vec<_> =
        (1..=3).flat_map(|unit| ["asks", "answers"].map(|role| format!("{unit} {role} 3"))).collect();
    assert_eq!(bus.seen, expected);
}

#[test]
fn a_confirmation_that_equals_its_request_is_the_reply() {
    for pdu in
        [&[5, 0, 1, 0xFF, 0][..], WRITE, &[8, 0, 0, 1, 2], &[8, 0, 0, 1, 2, 3, 4], &[22, 0, 5, 0, 1, 0, 2]]
    {
        let mut buffer = [0; 256];
        let mut bus = Bus::new(&mut buffer);
        for _ in 0..3 {
            bus.send(&frame(7, pdu));
            bus.pause(30);
        }
        let code = pdu[0];
        assert_eq!(
            bus.seen,
            [format!("7 asks {code}"), format!("7 answers {code}"), format!("7 asks {code}")]
        );
    }
}

#[test]
fn a_write_that_comes_again_late_is_the_masters_repetition() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, WRITE));
    bus.pause(500);
    bus.send(&frame(7, WRITE));
    bus.pause(30);
    bus.send(&frame(7, WRITE));
    assert_eq!(bus.seen, ["7 asks 6", "7 silent 6", "7 asks 6", "7 answers 6"]);
}

#[test]
fn a_request_without_an_answer_is_survived() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(1000);
    bus.send(&frame(8, READ));
    bus.pause(20);
    bus.send(&frame(8, VALUES));
    bus.pause(20);
    bus.send(&frame(7, VALUES));
    assert_eq!(bus.seen, ["7 asks 3", "7 silent 3", "8 asks 3", "8 answers 3", "7 strays 3"]);
}

#[test]
fn a_slow_unit_answers_its_request_however_late() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(2500);
    bus.send(&frame(7, VALUES));
    assert_eq!(bus.seen, ["7 asks 3", "7 answers 3"]);
}

#[test]
fn a_reply_to_something_else_strays_and_the_right_one_still_answers() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(20);
    for stray in [&frame(8, VALUES), &frame(7, &[3, 2, 0, 1]), &frame(7, &[0x84, 2])] {
        bus.send(stray);
        bus.pause(5);
    }
    bus.send(&frame(7, &[0x83, 2]));
    assert_eq!(bus.seen, ["7 asks 3", "8 strays 3", "7 strays 3", "7 strays 132", "7 answers 131"]);
}

#[test]
fn nobody_is_waited_for_after_a_broadcast_or_where_a_unit_must_be_silent() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    for (unit, pdu) in [(0, WRITE), (7, &[8, 0, 4, 0, 0]), (0, WRITE), (0, WRITE)] {
        bus.send(&frame(unit, pdu));
        bus.pause(100);
    }
    bus.pause(1000);
    bus.finish();
    assert_eq!(bus.seen, ["0 asks 6", "7 asks 8", "0 asks 6", "0 asks 6"]);
}

#[test]
fn a_reply_to_17_coils_is_not_taken_for_the_request_it_looks_like() {
    // Three bytes of coils: as long as a request from address 0x0300 on.
    let (request, reply) = (frame(7, &[1, 0, 0, 0, 17]), frame(7, &[1, 3, 0, 0, 1]));
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.lump(&[request, reply.clone()].concat());
    bus.pause(30);
    bus.lump(&reply);
    assert_eq!(bus.seen, ["7 asks 1", "7 answers 1", "7 asks 1"]);
}

#[test]
fn frames_of_one_lump_are_told_apart_by_their_lengths() {
    let pairs: [(&[u8], &[u8]); 7] = [
        (READ, VALUES),
        (WRITE, WRITE),
        (&[16, 0, 1, 0, 1, 2, 0, 9], &[16, 0, 1, 0, 1]),
        (&[8, 0, 0, 1, 2, 3, 4], &[8, 0, 0, 1, 2, 3, 4]),
        (&[0x2B, 14, 1, 0], &[0x2B, 14, 1, 1, 0, 0, 1, 0, 3, b'C', b'c', b'M']),
        (&[24, 0, 4], &[24, 0, 4, 0, 1, 0, 7]),
        (&[0x65, 1, 2], &[0xE5, 1]),
    ];
    for (request, reply) in pairs {
        let mut buffer = [0; 256];
        let mut bus = Bus::new(&mut buffer);
        bus.lump(&[frame(7, request), frame(7, reply), frame(8, READ), frame(8, VALUES)].concat());
        bus.pause(5);
        let (asked, answered) = (request[0], reply[0]);
        let first = [format!("7 asks {asked}"), format!("7 answers {answered}")];
        assert_eq!(bus.seen, [first, ["8 asks 3".into(), "8 answers 3".into()]].concat());
    }
}

#[test]
fn an_unknown_function_ends_where_the_line_falls_silent() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, &[0x65, 1, 2, 3]));
    assert!(bus.seen.is_empty(), "it may go on");
    bus.pause(20);
    assert_eq!(bus.seen, ["7 asks 101"]);
    bus.send(&frame(7, &[0x65, 9]));
    bus.send(&[0, 0]);
    bus.pause(250);
    assert_eq!(bus.seen, ["7 asks 101", "7 answers 101", "noise 2"], "a driver switched off behind it");
}

#[test]
fn an_unknown_function_is_found_behind_noise_too() {
    for noise in [&[0xFF, 0xFF, 0, 0][..], &frame(7, VALUES)[..5], &[7, 0x65, 1]] {
        let mut buffer = [0; 256];
        let mut bus = Bus::new(&mut buffer);
        bus.lump(&[noise, &frame(7, &[0x65, 1, 2])].concat());
        bus.pause(20);
        bus.lump(&[&frame(8, READ), noise].concat());
        bus.pause(20);
        bus.lump(&frame(7, &[0xE5, 1]));
        bus.pause(250);
        let seen = bus.seen.iter().filter(|seen| !seen.starts_with("noise")).collect::<Vec<_>>();
        assert_eq!(seen, ["7 asks 101", "7 silent 101", "8 asks 3", "7 strays 229"], "{noise:02x?}");
    }
}

#[test]
fn a_torn_frame_costs_only_itself() {
    let long = frame(7, &[&[3, 100], &[1; 100][..]].concat());
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(20);
    bus.send(&long[..40]);
    bus.pause(60);
    bus.send(&frame(8, READ));
    bus.pause(20);
    bus.send(&frame(8, VALUES));
    assert_eq!(bus.seen, ["7 asks 3", "noise 40 for 7", "7 silent 3", "8 asks 3", "8 answers 3"]);
}

#[test]
fn a_frame_that_an_adapter_delivers_in_two_halves_is_one() {
    let reply = frame(7, &[&[3, 100], &[1; 100][..]].concat());
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.lump(&frame(7, &[3, 0, 5, 0, 50]));
    bus.pause(60);
    bus.lump(&reply[..62]);
    bus.pause(16);
    bus.lump(&reply[62..]);
    assert_eq!(bus.seen, ["7 asks 3", "7 answers 3"]);
}

#[test]
fn a_wrong_checksum_is_told_in_one_piece_and_whom_it_cost() {
    let mut spoilt = frame(7, VALUES);
    spoilt[4] ^= 0x40;
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(20);
    bus.send(&spoilt);
    bus.pause(300);
    assert_eq!(bus.seen, ["7 asks 3", "noise 9 for 7"]);
    bus.pause(200);
    bus.finish();
    assert_eq!(bus.seen[2..], ["7 silent 3"]);
}

#[test]
fn the_time_to_answer_is_from_the_end_of_the_request_to_the_beginning_of_the_reply() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.send(&frame(7, READ));
    bus.pause(25);
    let mut afters = Vec::new();
    let mut now = bus.now;
    for byte in frame(7, VALUES) {
        now = now + Line::new(9600).character();
        bus.tracker.hear(now, &[byte], |event| {
            if let Event::Frame(Sighting { role: Role::Reply { after }, at, .. }) = event {
                afters.push((after, at));
            }
        });
    }
    assert_eq!(afters, [(Some(Duration::from_millis(25)), now)]);
}

#[test]
fn noise_without_an_end_is_told_in_pieces_and_costs_nobody_behind_it() {
    let mut buffer = [0; 256];
    let mut bus = Bus::new(&mut buffer);
    bus.lump(&[0x55; 1000]);
    bus.lump(&frame(8, READ));
    bus.pause(5);
    assert_eq!(bus.seen.last().map(String::as_str), Some("8 asks 3"));
    let count =
        |seen: &String| seen.strip_prefix("noise ").map_or(0, |count| count.parse::<usize>().unwrap());
    assert_eq!(bus.seen.iter().map(count).sum::<usize>(), 1000, "{:?}", bus.seen);
}

#[test]
fn an_unanswered_request_names_its_function_and_time() {
    let mut buffer = [0; 256];
    let mut tracker = Tracker::new(Line::new(9600), &mut buffer);
    tracker.hear(Instant::from_millis(10), &frame(7, READ), |_| {});
    assert_eq!(tracker.finish(Instant::from_millis(100)), None, "the answer may still come");
    let mut events = Vec::new();
    tracker.hear(Instant::from_millis(10), &frame(7, READ), |_| {});
    tracker.hear(Instant::from_millis(900), &frame(8, READ), |event| {
        if let Event::Unanswered { unit, function, asked } = event {
            events.push((unit, function, asked));
        }
    });
    assert_eq!(events, [(7, Function::ReadHoldingRegisters, Instant::from_millis(10))]);
}

#[test]
fn a_buffer_that_holds_no_frame_is_no_panic() {
    for size in 0..8 {
        let mut buffer = vec![0; size];
        let mut bus = Bus::new(&mut buffer);
        bus.lump(&[frame(7, READ), frame(7, VALUES)].concat());
        bus.pause(1000);
        assert!(bus.seen.iter().all(|seen| seen.starts_with("noise")), "{size}: {:?}", bus.seen);
    }
}
