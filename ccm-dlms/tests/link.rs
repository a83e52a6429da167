//! Client and meter on a hostile line, in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Fault, Link, Peer, Script};
use ccm_core::{Duration, Line, Machine, Step};
use ccm_dlms::hdlc::{Address, Control, Frame, Hdlc, Parameters, Quirks, Station, Unnumbered, Width};
use ccm_dlms::{Client, Event, FrameError, LinkError, Policy, Request, RequestError, Serving};
use common::{Loss, Meter};
use proptest::prelude::*;

const LINE: Line = Line::new(9600);
const LIMIT: Duration = Duration::from_secs(600);

fn server() -> Address {
    Address::new(1, 17, Width::Two).unwrap()
}

/// The answer to a request: as long as its first two bytes say, and unlike that to any other.
fn answer(request: &[u8]) -> Vec<u8> {
    let length = usize::from(u16::from_be_bytes([request[0], request[1]]));
    (0..length)
        .map(|index| request[index % request.len()].wrapping_add(u8::try_from(index % 251).unwrap()))
        .collect()
}

/// A request of `length` bytes for an answer of `wanted`, unlike that with another `seed`.
fn request(length: usize, wanted: u16, seed: u8) -> Vec<u8> {
    let [high, low] = wanted.to_be_bytes();
    let rest =
        (2..length).map(|index| u8::try_from(index % 249).unwrap().wrapping_mul(seed | 1).wrapping_add(seed));
    [high, low].into_iter().chain(rest).collect()
}

