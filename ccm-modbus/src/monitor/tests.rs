//! What is counted of traffic that is known.

use super::*;
use crate::tracker::Tracker;

fn frame(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = [&[unit], pdu].concat();
    frame.extend(crate::frame::crc::checksum(&frame).to_le_bytes());
    frame
}

/// Hears frames that end at these milliseconds.
fn hear<const N: usize>(traffic: &[(u64, Vec<u8>)]) -> Monitor<N> {
    let mut buffer = [0; 512];
    let line = Line::new(9600);
    let mut tracker = Tracker::new(line, &mut buffer);
    let mut monitor = Monitor::new(line, Instant::ZERO);
    for (millis, bytes) in traffic {
        tracker.hear(Instant::from_millis(*millis), bytes, |event| monitor.record(&event));
    }
    let end = traffic.last().map_or(0, |(millis, _)| millis + 1000);
    while let Some(event) = tracker.finish(Instant::from_millis(end)) {
        monitor.record(&event);
    }
    monitor
}

const READ: &[u8] = &[3, 0, 0, 0, 1];
const VALUE: &[u8] = &[3, 2, 0, 1];

#[test]
fn every_request_is_answered_refused_or_unanswered() {
    let mut spoilt = frame(5, VALUE);
    spoilt[3] ^= 1;
    let monitor = hear::<4>(&[
        (10, frame(5, READ)),
        (40, frame(5, VALUE)),
        (100, frame(5, READ)),
        (140, spoilt),
        (700, frame(5, READ)),
        (740, frame(5, &[0x83, 6])),
        (800, frame(6, READ)),
        (1800, frame(0, &[6, 0, 1, 0, 1])),
        (2000, frame(5, READ)),
        (2040, frame(5, &[0x83, 7])),
        (2100, frame(6, VALUE)),
    ]);
    let five = monitor.unit(5).unwrap();
    assert_eq!((five.requests, five.replies, five.exceptions, five.unanswered), (4, 1, 2, 1));
    assert_eq!((five.errors, five.busy, five.negative, five.strays), (1, 1, 1, 0));
    let six = monitor.unit(6).unwrap();
    assert_eq!((six.requests, six.unanswered, six.strays), (1, 1, 1));
    let totals = Totals {
        messages: 10,
        requests: 5,
        broadcasts: 1,
        replies: 1,
        exceptions: 2,
        unanswered: 2,
        strays: 1,
        errors: 1,
        noise_bytes: 7,
        bytes: 6 * 8 + 2 * 7 + 2 * 5 + 7,
    };
    assert_eq!(monitor.totals(), &totals);
}

#[test]
fn a_unit_without_a_place_is_counted_in_the_totals() {
    let monitor = hear::<1>(&[(10, frame(5, READ)), (100, frame(6, READ)), (130, frame(6, VALUE))]);
    assert_eq!(monitor.units().map(|unit| unit.unit).collect::<Vec<_>>(), [5]);
    assert_eq!((monitor.totals().requests, monitor.totals().replies), (2, 1));
}

#[test]
fn the_load_is_the_time_in_which_bytes_were_on_the_line() {
    let monitor = hear::<1>(&[(10, frame(5, READ)), (40, frame(5, VALUE))]);
    // 15 characters of 1042 µs in 100 ms.
    assert_eq!(monitor.load(Instant::from_millis(100)), 156);
    assert!(monitor.load(Instant::ZERO) > 1000, "no time has passed: no division by it");
}

#[test]
fn a_lump_of_request_and_reply_says_nothing_of_the_time_between() {
    let monitor = hear::<1>(&[(40, [frame(5, READ), frame(5, VALUE)].concat())]);
    let five = monitor.unit(5).unwrap();
    assert_eq!((five.replies, five.trips.count()), (1, 0));
}
