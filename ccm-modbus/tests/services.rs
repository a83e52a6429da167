//! The functions that are not about coils and registers, each to the letter of MB-APP 6, on every kind of line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_modbus::Extended;
use common::everything::{Asked, Everything, UNIT, Way, everywhere, on_ascii, on_rtu, on_tcp};
use common::{ascii, rtu};

/// A counter of function 8.
fn counter(server: &mut dyn Asked, sub_function: u8) -> u16 {
    let reply = server.ask(&[8, 0, sub_function, 0, 0]);
    assert_eq!(reply[..3], [8, 0, sub_function]);
    u16::from_be_bytes([reply[3], reply[4]])
}

fn events(server: &mut dyn Asked) -> u16 {
    let reply = server.ask(&[11]);
    assert_eq!(reply[..3], [11, 0, 0], "no program command is busy");
    u16::from_be_bytes([reply[3], reply[4]])
}

/// The events of the log, the newest first, and the counts before them.
fn log(server: &mut dyn Asked) -> (u16, u16, Vec<u8>) {
    let reply = server.ask(&[12]);
    assert_eq!((reply[0], usize::from(reply[1]), &reply[2..4]), (12, reply.len() - 2, &[0, 0][..]));
    let word = |at| u16::from_be_bytes([reply[at], reply[at + 1]]);
    (word(4), word(6), reply[8..].to_vec())
}

const RESTART: [u8; 5] = [8, 0, 1, 0, 0];
const RESTART_AND_CLEAR_LOG: [u8; 5] = [8, 0, 1, 0xFF, 0];
const LISTEN_ONLY: [u8; 5] = [8, 0, 4, 0, 0];
const CLEAR: [u8; 5] = [8, 0, 10, 0, 0];
const READ: [u8; 5] = [3, 0, 5, 0, 1];

#[test]
fn a_query_comes_back_whatever_is_in_it() {
    for mut server in everywhere() {
        for length in (2..=250).step_by(2) {
            let query = [&[8, 0, 0][..], &vec![0xA5; length]].concat();
            assert_eq!(server.ask(&query), query, "{length} bytes over {:?}", server.way());
        }
    }
}

#[test]
fn every_sub_function_is_answered_or_refused_as_the_standard_says() {
    for mut server in everywhere() {
        for sub_function in (0..=0xFF).chain([0x0100, 0x0401, 0xFFFF]).filter(|code| *code != 4) {
            let [high, low] = u16::to_be_bytes(sub_function);
            let reply = server.ask(&[8, high, low, 0, 0]);
            let known = matches!(sub_function, 0..=2 | 0x0A..=0x12 | 0x14);
            let expected = if known { [8, high, low] } else { [0x88, 1, 0] };
            assert_eq!(reply[..2], expected[..2], "{sub_function:#06x}");
            // Where the sub-function is known, wrong data is an illegal value; else the function is.
            let wrong = server.ask(&[8, high, low, 0x12, 0x34]);
            let looped = sub_function == 0;
            let exception = if known || sub_function == 3 { 3 } else { 1 };
            let refused = [0x88, exception];
            assert!(looped || wrong == refused, "{sub_function:#06x}: {wrong:02x?}");
        }
        for malformed in [&[8][..], &[8, 0], &[8, 0, 0], &[8, 0, 0, 1], &[8, 0, 10, 0, 0, 0, 0]] {
            assert_eq!(server.ask(malformed), [0x88, 3], "{malformed:02x?}");
        }
    }
}

#[test]
fn a_restart_clears_the_counters_and_the_log_only_where_it_is_told_to() {
    let mut server = on_rtu(Extended::new(Everything::new()));
    server.ask(&READ);
    server.ask(&[3, 0, 0, 0, 0]);
    assert_eq!(server.ask(&RESTART), RESTART);
    assert_eq!(counter(&mut server, 0x0D), 0, "exceptions");
    let (_, _, kept) = log(&mut server);
    assert_eq!(kept[kept.len() - 5..], [0x80, 0x41, 0x80, 0x40, 0x80], "what was before is still there");
    assert_eq!(server.ask(&RESTART_AND_CLEAR_LOG), RESTART_AND_CLEAR_LOG);
    let (_, _, cleared) = log(&mut server);
    assert_eq!(cleared, [0x80, 0x40, 0x00], "the log's own request, the restart's reply, the restart");
    assert_eq!(server.server.handler().device().restarts, 2);
}