fn frame(control: u8, source: Address, destination: Address, information: &[u8]) -> Vec<u8> {
    let control = Control::from_byte(control);
    let mut bytes = vec![0; 300];
    let length =
        Frame { destination, source, control, segmented: false, information }.emit(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

/// What happens to frames: to the n-th of the client, to the n-th of the meter.
#[derive(Clone, Debug, Default)]
struct Faults {
    there: Vec<Loss>,
    back: Vec<Fault>,
}

/// Connects, then these exchanges under these faults, connecting anew where the link was lost; the outcomes, and how often the meter carried out a request.
fn converse(
    parameters: Parameters,
    faults: Faults,
    sizes: (usize, u16),
    exchanges: u8,
) -> (Vec<Result<(), LinkError>>, usize) {
    let (mut own, mut theirs) = (vec![0; 4000], vec![0; 4000]);
    let hdlc = Hdlc::new(Address::client(16), server()).with_parameters(parameters).with_line(LINE);
    let mut client = Client::new(hdlc, &mut own);
    let station = Station::new(server(), &mut theirs).with_parameters(parameters).unwrap();
    let mut meter = Meter::new(station, answer);
    let mut link = Link::new(LINE);
    client.start(link.now(), Request::Connect).unwrap();
    link.run(&mut client, &mut meter, LIMIT);
    assert_eq!(client.outcome(), Ok(&[][..]));
    meter.losses = faults.there.into();
    let mut link = link.with_faults(faults.back);
    let mut outcomes = Vec::new();
    for seed in 0..exchanges {
        let request = request(sizes.0, sizes.1, seed);
        while client.start(link.now(), Request::Exchange(&request)).is_err() {
            client.start(link.now(), Request::Connect).unwrap();
            link.run(&mut client, &mut meter, LIMIT);
        }
        link.run(&mut client, &mut meter, LIMIT);
        outcomes.push(client.outcome().map(|apdu| assert_eq!(apdu, answer(&request), "a wrong value")));
    }
    let distinct = meter.executed.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert_eq!(distinct, 0, "a request was carried out twice");
    (outcomes, meter.executed.len())
}

#[test]
fn any_one_fault_of_any_frame_is_healed_and_nothing_is_done_twice() {
    let windows = [Parameters::DEFAULT, Parameters::new(40, 3).unwrap(), Parameters::new(33, 7).unwrap()];
    for (parameters, sizes) in windows.into_iter().zip([(300, 500), (200, 300), (400, 700)]) {
        for position in 0..20 {
            for loss in [Loss::Lost, Loss::Doubled, Loss::Spoilt] {
                let there = [vec![Loss::Clean; position], vec![loss]].concat();
                let (outcomes, executed) = converse(parameters, Faults { there, back: vec![] }, sizes, 2);
                assert_eq!((outcomes, executed), (vec![Ok(()); 2], 2), "{parameters:?} {loss:?} {position}");
            }
            let pause = Duration::from_millis(30);
            for fault in [
                Fault::Lose,
                Fault::Duplicate,
                Fault::Corrupt(1, 0x40),
                Fault::Corrupt(2, 0x20),
                Fault::Corrupt(8, 1),
                Fault::Truncate(5),
                Fault::Split(3, pause),
                Fault::Foreign(vec![0x7E, 0xA0, 0x40, 0xFF]),
                Fault::Foreign(frame(0x10, Address::client(2), Address::client(16), &[1; 20])),
                Fault::Trail(vec![0x7E, 0xA0]),
                Fault::Echo,
                Fault::Delay(Duration::from_millis(2500)),
            ] {
                let back = [vec![Fault::Clean; position], vec![fault.clone()]].concat();
                let (outcomes, executed) = converse(parameters, Faults { there: vec![], back }, sizes, 2);
                assert_eq!((outcomes, executed), (vec![Ok(()); 2], 2), "{parameters:?} {fault:?} {position}");
            }
        }
    }
}

fn any_loss() -> impl Strategy<Value = Loss> {
    prop_oneof![6 => Just(Loss::Clean), 1 => Just(Loss::Lost), 1 => Just(Loss::Doubled), 1 => Just(Loss::Spoilt)]
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::Clean),
        1 => Just(Fault::Lose),
        1 => Just(Fault::Duplicate),
        1 => (0..10_usize, 1..=255_u8).prop_map(|(at, mask)| Fault::Corrupt(at, mask)),
        1 => (0..10_usize).prop_map(Fault::Truncate),
        1 => (0..1900_u64).prop_map(|millis| Fault::Delay(Duration::from_millis(millis))),
        1 => (0..10_usize, 0..1900_u64).prop_map(|(at, millis)| Fault::Split(at, Duration::from_millis(millis))),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Fault::Foreign),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Fault::Trail),
        1 => Just(Fault::Echo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// Whatever is lost, late, doubled or spoilt: an answer is the right one, and no request is carried out twice.
    #[test]
    fn an_answer_is_the_right_one_or_none(
        there in prop::collection::vec(any_loss(), 0..40),
        back in prop::collection::vec(any_fault(), 0..40),
        (max_information, window) in (20..200_u16, 1..=7_u8),
        sizes in (3..600_usize, 1..900_u16),
    ) {
        let parameters = Parameters::new(max_information, window).unwrap();
        converse(parameters, Faults { there, back }, sizes, 6);
    }

    /// Two retries heal two faults, wherever they are.
    #[test]
    fn as_many_faults_as_retries_are_healed(
        (one, other) in ((0..12_usize, 0..2_usize), (0..12_usize, 0..2_usize)),
        losses in (any_loss(), any_loss()),
        faults in (any_fault(), any_fault()),
        (max_information, window) in (20..200_u16, 1..=7_u8),
        sizes in (3..600_usize, 1..900_u16),
    ) {
        let mut there = vec![Loss::Clean; 12];
        let mut back = vec![Fault::Clean; 12];
        for ((position, side), (loss, fault)) in [(one, (losses.0, faults.0)), (other, (losses.1, faults.1))] {
            match side {
                0 => there[position] = loss,
                _ => back[position] = fault,
            }
        }
        let parameters = Parameters::new(max_information, window).unwrap();
        let (outcomes, executed) = converse(parameters, Faults { there, back }, sizes, 2);
        prop_assert_eq!((outcomes, executed), (vec![Ok(()); 2], 2));
    }

    #[test]
    fn any_bytes_leave_client_and_meter_whole(pieces in prop::collection::vec(piece(), 0..30)) {
        let (mut own, mut theirs) = (vec![0; 300], vec![0; 300]);
        let mut client = Client::new(Hdlc::new(Address::client(16), Address::client(1)), &mut own);
        let mut station = Station::new(Address::client(1), &mut theirs);
        let mut now = ccm_core::Instant::ZERO;
        for (request, bytes) in &pieces {
            let _ = client.start(now, *request);
            let mut steps = 0;
            let mut rest = &bytes[..];
            loop {
                steps += 1;
                prop_assert!(steps < 2000, "the client runs in circles");
                match client.poll(now) {
                    Step::Done => break,
                    Step::Wait(_) if !rest.is_empty() => {
                        let taken = client.receive(now, rest);
                        prop_assert!((1..=rest.len()).contains(&taken));
                        rest = &rest[taken..];
                    }
                    Step::Wait(until) => now = now.max(until.unwrap()),
                    _ => {}
                }
            }
            let mut rest = &bytes[..];
            loop {
                match station.poll(now) {
                    Event::Wait(_) if rest.is_empty() => break,
                    Event::Wait(_) => {
                        let taken = station.receive(now, rest);
                        prop_assert!((1..=rest.len()).contains(&taken));
                        rest = &rest[taken..];
                    }
                    Event::Request { length, .. } => station.answer(length),
                    _ => {}
                }
            }
        }
    }
}

