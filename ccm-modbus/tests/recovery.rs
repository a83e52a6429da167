//! The thirteen ways in which a reply goes wrong on an RTU line, each with what a client must make of it: never a value
//! of another request. The slave's registers hold their own address, so a stale value shows.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::collections::VecDeque;

use ccm_core::testing::{Fault, Link, Peer};
use ccm_core::{Duration, Line};
use ccm_modbus::{Ascii, Client, Echo, Error, Exception, FrameError, Request, Rtu, rtu};

const TIMEOUT: Duration = Duration::from_millis(500);
const LINE: Line = Line::new(9600);

/// Answers reads of holding registers with each register's own address, in order, as a UART-buffered slave does.
struct Slave {
    /// What happens to the n-th request, counted from 0.
    habits: VecDeque<Habit>,
    owed: Vec<Vec<u8>>,
}

enum Habit {
    Answer,
    /// Keeps the answer until the next request.
    Keep,
    /// Refuses.
    Refuse(u8),
    /// One register less than asked.
    Short,
}

impl Slave {
    fn new(habits: impl IntoIterator<Item = Habit>) -> Self {
        Self { habits: habits.into_iter().collect(), owed: Vec::new() }
    }
}

impl Peer for Slave {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let [unit, function, high, low, _, quantity, ..] = *request else { return Vec::new() };
        let start = u16::from_be_bytes([high, low]);
        let reply = |quantity: u8| {
            let values = (start..start + u16::from(quantity)).flat_map(u16::to_be_bytes);
            frame([unit, function, quantity * 2].into_iter().chain(values))
        };
        let reply = match self.habits.pop_front().unwrap_or(Habit::Answer) {
            Habit::Answer => reply(quantity),
            Habit::Short => reply(quantity - 1),
            Habit::Refuse(code) => frame([unit, function | 0x80, code]),
            Habit::Keep => {
                self.owed.push(reply(quantity));
                return Vec::new();
            }
        };
        let owed = std::mem::take(&mut self.owed);
        owed.into_iter().chain([reply]).map(|reply| (Duration::from_millis(5), reply)).collect()
    }
}

fn frame(message: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut frame: Vec<u8> = message.into_iter().collect();
    let crc = crc::Crc::<u16>::new(&crc::CRC_16_MODBUS).checksum(&frame);
    frame.extend(crc.to_le_bytes());
    frame
}

fn foreign(unit: u8, value: u8) -> Vec<u8> {
    frame([unit, 3, 4, 0, value, 0, value])
}

/// Reads two registers at 5, 50 and 60 of unit 1 in turn; the n-th fault befalls the n-th answer.
fn calls(slave: &mut Slave, faults: impl IntoIterator<Item = Fault>) -> [Result<(), Error>; 3] {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    let mut link = Link::new(LINE).with_faults(faults);
    [5, 50, 60].map(|start| read(&mut client, &mut link, slave, start))
}

fn read(client: &mut Client<'_, Rtu>, link: &mut Link, slave: &mut Slave, start: u16) -> Result<(), Error> {
    client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity: 2 }).unwrap();
    link.run(client, slave, Duration::from_secs(5));
    let registers = client.outcome()?.registers().unwrap();
    let values: Vec<u16> = registers.iter().collect();
    assert_eq!(values, [start, start + 1], "a value of another request was returned as good");
    Ok(())
}

fn with_fault(fault: Fault) -> [Result<(), Error>; 3] {
    calls(&mut Slave::new([]), [fault])
}

const ALL_GOOD: [Result<(), Error>; 3] = [Ok(()); 3];

#[test]
fn a_clean_replies_are_read() {
    assert_eq!(with_fault(Fault::Clean), ALL_GOOD);
}

#[test]
fn b_a_leading_zero_is_stepped_over() {
    assert_eq!(with_fault(Fault::Foreign(vec![0])), ALL_GOOD);
}

