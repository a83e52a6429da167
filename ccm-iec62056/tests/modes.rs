//! Client against meter in modes A to E, in virtual time, with the speed enforced.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use ccm_core::{Duration, Instant, Line, Machine, Obis, Step};
use ccm_iec62056::script::Reading;
use ccm_iec62056::{Client, Error, FrameError, Policy, Quirks, Request, RequestError, Select, Wanted};
use common::meter::{Kept, Meter, read, read_into};
use common::{bytes, rows};

const LINES: [&str; 3] = ["F.F(00000000)", "1.8.0(0012345.678*kWh)", "1.8.0*01(0012000.000*kWh)"];
const VALUES: [&str; 3] = ["F.F 0", "1.8.0 12345.678 kWh", "1.8.0*01 12000.000 kWh"];

fn meter(identification: &str) -> Meter {
    Meter::new(identification, &LINES)
}

fn policy() -> Policy {
    Policy { retries: 0, ..Policy::DEFAULT }
}

#[test]
fn every_mode_gives_the_same_values() {
    for (identification, sent) in [
        ("CCM SIM", vec!["/?!\r\n"]),
        ("CCMESIM", vec!["/?!\r\n"]),
        ("CCM5SIM", vec!["/?!\r\n", "\x06050\r\n"]),
        ("CCm6SIM", vec!["/?!\r\n", "\x06060\r\n"]),
        ("CCM5\\2SIM", vec!["/?!\r\n", "\x06050\r\n"]),
        ("CCM0SIM", vec!["/?!\r\n", "\x06000\r\n"]),
    ] {
        let report = read(meter(identification), Quirks::NONE, policy(), Reading::new(&policy(), b""));
        assert_eq!(report.result, Ok(()), "{identification}: {report:?}");
        assert_eq!(report.kept.values, VALUES, "{identification}");
        let expected: Vec<Vec<u8>> = sent.iter().map(|text| text.as_bytes().to_vec()).collect();
        assert_eq!(report.wire.sent, expected);
    }
}

#[test]
fn mode_d_and_p1_are_listened_to() {
    for name in ["emh-ehz", "p1-v3", "p1-v5", "p1-heat"] {
        let quirks = Quirks::named(name).unwrap();
        let baud = quirks.push.map(|(_, baud)| baud);
        let report = listen(meter("CCM5\\2SIM"), quirks, baud.unwrap());
        assert_eq!(report.kept.values, VALUES, "{name}: {report:?}");
        assert_eq!(report.kept.identifications, ["SIM"]);
    }
}

fn listen(meter: Meter, quirks: Quirks, baud: u32) -> common::meter::Report {
    let policy = Policy { fixed_baud: Some(baud), ..Policy::P1 };
    let mut kept = Kept::default();
    let (mut input, mut output, mut buffer) = ([0; 160], [0; 1200], [0; 8]);
    let mut server = ccm_iec62056::Server::new(meter, quirks, &mut input, &mut output).with_eight_bits();
    let mut client = ccm_iec62056::Client::new(policy, &mut kept, &mut buffer);
    let mut wire = common::wire::Wire::new(Line::new(baud));
    client.start(wire.now, ccm_iec62056::Request::Listen { baud: Some(baud) }).unwrap();
    wire.run(&mut client, &mut server);
    let (last, result) = (format!("{:?}", client.outcome()), client.outcome().map(|_| ()));
    common::meter::Report { kept, last, result, wire: common::meter::WireReport::of(wire) }
}

#[test]
fn mode_e_hands_the_line_over_at_the_speed_chosen() {
    for quirks in [Quirks::NONE, Quirks { confirms_nothing: true, ..Quirks::NONE }] {
        let report = read(meter("CCM5\\2SIM"), quirks, policy(), Reading::new(&policy(), b"").binary());
        assert_eq!(report.wire.sent[1], b"\x06252\r\n");
        assert!(
            report.last.starts_with("Ok(Binary(Line { baud: 9600, parity: None, data_bits: Eight"),
            "{report:?}"
        );
    }
    let report = read(meter("CCM5SIM"), Quirks::NONE, policy(), Reading::new(&policy(), b"").binary());
    assert_eq!(report.result, Err(Error::Unexpected), "a meter without \\2 is not asked for mode E");
}