/// Sound frames of every kind, and noise.
fn piece() -> impl Strategy<Value = (Request<'static>, Vec<u8>)> {
    let request = prop_oneof![
        Just(Request::Connect),
        Just(Request::Exchange(&[1, 2, 3])),
        Just(Request::Listen),
        Just(Request::Disconnect),
    ];
    let ends = prop_oneof![Just((1, 16)), Just((16, 1))];
    let sound = (any::<u8>(), any::<bool>(), ends, prop::collection::vec(any::<u8>(), 0..140)).prop_map(
        |(control, segmented, (source, destination), information)| {
            let (source, destination) = (Address::client(source), Address::client(destination));
            let control = Control::from_byte(control);
            let mut bytes = vec![0; 200];
            let frame = Frame { destination, source, control, segmented, information: &information };
            let length = frame.emit(&mut bytes).unwrap();
            bytes.truncate(length);
            bytes
        },
    );
    let noise = prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7E), Just(0xA0)], 0..60);
    let bytes =
        prop::collection::vec(prop_oneof![3 => sound, 1 => noise], 0..6).prop_map(|parts| parts.concat());
    (request, bytes)
}

/// A client that talks to a script, for answers that no meter of ours gives.
fn scripted(
    answers: &[Vec<u8>],
    exchanges: &[Request<'_>],
) -> (Vec<Result<Vec<u8>, LinkError>>, Vec<String>) {
    let mut buffer = vec![0; 400];
    let policy = Policy { retries: 1, polls: 3, ..Policy::DEFAULT };
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut buffer).with_policy(policy);
    let mut script = Script::new(answers.to_vec());
    let mut link = Link::new(LINE);
    let mut outcomes = Vec::new();
    for exchange in exchanges {
        if client.start(link.now(), *exchange).is_ok() {
            link.run(&mut client, &mut script, LIMIT);
            outcomes.push(client.outcome().map(<[u8]>::to_vec));
        }
    }
    let controls = |bytes: &Vec<u8>| format!("{:02x}", bytes[6]);
    (outcomes, script.requests.iter().map(controls).collect())
}

fn says(control: u8, information: &[u8]) -> Vec<u8> {
    frame(control, server(), Address::client(16), information)
}

const ASK: Request<'static> = Request::Exchange(&[0xC0, 1]);
const REPLY: &[u8] = &[0xE6, 0xE7, 0, 0xC4, 1];

#[test]
fn an_answer_may_come_from_another_width_and_without_llc_header() {
    for width in [Width::One, Width::Two, Width::Four] {
        let (mut own, mut theirs) = ([0; 300], [0; 300]);
        let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut own);
        let quirks = Quirks { omits_llc: true, empty_ua: true, width: Some(width), ..Quirks::default() };
        let station = Station::new(server(), &mut theirs).with_quirks(quirks);
        let mut meter = Meter::new(station, |_: &[u8]| vec![0xC4, 7]);
        let mut link = Link::new(LINE);
        for (request, answer) in [(Request::Connect, &[][..]), (ASK, &[0xC4, 7]), (Request::Disconnect, &[])]
        {
            client.start(link.now(), request).unwrap();
            link.run(&mut client, &mut meter, LIMIT);
            assert_eq!(client.outcome(), Ok(answer), "{width:?}");
        }
        assert_eq!((meter.connected, meter.disconnected, meter.executed.len()), (1, 1, 1));
    }
}

