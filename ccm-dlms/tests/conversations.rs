//! Recorded conversations: the client sends what the recorded one sent, the meter's side answers what the recorded one
//! answered.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::VecDeque;

use ccm_core::testing::{Link, Script};
use ccm_core::{Duration, Line};
use ccm_dlms::hdlc::{Address, Control, Frame, Hdlc, Parameters, Station, Unnumbered};
use ccm_dlms::wrapper::{self, Service, Wrapper};
use ccm_dlms::{Client, Framing, Request};
use common::{Meter, conversation};

/// One exchange of a recording.
#[derive(Debug)]
enum Turn {
    Connect,
    Exchange(Vec<u8>, Vec<u8>),
    Disconnect,
}

/// What the frames of an HDLC recording carry.
fn turns(messages: &[(bool, Vec<u8>)]) -> Vec<Turn> {
    let (mut turns, mut apdu, mut request) = (Vec::new(), Vec::new(), Vec::new());
    for (client, bytes) in messages {
        let frame = Frame::parse(&bytes[1..bytes.len() - 1]).unwrap();
        match frame.control {
            Control::Unnumbered { kind: Unnumbered::SetNormalResponseMode, .. } => turns.push(Turn::Connect),
            Control::Unnumbered { kind: Unnumbered::Disconnect, .. } => turns.push(Turn::Disconnect),
            Control::Information { .. } => {
                let begins = apdu.is_empty();
                apdu.extend(&frame.information[if begins { 3 } else { 0 }..]);
                if frame.segmented {
                    continue;
                }
                let whole = std::mem::take(&mut apdu);
                match client {
                    true => request = whole,
                    false => turns.push(Turn::Exchange(std::mem::take(&mut request), whole)),
                }
            }
            _ => {}
        }
    }
    turns
}

/// Runs the exchanges over a line whose far end only says what it said then, and compares all that is sent.
fn replay<F: Framing>(client: &mut Client<'_, F>, messages: &[(bool, Vec<u8>)], turns: &[Turn]) {
    let said =
        |who| messages.iter().filter(move |(client, _)| *client == who).map(|(_, bytes)| bytes.clone());
    let mut script = Script::new(said(false));
    let mut link = Link::new(Line::new(9600));
    for turn in turns {
        let (request, answer) = match turn {
            Turn::Connect => (Request::Connect, &[][..]),
            Turn::Exchange(request, answer) => (Request::Exchange(request), &answer[..]),
            Turn::Disconnect => (Request::Disconnect, &[][..]),
        };
        client.start(link.now(), request).unwrap();
        link.run(client, &mut script, Duration::from_secs(30));
        assert_eq!(client.outcome(), Ok(answer));
    }
    same(&script.requests, &said(true).collect::<Vec<_>>());
}

/// Frame by frame the same, but for where an APDU is cut: the recorded client counts the LLC header twice.
fn same(sent: &[Vec<u8>], recorded: &[Vec<u8>]) {
    let parse = |bytes: &[u8]| {
        let frame = Frame::parse(&bytes[1..bytes.len() - 1]).ok()?;
        Some((frame.destination, frame.source, frame.control, frame.segmented, frame.information.to_vec()))
    };
    let carried = |frames: &[Vec<u8>]| {
        frames.iter().filter_map(|bytes| parse(bytes)).flat_map(|f| f.4).collect::<Vec<_>>()
    };
    assert_eq!(carried(sent), carried(recorded));
    assert_eq!(sent.len(), recorded.len());
    for (sent, recorded) in sent.iter().zip(recorded) {
        let (Some(mut ours), Some(mut theirs)) = (parse(sent), parse(recorded)) else {
            assert_eq!(sent, recorded);
            continue;
        };
        (ours.4, theirs.4) = (vec![], vec![]);
        assert_eq!(ours, theirs);
        assert!(sent == recorded || ours.2.byte() & 1 == 0);
    }
}

fn hdlc(name: &str) {
    let messages = conversation(name);
    let turns = turns(&messages);
    let mut buffer = [0; 8192];
    let mut client = Client::new(Hdlc::new(Address::client(16), Address::client(1)), &mut buffer);
    replay(&mut client, &messages, &turns);
    answers(&messages, turns);
}

/// The same from the meter's side.
fn answers(messages: &[(bool, Vec<u8>)], turns: Vec<Turn>) {
    let mut answers: VecDeque<Vec<u8>> = turns
        .into_iter()
        .filter_map(|turn| if let Turn::Exchange(_, answer) = turn { Some(answer) } else { None })
        .collect();
    let mut buffer = [0; 8192];
    let station = Station::new(Address::client(1), &mut buffer).with_parameters(Parameters::DEFAULT).unwrap();
    let mut meter = Meter::new(station, |_: &[u8]| answers.pop_front().unwrap());
    let mut sent = Vec::new();
    for (client, bytes) in messages {
        match client {
            true => sent.extend(meter.hear(bytes)),
            false => assert_eq!(sent.remove(0), *bytes),
        }
    }
    assert!(sent.is_empty());
    assert_eq!((meter.connected, meter.disconnected), (1, 1));
}

#[test]
fn a_conversation_over_hdlc_is_the_recorded_one_byte_by_byte() {
    hdlc("conv-hdlc-none");
}

#[test]
fn a_conversation_with_segments_both_ways_is_the_recorded_one() {
    hdlc("conv-set-blocks");
}

#[test]
fn a_conversation_over_the_wrapper_is_the_recorded_one_byte_by_byte() {
    let messages = conversation("conv-wrapper-gmac");
    let turns: Vec<Turn> = messages
        .chunks(2)
        .map(|pair| {
            let apdu = |index: usize| wrapper::Frame::parse(&pair[index].1).unwrap().apdu.to_vec();
            Turn::Exchange(apdu(0), apdu(1))
        })
        .collect();
    let mut buffer = [0; 256];
    let mut client = Client::new(Wrapper::tcp(1, 1), &mut buffer);
    let all = [vec![Turn::Connect], turns, vec![Turn::Disconnect]].concat_turns();
    replay(&mut client, &messages, &all);

    let mut buffer = [0; 256];
    let mut answers = messages.iter().filter(|(client, _)| !client).map(|(_, bytes)| bytes[8..].to_vec());
    let mut meter = Meter::new(Service::new(&mut buffer), |_: &[u8]| answers.next().unwrap());
    for pair in messages.chunks(2) {
        assert_eq!(meter.hear(&pair[0].1), [pair[1].1.clone()]);
    }
}

trait ConcatTurns {
    fn concat_turns(self) -> Vec<Turn>;
}

impl ConcatTurns for [Vec<Turn>; 3] {
    fn concat_turns(self) -> Vec<Turn> {
        self.into_iter().flatten().collect()
    }
}
