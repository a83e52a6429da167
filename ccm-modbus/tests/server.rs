//! What a server answers: the "spec" column of the table in which six other servers disagree.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_core::{Duration, Instant, Line, Machine};
use ccm_modbus::{Rtu, Server, Tcp};
use common::{Device, hear, rtu, tcp};
use proptest::prelude::*;

const UNIT: u8 = 17;

/// The PDU that a fresh server answers over TCP; empty for silence.
fn answer(pdu: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
    let sent = hear(&mut server, Instant::ZERO, &tcp(7, UNIT, pdu));
    sent.first().map(|frame| frame[7..].to_vec()).unwrap_or_default()
}

fn rtu_server(buffer: &mut [u8]) -> Server<'_, Rtu, Device> {
    Server::new(Rtu::new(Line::new(9600)), UNIT, Device::new(), buffer)
}

fn hear_rtu(bytes: &[u8]) -> Vec<Vec<u8>> {
    hear(&mut rtu_server(&mut [0; 264]), Instant::ZERO, bytes)
}

#[test]
fn limits_are_checked_in_the_standards_order() {
    let table: &[(&[u8], &[u8])] = &[
        (&[3, 0, 0, 0, 0], &[0x83, 3]),                                   // quantity 0
        (&[3, 0, 0, 0, 126], &[0x83, 3]),                                 // quantity 126
        (&[1, 0, 0, 7, 0xD1], &[0x81, 3]),                                // 2001 coils
        (&[3, 0xFF, 0xFF, 0, 2], &[0x83, 2]),                             // the sum wraps
        (&[3, 0, 99, 0, 2], &[0x83, 2]),                                  // beyond the device
        (&[5, 0, 1, 0x12, 0x34], &[0x85, 3]),                             // neither on nor off
        (&[15, 0, 0, 0, 10, 1, 0], &[0x8F, 3]),                           // 10 coils in one byte
        (&[16, 0, 0, 0, 1, 4, 0, 1, 0, 2], &[0x90, 3]),                   // one register in four bytes
        (&[16, 0, 0, 0, 124, 0], &[0x90, 3]),                             // 124 registers
        (&[23, 0, 0, 0, 126, 0, 0, 0, 1, 2, 0, 0], &[0x97, 3]),           // reads 126
        (&[23, 0, 0, 0, 1, 0, 0, 0, 122, 2, 0, 0], &[0x97, 3]),           // writes 122
        (&[23, 0, 0, 0, 1, 0xFF, 0xFF, 0, 2, 4, 0, 0, 0, 0], &[0x97, 2]), // the written sum wraps
        (&[3, 0, 0], &[0x83, 3]),                                         // too short
        (&[7], &[0x87, 1]),                                               // not served
        (&[0x2B, 14, 9, 0], &[0xAB, 1]),
        (&[0x83, 0, 0, 0, 1], &[0x83, 1]), // a refusal is no request
    ];
    for (request, expected) in table {
        assert_eq!(answer(request), *expected, "{request:02x?}");
    }
}

#[test]
fn every_function_code_alone_in_its_pdu_is_answered_with_an_exception() {
    for code in 0..=u8::MAX {
        let [refused, exception] = answer(&[code]).try_into().unwrap();
        assert_eq!(refused, code | 0x80);
        assert!(matches!(exception, 1 | 3), "{code:#04x}: {exception}");
    }
}

#[test]
fn reads_and_writes_do_what_they_say() {
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
    let mut ask = |pdu: &[u8]| hear(&mut server, Instant::ZERO, &tcp(1, UNIT, pdu))[0][7..].to_vec();
    assert_eq!(ask(&[3, 0, 5, 0, 2]), [3, 4, 0, 5, 0, 6]);
    assert_eq!(ask(&[6, 0, 5, 0x12, 0x34]), [6, 0, 5, 0x12, 0x34]);
    assert_eq!(ask(&[22, 0, 5, 0x0F, 0x0F, 0xF0, 0x00]), [22, 0, 5, 0x0F, 0x0F, 0xF0, 0x00]);
    assert_eq!(ask(&[3, 0, 5, 0, 1]), [3, 2, 0xF2, 0x04], "(0x1234 & 0x0F0F) | (0xF000 & !0x0F0F)");
    assert_eq!(
        ask(&[23, 0, 7, 0, 2, 0, 8, 0, 1, 2, 0, 99]),
        [23, 4, 0, 7, 0, 99],
        "it writes before it reads"
    );
    assert_eq!(ask(&[15, 0, 0, 0, 10, 2, 0xCD, 0x01]), [15, 0, 0, 0, 10]);
    assert_eq!(ask(&[5, 0, 1, 0xFF, 0]), [5, 0, 1, 0xFF, 0]);
    assert_eq!(ask(&[1, 0, 0, 0, 10]), [1, 2, 0xCF, 0x01]);
    assert_eq!(ask(&[16, 0, 98, 0, 2, 4, 0, 1, 0, 2]), [16, 0, 98, 0, 2]);
}