#[test]
fn an_answer_from_another_station_names_both() {
    let other = Address::new(1, 18, Width::Two).unwrap();
    let stranger = frame(0x73, other, Address::client(16), &[]);
    let (outcomes, _) = scripted(&[stranger.clone(), stranger], &[Request::Connect]);
    let error = FrameError::Source { expected: server(), found: other };
    assert_eq!(outcomes, [Err(LinkError::Frame(error))]);
    assert_eq!(error.to_string(), "a frame from 1/18; 1/17 was asked");
}

#[test]
fn after_dm_or_frmr_the_link_is_lost_and_the_next_one_begins_with_disc_where_it_must() {
    let exchanges = [Request::Connect, ASK, ASK, Request::Connect];
    let gone = [says(0x73, &[]), says(0x1F, &[]), says(0x73, &[])];
    let (outcomes, sent) = scripted(&gone, &exchanges);
    assert_eq!(outcomes, [Ok(vec![]), Err(LinkError::Disconnected), Ok(vec![])]);
    assert_eq!(sent, ["93", "10", "93"]);
    let rejected = [says(0x73, &[]), says(0x97, &[0x10, 0, 0x08]), says(0x73, &[]), says(0x73, &[])];
    let (outcomes, sent) = scripted(&rejected, &exchanges);
    let error = LinkError::Rejected { control: 0x10, reason: 8 };
    assert_eq!(outcomes, [Ok(vec![]), Err(error), Ok(vec![])]);
    assert_eq!(sent, ["93", "10", "53", "93"]);
}

#[test]
fn a_meter_that_refuses_snrm_because_of_an_old_link_gets_disc_first() {
    for refusal in [0x97, 0x1F] {
        let answers = [says(refusal, &[]), says(0x73, &[]), says(0x73, &[])];
        let (outcomes, sent) = scripted(&answers, &[Request::Connect]);
        assert_eq!((outcomes, sent), (vec![Ok(vec![])], ["93", "53", "93"].map(String::from).to_vec()));
        let (outcomes, _) = scripted(&vec![says(refusal, &[]); 3], &[Request::Connect]);
        assert!(matches!(outcomes[..], [Err(LinkError::Disconnected | LinkError::Rejected { .. })]));
    }
}

#[test]
fn a_busy_meter_is_polled_until_it_answers_or_for_long_enough() {
    let exchanges = [Request::Connect, ASK];
    let answers = [says(0x73, &[]), says(0x35, &[]), says(0x31, &[]), says(0x30, REPLY)];
    let (outcomes, sent) = scripted(&answers, &exchanges);
    assert_eq!(outcomes[1], Ok(vec![0xC4, 1]));
    assert_eq!(sent, ["93", "10", "11", "11"]);
    let busy = [vec![says(0x73, &[])], vec![says(0x35, &[]); 9]].concat();
    let (outcomes, sent) = scripted(&busy, &exchanges);
    assert_eq!((outcomes[1].clone(), sent.len()), (Err(LinkError::Busy), 5));
}

#[test]
fn an_empty_apdu_is_neither_an_answer_nor_a_request() {
    let answers = [says(0x73, &[]), says(0x30, &[0xE6, 0xE7, 0]), says(0x32, REPLY)];
    let (outcomes, sent) = scripted(&answers, &[Request::Connect, ASK]);
    assert_eq!(outcomes[1], Ok(vec![0xC4, 1]));
    assert_eq!(sent, ["93", "10", "31"]);
    let mut buffer = [0; 400];
    let mut meter = Meter::new(Station::new(server(), &mut buffer), answer);
    let hears = |control, information: &[u8]| frame(control, Address::client(16), server(), information);
    let controls = |frames: Vec<Vec<u8>>| frames.iter().map(|bytes| bytes[6]).collect::<Vec<_>>();
    assert_eq!(controls(meter.hear(&hears(0x93, &[]))), [0x73]);
    assert_eq!(controls(meter.hear(&hears(0x10, &[0xE6, 0xE6, 0]))), [0x31]);
    assert_eq!(controls(meter.hear(&hears(0x12, &[]))), [0x51]);
    assert!(meter.executed.is_empty());
}

