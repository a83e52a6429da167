//! Pushes as they come from a line, whole or damaged, in pieces of any size.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use ccm_core::crypto::{Key, Software};
use ccm_core::{Duration, Instant};
use ccm_dlms::hdlc::{Address, Control, Frame, Unnumbered};
use ccm_dlms::message::BlockSender;
use ccm_dlms::message::cosem::{Layout, Reading};
use ccm_dlms::message::data::Value;
use ccm_dlms::push::{
    Buffers, Datagram, Hdlc, Listener, Mixed, Opener, Plain, Push, PushError, Sender, Source, Stream,
};
use ccm_dlms::security::*;
use ccm_dlms::{FrameError, security};
use common::{unhex, vector};
use proptest::prelude::*;

type Outcome = Result<String, PushError>;

fn memory() -> Buffers<'static> {
    let [frames, apdu, blocks] = [(); 3].map(|()| &mut *Box::leak(vec![0; 2048].into_boxed_slice()));
    Buffers { frames, apdu, blocks }
}

fn lines(push: &Push<'_>) -> String {
    push.readings().map(|reading| line(&reading)).collect()
}

fn line(reading: &Reading<'_>) -> String {
    let obis = reading.obis.map_or("?".into(), |obis| obis.to_string());
    let value = match (reading.decimal(), reading.value) {
        (Some(decimal), _) => format!("{decimal} {}", reading.scaler_unit.unwrap().unit),
        (None, value) => text(value),
    };
    format!("{obis}={}\n", value.trim_end())
}

fn text(value: Value<'_>) -> String {
    if let Some(time) = value.date_time().filter(|time| time.is_plausible()) {
        return time.to_string();
    }
    match value {
        Value::OctetString(bytes) => value.text().map_or_else(|| format!("{bytes:02x?}"), Into::into),
        _ => value.text().map_or_else(|| value.integer().map_or("-".into(), |n| n.to_string()), Into::into),
    }
}

/// All that comes of `bytes` in pieces of `size`, and of their end.
fn hear<S: Source, O: Opener>(listener: &mut Listener<'_, S, O>, bytes: &[u8], size: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for mut piece in bytes.chunks(size) {
        loop {
            let (taken, push) = listener.receive(Instant::ZERO, piece);
            piece = &piece[taken..];
            match push {
                Some(push) => outcomes.push(push.map(|push| lines(&push))),
                None if piece.is_empty() => break,
                None => {}
            }
        }
    }
    while let Some(push) = listener.finish() {
        outcomes.push(push.map(|push| lines(&push)));
    }
    outcomes
}

fn hdlc<O: Opener>(opener: O) -> Listener<'static, Hdlc<'static>, O> {
    let (source, blocks) = Hdlc::new(memory());
    Listener::new(source, blocks, opener)
}

fn mixed<O: Opener>(opener: O) -> Listener<'static, Mixed<'static>, O> {
    let (source, blocks) = Mixed::new(memory());
    Listener::new(source, blocks, opener)
}

fn keys(encryption: &str, authentication: &str, required: Protection) -> Sender<'static, Software> {
    let [encryption, authentication] = [encryption, authentication].map(|key| unhex(key).try_into().unwrap());
    let keys = Keys::new(Key::Aes128(encryption), AuthenticationKey::short(authentication));
    let title = SystemTitle::new([0; 8]);
    let mut context = Context::new(Suite::Zero, title, keys, InvocationCounter::volatile(1)).unwrap();
    context.require(required);
    Sender::new(&Software, context)
}

fn e450() -> Sender<'static, Software> {
    keys("5c316162209ebb790b52eb0e7fc5b11c", "92705c5c97286064eabae38d190f87a4", Protection::BOTH)
}

fn udp() -> Sender<'static, Software> {
    keys("4d5944554d4d59474c4f42414c4b4559", "4d5944554d4d59474c4f42414c4b4559", Protection::BOTH)
}