#[test]
fn the_largest_requests_are_served() {
    let mut largest = vec![16, 0, 0, 0, 123, 246];
    largest.extend([0; 246]);
    assert_eq!(answer(&largest), [0x90, 2], "123 registers are allowed; this device has only 100");
    assert_eq!(hear_rtu(&rtu(UNIT, &largest)), [rtu(UNIT, &[0x90, 2])]);
}

#[test]
fn a_serial_server_is_silent_towards_wrong_checksums_and_other_units() {
    let mut wrong = rtu(UNIT, &[3, 0, 0, 0, 1]);
    wrong[4] ^= 1;
    assert_eq!(hear_rtu(&wrong), Vec::<Vec<u8>>::new());
    let mut unknown = rtu(UNIT, &[0x65, 1, 2]);
    unknown[2] ^= 1;
    assert_eq!(
        hear_rtu(&unknown),
        Vec::<Vec<u8>>::new(),
        "rmodbus answers an unknown function with a bad checksum"
    );
    assert_eq!(hear_rtu(&rtu(UNIT, &[0x65, 1, 2])), [rtu(UNIT, &[0xE5, 1])]);
    assert_eq!(hear_rtu(&rtu(18, &[3, 0, 0, 0, 1])), Vec::<Vec<u8>>::new());
}

#[test]
fn a_broadcast_is_carried_out_in_silence() {
    let mut buffer = [0; 264];
    let mut server = rtu_server(&mut buffer);
    assert_eq!(hear(&mut server, Instant::ZERO, &rtu(0, &[6, 0, 5, 0, 77])), Vec::<Vec<u8>>::new());
    assert_eq!(server.handler().registers[5], 77);
}

#[test]
fn requests_and_replies_of_other_units_are_stepped_over() {
    let other_request = rtu(2, &[3, 0, 0, 0, 2]);
    let other_reply = rtu(2, &[3, 4, 0, 1, 0, 2]);
    let ours = rtu(UNIT, &[3, 0, 5, 0, 1]);
    let expected = [rtu(UNIT, &[3, 2, 0, 5])];
    for before in [
        vec![],
        other_request.clone(),
        [other_request, other_reply].concat(),
        vec![UNIT, 3, 0],
        vec![0xFF; 300],
    ] {
        assert_eq!(hear_rtu(&[before.clone(), ours.clone()].concat()), expected, "after {before:02x?}");
    }
}

#[test]
fn a_request_cut_in_two_by_an_adapter_is_one_request() {
    let request = rtu(UNIT, &[3, 0, 5, 0, 1]);
    for at in 1..request.len() {
        let mut buffer = [0; 264];
        let mut server = rtu_server(&mut buffer);
        assert_eq!(hear(&mut server, Instant::ZERO, &request[..at]), Vec::<Vec<u8>>::new());
        let later = Instant::ZERO + Duration::from_secs(2);
        assert_eq!(hear(&mut server, later, &request[at..]), [rtu(UNIT, &[3, 2, 0, 5])]);
    }
}

#[test]
fn no_reply_leaves_before_the_line_was_silent() {
    let mut buffer = [0; 264];
    let mut server = rtu_server(&mut buffer);
    let _ = server.poll(Instant::ZERO);
    server.receive(Instant::ZERO, &rtu(UNIT, &[3, 0, 5, 0, 1]));
    let silent = Instant::ZERO + Duration::from_micros(4011);
    assert!(
        matches!(server.poll(Instant::from_millis(4)), ccm_core::Step::Wait(Some(until)) if until == silent)
    );
    assert!(matches!(server.poll(silent), ccm_core::Step::Send(_)));
}