#[test]
fn a_request_that_never_came_is_asked_for_and_sent_again() {
    let answers = [says(0x73, &[]), vec![], says(0x11, &[]), says(0x30, REPLY)];
    let (outcomes, sent) = scripted(&answers, &[Request::Connect, ASK]);
    assert_eq!(outcomes[1], Ok(vec![0xC4, 1]));
    assert_eq!(sent, ["93", "10", "11", "10"]);
}

#[test]
fn rej_sends_again_and_no_more_often_than_the_policy_says() {
    let answers = [vec![says(0x73, &[])], vec![says(0x19, &[]); 5]].concat();
    let (outcomes, sent) = scripted(&answers, &[Request::Connect, ASK]);
    assert_eq!((outcomes[1].clone(), sent.len()), (Err(LinkError::Timeout), 3));
}

#[test]
fn a_second_apdu_is_polled_for() {
    let answers = [says(0x73, &[]), says(0x30, REPLY), says(0x32, &[0xE6, 0xE7, 0, 0xE0])];
    let (outcomes, sent) = scripted(&answers, &[Request::Connect, ASK, Request::Listen]);
    assert_eq!(outcomes[1..], [Ok(vec![0xC4, 1]), Ok(vec![0xE0])]);
    assert_eq!(sent, ["93", "10", "31"]);
}

#[test]
fn two_apdus_in_one_turn_are_taken_one_after_the_other() {
    let both = [says(0x20, REPLY), says(0x32, &[0xE6, 0xE7, 0, 0xE0])].concat();
    let mut buffer = vec![0; 400];
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut buffer);
    let ua = says(0x73, &[0x81, 0x80, 6, 7, 4, 0, 0, 0, 2]);
    let mut script = Script::new([ua, both]);
    let mut link = Link::new(LINE);
    for request in [Request::Connect, ASK] {
        client.start(link.now(), request).unwrap();
        link.run(&mut client, &mut script, LIMIT);
    }
    assert_eq!(client.outcome(), Ok(&[0xC4, 1][..]));
    client.start(link.now(), Request::Listen).unwrap();
    link.run(&mut client, &mut script, LIMIT);
    assert_eq!(client.outcome(), Ok(&[0xE0][..]));
    assert_eq!(script.requests.len(), 2);
}

#[test]
fn a_second_apdu_that_is_spoilt_is_polled_for() {
    let mut spoilt = says(0x32, &[0xE6, 0xE7, 0, 0xE0]);
    spoilt[12] ^= 1;
    let both = [says(0x20, REPLY), spoilt].concat();
    let again = says(0x32, &[0xE6, 0xE7, 0, 0xE0]);
    let (outcomes, sent) =
        scripted(&[says(0x73, &[]), both, again], &[Request::Connect, ASK, Request::Listen]);
    assert_eq!(outcomes[1..], [Ok(vec![0xC4, 1]), Ok(vec![0xE0])]);
    assert_eq!(sent, ["93", "10", "31"]);
}

#[test]
fn what_lies_there_when_listening_begins_is_heard_whether_sound_or_spoilt() {
    for flip in [0, 1] {
        let mut second = says(0x32, &[0xE6, 0xE7, 0, 0xE0]);
        second[12] ^= flip;
        let both = [says(0x20, REPLY), second].concat();
        let now = ccm_core::Instant::ZERO;
        let mut buffer = vec![0; 400];
        let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut buffer);
        for (request, answer) in [(Request::Connect, says(0x73, &[])), (ASK, both)] {
            client.start(now, request).unwrap();
            while !matches!(client.poll(now), Step::Send(_)) {}
            assert!(matches!(client.poll(now), Step::Wait(_)));
            assert_eq!(client.receive(now, &answer), answer.len());
            assert_eq!(client.poll(now), Step::Done);
        }
        client.start(now, Request::Listen).unwrap();
        match flip {
            0 => assert_eq!(client.outcome(), Ok(&[0xE0][..])),
            _ => assert!(matches!(client.poll(now), Step::Wait(Some(_)))),
        }
    }
}