#[test]
fn listen_only_has_one_way_out_and_says_nothing_before() {
    let device = || Extended::new(Everything::new());
    let servers: [Box<dyn Asked>; 3] =
        [Box::new(on_rtu(device())), Box::new(on_ascii(device())), Box::new(on_tcp(device()))];
    for mut server in servers {
        assert_eq!(server.ask(&LISTEN_ONLY), [0; 0], "it has no reply");
        let deaf: [&[u8]; 12] = [
            &READ,
            &[6, 0, 5, 0, 99],
            &[8, 0, 0, 1, 2],
            &[8, 0, 11, 0, 0],
            &[8, 0, 10, 0, 0],
            &[8, 0, 99, 0, 0],
            &[8, 0, 1, 1, 1],
            &[8, 0, 1],
            &[8],
            &LISTEN_ONLY,
            &[11],
            &[0x2B, 14, 1, 0],
        ];
        for request in deaf {
            assert_eq!(server.ask(request), [0; 0], "{request:02x?} over {:?}", server.way());
        }
        assert_eq!(server.ask(&RESTART), [0; 0], "the restart that ends it is not answered");
        assert_eq!(server.ask(&READ), [3, 2, 0, 5], "and what was written meanwhile was not");
        let (_, _, events) = log(&mut *server);
        assert_eq!(events[..5], [0x80, 0x40, 0x80, 0x40, 0x00], "{events:02x?}");
        assert!(events.ends_with(&[0xA0, 0x60, 0x04, 0x80]), "heard in listen-only mode: {events:02x?}");
    }
}

#[test]
fn each_counter_counts_what_it_is_for() {
    type Frame = fn(u8, &[u8]) -> Vec<u8>;
    let table: [(Box<dyn Asked>, Frame); 2] = [
        (Box::new(on_rtu(Extended::new(Everything::new()))), rtu),
        (Box::new(on_ascii(Extended::new(Everything::new()))), ascii),
    ];
    for (mut server, frame) in table {
        let way = server.way();
        let mut torn = frame(UNIT, &READ);
        torn[4] ^= 1;
        let own_function = |code: u8| frame(UNIT, &[66, code]);
        assert_eq!(server.ask(&CLEAR), CLEAR);
        for bytes in [
            frame(18, &READ),              // foreign
            frame(18, &[3, 2, 0, 5]),      // its reply
            torn.clone(),                  // a wrong checksum
            frame(19, &[8, 0, 0, 1, 2]),   // foreign, of a length that no function tells
            torn.clone(),                  // another
            frame(20, &[0x83, 2]),         // a foreign refusal
            frame(UNIT, &READ),            // answered
            frame(0, &[6, 0, 5, 0, 7]),    // broadcast
            frame(UNIT, &[3, 0, 0, 0, 0]), // refused
            own_function(6),               // refused as busy
            own_function(7),               // refused as negative
        ] {
            server.hear(&bytes);
        }
        // The request for a counter is itself on the line, and to this unit, before it is answered.
        let counted: [u16; 7] = core::array::from_fn(|index| counter(&mut *server, 0x0B + index as u8));
        assert_eq!(counted[0], 4 + 5 + 1, "messages on the line over {way:?}");
        assert_eq!(counted[1], 2, "wrong checksums over {way:?}");
        assert_eq!(counted[2], 3, "exceptions over {way:?}");
        assert_eq!(counted[3], 5 + 4, "messages to this unit over {way:?}");
        assert_eq!(counted[4], 1, "without a reply over {way:?}");
        assert_eq!(counted[5..], [1, 1], "negative and busy over {way:?}");
    }
}

