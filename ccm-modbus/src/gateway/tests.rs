//! The gateway in virtual time, request by request.

use super::*;
use crate::{Client, RequestError, Rtu};
use ccm_core::{Duration, Line, Machine, Step};

/// Two ports, four clients, six places, two values.
type Small = Gateway<2, 4, 6, 2>;

/// Units 1 to 9 are on port 0, 20 to 29 on port 1.
fn gateway(settings: Settings) -> Small {
    let mut gateway = Small::new(settings);
    gateway.route(1, 9, 0).unwrap();
    gateway.route(20, 29, 1).unwrap();
    gateway.port_up(0);
    gateway.port_up(1);
    gateway
}

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn read(start: u8) -> [u8; 5] {
    [3, 0, start, 0, 1]
}

const WRITE: [u8; 5] = [6, 0, 1, 0, 9];

fn request<'a>(gateway: &'a mut Small, now: u64, client: usize, unit: u8, pdu: &[u8]) -> Verdict<'a> {
    gateway.request(ms(now), Adu { client, transaction: 7, frame: Frame { unit, pdu } })
}

/// Queues it and says so.
#[track_caller]
fn queue(gateway: &mut Small, now: u64, client: usize, unit: u8, pdu: &[u8]) {
    assert_eq!(request(gateway, now, client, unit, pdu), Verdict::Queued);
}

fn refused(code: u8, exception: u8) -> Verdict<'static> {
    Verdict::Refused([code | 0x80, exception])
}

/// The client and the PDU of every answer that is ready.
fn replies(gateway: &mut Small) -> Vec<(usize, Vec<u8>)> {
    std::iter::from_fn(|| gateway.reply().map(|adu| (adu.client, adu.frame.pdu.to_vec()))).collect()
}

/// What port 0 asks now: unit and start address.
fn asks(gateway: &mut Small, now: u64) -> Option<(u8, u16)> {
    match gateway.ask(ms(now), 0)? {
        Ask { unit, request: Request::ReadHoldingRegisters { start, .. }, .. } => Some((unit, start)),
        Ask { unit, .. } => Some((unit, u16::MAX)),
    }
}

fn value(number: u8) -> [u8; 4] {
    [3, 2, 0, number]
}

/// The port's device answers with this PDU.
fn answered(gateway: &mut Small, now: u64, port: usize, pdu: &[u8]) {
    let outcome = match pdu {
        [0x80..=0xFF, code] => Err(Error::Exception(Exception::from_code(*code))),
        _ => Ok(pdu),
    };
    gateway.settle(ms(now), port, outcome);
}

/// The port asks whatever comes next and hears nothing.
fn unheard(gateway: &mut Small, now: u64) {
    assert!(gateway.ask(ms(now), 0).is_some());
    gateway.settle(ms(now), 0, Err(Error::Timeout));
}

#[test]
fn each_request_is_answered_by_its_unit_on_its_port() {
    let mut gateway = gateway(Settings::new());
    queue(&mut gateway, 0, 1, 5, &read(7));
    queue(&mut gateway, 0, 2, 25, &read(8));
    assert_eq!(asks(&mut gateway, 1), Some((5, 7)));
    assert_eq!(asks(&mut gateway, 2), Some((5, 7)), "until it is settled");
    assert_eq!(gateway.ask(ms(2), 1).map(|ask| ask.unit), Some(25));
    answered(&mut gateway, 3, 1, &value(80));
    answered(&mut gateway, 4, 0, &value(70));
    assert_eq!(replies(&mut gateway), [(1, value(70).to_vec()), (2, value(80).to_vec())]);
    assert_eq!((asks(&mut gateway, 5), gateway.ask(ms(5), 1)), (None, None));
}