#[test]
fn an_answer_longer_than_the_buffer_is_a_named_error_and_the_link_lives_on() {
    let (mut own, mut theirs) = ([0; 145 + 300], [0; 2000]);
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut own);
    let mut meter = Meter::new(Station::new(server(), &mut theirs), answer);
    let mut link = Link::new(LINE);
    client.start(link.now(), Request::Connect).unwrap();
    link.run(&mut client, &mut meter, LIMIT);
    for (wanted, fits) in [(301, false), (300, true)] {
        client.start(link.now(), Request::Exchange(&request(4, wanted, 1))).unwrap();
        link.run(&mut client, &mut meter, LIMIT);
        let error = LinkError::Overflow { needed: 301, room: 300 };
        assert_eq!(client.outcome().map(<[u8]>::len), if fits { Ok(300) } else { Err(error) });
    }
}

#[test]
fn the_echo_is_dropped_even_where_both_ends_have_one_address() {
    let address = Address::client(16);
    let (mut own, mut theirs) = ([0; 1000], [0; 1000]);
    let mut client = Client::new(Hdlc::new(address, address), &mut own);
    let mut meter = Meter::new(Station::new(address, &mut theirs), answer);
    let mut link = Link::new(LINE).with_faults(vec![Fault::Echo; 30]);
    client.start(link.now(), Request::Connect).unwrap();
    link.run(&mut client, &mut meter, LIMIT);
    for seed in 0..3 {
        let request = request(300, 400, seed);
        client.start(link.now(), Request::Exchange(&request)).unwrap();
        link.run(&mut client, &mut meter, LIMIT);
        assert_eq!(client.outcome().map(<[u8]>::to_vec), Ok(answer(&request)));
    }
}

#[test]
fn callers_mistakes_are_named_and_send_nothing() {
    let mut buffer = [0; 145 + 4];
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut buffer);
    let now = ccm_core::Instant::ZERO;
    assert_eq!(client.start(now, ASK), Err(RequestError::NotConnected));
    assert_eq!(client.start(now, Request::Exchange(&[])), Err(RequestError::Empty));
    assert_eq!(client.start(now, Request::Exchange(&[0; 5])), Err(RequestError::Buffer { needed: 150 }));
    assert_eq!(client.outcome(), Err(LinkError::Unfinished));
    let mut small = [0; 145];
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut small);
    assert_eq!(client.start(now, Request::Connect), Err(RequestError::Buffer { needed: 146 }));
}

#[test]
fn the_meter_forgets_an_idle_client_and_tells_others_that_they_are_not_linked() {
    let mut buffer = [0; 400];
    let station = Station::new(server(), &mut buffer).with_inactivity(Duration::from_secs(10));
    let mut meter = Meter::new(station, answer);
    let hears = |control, client| frame(control, Address::client(client), server(), &[]);
    let controls = |frames: Vec<Vec<u8>>| frames.iter().map(|bytes| bytes[6]).collect::<Vec<_>>();
    assert_eq!(controls(meter.hear(&hears(0x93, 16))), [0x73]);
    assert_eq!(controls(meter.hear(&hears(0x11, 2))), [0x1F]);
    assert_eq!(controls(meter.hear(&hears(0x11, 16))), [0x11]);
    meter.now = ccm_core::Instant::from_millis(10_000);
    assert_eq!(controls(meter.hear(&hears(0x11, 16))), [0x1F]);
    assert_eq!((meter.connected, meter.disconnected), (1, 1));
    assert_eq!(controls(meter.hear(&hears(0x53, 16))), [0x1F]);
    assert_eq!(controls(meter.hear(&hears(0x93, 16))), [0x73]);
    assert_eq!(controls(meter.hear(&hears(0xF1, 16))), [0x97]);
    assert_eq!(meter.disconnected, 2);
    let unknown = Control::Unnumbered { kind: Unnumbered::Other(0xE3), poll: true };
    assert_eq!(controls(meter.hear(&hears(0x93, 16))), [0x73]);
    assert_eq!(controls(meter.hear(&hears(unknown.byte(), 16))), [0x97]);
}

