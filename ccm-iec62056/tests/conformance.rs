//! The laws that every protocol of CcMaster obeys, on golden exchanges of programming mode and of the sign-on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::{Exchange, Verdict, conformance};
use ccm_core::{DataBits, Instant, Line, Parity};
use ccm_iec62056::{Client, Command, Policy, Request, Response};
use common::meter::Kept;

const LINE: Line =
    Line { baud: 300, parity: Parity::Even, data_bits: DataBits::Seven, stop_bits: ccm_core::StopBits::One };

fn framed(body: &[u8]) -> Vec<u8> {
    let bcc = body[1..].iter().fold(0, |bcc, byte| bcc ^ byte);
    [body, &[bcc]].concat()
}

fn policy() -> Policy {
    Policy { retries: 0, repeats: 0, ..Policy::DEFAULT }
}

#[test]
fn a_register_read_obeys_the_laws() {
    let request = Request::Command(Command::read(5, b"1.8.0", b""));
    let exchange = Exchange {
        name: "R5 1.8.0",
        request: framed(b"\x01R5\x021.8.0()\x03"),
        reply: framed(b"\x021.8.0(0012345.678*kWh)\x03"),
        foreign: framed(b"\x022.8.0(0099999.999*kWh)\x03"),
        checksum: true,
    };
    conformance(LINE, &[exchange], |_, run| {
        let mut buffer = [0; 64];
        let mut client = Client::new(policy(), Kept::default(), &mut buffer);
        client.start(Instant::ZERO, request).unwrap();
        run(&mut client);
        match client.outcome() {
            Ok(Response::Data { .. }) if client.sink().values == ["1.8.0 12345.678 kWh"] => Verdict::Good,
            Ok(_) => Verdict::Wrong,
            Err(_) => Verdict::Failed,
        }
    });
}

#[test]
fn a_sign_on_obeys_the_laws() {
    let exchange = Exchange {
        name: "sign-on",
        request: b"/?12345678!\r\n".to_vec(),
        // The end of line is one character, so that no cut leaves a whole identification.
        reply: b"/CCM5SIM-62056\n".to_vec(),
        foreign: b"1.8.0(0099999.999*kWh)\r\n".to_vec(),
        checksum: false,
    };
    conformance(LINE, &[exchange], |_, run| {
        let mut buffer = [0; 64];
        let mut client = Client::new(policy(), (), &mut buffer);
        client.start(Instant::ZERO, Request::SignOn { table: b'?', address: b"12345678" }).unwrap();
        run(&mut client);
        match client.outcome() {
            Ok(Response::Identification(identification)) if identification.model == b"SIM-62056" => {
                Verdict::Good
            }
            Ok(_) => Verdict::Wrong,
            Err(_) => Verdict::Failed,
        }
    });
}