#[test]
fn overruns_are_counted_and_cleared_by_a_sub_function_of_their_own() {
    let mut server = on_rtu(Extended::new(Everything::new()));
    (0..3).for_each(|_| server.server.handler().overrun());
    assert_eq!(counter(&mut server, 0x12), 3);
    assert_eq!(server.ask(&[8, 0, 0x14, 0, 0]), [8, 0, 0x14, 0, 0]);
    assert_eq!(counter(&mut server, 0x12), 0);
    assert!(counter(&mut server, 0x0E) > 0, "the others stay");
}

#[test]
fn a_clear_takes_all_counters_and_the_diagnostic_register() {
    for mut server in everywhere() {
        assert_eq!(counter(&mut *server, 2), 0x42);
        server.ask(&[3, 0, 0, 0, 0]);
        assert_eq!(server.ask(&CLEAR), CLEAR);
        assert_eq!((counter(&mut *server, 2), counter(&mut *server, 0x0D)), (0, 0));
    }
}

#[test]
fn counters_stay_at_their_end() {
    let mut server = on_tcp(Extended::new(Everything::new()));
    for _ in 0..70_000_u32 {
        server.server.handler().overrun();
    }
    assert_eq!(counter(&mut server, 0x12), 0xFFFF);
}

#[test]
fn the_event_counter_counts_what_was_carried_out_and_not_itself() {
    for mut server in everywhere() {
        assert_eq!((events(&mut *server), events(&mut *server)), (0, 0), "not the fetching itself");
        server.ask(&READ);
        assert_eq!(events(&mut *server), 1);
        server.ask(&[3, 0, 0, 0, 0]);
        server.ask(&[99]);
        assert_eq!(events(&mut *server), 1, "not exceptions");
        server.ask(&[12]);
        assert_eq!(events(&mut *server), 2, "the log's fetching is a message like others");
    }
}

#[test]
fn a_broadcast_fetch_of_the_event_counter_does_not_hide_the_next_message() {
    let mut server = on_rtu(Extended::new(Everything::new()));
    assert_eq!(server.ask_unit(0, &[11]), [0; 0]);
    server.ask(&READ);
    assert_eq!(events(&mut server), 1);
}

#[test]
fn the_log_has_the_newest_event_first_and_names_each_kind() {
    let mut server = on_rtu(Extended::new(Everything::new()));
    let mut torn = rtu(UNIT, &READ);
    torn[4] ^= 1;
    server.hear(&torn); // 82
    server.ask(&READ); // 80 40
    server.ask_unit(0, &[6, 0, 5, 0, 7]); // C0 40
    server.ask(&[3, 0, 0, 0, 0]); // 80 41
    server.ask(&[66, 4]); // 80 42
    server.ask(&[66, 6]); // 80 44
    server.ask(&[66, 7]); // 80 48
    server.ask(&[66, 0x0B]); // 80 40
    let (events, messages, log) = log(&mut server);
    assert_eq!((events, messages), (1, 8), "the one before this, and with this");
    let oldest_first: Vec<u8> = log.into_iter().rev().collect();
    let expected =
        [0x82, 0x80, 0x40, 0xC0, 0x40, 0x80, 0x41, 0x80, 0x42, 0x80, 0x44, 0x80, 0x48, 0x80, 0x40, 0x80];
    assert_eq!(oldest_first, expected, "{oldest_first:02x?}");
}

#[test]
fn the_log_keeps_64_events() {
    for mut server in everywhere() {
        for requests in 0..40_usize {
            let (.., log) = log(&mut *server);
            assert_eq!(log.len(), (2 * requests + 1).min(64));
        }
    }
}