#[test]
fn c_a_leading_byte_that_looks_like_the_unit_is_stepped_over() {
    assert_eq!(with_fault(Fault::Foreign(vec![1])), ALL_GOOD);
    assert_eq!(with_fault(Fault::Foreign(vec![1, 3])), ALL_GOOD);
    assert_eq!(with_fault(Fault::Foreign(vec![1, 3, 4])), ALL_GOOD);
    assert_eq!(with_fault(Fault::Foreign(vec![1, 3, 250])), ALL_GOOD);
}

#[test]
fn d_the_own_request_heard_again_is_no_reply() {
    assert_eq!(with_fault(Fault::Echo), ALL_GOOD);
}

#[test]
fn e_another_slaves_reply_is_stepped_over() {
    assert_eq!(with_fault(Fault::Foreign(foreign(2, 99))), ALL_GOOD);
}

#[test]
fn f_a_wrong_checksum_costs_one_call() {
    let [first, second, third] = with_fault(Fault::Corrupt(4, 0x10));
    assert_eq!(first, Err(Error::Frame(FrameError::Checksum)));
    assert_eq!([second, third], [Ok(()); 2]);
}

#[test]
fn g_a_late_reply_of_the_previous_call_is_never_taken_for_this_ones() {
    // The slave answers the first request when it gets the second, then the second: the probe sorts them out.
    assert_eq!(calls(&mut Slave::new([Habit::Keep]), []), [Err(Error::Timeout), Ok(()), Ok(())]);
    // By time: 140 ms after the deadline.
    let late = Fault::Delay(TIMEOUT + Duration::from_millis(140));
    assert_eq!(with_fault(late), [Err(Error::Timeout), Ok(()), Ok(())]);
}

#[test]
fn g_a_slave_that_stays_one_reply_behind_gets_nothing_believed() {
    struct Behind(Option<Vec<u8>>);
    impl Peer for Behind {
        fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
            let [(pause, reply)] = Slave::new([]).answer(request).try_into().unwrap();
            self.0.replace(reply).map(|reply| (pause, reply)).into_iter().collect()
        }
    }
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT).with_retries(2);
    let (mut link, mut slave) = (Link::new(LINE), Behind(None));
    for start in (0..200).step_by(10) {
        client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity: 2 }).unwrap();
        link.run(&mut client, &mut slave, Duration::from_secs(10));
        if let Ok(response) = client.outcome() {
            let values: Vec<u16> = response.registers().unwrap().iter().collect();
            assert_eq!(values, [start, start + 1]);
        }
    }
}

#[test]
fn h_a_reply_one_register_short_is_an_error_that_says_so() {
    let [first, second, third] = calls(&mut Slave::new([Habit::Short]), []);
    assert_eq!(first, Err(Error::Frame(FrameError::Mismatch)));
    assert_eq!([second, third], [Ok(()); 2]);
}

#[test]
fn i_a_reply_in_two_halves_is_one_reply() {
    for at in 1..9 {
        assert_eq!(with_fault(Fault::Split(at, Duration::from_millis(20))), ALL_GOOD);
    }
}

#[test]
fn j_an_exception_costs_one_call_and_is_named() {
    let [first, second, third] = calls(&mut Slave::new([Habit::Refuse(0x0B)]), []);
    assert_eq!(first, Err(Error::Exception(Exception::GatewayTargetFailed)));
    assert_eq!([second, third], [Ok(()); 2]);
}

#[test]
fn k_trailing_zeros_do_no_harm() {
    assert_eq!(with_fault(Fault::Trail(vec![0])), ALL_GOOD);
    assert_eq!(with_fault(Fault::Trail(vec![0; 4])), ALL_GOOD);
}

#[test]
fn l_the_line_turning_on_is_stepped_over() {
    assert_eq!(with_fault(Fault::Foreign(vec![0xFF, 0xFF])), ALL_GOOD);
}