#[test]
fn what_cannot_pass_is_refused_at_once_with_the_code_that_says_why() {
    let read_only = Settings { read_only: true, ..Settings::new() };
    let denied = Settings { denied: FunctionSet::EMPTY.with(3), ..Settings::new() };
    let broadcast = Settings { broadcast: true, ..Settings::new() };
    let table: [(&str, Settings, u8, &[u8], u8); 17] = [
        ("no route", Settings::new(), 10, &read(0), 0x0A),
        ("reserved", Settings::new(), 248, &read(0), 0x0A),
        ("unit 255", Settings::new(), 255, &read(0), 0x0A),
        ("broadcasts are off", Settings::new(), 0, &WRITE, 0x0A),
        ("unit 255 with broadcasts", broadcast, 255, &WRITE, 0x0A),
        ("nobody answers a read of all", broadcast, 0, &read(0), 0x01),
        ("denied", denied, 5, &read(0), 0x01),
        ("denied to all", denied, 10, &read(0), 0x0A),
        ("read only", read_only, 5, &WRITE, 0x01),
        ("read only", read_only, 5, &[0x17, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0], 0x01),
        ("restart", read_only, 5, &[8, 0, 1, 0, 0], 0x01),
        ("no registers", Settings::new(), 5, &[3, 0, 0, 0, 0], 0x03),
        ("too many", Settings::new(), 5, &[3, 0, 0, 0, 126], 0x03),
        ("beyond the end", Settings::new(), 5, &[3, 0xFF, 0xFF, 0, 2], 0x02),
        ("neither on nor off", Settings::new(), 5, &[5, 0, 0, 0x12, 0x34], 0x03),
        ("cut short", Settings::new(), 5, &[3], 0x03),
        ("byte count", Settings::new(), 5, &[16, 0, 0, 0, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0], 0x03),
    ];
    for (name, settings, unit, pdu, exception) in table {
        let mut gateway = gateway(settings);
        assert_eq!(request(&mut gateway, 0, 1, unit, pdu), refused(pdu[0], exception), "{name}");
        assert_eq!((asks(&mut gateway, 0), gateway.reply()), (None, None), "{name}");
        assert_eq!((gateway.counters().refused, gateway.counters().requests), (1, 1));
    }
    assert_eq!(request(&mut gateway(Settings::new()), 0, 1, 5, &[]), refused(0, 1));
    queue(&mut gateway(read_only), 0, 1, 5, &read(0));
}

#[test]
fn a_devices_own_refusal_passes_and_everything_else_is_0b() {
    for (outcome, exception) in [
        (Error::Exception(Exception::IllegalDataAddress), 0x02),
        (Error::Exception(Exception::Other(0x55)), 0x55),
        (Error::Timeout, 0x0B),
        (Error::Frame(crate::FrameError::Checksum), 0x0B),
        (Error::Frame(crate::FrameError::Mismatch), 0x0B),
        (Error::Busy, 0x0B),
        (Error::Unfinished, 0x0B),
        (Error::Request(RequestError::Buffer { needed: 256 }), 0x0B),
    ] {
        let mut gateway = gateway(Settings::new());
        queue(&mut gateway, 0, 1, 5, &read(0));
        assert_eq!(asks(&mut gateway, 0), Some((5, 0)));
        gateway.settle(ms(50), 0, Err(outcome));
        assert_eq!(replies(&mut gateway), [(1, vec![0x83, exception])], "{outcome}");
    }
}

#[test]
fn clients_take_turns_however_many_requests_each_has_queued() {
    let mut gateway = gateway(Settings { share: 4, ..Settings::new() });
    for start in 0..4 {
        queue(&mut gateway, 0, 1, 5, &read(start));
    }
    queue(&mut gateway, 1, 0, 5, &read(10));
    queue(&mut gateway, 2, 3, 6, &read(30));
    let mut order = Vec::new();
    while let Some((_, start)) = asks(&mut gateway, 3) {
        order.push(start);
        answered(&mut gateway, 3, 0, &value(0));
    }
    assert_eq!(order, [0, 30, 10, 1, 2, 3], "one of each client, each client's oldest first");
}