#[test]
fn a_speed_that_was_not_offered_is_never_chosen() {
    let slow = Policy { max_baud: 2400, ..policy() };
    let report = read(meter("CCM5SIM"), Quirks::NONE, slow, Reading::new(&slow, b""));
    assert_eq!((report.wire.sent[1].as_slice(), report.kept.values.len()), (b"\x06000\r\n".as_slice(), 3));
    let mut buffer = [0; 64];
    let mut client = ccm_iec62056::Client::new(slow, (), &mut buffer);
    let select = Select { protocol: b'0', speed: b'5', option: b'0' };
    let refused = client.start(ccm_core::Instant::ZERO, ccm_iec62056::Request::Select(select));
    assert_eq!(refused, Err(RequestError::Speed { asked: b'5', offered: 0 }));
}

#[test]
fn a_reserved_speed_stays_at_the_first() {
    let report = read(meter("CCM9SIM"), Quirks::NONE, policy(), Reading::new(&policy(), b""));
    assert_eq!(report.wire.sent[1], b"\x06000\r\n");
    assert_eq!(report.kept.values, VALUES);
}

#[test]
fn the_meter_with_the_address_answers_and_no_other() {
    let mut own = meter("CCM5SIM");
    own.address = "12345678".into();
    let report = read(own.clone(), Quirks::NONE, policy(), Reading::new(&policy(), b"0012345678"));
    assert_eq!(report.kept.values, VALUES);
    let report = read(own, Quirks::NONE, policy(), Reading::new(&policy(), b"87654321"));
    assert_eq!(report.result, Err(Error::Timeout));
}

/// The published readout of 9.5 kB, as lines.
fn long() -> Meter {
    let telegram = bytes("readout-iskra-mt17x");
    let text = String::from_utf8(telegram).unwrap();
    let body = text.split_once('\x02').unwrap().1.split_once("!\r\n").unwrap().0;
    Meter::new("ISk5MT171-0133", &body.lines().collect::<Vec<_>>())
}

#[test]
fn a_long_readout_takes_the_time_of_its_bits_and_no_more() {
    let report = read(long(), Quirks::NONE, Policy::DEFAULT, Reading::new(&Policy::DEFAULT, b""));
    let expected = rows("readout-iskra-mt17x.txt").iter().filter(|row| !row.starts_with("check")).count();
    assert_eq!(report.kept.values.len(), expected);
    let (taken, line) = (report.wire.now.as_micros(), report.wire.busy.as_micros());
    assert!(report.wire.bytes > 9500 && taken * 100 <= line * 105, "{taken} µs of {line} µs");
}

#[test]
fn wanted_codes_end_the_reading_as_soon_as_they_are_in() {
    let codes = [Obis::short(1, 8, 0), Obis::short(2, 8, 0)];
    let mut wanted = Wanted::new(&codes, Kept::default());
    let (last, result, wire) =
        read_into(long(), Quirks::NONE, Policy::DEFAULT, Reading::new(&Policy::DEFAULT, b""), &mut wanted);
    assert_eq!(result, Ok(()));
    assert_eq!(
        wanted.inner().values,
        ["1-0:1.8.0*255 8048.375 kWh", "1-0:2.8.0*255 0.000 kWh"],
        "no history, no tariffs"
    );
    assert!(last.contains("whole: false"), "{last}");
    assert!(wire.bytes < 1000 && wire.now.as_micros() < 3_000_000, "{} bytes, {:?}", wire.bytes, wire.now);
    assert_eq!(wire.sent.last().unwrap(), b"\x01B0\x03q", "the meter is told to stop");
}

#[test]
fn a_wrong_check_character_is_asked_for_again() {
    let once = Quirks { wrong_checks: 2, ..Quirks::NONE };
    let report = read(meter("CCM5SIM"), once, policy(), Reading::new(&policy(), b""));
    assert_eq!(report.kept.values, VALUES, "{report:?}");
    assert_eq!(report.wire.sent[2..], [vec![0x15], vec![0x15]]);
}

#[test]
fn a_check_character_that_stays_wrong_is_named_and_lenient_readers_keep_the_data() {
    let always = Quirks { wrong_checks: 200, ..Quirks::NONE };
    let report = read(meter("CCM5SIM"), always, policy(), Reading::new(&policy(), b""));
    assert!(matches!(report.result, Err(Error::Frame(FrameError::Checksum(_)))), "{report:?}");
    assert!(report.kept.values.is_empty());
    let lenient = Policy { strict: false, repeats: 0, ..policy() };
    let report = read(meter("CCM5SIM"), always, lenient, Reading::new(&lenient, b""));
    assert_eq!((report.result, report.kept.values.len()), (Ok(()), 3));
}

