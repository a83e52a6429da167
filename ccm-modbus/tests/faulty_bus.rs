//! Full speed and no wrong value at once, on a paced line in virtual time: 9600 8N1, 5 ms turnaround, ten registers a
//! read, 200 ms time-out, one retry; the same settings for every fault and for any mixture of them.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Fault, Link};
use ccm_core::{Duration, Instant, Line};
use ccm_modbus::{Client, Request, Rtu};
use common::rtu;
use proptest::prelude::*;

const LINE: Line = Line::new(9600);
const READS: usize = 10_000;

struct Score {
    good: usize,
    failed: usize,
    wrong: usize,
    elapsed: Duration,
}

/// Reads ten registers at a different address each time; every register holds its own address.
fn score(reads: usize, faults: impl IntoIterator<Item = Fault>) -> Score {
    let mut buffer = [0; 264];
    let timeout = Duration::from_millis(200);
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(timeout).with_retries(1);
    let mut link = Link::new(LINE).with_faults(faults);
    let mut score = Score { good: 0, failed: 0, wrong: 0, elapsed: Duration::ZERO };
    for start in (0..2000).step_by(10).cycle().take(reads) {
        client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity: 10 }).unwrap();
        link.run(&mut client, &mut slave, Duration::from_secs(20));
        match client.outcome() {
            Ok(reply) if reply.registers().unwrap().iter().eq(start..start + 10) => score.good += 1,
            Ok(_) => score.wrong += 1,
            Err(_) => score.failed += 1,
        }
    }
    score.elapsed = link.now().since(Instant::ZERO);
    score
}

/// Serves in order, as a slave with a receive buffer does.
fn slave(request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
    let [_, _, high, low, _, quantity, ..] = *request else { return Vec::new() };
    let start = u16::from_be_bytes([high, low]);
    let values = (start..start + u16::from(quantity)).flat_map(u16::to_be_bytes);
    let reply = rtu(1, &[3, quantity * 2].into_iter().chain(values).collect::<Vec<_>>());
    vec![(Duration::from_millis(5), reply)]
}

/// A fault that befalls some answers, counted from 0.
fn when(fault: Fault, befalls: fn(usize) -> bool) -> impl Iterator<Item = Fault> {
    (0..READS * 4).map(move |answer| if befalls(answer) { fault.clone() } else { Fault::Clean })
}

const ALL: fn(usize) -> bool = |_| true;
const THIRD: fn(usize) -> bool = |answer| answer % 3 == 2;
const ONE: fn(usize) -> bool = |answer| answer == 5;

#[test]
fn a_clean_line_carries_22_reads_a_second() {
    let score = score(READS, []);
    let per_second = score.good as u64 * 1_000_000 * 100 / score.elapsed.as_micros();
    println!("{}.{:02} reads/s of the 23.2 possible", per_second / 100, per_second % 100);
    assert_eq!((score.failed, score.wrong), (0, 0));
    assert!(per_second >= 2200, "{per_second} hundredths");
}

/// Twelve faults, and how many of 10,000 reads must be good where one retry is allowed.
#[test]
fn no_fault_makes_a_value_wrong_and_one_retry_heals_what_can_be_healed() {
    let foreign = rtu(2, &[&[3, 20][..], &[0x7F; 20]].concat());
    let late = Fault::Delay(Duration::from_millis(200 + 140));
    let halves = Fault::Split(12, Duration::from_millis(30));
    let faults = [
        ("every 3rd reply dropped", Fault::Lose, THIRD, READS),
        ("every 3rd checksum bad", Fault::Corrupt(7, 0x20), THIRD, READS),
        ("one noise byte before each reply", Fault::Foreign(vec![0x01]), ALL, READS),
        ("own request echoed", Fault::Echo, ALL, READS),
        ("every 3rd reply cut short", Fault::Truncate(12), THIRD, READS),
        ("another slave answers first", Fault::Foreign(foreign), ALL, READS),
        ("every 3rd reply late", late.clone(), THIRD, READS * 2 / 3),
        ("one reply late", late, ONE, READS - 1),
        ("reply in two halves", halves, ALL, READS),
        ("reply doubled", Fault::Duplicate, ALL, READS),
        ("zeros after each reply", Fault::Trail(vec![0; 2]), ALL, READS),
        ("one reply two seconds late", Fault::Delay(Duration::from_secs(2)), ONE, READS - 80),
    ];
    for (name, fault, befalls, least) in faults {
        let score = score(READS, when(fault, befalls));
        println!("{name:36} ok {} / err {} / wrong {}", score.good, score.failed, score.wrong);
        assert_eq!(score.wrong, 0, "{name}");
        assert!(score.good >= least, "{name}: {} good", score.good);
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    let millis = |limit: u64| (0..limit).prop_map(Duration::from_millis);
    let noise = || prop::collection::vec(any::<u8>(), 1..7);
    let foreign = (2_u8..248, 1_u8..20).prop_map(|(unit, count)| {
        let values = vec![unit; usize::from(count) * 2];
        Fault::Foreign(rtu(unit, &[&[3, count * 2][..], &values].concat()))
    });
    prop_oneof![
        8 => Just(Fault::Clean),
        1 => Just(Fault::Lose),
        1 => Just(Fault::Duplicate),
        1 => Just(Fault::Echo),
        1 => (0_usize..5, 1..=u8::MAX).prop_map(|(at, mask)| Fault::Corrupt(at, mask)),
        1 => (0_usize..25).prop_map(Fault::Truncate),
        1 => (0_usize..5, millis(80)).prop_map(|(at, pause)| Fault::Split(at, pause)),
        2 => millis(1500).prop_map(Fault::Delay),
        1 => noise().prop_map(Fault::Foreign),
        1 => noise().prop_map(Fault::Trail),
        1 => foreign,
    ]
}

proptest! {
    #[test]
    fn no_mixture_of_faults_makes_a_value_wrong(faults in prop::collection::vec(fault(), 1..120)) {
        let score = score(200, faults);
        prop_assert_eq!(score.wrong, 0);
        prop_assert!(score.good > 0, "the line heals");
    }
}