#[test]
fn a_full_share_and_a_full_queue_are_busy() {
    let mut gateway = gateway(Settings { share: 2, ..Settings::new() });
    for client in 0..3 {
        queue(&mut gateway, 0, client, 5, &read(0));
        queue(&mut gateway, 0, client, 5, &read(1));
        assert_eq!(request(&mut gateway, 0, client, 5, &read(2)), refused(3, 6), "its share is full");
    }
    assert_eq!(request(&mut gateway, 0, 3, 5, &read(0)), refused(3, 6), "the queue is full");
    assert_eq!(request(&mut gateway, 0, 4, 5, &read(0)), refused(3, 6), "there is no such client");
    assert_eq!(request(&mut gateway, 0, 3, 5, &[3]), refused(3, 3), "needs no place");
    gateway.disconnect(0);
    queue(&mut gateway, 0, 3, 5, &read(0));
}

#[test]
fn who_waits_until_the_deadline_is_told_and_never_asked_for() {
    let mut gateway = gateway(Settings::new());
    queue(&mut gateway, 0, 1, 5, &read(1));
    queue(&mut gateway, 500, 2, 5, &read(2));
    assert_eq!(asks(&mut gateway, 600), Some((5, 1)));
    assert_eq!(gateway.expire(ms(3499)), Some(ms(3500)));
    assert_eq!(replies(&mut gateway), []);
    assert_eq!(gateway.expire(ms(3500)), None, "what is on the line has no deadline of its own");
    assert_eq!(replies(&mut gateway), [(2, vec![0x83, 0x0B])]);
    answered(&mut gateway, 3600, 0, &value(1));
    assert_eq!(replies(&mut gateway), [(1, value(1).to_vec())]);
    queue(&mut gateway, 4000, 1, 5, &read(1));
    assert_eq!(asks(&mut gateway, 7000), None, "too late, even if nobody called expire");
    assert_eq!(replies(&mut gateway), [(1, vec![0x83, 0x0B])]);
}

#[test]
fn requests_of_a_client_that_has_gone_are_dropped() {
    let mut gateway = gateway(Settings::new());
    queue(&mut gateway, 0, 1, 5, &read(1));
    queue(&mut gateway, 0, 1, 5, &read(2));
    assert_eq!(asks(&mut gateway, 0), Some((5, 1)));
    gateway.disconnect(1);
    queue(&mut gateway, 1, 1, 5, &read(3)); // A new client with the same number.
    answered(&mut gateway, 50, 0, &value(1));
    assert_eq!(replies(&mut gateway), [], "the new client has not asked that");
    assert_eq!(asks(&mut gateway, 50), Some((5, 3)));
    answered(&mut gateway, 90, 0, &value(3));
    assert_eq!(gateway.reply().map(|adu| adu.frame.pdu.to_vec()), Some(value(3).to_vec()));
    queue(&mut gateway, 100, 1, 5, &read(4));
    assert_eq!(asks(&mut gateway, 100), Some((5, 4)));
    answered(&mut gateway, 150, 0, &value(4));
    gateway.disconnect(1);
    assert_eq!(gateway.reply(), None, "an answer that was ready is dropped, too");
}

#[test]
fn a_dead_unit_rests_and_is_found_again() {
    let mut gateway = gateway(Settings::new());
    for now in [0, 600] {
        queue(&mut gateway, now, 1, 5, &read(0));
        unheard(&mut gateway, now);
    }
    queue(&mut gateway, 1200, 1, 5, &read(0));
    queue(&mut gateway, 1200, 2, 5, &read(1));
    queue(&mut gateway, 1200, 3, 6, &read(0));
    unheard(&mut gateway, 1200);
    assert_eq!(replies(&mut gateway).len(), 4, "who waited for unit 5 is told at once");
    assert_eq!(asks(&mut gateway, 1700), Some((6, 0)), "unit 6 goes on");
    answered(&mut gateway, 1750, 0, &value(6));
    replies(&mut gateway);

    let mut asked = Vec::new();
    for now in (2000..60_000).step_by(100) {
        let found = now > 40_000;
        if request(&mut gateway, now, 1, 5, &read(0)) == Verdict::Queued {
            let ask = gateway.ask(ms(now), 0).unwrap();
            assert_eq!(ask.may_retry, asked.len() >= 3, "no retries while it rests");
            asked.push(now);
            let refused = request(&mut gateway, now, 2, 5, &read(1));
            assert_eq!(refused == Verdict::Queued, asked.len() > 3, "one finds out for all");
            if found {
                answered(&mut gateway, now, 0, &value(1));
            } else {
                gateway.settle(ms(now), 0, Err(Error::Timeout));
            }
            replies(&mut gateway);
        }
    }
    let rests: Vec<_> = asked.windows(2).take(3).map(|pair| pair[1] - pair[0]).collect();
    assert!(asked[0] < 1200 + 17_000 && rests[..2].iter().all(|rest| (14_000..17_000).contains(rest)));
    assert!(asked[2] > 40_000 && asked[2] < 40_000 + 17_000, "found again: {:?}", &asked[..4]);
}