fn readings(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    std::fs::read_to_string(format!("{folder}/data-push-{name}.readings")).unwrap()
}

const UDP: &str = "?=[12, 5a, 85, 91, 36, 00, 00, 00, 00, 49, 00, 00, 00, 11, 00, 00, 00, 0a, 5a, 85, 13, d0, 14, 80, 00, 00, 00, 0d, 00, 00, 00, 0a, 01, 00]\n";

#[test]
fn every_recorded_push_is_heard_in_pieces_of_any_size() {
    for size in [1, 2, 3, 7, 64, 211, 4096] {
        for name in ["aidon-1phase", "kaifa-ma304"] {
            let outcomes = hear(&mut hdlc(Plain), &vector(&format!("push-{name}")), size);
            assert_eq!(outcomes, [Ok(readings(name))], "{name} by {size}");
        }
        let outcomes = hear(&mut hdlc(e450()), &vector("push-lg-e450-gbt-gcm"), size);
        assert_eq!(outcomes, [Ok(readings("lg-e450-gbt-gcm"))], "by {size}");
        let (source, blocks) = Stream::new(memory());
        let outcomes = hear(&mut Listener::new(source, blocks, udp()), &vector("udp-general-glo"), size);
        assert_eq!(outcomes, [Ok(UDP.into())], "by {size}");
    }
}

#[test]
fn whole_frames_and_apdus_of_any_kind_are_heard() {
    let (source, blocks) = Datagram::new(memory());
    let outcomes = hear(&mut Listener::new(source, blocks, udp()), &vector("udp-general-glo"), 4096);
    assert_eq!(outcomes, [Ok(UDP.into())]);
    let aidon = vector("push-aidon-1phase");
    let without_flags = &aidon[1..aidon.len() - 1];
    for bytes in [&aidon[..], without_flags, &vector("message-push-aidon-1phase")] {
        assert_eq!(hear(&mut mixed(Plain), bytes, 4096), [Ok(readings("aidon-1phase"))]);
    }
    let salzburg = vector("message-push-salzburg-plain");
    assert_eq!(hear(&mut mixed(Plain), &salzburg, 4096), [Ok(readings("salzburg-plain"))]);
    let blocks = vector("push-lg-e450-gbt-gcm");
    assert_eq!(hear(&mut mixed(e450()), &blocks, 4096), [Ok(readings("lg-e450-gbt-gcm"))]);
    assert_eq!(hear(&mut mixed(udp()), &vector("udp-general-glo"), 4096), [Ok(UDP.into())]);
}

#[test]
fn the_time_is_the_apdus_or_that_of_the_meters_clock() {
    let apdu = vector("message-push-salzburg-plain");
    let push = Push::parse(&apdu, Layout::Detect).unwrap();
    assert_eq!(push.time.unwrap().to_string(), "2022-11-12T16:54:00+01:00");
    let apdu = [&[0x0F, 0, 0, 0, 1, 0][..], &vector("data-push-aidon-3phase")].concat();
    let push = Push::parse(&apdu, Layout::Detect).unwrap();
    assert_eq!(push.time.unwrap().to_string(), "2026-01-15T18:45:10");
    let apdu = vector("message-push-aidon-1phase");
    assert_eq!(Push::parse(&apdu, Layout::Detect).unwrap().time, None);
}

#[test]
fn a_flipped_bit_anywhere_gives_the_right_readings_or_none() {
    for (bytes, expected) in [
        (vector("push-aidon-1phase"), readings("aidon-1phase")),
        (vector("push-lg-e450-gbt-gcm"), readings("lg-e450-gbt-gcm")),
    ] {
        for bit in (0..bytes.len() * 8).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let is_ciphered = bytes.len() > 300;
            let outcomes = if is_ciphered {
                hear(&mut hdlc(e450()), &damaged, 100)
            } else {
                hear(&mut hdlc(Plain), &damaged, 100)
            };
            let heard: Vec<_> = outcomes.iter().flatten().collect();
            assert!(heard.iter().all(|heard| **heard == expected), "bit {bit}: {outcomes:?}");
        }
    }
}