#[test]
fn m_a_torn_start_before_the_good_frame_is_stepped_over() {
    assert_eq!(with_fault(Fault::Foreign(vec![1, 3, 4, 0])), ALL_GOOD);
    assert_eq!(with_fault(Fault::Foreign(foreign(1, 5)[..6].to_vec())), ALL_GOOD);
}

#[test]
fn a_slave_that_wakes_up_with_many_answers_owed_gets_none_of_them_believed() {
    for quantity in 1..9 {
        let mut buffer = [0; 264];
        let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
        let habits = (0..20).map(|_| Habit::Keep).collect::<Vec<_>>();
        let (mut link, mut slave) = (Link::new(LINE), Slave::new(habits));
        for start in (0..1500).step_by(10) {
            client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity }).unwrap();
            link.run(&mut client, &mut slave, Duration::from_secs(10));
            if let Ok(response) = client.outcome() {
                assert!(
                    response.registers().unwrap().iter().eq(start..start + quantity),
                    "{quantity} at {start}"
                );
            }
        }
        assert!(client.outcome().is_ok(), "it is read again in the end");
    }
}

#[test]
fn a_doubled_reply_is_not_the_next_ones() {
    assert_eq!(with_fault(Fault::Duplicate), ALL_GOOD);
}

#[test]
fn a_lost_reply_costs_one_call_and_with_a_retry_none() {
    assert_eq!(with_fault(Fault::Lose), [Err(Error::Timeout), Ok(()), Ok(())]);
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT).with_retries(1);
    let mut link = Link::new(LINE).with_faults([Fault::Lose, Fault::Clean, Fault::Lose]);
    for start in [5, 50, 60] {
        assert_eq!(read(&mut client, &mut link, &mut Slave::new([]), start), Ok(()));
    }
}

#[test]
fn a_unit_that_never_answers_costs_its_time_over_ascii_too() {
    let mut buffer = [0; 1030];
    let mut client = Client::new(Ascii::new(LINE), &mut buffer).with_timeout(TIMEOUT).with_retries(1);
    for answer in [&b""[..], b":", b":0103", b"noise\r\n"] {
        let mut link = Link::new(LINE);
        client.start(link.now(), 1, Request::ReadHoldingRegisters { start: 5, quantity: 2 }).unwrap();
        let mut peer = |_: &[u8]| vec![(Duration::ZERO, answer.to_vec())];
        link.run(&mut client, &mut peer, Duration::from_secs(5));
        assert!(matches!(client.outcome(), Err(Error::Timeout | Error::Frame(FrameError::Checksum))));
    }
}

#[test]
fn an_abandoned_exchange_leaves_the_unit_suspect_and_the_next_value_right() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    let mut link = Link::new(LINE);
    client.start(link.now(), 1, Request::ReadHoldingRegisters { start: 5, quantity: 2 }).unwrap();
    while !matches!(ccm_core::Machine::poll(&mut client, link.now()), ccm_core::Step::Send(_)) {
        link.pass(Duration::from_millis(5));
    }
    // The future is dropped here; the slave answers all the same, after the next request has begun.
    link.inject(link.now() + Duration::from_millis(30), &foreign(1, 5));
    assert_eq!(read(&mut client, &mut link, &mut Slave::new([]), 50), Ok(()));
    assert!(!client.is_suspect(1), "the probe has settled it");
}

#[test]
fn a_frame_that_came_while_nobody_was_asked_makes_the_unit_suspect() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    let (mut link, mut slave) = (Link::new(LINE), Slave::new([]));
    read(&mut client, &mut link, &mut slave, 5).unwrap();
    link.inject(link.now() + Duration::from_millis(10), &foreign(1, 5));
    link.pass(Duration::from_millis(50));
    read(&mut client, &mut link, &mut slave, 50).unwrap();
}

#[test]
fn a_babbling_line_ends_in_an_error_and_not_in_a_hang() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    let mut link = Link::new(LINE);
    link.inject(link.now(), &[0x55; 2000]);
    assert_eq!(read(&mut client, &mut link, &mut Slave::new([]), 5), Err(Error::Busy));
}