#[test]
fn a_file_is_read_by_groups_and_all_of_them_or_none() {
    let group = |file: u16, record: u16, length: u16| {
        let words = [file, record, length].map(u16::to_be_bytes).concat();
        [&[6][..], &words].concat()
    };
    let request = |groups: &[Vec<u8>]| {
        let bytes = groups.concat();
        [&[20, bytes.len() as u8][..], &bytes].concat()
    };
    let table: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        (
            "two groups",
            request(&[group(4, 1, 2), group(4, 0x270F, 1)]),
            vec![20, 10, 5, 6, 0, 1, 0, 2, 3, 6, 0x27, 0x0F],
        ),
        ("byte count 6", [&[20, 6][..], &group(4, 1, 1)[..6]].concat(), vec![0x94, 3]),
        ("byte count 8", [&[20, 8][..], &group(4, 1, 1), &[6]].concat(), vec![0x94, 3]),
        ("byte count 0xF6", [&[20, 0xF6][..], &[6; 0xF6]].concat(), vec![0x94, 3]),
        ("reference type 7", vec![20, 7, 7, 0, 4, 0, 1, 0, 1], vec![0x94, 2]),
        ("file 0", request(&[group(0, 1, 1)]), vec![0x94, 2]),
        ("a file that is not there", request(&[group(5, 1, 1)]), vec![0x94, 2]),
        ("record 0x2710", request(&[group(4, 0x2710, 1)]), vec![0x94, 2]),
        ("up to record 0x2710", request(&[group(4, 0x270F, 2)]), vec![0x94, 2]),
        ("the second group is wrong", request(&[group(4, 1, 1), group(5, 1, 1)]), vec![0x94, 2]),
        ("a reply of 246 bytes", request(&[group(4, 0, 122)]), vec![0x94, 3]),
        ("replies of 248 bytes together", request(&[group(4, 0, 100), group(4, 0, 22)]), vec![0x94, 3]),
        ("data missing", vec![20, 7, 6, 0, 4, 0, 1], vec![0x94, 3]),
    ];
    for mut server in everywhere() {
        for (name, request, expected) in &table {
            // The frame of a group with its last byte missing is nobody's on a line: its checksum is right by accident.
            assert_eq!(server.ask(request), *expected, "{name} over {:?}", server.way());
        }
        let longest = server.ask(&request(&[group(4, 0, 121)]));
        assert_eq!((longest.len(), &longest[..4]), (246, &[20, 244, 243, 6][..]));
        let most_groups: Vec<_> = (0..35).map(|record| group(4, record, 1)).collect();
        assert_eq!(server.ask(&request(&most_groups)).len(), 2 + 35 * 4, "0xF5 bytes of request");
    }
}

#[test]
fn nothing_of_a_file_is_written_where_one_group_is_refused() {
    let good = [6, 0, 4, 0, 7, 0, 2, 0xAB, 0xCD, 0x12, 0x34];
    let table: [(&str, &[u8], u8); 5] = [
        ("a file that is not there", &[6, 0, 5, 0, 7, 0, 1, 0, 1], 2),
        ("reference type 7", &[7, 0, 4, 0, 7, 0, 1, 0, 1], 2),
        ("beyond record 0x270F", &[6, 0, 4, 0x27, 0x10, 0, 1, 0, 1], 2),
        ("data missing", &[6, 0, 4, 0, 7, 0, 2, 0, 1], 3),
        ("a lone byte", &[6], 3),
    ];
    for (name, wrong, exception) in table {
        for mut server in everywhere() {
            let bytes = [&good[..], wrong].concat();
            let request = [&[21, bytes.len() as u8][..], &bytes].concat();
            assert_eq!(server.ask(&request), [0x95, exception], "{name} over {:?}", server.way());
            let read = server.ask(&[20, 7, 6, 0, 4, 0, 7, 0, 2]);
            assert_eq!(read, [20, 6, 5, 6, 0, 7, 0, 8], "{name}: nothing was written");
        }
    }
    for mut server in everywhere() {
        let request = [&[21, 11][..], &good].concat();
        assert_eq!(server.ask(&request), request, "a written file is confirmed by the request");
        assert_eq!(server.ask(&[20, 7, 6, 0, 4, 0, 7, 0, 2]), [20, 6, 5, 6, 0xAB, 0xCD, 0x12, 0x34]);
        assert_eq!(server.ask(&[21, 8, 6, 0, 4, 0, 7, 0, 1, 0]), [0x95, 3], "a byte count of 8");
        let longest = [&[21, 251, 6, 0, 4, 0, 0, 0, 122][..], &[9; 244]].concat();
        assert_eq!(server.ask(&longest), longest);
        assert_eq!(server.ask(&[&[21, 252][..], &[6; 250]].concat()), [0x95, 3]);
    }
}