#[test]
fn a_lost_port_is_told_at_once_and_is_no_units_failure() {
    let mut gateway = gateway(Settings::new());
    for _ in 0..4 {
        queue(&mut gateway, 0, 1, 5, &read(0));
        queue(&mut gateway, 0, 2, 5, &read(1));
        queue(&mut gateway, 0, 3, 25, &read(1));
        assert!(gateway.ask(ms(0), 0).is_some());
        gateway.port_down(0);
        assert_eq!(replies(&mut gateway), [(1, vec![0x83, 0x0B]), (2, vec![0x83, 0x0B])]);
        assert_eq!(request(&mut gateway, 1, 1, 5, &read(0)), refused(3, 0x0B));
        assert_eq!(asks(&mut gateway, 1), None);
        gateway.settle(ms(2), 0, Err(Error::Timeout)); // Nobody waits for this any more.
        gateway.port_up(0);
        gateway.disconnect(3);
    }
    queue(&mut gateway, 5, 1, 5, &read(0));
    assert_eq!(asks(&mut gateway, 5), Some((5, 0)), "the unit does not rest");
}

#[test]
fn identical_reads_that_wait_share_an_answer() {
    let mut gateway = gateway(Settings::new());
    queue(&mut gateway, 0, 1, 5, &read(1));
    queue(&mut gateway, 0, 2, 5, &read(1));
    queue(&mut gateway, 0, 3, 5, &read(2));
    assert_eq!(asks(&mut gateway, 1), Some((5, 1)));
    queue(&mut gateway, 2, 0, 5, &read(1)); // Too late: the device may have answered already.
    answered(&mut gateway, 50, 0, &value(1));
    let mut shared = replies(&mut gateway);
    shared.sort();
    assert_eq!(shared, [(1, value(1).to_vec()), (2, value(1).to_vec())]);
    assert_eq!(asks(&mut gateway, 50), Some((5, 2)));
    assert_eq!(gateway.counters().shared, 1);
}

#[test]
fn a_failure_is_not_shared() {
    let mut gateway = gateway(Settings::new());
    queue(&mut gateway, 0, 1, 5, &read(1));
    queue(&mut gateway, 0, 2, 5, &read(1));
    unheard(&mut gateway, 1);
    assert_eq!(replies(&mut gateway).len(), 1);
    assert_eq!(asks(&mut gateway, 2), Some((5, 1)));
}

#[test]
fn nobody_sees_the_value_from_before_a_write_that_waits() {
    let mut gateway = gateway(Settings { cache: Duration::from_secs(1), ..Settings::new() });
    queue(&mut gateway, 0, 1, 5, &read(1));
    queue(&mut gateway, 0, 2, 5, &WRITE);
    queue(&mut gateway, 0, 2, 5, &read(1));
    assert_eq!(asks(&mut gateway, 1), Some((5, 1)));
    answered(&mut gateway, 50, 0, &value(1));
    assert_eq!(replies(&mut gateway), [(1, value(1).to_vec())], "client 2 reads what it wrote");
    queue(&mut gateway, 51, 3, 5, &read(1)); // Not from the cache: a write waits.
    assert_eq!(asks(&mut gateway, 52), Some((5, u16::MAX)));
    answered(&mut gateway, 90, 0, &WRITE);
    assert_eq!(asks(&mut gateway, 91), Some((5, 1)));
}