#[test]
fn the_third_letter_says_how_fast_the_meter_reacts() {
    let time = |identification| {
        let report = read(meter(identification), Quirks::NONE, policy(), Reading::new(&policy(), b""));
        assert_eq!(report.kept.values, VALUES);
        report.wire.now
    };
    let saved = time("CCM5SIM").since(time("CCm5SIM"));
    assert!(saved >= Duration::from_millis(3 * 180 - 20), "{saved:?}");
}

#[test]
fn a_fixed_speed_is_kept() {
    let fixed = Policy { fixed_baud: Some(300), ..policy() };
    let report = read(meter("CCM5SIM"), Quirks::NONE, fixed, Reading::new(&fixed, b""));
    assert_eq!(report.wire.sent[1], b"\x06000\r\n");
}

#[test]
fn the_acknowledgement_waits_for_the_last_character_of_the_identification() {
    use ccm_core::{Instant, Machine, Step};
    let mut buffer = [0; 64];
    let mut client = ccm_iec62056::Client::new(policy(), (), &mut buffer);
    let sign_on = ccm_iec62056::Request::SignOn { table: b'?', address: b"" };
    client.start(Instant::ZERO, sign_on).unwrap();
    while !matches!(client.poll(Instant::ZERO), Step::Wait(_)) {}
    let heard = Instant::from_millis(500);
    client.receive(heard, b"/CCm5SIM\r");
    let select = Select { protocol: b'0', speed: b'5', option: b'0' };
    client.start(heard, ccm_iec62056::Request::Select(select)).unwrap();
    // At 300 Bd the LF takes 33 ms, and the reaction begins behind it.
    let first = heard + Line::new(300).character() + Duration::from_millis(20);
    assert!(matches!(client.poll(heard), Step::Wait(Some(until)) if until == first));
}

/// A client that has read the identification of a meter in mode B with small third letter, its bytes in these reads.
fn identified<'b>(reads: &[&[u8]], buffer: &'b mut [u8]) -> Client<'b, ()> {
    let mut client = Client::new(policy(), (), buffer);
    client.start(Instant::ZERO, Request::SignOn { table: b'?', address: b"" }).unwrap();
    while !matches!(client.poll(Instant::ZERO), Step::Send(_)) {}
    client.poll(Instant::ZERO);
    for read in reads {
        assert_eq!(client.receive(HEARD, read), read.len());
    }
    assert!(matches!(client.poll(HEARD), Step::Done));
    client
}

/// When the client changes to the meter's speed.
fn change(client: &mut Client<'_, ()>) -> Duration {
    client.start(HEARD, Request::Listen { baud: Some(9600) }).unwrap();
    let mut now = HEARD;
    loop {
        match client.poll(now) {
            Step::SetLine(line) => {
                return if line.baud == 9600 { now.since(HEARD) } else { panic!("{line}") };
            }
            Step::Wait(Some(until)) => now = until,
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn the_speed_changes_before_the_fastest_meter_reacts() {
    let mut buffer = [0; 64];
    // Both characters of the line's end came in one read: the meter begins 20 ms later.
    assert_eq!(change(&mut identified(&[b"/CCmESIM\r\n"], &mut buffer)), Duration::from_millis(10));
    // The second one is on its way: 33 ms at 300 Bd.
    assert!(change(&mut identified(&[b"/CCmESIM\r"], &mut buffer)) > Duration::from_millis(43));
}

#[test]
fn the_end_of_an_identification_is_no_noise() {
    let mut buffer = [0; 64];
    let mut client = identified(&[b"/CCM SIM\r"], &mut buffer);
    client.start(HEARD, Request::Listen { baud: None }).unwrap();
    client.poll(HEARD);
    client.receive(HEARD, b"\n");
    while let Step::Wait(Some(until)) = client.poll(HEARD + Duration::from_secs(60)) {
        assert!(until <= HEARD + Duration::from_secs(60));
    }
    assert_eq!(client.outcome(), Err(Error::Timeout));
}

const HEARD: Instant = Instant::from_millis(700);