#[test]
fn a_write_on_a_line_that_may_echo_is_refused_until_a_read_has_shown_it() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    let write = Request::WriteSingleRegister { address: 1, value: 2 };
    assert_eq!(client.start(ccm_core::Instant::ZERO, 1, write), Err(ccm_modbus::RequestError::Echo));
    let mut link = Link::new(LINE);
    read(&mut client, &mut link, &mut Slave::new([]), 5).unwrap();
    assert_eq!(client.start(link.now(), 1, write), Ok(()));
}

/// tokio-modbus takes the echo for the confirmation, although the slave refused with exception 04.
#[test]
fn an_echoed_write_that_the_slave_refuses_is_refused() {
    for learns in [false, true] {
        let echo = if learns { Echo::Learn } else { Echo::Drop };
        let mut buffer = [0; 264];
        let mut client = Client::new(Rtu::new(LINE).with_echo(echo), &mut buffer).with_timeout(TIMEOUT);
        let mut link = Link::new(LINE).with_faults(vec![Fault::Echo; 3]);
        if learns {
            read(&mut client, &mut link, &mut Slave::new([]), 5).unwrap();
        }
        client.start(link.now(), 1, Request::WriteSingleCoil { address: 1, on: true }).unwrap();
        link.run(&mut client, &mut Slave::new([Habit::Refuse(4)]), Duration::from_secs(5));
        assert_eq!(client.outcome(), Err(Error::Exception(Exception::ServerDeviceFailure)));
        // And one that nobody answers is no success either.
        client.start(link.now(), 1, Request::WriteSingleCoil { address: 1, on: true }).unwrap();
        let echo_only = |request: &[u8]| vec![(Duration::ZERO, request.to_vec())];
        let mut quiet = Link::new(LINE);
        quiet.pass(link.now().since(ccm_core::Instant::ZERO));
        quiet.run(&mut client, &mut { echo_only }, Duration::from_secs(5));
        assert_eq!(client.outcome(), Err(Error::Timeout));
    }
}

#[test]
fn a_broadcast_waits_for_the_turnaround_and_for_no_reply() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer);
    let mut link = Link::new(LINE);
    client.start(link.now(), 0, Request::WriteSingleRegister { address: 1, value: 2 }).unwrap();
    link.run(&mut client, &mut |_: &[u8]| Vec::new(), Duration::from_secs(1));
    assert_eq!(client.outcome().map(|reply| reply.response()), Ok(Ok(ccm_modbus::Response::Broadcast)));
    let sent = LINE.characters(8) + Rtu::new(LINE).silence();
    assert_eq!(link.now().since(ccm_core::Instant::ZERO + sent), Duration::from_millis(100));
    let read = Request::ReadCoils { start: 0, quantity: 1 };
    assert_eq!(client.start(link.now(), 0, read), Err(ccm_modbus::RequestError::Broadcast));
}

/// Whoever parses our frames reads what we mean: the golden frame of MB-APP 6.3.
#[test]
fn a_request_is_on_the_wire_what_the_standard_shows() {
    let mut buffer = [0; 8];
    let length = rtu::emit(1, &Request::ReadHoldingRegisters { start: 0x6B, quantity: 3 }, &mut buffer);
    assert_eq!(length, Ok(8));
    assert_eq!(buffer, [0x01, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x74, 0x17]);
}

#[test]
fn an_ascii_line_that_is_silent_ends_in_a_time_out() {
    let mut buffer = [0; 1030];
    let mut client = Client::new(ccm_modbus::Ascii::new(LINE), &mut buffer).with_timeout(TIMEOUT);
    client
        .start(ccm_core::Instant::ZERO, 1, Request::ReadHoldingRegisters { start: 5, quantity: 2 })
        .unwrap();
    Link::new(LINE).run(&mut client, &mut |_: &[u8]| Vec::new(), Duration::from_secs(5));
    assert_eq!(client.outcome(), Err(Error::Timeout));
}