#[test]
fn a_queue_has_31_registers_at_most() {
    for (length, expected) in [(0, 5), (1, 7), (31, 67), (32, 2), (33, 2)] {
        let mut server = on_rtu(Extended::new(Everything::new()));
        server.server.handler().device().queue = (0..length).collect();
        let reply = server.ask(&[24, 0x04, 0xDE]);
        assert_eq!(reply.len(), expected, "{length}: {reply:02x?}");
        if expected == 2 {
            assert_eq!(reply, [0x98, 3]);
        } else {
            let count = length * 2 + 2;
            assert_eq!(reply[..5], [24, 0, count as u8, 0, length as u8]);
        }
        assert_eq!(server.ask(&[24, 0, 0]), [0x98, 2], "no queue is there");
    }
}

#[test]
fn a_server_id_fills_a_message_and_not_more() {
    let mut server = on_tcp(Extended::new(Everything::new()));
    assert_eq!(server.ask(&[17]), [&[17, 6, 0x2A, 0xFF][..], b"more"].concat());
}

/// Reads a stream of objects from one on to its end; gives them, and how many replies it took.
fn stream(server: &mut dyn Asked, kind: u8, from: u8) -> (Vec<(u8, Vec<u8>)>, usize) {
    let (mut objects, mut next, mut replies) = (Vec::new(), Some(from), 0);
    while let Some(object) = next {
        let reply = server.ask(&[0x2B, 14, kind, object]);
        assert_eq!(reply[..3], [0x2B, 14, kind], "{reply:02x?}");
        assert!(matches!((reply[4], reply[5]), (0, 0) | (0xFF, 1..)), "{reply:02x?}");
        next = (reply[4] == 0xFF).then_some(reply[5]);
        let (count, mut rest) = (reply[6], &reply[7..]);
        for _ in 0..count {
            let length = usize::from(rest[1]);
            objects.push((rest[0], rest[2..2 + length].to_vec()));
            rest = &rest[2 + length..];
        }
        assert!(rest.is_empty(), "objects are whole");
        replies += 1;
    }
    (objects, replies)
}

fn numbers(objects: &[(u8, Vec<u8>)]) -> Vec<u8> {
    objects.iter().map(|(id, _)| *id).collect()
}

#[test]
fn an_identification_is_read_in_each_of_four_ways() {
    for mut server in everywhere() {
        assert_eq!(numbers(&stream(&mut *server, 1, 0).0), [0, 1, 2]);
        assert_eq!(numbers(&stream(&mut *server, 2, 0).0), [0, 1, 2, 4]);
        assert_eq!(numbers(&stream(&mut *server, 3, 0).0), [0, 1, 2, 4, 0x80]);
        assert_eq!(numbers(&stream(&mut *server, 3, 2).0), [2, 4, 0x80], "from a later one on");
        for unknown in [3, 5, 0x7F, 0x81, 0xFF] {
            assert_eq!(numbers(&stream(&mut *server, 2, unknown).0), [0, 1, 2, 4], "else from the first");
        }
        assert_eq!(numbers(&stream(&mut *server, 1, 4).0), [0, 1, 2], "one of another kind is none");
        let single = [&[0x2B, 14, 4, 0x83, 0, 0, 1, 0x80, 7][..], b"its own"].concat();
        assert_eq!(server.ask(&[0x2B, 14, 4, 0x80]), single);
        assert_eq!(server.ask(&[0x2B, 14, 4, 3]), [0xAB, 2]);
        for malformed in [&[0x2B][..], &[0x2B, 14], &[0x2B, 14, 1], &[0x2B, 14, 1, 0, 0]] {
            assert_eq!(server.ask(malformed), [0xAB, 3], "{malformed:02x?} over {:?}", server.way());
        }
        for code in (5..=255).chain([0]) {
            assert_eq!(server.ask(&[0x2B, 14, code, 0]), [0xAB, 3]);
        }
    }
}