#[test]
fn pipelined_requests_have_one_reply_each_in_order() {
    let requests: Vec<u8> = (0..5).flat_map(|n| tcp(n, UNIT, &[3, 0, n as u8, 0, 1])).collect();
    let replies: Vec<_> = (0..5).map(|n| tcp(n, UNIT, &[3, 2, 0, n as u8])).collect();
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
    assert_eq!(hear(&mut server, Instant::ZERO, &requests), replies);
}

#[test]
fn units_0_and_255_mean_the_device_at_the_end_of_the_connection() {
    for unit in [0, 255, UNIT] {
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
        let sent = hear(&mut server, Instant::ZERO, &tcp(1, unit, &[3, 0, 5, 0, 1]));
        assert_eq!(sent, [tcp(1, unit, &[3, 2, 0, 5])]);
    }
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
    assert_eq!(hear(&mut server, Instant::ZERO, &tcp(1, 9, &[3, 0, 5, 0, 1])), [tcp(1, 9, &[0x83, 0x0B])]);
}

#[test]
fn a_header_that_is_not_modbus_is_dropped_and_the_next_request_answered() {
    let good = tcp(2, UNIT, &[3, 0, 5, 0, 1]);
    let mut foreign_protocol = tcp(1, UNIT, &[3, 0, 5, 0, 1]);
    foreign_protocol[3] = 1;
    let short = |length: u8| [&[0, 1, 0, 0, 0, length][..], &vec![UNIT; length.into()]].concat();
    for dropped in [foreign_protocol, short(0), short(1)] {
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
        let sent = hear(&mut server, Instant::ZERO, &[dropped.clone(), good.clone()].concat());
        assert_eq!(sent, [tcp(2, UNIT, &[3, 2, 0, 5])], "{dropped:02x?}");
    }
}

#[test]
fn a_length_that_no_frame_has_ends_the_connection() {
    for length in [255_u16, 256, 300, 0xFFFF] {
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
        let mut header = vec![0, 1, 0, 0];
        header.extend(length.to_be_bytes());
        header.extend([UNIT, 3, 0, 5, 0, 1]);
        assert_eq!(hear(&mut server, Instant::ZERO, &header), Vec::<Vec<u8>>::new());
        assert!(matches!(server.poll(Instant::ZERO), ccm_core::Step::Done), "{length}");
    }
}

proptest! {
    /// libmodbus CVE-2019-14462 and -14463: no pair of quantity and byte count writes what it does not carry.
    #[test]
    fn a_byte_count_that_does_not_fit_writes_nothing(
        function in prop_oneof![Just(15_u8), Just(16)], quantity in 0_u16..3000, count: u8, data in 0_usize..250,
    ) {
        let mut request = vec![function, 0, 0];
        request.extend(quantity.to_be_bytes());
        request.push(count);
        request.extend(vec![0xFF; data]);
        let bytes = if function == 15 { quantity.div_ceil(8) } else { quantity.saturating_mul(2) };
        let fits = quantity > 0 && bytes == u16::from(count) && data == usize::from(count);
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
        if request.len() <= 253 {
            let sent = hear(&mut server, Instant::ZERO, &tcp(1, UNIT, &request));
            if !fits {
                prop_assert_eq!(&sent[0][7..], &[function | 0x80, 3]);
                prop_assert_eq!(server.handler().writes, 0);
            }
        }
    }

    #[test]
    fn any_split_of_a_stream_gives_the_same_replies(cuts in proptest::collection::vec(1_usize..20, 1..20)) {
        let stream: Vec<u8> = (0..6).flat_map(|n| tcp(n, UNIT, &[3, 0, n as u8, 0, 20])).collect();
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, Device::new(), &mut buffer);
        let (mut sent, mut rest) = (Vec::new(), &stream[..]);
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            sent.extend(hear(&mut server, Instant::ZERO, piece));
            rest = left;
        }
        prop_assert_eq!(sent.len(), 6);
    }
}
