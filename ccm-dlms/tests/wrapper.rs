//! Client and meter over TCP and UDP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Fault, Link, Script};
use ccm_core::{Duration, Instant, Line, Machine, Step};
use ccm_dlms::wrapper::{Service, Wrapper};
use ccm_dlms::{Client, FrameError, LinkError, Request, RequestError};
use common::{Meter, unhex};

const LINE: Line = Line::new(115_200);
const LIMIT: Duration = Duration::from_secs(60);
const ASK: Request<'static> = Request::Exchange(&[0xC0, 1]);

fn connected(wrapper: Wrapper, buffer: &mut [u8]) -> Client<'_, Wrapper> {
    let mut client = Client::new(wrapper, buffer);
    client.start(Instant::ZERO, Request::Connect).unwrap();
    assert_eq!(client.poll(Instant::ZERO), Step::Done);
    assert_eq!(client.outcome(), Ok(&[][..]));
    client
}

#[test]
fn a_meter_answers_port_for_port_however_the_stream_is_cut() {
    for at in 1..11 {
        let (mut own, mut theirs) = ([0; 100], [0; 100]);
        let mut client = connected(Wrapper::tcp(16, 1), &mut own);
        let mut meter = Meter::new(Service::new(&mut theirs), |request: &[u8]| [request, &[9]].concat());
        let mut link = Link::new(LINE).with_faults([Fault::Split(at, Duration::from_millis(300))]);
        client.start(link.now(), ASK).unwrap();
        link.run(&mut client, &mut meter, LIMIT);
        assert_eq!(client.outcome(), Ok(&[0xC0, 1, 9][..]));
    }
}

#[test]
fn after_a_timeout_the_connection_counts_as_lost() {
    let mut buffer = [0; 100];
    let mut client = connected(Wrapper::tcp(16, 1), &mut buffer);
    let mut link = Link::new(LINE);
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut Script::default(), LIMIT);
    assert_eq!(client.outcome(), Err(LinkError::Timeout));
    assert_eq!(client.start(link.now(), ASK), Err(RequestError::NotConnected));
    assert_eq!(client.start(link.now(), Request::Connect), Ok(()));
    assert_eq!(client.start(link.now(), ASK), Ok(()));
}

#[test]
fn an_answer_between_other_ports_is_named() {
    let mut buffer = [0; 100];
    let mut client = connected(Wrapper::tcp(16, 1), &mut buffer);
    let mut link = Link::new(LINE);
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut Script::new([unhex("0001 0001 0011 0001 c4")]), LIMIT);
    let error = FrameError::Port { source_port: 1, destination_port: 17, server: 1, client: 16 };
    assert_eq!(client.outcome(), Err(LinkError::Frame(error)));
}

#[test]
fn a_stream_of_something_else_is_lost_and_a_datagram_of_it_is_dropped() {
    let answers = unhex("0002 0001 0010 0001 c4");
    let run = |wrapper, pieces: &[&[u8]]| {
        let mut buffer = [0; 100];
        let mut client = connected(wrapper, &mut buffer);
        client.start(Instant::ZERO, ASK).unwrap();
        while !matches!(client.poll(Instant::ZERO), Step::Send(_)) {}
        for piece in pieces {
            client.poll(Instant::ZERO);
            client.receive(Instant::ZERO, piece);
        }
        client.outcome().map(<[u8]>::to_vec)
    };
    let version = FrameError::Version { found: 2 };
    assert_eq!(run(Wrapper::tcp(16, 1), &[&answers]), Err(LinkError::Frame(version)));
    let good = unhex("0001 0001 0010 0001 c4");
    assert_eq!(run(Wrapper::udp(16, 1), &[&answers, &good[..5], &good[..8], &good]), Ok(vec![0xC4]));
}

#[test]
fn an_answer_longer_than_the_buffer_is_a_named_error_and_the_stream_goes_on() {
    let mut buffer = [0; 8 + 2];
    let mut client = connected(Wrapper::tcp(16, 1), &mut buffer);
    let mut link = Link::new(LINE);
    let mut script = Script::new([unhex("0001 0001 0010 0003 c4 01 02"), unhex("0001 0001 0010 0002 c4 01")]);
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut script, LIMIT);
    assert_eq!(client.outcome(), Err(LinkError::Overflow { needed: 3, room: 2 }));
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut script, LIMIT);
    assert_eq!(client.outcome(), Ok(&[0xC4, 1][..]));
}

#[test]
fn what_came_before_the_request_answers_nothing() {
    let mut buffer = [0; 100];
    let mut client = connected(Wrapper::tcp(16, 1), &mut buffer);
    let mut link = Link::new(LINE);
    link.inject(link.now(), &unhex("0001 0001 0010 0002 c4 07"));
    link.pass(Duration::from_millis(100));
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut Script::new([unhex("0001 0001 0010 0002 c4 01")]), LIMIT);
    assert_eq!(client.outcome(), Ok(&[0xC4, 1][..]));
}

#[test]
fn a_further_apdu_is_waited_for() {
    let mut buffer = [0; 100];
    let mut client = connected(Wrapper::tcp(16, 1), &mut buffer);
    let mut link = Link::new(LINE);
    client.start(link.now(), ASK).unwrap();
    link.run(&mut client, &mut Script::new([unhex("0001 0001 0010 0001 e0")]), LIMIT);
    assert_eq!(client.outcome(), Ok(&[0xE0][..]));
    link.inject(link.now() + Duration::from_millis(50), &unhex("0001 0001 0010 0001 e1"));
    client.start(link.now(), Request::Listen).unwrap();
    link.run(&mut client, &mut Script::default(), LIMIT);
    assert_eq!(client.outcome(), Ok(&[0xE1][..]));
}