#[test]
fn the_cache_answers_identical_reads_until_they_are_too_old_or_the_unit_is_written_to() {
    let mut gateway = gateway(Settings { cache: Duration::from_millis(100), ..Settings::new() });
    queue(&mut gateway, 0, 1, 5, &read(1));
    assert_eq!(asks(&mut gateway, 10), Some((5, 1)));
    answered(&mut gateway, 50, 0, &value(1));
    assert_eq!(replies(&mut gateway).len(), 1);
    assert_eq!(request(&mut gateway, 60, 2, 5, &read(1)), Verdict::Cached(&value(1)));
    assert_eq!(request(&mut gateway, 109, 2, 5, &read(1)), Verdict::Cached(&value(1)));
    queue(&mut gateway, 60, 2, 6, &read(1));
    queue(&mut gateway, 60, 2, 5, &read(2));
    gateway.disconnect(2);
    queue(&mut gateway, 110, 2, 5, &read(1)); // Asked 100 ms ago.

    assert_eq!(asks(&mut gateway, 110), Some((5, 1)));
    answered(&mut gateway, 150, 0, &value(2));
    replies(&mut gateway);
    queue(&mut gateway, 151, 3, 5, &WRITE);
    assert_eq!(asks(&mut gateway, 151), Some((5, u16::MAX)));
    gateway.settle(ms(160), 0, Err(Error::Timeout)); // Whether it was carried out nobody knows.
    replies(&mut gateway);
    queue(&mut gateway, 161, 2, 5, &read(1));
    assert_eq!(gateway.counters().cached, 2);
}

#[test]
fn refusals_are_not_cached_and_without_a_limit_nothing_is() {
    for (cache, pdu) in [(100, &[0x83, 2][..]), (0, &value(1))] {
        let mut gateway = gateway(Settings { cache: Duration::from_millis(cache), ..Settings::new() });
        queue(&mut gateway, 0, 1, 5, &read(1));
        assert_eq!(asks(&mut gateway, 0), Some((5, 1)));
        answered(&mut gateway, 1, 0, pdu);
        assert_eq!(replies(&mut gateway), [(1, pdu.to_vec())]);
        queue(&mut gateway, 2, 1, 5, &read(1));
    }
}

#[test]
fn a_broadcast_goes_to_all_ports_and_is_confirmed_once_all_have_sent_it() {
    let mut gateway = gateway(Settings { broadcast: true, ..Settings::new() });
    let write = [16, 0, 1, 0, 1, 2, 0xAB, 0xCD];
    queue(&mut gateway, 0, 1, 0, &write);
    for port in [1, 0] {
        assert_eq!(replies(&mut gateway), []);
        assert!(matches!(
            gateway.ask(ms(1), port),
            Some(Ask { unit: 0, request: Request::WriteMultipleRegisters { start: 1, .. }, .. })
        ));
        gateway.settle(ms(100), port, Ok(&[]));
        assert_eq!(gateway.ask(ms(101), port), None);
    }
    assert_eq!(replies(&mut gateway), [(1, write[..5].to_vec())]);

    queue(&mut gateway, 200, 1, 0, &WRITE);
    assert!(gateway.ask(ms(200), 0).is_some());
    gateway.port_down(1);
    assert_eq!(replies(&mut gateway), [], "port 0 is at it still");
    gateway.settle(ms(300), 0, Ok(&[]));
    assert_eq!(replies(&mut gateway), [(1, vec![0x86, 0x0B])], "not all have heard it");
    assert_eq!(request(&mut gateway, 301, 1, 0, &WRITE), refused(6, 0x0B), "nor would they now");
}