#[test]
fn a_meter_that_is_still_at_work_says_so_and_answers_when_it_is_polled() {
    let mut buffer = [0; 400];
    let mut station = Station::new(server(), &mut buffer);
    let now = ccm_core::Instant::ZERO;
    let hears = |station: &mut Station<'_>, control: u8, information: &[u8]| {
        let bytes = frame(control, Address::client(16), server(), information);
        assert_eq!(station.receive(now, &bytes), bytes.len());
    };
    let control = |event: Event<'_>| if let Event::Send(bytes) = event { bytes[6] } else { 0 };
    hears(&mut station, 0x93, &[]);
    assert_eq!(station.poll(now), Event::Connected { client: 16 });
    assert_eq!(control(station.poll(now)), 0x73);
    hears(&mut station, 0x10, &[0xE6, 0xE6, 0, 0xC0]);
    assert_eq!(station.poll(now), Event::Request { client: 16, server: 1, length: 1 });
    assert!(matches!(station.poll(now), Event::Wait(Some(_))));
    hears(&mut station, 0x11, &[]);
    assert_eq!(control(station.poll(now)), 0x35);
    hears(&mut station, 0x10, &[0xE6, 0xE6, 0, 0xC0]);
    assert_eq!(control(station.poll(now)), 0x35);
    station.apdu_mut()[0] = 0xC4;
    station.answer(1);
    assert_eq!(control(station.poll(now)), 0x30);
    hears(&mut station, 0x10, &[0xE6, 0xE6, 0, 0xC0]);
    assert_eq!(control(station.poll(now)), 0x30, "what was asked before is answered again");
}

#[test]
fn a_meter_that_spoils_and_loses_frames_is_read_all_the_same() {
    let (mut own, mut theirs) = ([0; 1000], [0; 1000]);
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut own);
    let quirks = Quirks { spoils: 3, loses: 5, ..Quirks::default() };
    let mut meter = Meter::new(Station::new(server(), &mut theirs).with_quirks(quirks), answer);
    let mut link = Link::new(LINE);
    client.start(link.now(), Request::Connect).unwrap();
    link.run(&mut client, &mut meter, LIMIT);
    for seed in 0..5 {
        let request = request(200, 700, seed);
        client.start(link.now(), Request::Exchange(&request)).unwrap();
        link.run(&mut client, &mut meter, LIMIT);
        assert_eq!(client.outcome().map(<[u8]>::to_vec), Ok(answer(&request)));
    }
    assert_eq!(meter.executed.len(), 5);
}

#[test]
fn an_answer_goes_to_its_client_even_where_another_has_asked_meanwhile() {
    let mut buffer = [0; 400];
    let mut station = Station::new(server(), &mut buffer);
    let now = ccm_core::Instant::ZERO;
    let control =
        |event: Event<'_>| if let Event::Send(bytes) = event { (bytes[3], bytes[6]) } else { (0, 0) };
    station.receive(now, &frame(0x93, Address::client(16), server(), &[]));
    assert_eq!(station.poll(now), Event::Connected { client: 16 });
    assert_eq!(control(station.poll(now)), (0x21, 0x73));
    station.receive(now, &frame(0x10, Address::client(16), server(), &[0xC0]));
    assert!(matches!(station.poll(now), Event::Request { .. }));
    station.receive(now, &frame(0x11, Address::client(2), server(), &[]));
    assert_eq!(control(station.poll(now)), (0x05, 0x1F));
    station.answer(1);
    assert_eq!(control(station.poll(now)), (0x21, 0x30));
}

#[test]
fn a_lost_answer_costs_a_poll_and_not_a_second_execution() {
    let (mut own, mut theirs) = ([0; 600], [0; 600]);
    let mut client = Client::new(Hdlc::new(Address::client(16), server()), &mut own);
    let mut meter = Meter::new(Station::new(server(), &mut theirs), answer);
    let mut link = Link::new(LINE);
    client.start(link.now(), Request::Connect).unwrap();
    link.run(&mut client, &mut meter, LIMIT);
    let mut link = link.with_faults([Fault::Corrupt(20, 1)]);
    let request = request(20, 30, 1);
    let began = link.now();
    client.start(began, Request::Exchange(&request)).unwrap();
    let mut polls = 0;
    let mut peer = |bytes: &[u8]| {
        polls += usize::from(bytes[6] & 0x0F == 1);
        meter.answer(bytes)
    };
    link.run(&mut client, &mut peer, LIMIT);
    assert_eq!(client.outcome().map(<[u8]>::to_vec), Ok(answer(&request)));
    assert_eq!((polls, meter.executed.len()), (1, 1));
    assert!(
        link.now().since(began) < Duration::from_millis(600),
        "silence after a bad frame is waiting enough"
    );
}
