//! The laws that every protocol of CcMaster obeys, on exchanges of HDLC and of the wrapper.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Exchange, Link, Runner, Script, Verdict, conformance};
use ccm_core::{Duration, Instant, Line};
use ccm_dlms::hdlc::{Address, Hdlc};
use ccm_dlms::wrapper::Wrapper;
use ccm_dlms::{Client, Framing, Policy, Request};
use common::{conversation, unhex, vector};

const LINE: Line = Line::new(9600);
const POLICY: Policy = Policy { retries: 0, ..Policy::DEFAULT };

/// Carries `exchange` out on a link that an undisturbed UA has made, and compares the APDU with that of the reply.
fn attempt<F: Framing>(
    framing: F,
    ua: Option<Vec<u8>>,
    request: Request<'_>,
    apdu: &[u8],
    run: Runner<'_>,
) -> Verdict {
    let mut buffer = [0; 1000];
    let mut client = Client::new(framing, &mut buffer).with_policy(POLICY);
    if !matches!(request, Request::Connect) {
        client.start(Instant::ZERO, Request::Connect).unwrap();
        Link::new(LINE).run(&mut client, &mut Script::new(ua), Duration::from_secs(10));
        client.outcome().unwrap();
    }
    client.start(Instant::ZERO, request).unwrap();
    run(&mut client);
    match client.outcome() {
        Ok(answer) if answer == apdu => Verdict::Good,
        Ok(_) => Verdict::Wrong,
        Err(_) => Verdict::Failed,
    }
}

#[test]
fn exchanges_over_hdlc_obey_the_laws() {
    let messages: Vec<Vec<u8>> = conversation("conv-hdlc-none").into_iter().map(|(_, bytes)| bytes).collect();
    let exchange = |name, index: usize| {
        let mut reply = messages[index + 1].clone();
        reply.pop(); // The length field ends a frame: without its last flag it is whole.
        let foreign = vector("aare-iframe");
        Exchange { name, request: messages[index].clone(), reply, foreign, checksum: true }
    };
    let exchanges = [exchange("SNRM", 0), exchange("I", 2)];
    conformance(LINE, &exchanges, |exchange, run| {
        let hdlc = Hdlc::new(Address::client(16), Address::client(1));
        let apdu = |frame: &[u8], end: usize| frame[11..frame.len() - end].to_vec();
        match exchange.name {
            "SNRM" => attempt(hdlc, None, Request::Connect, &[], run),
            _ => {
                let (asked, answered) = (apdu(&exchange.request, 3), apdu(&exchange.reply, 2));
                attempt(hdlc, Some(messages[1].clone()), Request::Exchange(&asked), &answered, run)
            }
        }
    });
}

#[test]
fn exchanges_over_the_wrapper_obey_the_laws() {
    let exchange = Exchange {
        name: "GET",
        request: unhex("0001 0010 0001 0004 c0 01 c1 00"),
        reply: unhex("0001 0001 0010 0005 c4 01 c1 00 00"),
        foreign: unhex("0001 0002 0010 0005 c4 01 c1 00 01"),
        checksum: false,
    };
    conformance(LINE, &[exchange], |exchange, run| {
        let request = Request::Exchange(&exchange.request[8..]);
        attempt(Wrapper::tcp(16, 1), None, request, &exchange.reply[8..], run)
    });
}