#[test]
fn a_body_that_is_cut_off_anywhere_gives_nothing_and_says_where() {
    let apdu = vector("message-push-aidon-1phase");
    for end in 7..apdu.len() {
        let outcomes = hear(&mut mixed(Plain), &apdu[..end], 4096);
        let [Err(PushError::Data(error))] = outcomes[..] else { panic!("{end}: {outcomes:?}") };
        assert!((6..=end).contains(&error.offset), "{end}: {error}");
    }
}

fn ui(information: &[u8], segmented: bool) -> Vec<u8> {
    let mut buffer = [0; 512];
    let control = Control::Unnumbered { kind: Unnumbered::Information, poll: !segmented };
    let (destination, source) = (Address::client(0x67), Address::client(1));
    let frame = Frame { destination, source, control, segmented, information };
    let length = frame.emit(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn segments() -> Vec<Vec<u8>> {
    let apdu = [&[0xE6, 0xE7, 0][..], &vector("message-push-salzburg-plain")].concat();
    let count = apdu.len().div_ceil(100);
    apdu.chunks(100).enumerate().map(|(index, part)| ui(part, index + 1 < count)).collect()
}

#[test]
fn segments_become_one_push_and_a_missing_one_costs_it() {
    let [first, second, third, fourth] = segments().try_into().unwrap();
    let expected = readings("salzburg-plain");
    let whole = [&first[..], &[0x7E], &second, &[0x7E, 0x7E], &third, &fourth].concat();
    assert_eq!(hear(&mut hdlc(Plain), &whole, 50), [Ok(expected.clone())]);
    let mut bad = second.clone();
    bad[0] ^= 0x10; // Its flag: the rest is noise.
    let torn = [&first[..], &bad, &third, &fourth, &whole].concat();
    let outcomes = hear(&mut hdlc(Plain), &torn, 50);
    assert_eq!(outcomes, [Err(FrameError::Incomplete.into()), Ok(expected.clone())]);
    let mut bad = second;
    bad[40] ^= 0x10;
    let torn = [&first[..], &bad, &third, &fourth, &whole].concat();
    let outcomes = hear(&mut hdlc(Plain), &torn, 50);
    assert_eq!(outcomes.first(), Some(&Err(FrameError::Checksum.into())));
    assert_eq!(outcomes.last(), Some(&Ok(expected)));
}

#[test]
fn what_does_not_become_whole_in_time_is_given_up() {
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let mut listener = hdlc(Plain);
    let first = &segments()[0];
    let (_, push) = listener.receive(at(0), first);
    assert!(push.is_none());
    assert!(listener.expire(at(4)).is_none() && listener.deadline() == Some(at(5)));
    assert_eq!(listener.expire(at(5)).unwrap().unwrap_err(), FrameError::Incomplete.into());
    assert!(listener.expire(at(6)).is_none() && listener.deadline().is_none());
    let whole = segments().concat();
    assert_eq!(hear(&mut listener, &whole, 4096), [Ok(readings("salzburg-plain"))]);
}

fn blocks(apdu: &[u8]) -> Vec<Vec<u8>> {
    let mut sender = BlockSender::new(apdu, 100, 0).unwrap();
    let mut buffer = [0; 256];
    std::iter::from_fn(|| sender.next_block())
        .map(|block| {
            let mut writer = ccm_core::Writer::new(&mut buffer);
            block.emit(&mut writer).unwrap();
            writer.written().to_vec()
        })
        .collect()
}

#[test]
fn a_lost_block_costs_the_push_once_and_block_one_begins_anew() {
    let apdu = vector("message-push-salzburg-plain");
    let [one, two, three, four] = blocks(&apdu).try_into().unwrap();
    let mut listener = mixed(Plain);
    let mut say = |block: &[u8]| {
        let (_, push) = listener.receive(Instant::ZERO, block);
        push.map(|push| push.map(|push| lines(&push)))
    };
    assert!(say(&one).is_none());
    assert!(matches!(say(&three), Some(Err(PushError::Block(_)))));
    assert!(say(&four).is_none() && say(&one).is_none() && say(&two).is_none() && say(&three).is_none());
    assert_eq!(say(&four), Some(Ok(readings("salzburg-plain"))));
    assert!(say(&one).is_none());
    let at = Instant::ZERO + Duration::from_secs(5);
    assert_eq!(listener.expire(at).unwrap().unwrap_err(), FrameError::Incomplete.into());
    assert!(listener.expire(at).is_none());
}

#[test]
fn several_apdus_in_one_frame_are_all_heard() {
    let llc = [0xE6, 0xE7, 0];
    let apdu = vector("message-push-aidon-1phase");
    let frame = ui(&[&llc[..], &apdu, &llc, &apdu].concat(), false);
    let expected = [Ok(readings("aidon-1phase")), Ok(readings("aidon-1phase"))];
    assert_eq!(hear(&mut hdlc(Plain), &frame, 30), expected);
    let salzburg = vector("message-push-salzburg-plain");
    let all: Vec<u8> = blocks(&salzburg).iter().flat_map(|block| [&llc[..], block].concat()).collect();
    assert_eq!(hear(&mut hdlc(Plain), &ui(&all, false), 30), [Ok(readings("salzburg-plain"))]);
}

#[test]
fn events_and_reports_have_readings() {
    let apdu = unhex("C2 00 0003 0100010700FF 02 12 01A7");
    let push = Push::parse(&apdu, Layout::Detect).unwrap();
    assert!(matches!(push.kind, ccm_dlms::push::Kind::Event(_)));
    assert_eq!(lines(&push), "1-0:1.7.0*255=423\n");
    let apdu = unhex("18 00 02 02 FA00 02 FA08 02 12 01A7 11 05");
    assert_eq!(lines(&Push::parse(&apdu, Layout::Detect).unwrap()), "?=423\n?=5\n");
    let cut = unhex("C2 00 0003 0100010700FF 02 12 01");
    let error = Push::parse(&cut, Layout::Detect).unwrap_err();
    assert!(matches!(error, PushError::Data(error) if error.offset >= 11), "{error}");
}

#[test]
fn what_is_not_protected_as_it_must_be_is_refused_by_name() {
    let pushed = vector("push-lg-e450-gbt-gcm");
    let refused = |opener: Sender<'static, Software>| {
        let [Err(PushError::Security(error))] = hear(&mut hdlc(opener), &pushed, 4096)[..] else { panic!() };
        error
    };
    let ek = "5c316162209ebb790b52eb0e7fc5b11c";
    assert_eq!(refused(keys(ek, &"00".repeat(16), Protection::BOTH)), SecurityError::WrongTag);
    assert_eq!(refused(keys(&"00".repeat(16), ek, Protection::ENCRYPTED)), SecurityError::WrongTag);
    let none = hear(&mut hdlc(Plain), &pushed, 4096);
    assert_eq!(none, [Err(PushError::Security(SecurityError::NoKey { key: KeyUse::Global }))]);
    let twice = [&pushed[..], &pushed].concat();
    let outcomes = hear(&mut hdlc(e450()), &twice, 4096);
    assert!(matches!(outcomes[..], [Ok(_), Err(PushError::Security(SecurityError::Replay { .. }))]));
    let plain = hear(&mut hdlc(e450()), &vector("push-aidon-1phase"), 4096);
    assert!(matches!(plain[..], [Err(PushError::Security(SecurityError::Policy { .. }))]));
    let noe = vector_lines("message-push-netz-noe-enc-only");
    let opener = keys("36c66639e48a8ca4d6bc8b282a793bbb", &"00".repeat(16), Protection::ENCRYPTED);
    assert_eq!(hear(&mut mixed(opener), &noe[0], 4096), [Ok(readings("netz-noe-enc-only"))]);
}

#[test]
fn general_ciphering_is_opened_and_what_the_sender_pushes_is_found_again() {
    let title = |last| security::SystemTitle::new([b'C', b'C', b'M', 0, 0, 0, 0, last]);
    let key = || Keys::new(Key::Aes128([7; 16]), AuthenticationKey::short([8; 16]));
    let apdu = vector("message-push-aidon-1phase");
    let mut meter = Context::new(Suite::Zero, title(1), key(), InvocationCounter::volatile(5)).unwrap();
    meter.set_peer(title(2));
    let mut buffer = [0; 512];
    buffer[..apdu.len()].copy_from_slice(&apdu);
    let how = (&General::default(), &KeyInformation::Global);
    let length = meter.protect_general(&Software, how, Protection::BOTH, &mut buffer, apdu.len()).unwrap();
    let own = Context::new(Suite::Zero, title(2), key(), InvocationCounter::volatile(1)).unwrap();
    let outcomes = hear(&mut mixed(Sender::new(&Software, own)), &buffer[..length], 4096);
    assert_eq!(outcomes, [Ok(readings("aidon-1phase"))]);
}

/// The messages of a file that has several, each behind an empty line.
fn vector_lines(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/tests/vectors/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let text: String = text.lines().filter(|line| !line.starts_with('#')).map(|l| format!("{l}\n")).collect();
    text.split("\n\n").map(unhex).collect()
}

#[test]
fn a_connection_out_of_step_says_so_once() {
    let (source, blocks) = Stream::new(memory());
    let mut listener = Listener::new(source, blocks, udp());
    let garbage = [&b"GET / HTTP/1.1\r\n\r\n"[..], &vector("udp-general-glo")].concat();
    assert_eq!(hear(&mut listener, &garbage, 11), [Err(FrameError::Version { found: 0x4745 }.into())]);
    assert_eq!(hear(&mut listener, &vector("udp-general-glo"), 11), [Ok(UDP.into())], "a new connection");
}

/// Whatever comes: frames and blocks that are cut, doubled, turned round, and garbage between them.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let apdu = vector("message-push-salzburg-plain");
    let mut pieces = segments();
    pieces.extend(blocks(&apdu).iter().map(|block| ui(block, false)));
    pieces.push(vector("push-aidon-1phase"));
    pieces.extend([vec![0x7E], vec![0x7E, 0xA0], vec![0x7E, 0xA7, 0xFF], vec![0xE6, 0xE7, 0]]);
    let piece = prop_oneof![
        4 => proptest::sample::select(pieces.clone()),
        1 => (proptest::sample::select(pieces), any::<prop::sample::Index>())
            .prop_map(|(piece, end)| piece[..end.index(piece.len())].to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A wrong header shows before the frame is whole; in a frame that has come whole it is only a wrong checksum.
fn named(outcome: &Outcome) -> Outcome {
    match outcome {
        Err(PushError::Frame(FrameError::Incomplete)) => outcome.clone(),
        Err(PushError::Frame(_)) => Err(FrameError::Checksum.into()),
        outcome => outcome.clone(),
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_same_is_heard_in_any_pieces_and_nothing_wrong(
        bytes in hostile(),
        size in 1..200_usize,
    ) {
        let whole = hear(&mut hdlc(Plain), &bytes, bytes.len().max(1));
        let pieces = hear(&mut hdlc(Plain), &bytes, size);
        prop_assert_eq!(pieces.iter().map(named).collect::<Vec<_>>(), whole.iter().map(named).collect::<Vec<_>>());
        let right = [readings("aidon-1phase"), readings("salzburg-plain")];
        prop_assert!(whole.iter().flatten().all(|heard| right.contains(heard)), "{:?}", whole);
        hear(&mut mixed(e450()), &bytes, size);
    }
}