#[test]
fn a_client_that_cannot_tell_answers_apart_is_helped_by_a_read() {
    for trouble in [Error::Suspect, Error::Request(RequestError::Echo)] {
        for (heard, knocks) in [(true, 1), (false, 1)] {
            let mut gateway = gateway(Settings::new());
            queue(&mut gateway, 0, 1, 5, &WRITE);
            assert_eq!(asks(&mut gateway, 0), Some((5, u16::MAX)));
            gateway.settle(ms(0), 0, Err(trouble));
            assert_eq!(asks(&mut gateway, 0), Some((5, 0)), "it reads something first");
            gateway.settle(
                ms(9),
                0,
                Err(if heard { Error::Exception(Exception::IllegalDataAddress) } else { Error::Timeout }),
            );
            assert_eq!(asks(&mut gateway, 9), heard.then_some((5, u16::MAX)));
            gateway.settle(ms(9), 0, Err(trouble));
            assert_eq!(replies(&mut gateway), [(1, vec![0x86, 0x0B])], "and does not knock twice");
            assert_eq!((asks(&mut gateway, 10), gateway.counters().asked), (None, knocks));
        }
    }
}

#[test]
fn nobody_confirms_what_no_unit_answers() {
    let mut gateway = gateway(Settings::new());
    for _ in 0..5 {
        queue(&mut gateway, 0, 1, 5, &WRITE);
        assert_eq!(asks(&mut gateway, 0), Some((5, u16::MAX)));
        answered(&mut gateway, 50, 0, &[]);
        assert_eq!(replies(&mut gateway), [(1, vec![0x86, 0x0B])]);
    }
    queue(&mut gateway, 60, 1, 5, &WRITE); // Nor does the unit rest for that.
}

#[test]
fn routes_that_cannot_be_change_nothing() {
    let mut gateway = gateway(Settings::new());
    assert_eq!(gateway.route(9, 12, 0), Err(RouteError::Taken { unit: 9 }));
    assert_eq!(gateway.route(0, 3, 0), Err(RouteError::Units { first: 0, last: 3 }));
    assert_eq!(gateway.route(40, 30, 0), Err(RouteError::Units { first: 40, last: 30 }));
    assert_eq!(gateway.route(200, 248, 0), Err(RouteError::Units { first: 200, last: 248 }));
    assert_eq!(gateway.route(30, 40, 2), Err(RouteError::Port { found: 2, limit: 2 }));
    assert_eq!(request(&mut gateway, 0, 1, 10, &read(0)), refused(3, 0x0A));
    assert_eq!(gateway.route(10, 12, 0), Ok(()));
}

#[test]
fn a_real_client_carries_what_the_gateway_asks() {
    let mut gateway = gateway(Settings::new());
    let mut buffer = [0; 256];
    let mut client = Client::new(Rtu::new(Line::new(9600)), &mut buffer);
    queue(&mut gateway, 0, 1, 5, &WRITE); // A write on a line whose echo nobody knows.
    let mut now = Instant::ZERO;
    while let Some(Ask { unit, request, .. }) = gateway.ask(now, 0) {
        let started = client.start(now, unit, request);
        let exception = matches!(request, Request::ReadHoldingRegisters { .. });
        let outcome = match started {
            Ok(()) => {
                exchange(&mut client, &mut now, exception);
                client.outcome().map(|_| WRITE.as_slice())
            }
            Err(error) => Err(Error::Request(error)),
        };
        gateway.settle(now, 0, outcome);
    }
    assert_eq!(replies(&mut gateway), [(1, WRITE.to_vec())]);
}

/// A unit that refuses reads and confirms writes.
fn exchange(client: &mut Client<'_, Rtu>, now: &mut Instant, refuses: bool) {
    let mut sent = Vec::new();
    loop {
        match client.poll(*now) {
            Step::Send(bytes) => sent = bytes.to_vec(),
            Step::Wait(_) if !sent.is_empty() => {
                *now = *now + Duration::from_millis(10);
                let answer = if refuses { vec![5, 0x83, 2, 0x81, 0x30] } else { std::mem::take(&mut sent) };
                client.receive(*now, &answer);
                sent.clear();
            }
            Step::Wait(until) => *now = until.unwrap(),
            Step::SetLine(_) => {}
            Step::Done => return,
        }
    }
}
