//! Full speed and no wrong value at once, on a paced line in virtual time: 9600 8N1, 5 ms turnaround, ten registers a
//! read, 200 ms time-out, one retry; the same settings for every fault.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Fault, Link};
use ccm_core::{Duration, Instant, Line};
use ccm_modbus::{Client, Request, Rtu};
use common::rtu;

const LINE: Line = Line::new(9600);
const READS: u16 = 3000;

struct Score {
    good: usize,
    failed: usize,
    wrong: usize,
    elapsed: Duration,
}

/// Reads ten registers at a different address each time; every register holds its own address.
fn score(mut fault: impl FnMut(usize) -> Fault) -> Score {
    let mut buffer = [0; 264];
    let timeout = Duration::from_millis(200);
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(timeout).with_retries(1);
    let mut link = Link::new(LINE).with_faults((0..usize::from(READS) * 4).map(&mut fault));
    let mut free = Instant::ZERO;
    let mut score = Score { good: 0, failed: 0, wrong: 0, elapsed: Duration::ZERO };
    for read in 0..READS {
        let start = read % 200 * 10;
        client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity: 10 }).unwrap();
        let mut sent = link.now();
        // A UART-buffered slave: it serves in order, 5 ms after the request or after its last answer.
        let mut slave = |request: &[u8]| {
            let [_, _, high, low, _, quantity, ..] = *request else { return Vec::new() };
            let start = u16::from_be_bytes([high, low]);
            let values = (start..start + u16::from(quantity)).flat_map(u16::to_be_bytes);
            let reply = rtu(1, &[3, quantity * 2].into_iter().chain(values).collect::<Vec<_>>());
            sent = sent.max(free);
            vec![(Duration::from_millis(5), reply)]
        };
        link.run(&mut client, &mut slave, Duration::from_secs(20));
        free = link.now();
        match client.outcome() {
            Ok(response) if response.registers().unwrap().iter().eq(start..start + 10) => score.good += 1,
            Ok(_) => score.wrong += 1,
            Err(_) => score.failed += 1,
        }
    }
    score.elapsed = link.now().since(Instant::ZERO);
    score
}

fn two_seconds() -> Fault {
    Fault::Delay(Duration::from_secs(2))
}

fn every_third(fault: Fault) -> impl FnMut(usize) -> Fault {
    move |answer| if answer % 3 == 2 { fault.clone() } else { Fault::Clean }
}

#[test]
fn a_clean_line_carries_22_reads_a_second() {
    let score = score(|_| Fault::Clean);
    let per_second = score.good as u64 * 1_000_000 * 100 / score.elapsed.as_micros();
    println!("{}.{:02} reads/s of the 23.2 possible", per_second / 100, per_second % 100);
    assert_eq!((score.failed, score.wrong), (0, 0));
    assert!(per_second >= 2200, "{per_second} hundredths");
}

#[test]
fn no_fault_makes_a_value_wrong_and_one_retry_heals_what_can_be_healed() {
    let foreign = rtu(2, &[&[3, 20][..], &[0x7F; 20]].concat());
    let late = Duration::from_millis(200 + 140);
    type Faults = Box<dyn FnMut(usize) -> Fault>;
    let faults: [(&str, Faults); 12] = [
        ("every 3rd reply dropped", Box::new(every_third(Fault::Lose))),
        ("every 3rd checksum bad", Box::new(every_third(Fault::Corrupt(7, 0x20)))),
        ("one noise byte before each reply", Box::new(|_| Fault::Foreign(vec![0x01]))),
        ("own request echoed", Box::new(|_| Fault::Echo)),
        ("every 3rd reply cut short", Box::new(every_third(Fault::Truncate(12)))),
        ("another slave answers first", Box::new(move |_| Fault::Foreign(foreign.clone()))),
        ("every 3rd reply late", Box::new(every_third(Fault::Delay(late)))),
        (
            "one reply late",
            Box::new(move |answer| if answer == 5 { Fault::Delay(late) } else { Fault::Clean }),
        ),
        ("reply in two halves", Box::new(|_| Fault::Split(12, Duration::from_millis(30)))),
        ("reply doubled", Box::new(|_| Fault::Duplicate)),
        ("zeros after each reply", Box::new(|_| Fault::Trail(vec![0; 2]))),
        (
            "one reply two seconds late",
            Box::new(|answer| if answer == 5 { two_seconds() } else { Fault::Clean }),
        ),
    ];
    for (name, fault) in faults {
        let score = score(fault);
        println!("{name:36} ok {} / err {} / wrong {}", score.good, score.failed, score.wrong);
        assert_eq!(score.wrong, 0, "{name}");
        assert!(score.good >= usize::from(READS) * 2 / 3, "{name}: {} good", score.good);
    }
}