#[test]
fn a_device_answers_at_the_level_it_has() {
    for (objects, conformity, found) in
        [(&[0, 1, 2][..], 0x81, &[0, 1, 2][..]), (&[0, 1, 2, 3], 0x82, &[0, 1, 2, 3])]
    {
        let mut server = on_tcp(Extended::new(Everything::new()));
        server.server.handler().device().objects = objects.iter().map(|id| (*id, vec![b'x'])).collect();
        assert_eq!(server.ask(&[0x2B, 14, 3, 0])[3], conformity);
        assert_eq!(numbers(&stream(&mut server, 3, 0).0), found);
    }
    let mut nameless = on_tcp(Extended::new(Everything::new()));
    nameless.server.handler().device().objects.clear();
    assert_eq!(nameless.ask(&[0x2B, 14, 1, 0]), [0xAB, 1]);
}

#[test]
fn a_stream_needs_several_replies_and_no_object_is_cut() {
    let device = |lengths: &[usize]| {
        let mut everything = Everything::new();
        everything.objects = (0..).zip(lengths).map(|(id, length)| (id, vec![id; *length])).collect();
        Extended::new(everything)
    };
    let lengths = [100, 100, 42, 0, 244, 1, 200, 43, 44, 0];
    for first in 0..lengths.len() as u8 {
        let mut server = on_rtu(device(&lengths));
        let (objects, replies) = stream(&mut server, 3, first);
        assert_eq!(numbers(&objects), (first..lengths.len() as u8).collect::<Vec<_>>());
        assert!(objects.iter().all(|(id, value)| value.len() == lengths[usize::from(*id)]));
        assert!(replies > 1 || first > 6, "from {first} on in {replies}");
    }
    let mut too_long = on_tcp(device(&[1, 1, 245, 1]));
    assert_eq!(too_long.ask(&[0x2B, 14, 1, 0])[4..6], [0xFF, 2], "those before it are given");
    assert_eq!(too_long.ask(&[0x2B, 14, 1, 2]), [0xAB, 4], "it fits no reply");
    assert_eq!(too_long.ask(&[0x2B, 14, 4, 2]), [0xAB, 4]);
    assert_eq!(too_long.ask(&[0x2B, 14, 4, 3])[4..], [0, 0, 1, 3, 1, 3]);
}

#[test]
fn other_interfaces_and_own_functions_carry_any_bytes() {
    for mut server in everywhere() {
        for length in [0, 1, 2, 3, 100, 251] {
            let canopen = [&[0x2B, 13][..], &vec![7; length]].concat();
            assert_eq!(server.ask(&canopen), canopen);
        }
        for length in [0, 1, 2, 3, 100, 252] {
            let own = [&[65][..], &vec![7; length]].concat();
            assert_eq!(server.ask(&own), own, "{length} over {:?}", server.way());
        }
    }
    assert_eq!(on_tcp(Extended::new(Everything::new())).way(), Way::Tcp);
}

/// A long request and noise behind it in one lump: the reply still finds room to be spelt out.
#[test]
fn a_long_ascii_reply_finds_room_whatever_follows_its_request() {
    let frame = ascii(UNIT, &[&[0x2B, 13][..], &[7; 251]].concat());
    let mut buffer = [0; 1030];
    let line = ccm_core::Line::new(9600);
    let mut server = ccm_modbus::Server::new(
        ccm_modbus::Ascii::new(line),
        UNIT,
        Extended::new(Everything::new()),
        &mut buffer,
    );
    let clean = common::hear(&mut server, ccm_core::Instant::ZERO, &frame);
    assert_eq!(clean.len(), 1);
    for noise in [1, 30, 300] {
        let lump = [&frame[..], &vec![0xEE; noise]].concat();
        assert_eq!(
            common::hear(&mut server, ccm_core::Instant::ZERO, &lump),
            clean,
            "{noise} bytes behind it"
        );
    }
}
