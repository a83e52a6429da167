//! Malformed requests of every kind: all 256 function codes, lengths up to the limit, a few fillings, on every line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_modbus::{Exception, Extended, Response};
use common::everything::{Asked, Everything, UNIT, Way, on_ascii, on_rtu, on_rtu_over_tcp, on_tcp};
use common::{ascii, rtu};

/// The device's own function that refuses with the exception it is given.
const REFUSES_AT_WILL: u8 = 66;

const READ: [u8; 5] = [3, 0, 5, 0, 1];

/// What stands behind the function code: zeros, counting bytes, and a byte count that is right where functions have one.
fn fillings(code: u8, length: usize) -> [Vec<u8>; 3] {
    let mut counted = vec![0; length];
    let at = match code {
        15 | 16 => 4,
        23 => 8,
        _ => 0,
    };
    if let Some(count) = counted.get_mut(at) {
        *count = (length - at - 1) as u8;
    }
    [vec![0; length], (0..length).map(|byte| byte as u8).collect(), counted]
}

/// Whether nothing may come back: the request asked for that, or on a line it is a refusal or as long as a reply of its
/// function. Such may be another unit's, or our own heard again.
fn may_be_silent(way: Way, pdu: &[u8]) -> bool {
    pdu == [8, 0, 4, 0, 0]
        || way != Way::Tcp && pdu[0] >= 0x80
        || way == Way::Rtu && is_as_long_as_a_reply(pdu)
}

fn is_as_long_as_a_reply(pdu: &[u8]) -> bool {
    let length = match *pdu {
        [1..=4 | 12 | 17 | 20 | 21 | 23, count, ..] => 2 + usize::from(count),
        [7, ..] => 2,
        [5 | 6 | 11 | 15 | 16, ..] => 5,
        [24, high, low, ..] => 3 + usize::from(u16::from_be_bytes([high, low])),
        _ => return false,
    };
    pdu.len() == length
}

/// Whether it is a reply to a request of this code: an exception with that code, or a sound normal reply.
fn is_reply(code: u8, reply: &[u8]) -> bool {
    match *reply {
        [refused, exception] if refused & 0x80 != 0 => {
            let is_known = !matches!(Exception::from_code(exception), Exception::Other(_));
            refused == code | 0x80 && (is_known || code == REFUSES_AT_WILL)
        }
        _ => reply.len() <= 253 && reply[0] == code && matches!(Response::parse(reply), Ok(Ok(_))),
    }
}

/// All the short ones, where the fields of functions end, all the long ones, where limits do, and some between.
fn lengths() -> impl Iterator<Item = usize> {
    (0..32).chain((32..236).step_by(7)).chain(236..=252)
}

fn ask_everything(mut server: impl Asked) {
    let way = server.way();
    for code in 0..=u8::MAX {
        for data in lengths().flat_map(|length| fillings(code, length)) {
            let pdu = [&[code][..], &data].concat();
            let reply = server.ask(&pdu);
            let good = if reply.is_empty() { may_be_silent(way, &pdu) } else { is_reply(code, &reply) };
            assert!(good, "{reply:02x?} to {pdu:02x?} over {way:?}");
            if pdu == [8, 0, 4, 0, 0] {
                assert_eq!(server.ask(&[8, 0, 1, 0, 0]), [0; 0], "out of listen-only mode");
            }
        }
        assert_eq!(server.ask(&READ), [3, 2, 0, 5], "it answers still, after function {code} over {way:?}");
        assert_eq!(server.ask(&[6, 0, 5, 0, 5]), [6, 0, 5, 0, 5]);
    }
}

fn device() -> Extended<Everything> {
    Extended::new(Everything::new())
}

#[test]
fn every_malformed_request_over_tcp_has_one_reply() {
    ask_everything(on_tcp(device()));
}

#[test]
fn every_malformed_request_over_rtu_has_one_reply_or_is_one() {
    ask_everything(on_rtu(device()));
}

#[test]
fn every_malformed_request_over_ascii_has_one_reply() {
    ask_everything(on_ascii(device()));
}

#[test]
fn every_malformed_request_over_rtu_over_tcp_has_one_reply_or_is_one() {
    ask_everything(on_rtu_over_tcp(device()));
}

#[test]
fn on_a_line_a_wrong_checksum_and_another_unit_get_no_reply_whatever_the_function() {
    for mut server in [Box::new(on_rtu(device())) as Box<dyn Asked>, Box::new(on_ascii(device()))] {
        let frame = if server.way() == Way::Rtu { rtu } else { ascii };
        for code in 0..=u8::MAX {
            for data in [0, 1, 4, 6, 20, 252].into_iter().flat_map(|length| fillings(code, length)) {
                let pdu = [&[code][..], &data].concat();
                let mut torn = frame(UNIT, &pdu);
                let checksum = torn.len() - 3;
                torn[checksum] ^= 1;
                let way = server.way();
                assert_eq!(server.hear(&torn), Vec::<Vec<u8>>::new(), "{pdu:02x?} torn over {way:?}");
                assert_eq!(server.ask_unit(18, &pdu), [0; 0], "{pdu:02x?} to 18 over {way:?}");
                assert_eq!(server.ask_unit(0, &pdu), [0; 0], "{pdu:02x?} to all over {way:?}");
            }
            server.ask_unit(0, &[8, 0, 1, 0, 0]);
            server.ask_unit(0, &[6, 0, 5, 0, 5]);
            assert_eq!(server.ask(&READ), [3, 2, 0, 5], "after function {code}");
        }
    }
}

/// A frame with no PDU at all, or with the checksum alone.
#[test]
fn frames_too_short_for_a_function_are_nobodys() {
    for bytes in [&[][..], &[UNIT], &rtu(UNIT, &[]), &[0; 3], &[0xFF; 3]] {
        let mut server = on_rtu(device());
        assert_eq!(server.hear(bytes), Vec::<Vec<u8>>::new());
        assert_eq!(server.ask(&READ), [3, 2, 0, 5], "after {bytes:02x?}");
    }
    for bytes in [&b":"[..], b":\r\n", b":11EF\r\n", b":1\r\n", b":G1\r\n", b":11 03\r\n", b"\r\n\r\n"] {
        let mut server = on_ascii(device());
        assert_eq!(server.hear(bytes), Vec::<Vec<u8>>::new());
        assert_eq!(server.ask(&READ), [3, 2, 0, 5], "after {bytes:02x?}");
    }
}

/// pymodbus issues 2852 and 2917: an odd digit or a wrong character ends the server.
#[test]
fn every_wrong_character_in_an_ascii_frame_costs_that_frame_alone() {
    let good = ascii(UNIT, &READ);
    for at in 0..good.len() {
        for character in 0..=u8::MAX {
            let mut server = on_ascii(device());
            let mut wrong = good.clone();
            wrong[at] = character;
            let is_same = wrong.eq_ignore_ascii_case(&good);
            assert_eq!(!server.hear(&wrong).is_empty(), is_same, "{character:#04x} at {at}");
            if character != b':' || at == 0 {
                assert_eq!(server.ask(&READ), [3, 2, 0, 5], "after {character:#04x} at {at}");
            }
        }
    }
}
