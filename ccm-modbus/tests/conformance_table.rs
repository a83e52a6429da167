//! The "spec" column of the table in which six other servers disagree, on every kind of line, against a device with
//! everything and one with coils and registers only.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_modbus::Extended;
use common::everything::{Asked, Everything, UNIT, Way, everywhere, on_tcp, plain_everywhere};
use common::{Device, tcp};

enum Answer {
    /// A normal reply that begins like this.
    Normal(&'static [u8]),
    Exception(u8),
}

use Answer::{Exception, Normal};

/// What it is, the request, and what the standard has for it.
type Row = (&'static str, Vec<u8>, Answer);

fn check(servers: Vec<Box<dyn Asked>>, table: &[Row]) {
    for mut server in servers {
        let way = server.way();
        for (row, request, expected) in table {
            let reply = server.ask(request);
            match expected {
                Normal(start) => assert!(reply.starts_with(start), "{row} over {way:?}: {reply:02x?}"),
                Exception(code) => assert_eq!(reply, [request[0] | 0x80, *code], "{row} over {way:?}"),
            }
        }
    }
}

fn with_data(head: &[u8], length: usize) -> Vec<u8> {
    [head, &vec![0; length]].concat()
}

/// What every server answers alike, however much it has.
fn common_rows() -> Vec<Row> {
    vec![
        ("FC3 qty 0", vec![3, 0, 0, 0, 0], Exception(3)),
        ("FC3 qty 126", vec![3, 0, 0, 0, 126], Exception(3)),
        ("FC1 qty 0", vec![1, 0, 0, 0, 0], Exception(3)),
        ("FC1 qty 2001", vec![1, 0, 0, 0x07, 0xD1], Exception(3)),
        ("FC3 65535 qty 2", vec![3, 0xFF, 0xFF, 0, 2], Exception(2)),
        ("FC3 65535 qty 126", vec![3, 0xFF, 0xFF, 0, 126], Exception(3)),
        ("FC3 all there are", vec![3, 0, 0, 0, 100], Normal(&[3, 200, 0, 0, 0, 1])),
        ("FC3 one too many", vec![3, 0, 0, 0, 101], Exception(2)),
        ("FC5 value 0x1234", vec![5, 0, 1, 0x12, 0x34], Exception(3)),
        ("FC5 value 0x00FF", vec![5, 0, 1, 0x00, 0xFF], Exception(3)),
        ("FC5 0x1234 beyond the device", vec![5, 0xFF, 0, 0x12, 0x34], Exception(3)),
        ("FC5 beyond the device", vec![5, 0xFF, 0, 0xFF, 0], Exception(2)),
        ("FC6 beyond the device", vec![6, 0xFF, 0, 0, 1], Exception(2)),
        ("FC15 qty 10, 1 byte", vec![15, 0, 0, 0, 10, 1, 0], Exception(3)),
        ("FC15 qty 0", vec![15, 0, 0, 0, 0, 0], Exception(3)),
        ("FC15 qty 1969", with_data(&[15, 0, 0, 0x07, 0xB1, 247], 247), Exception(3)),
        ("FC15 qty 1968", with_data(&[15, 0, 0, 0x07, 0xB0, 246], 246), Exception(2)),
        ("FC16 qty 1, 4 bytes", vec![16, 0, 0, 0, 1, 4, 0, 1, 0, 2], Exception(3)),
        ("FC16 qty 0", vec![16, 0, 0, 0, 0, 0], Exception(3)),
        ("FC16 qty 123", with_data(&[16, 0, 0, 0, 123, 246], 246), Exception(2)),
        ("FC16 qty 124", with_data(&[16, 0, 0, 0, 124, 247], 247), Exception(3)),
        ("FC16 byte count beyond its data", vec![16, 0, 0, 0, 123, 246, 0, 1], Exception(3)),
        ("FC16 data beyond its byte count", vec![16, 0, 0, 0, 1, 2, 0, 1, 9], Exception(3)),
        ("FC16 65535 qty 2", vec![16, 0xFF, 0xFF, 0, 2, 4, 0, 1, 0, 2], Exception(2)),
        ("FC22 beyond the device", vec![22, 0xFF, 0, 0, 0, 0, 0], Exception(2)),
        ("FC23 read 126", vec![23, 0, 0, 0, 126, 0, 0, 0, 1, 2, 0, 0], Exception(3)),
        ("FC23 read 0", vec![23, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0], Exception(3)),
        ("FC23 write 122", with_data(&[23, 0, 0, 0, 1, 0, 0, 0, 122, 243], 243), Exception(3)),
        ("FC23 write 0", vec![23, 0, 0, 0, 1, 0, 0, 0, 0, 0], Exception(3)),
        ("FC23 write 121", with_data(&[23, 0, 0, 0, 1, 0, 0, 0, 121, 242], 242), Exception(2)),
        ("FC23 read wraps", vec![23, 0xFF, 0xFF, 0, 2, 0, 0, 0, 1, 2, 0, 0], Exception(2)),
        ("FC23 write wraps", vec![23, 0, 0, 0, 1, 0xFF, 0xFF, 0, 2, 4, 0, 0, 0, 0], Exception(2)),
        ("FC23 odd byte count", vec![23, 0, 0, 0, 1, 0, 0, 0, 1, 3, 0, 0, 0], Exception(3)),
        ("FC8/99", vec![8, 0, 99, 0, 0], Exception(1)),
        ("FC0", vec![0], Exception(1)),
        ("FC100, user-defined and not there", vec![100, 1, 2, 3], Exception(1)),
    ]
}

#[test]
fn what_all_servers_answer_is_what_the_standard_says() {
    check(everywhere(), &common_rows());
    check(plain_everywhere(), &common_rows());
}

#[test]
fn a_device_with_everything_answers_as_the_standard_says() {
    let rows = vec![
        ("FC8/0 echo", vec![8, 0, 0, 0xA5, 0x37], Normal(&[8, 0, 0, 0xA5, 0x37])),
        ("FC8/99 with any data", vec![8, 0, 99, 1, 2], Exception(1)),
        ("FC8/5, reserved, with any data", vec![8, 0, 5, 1, 2, 3, 4], Exception(1)),
        ("FC7", vec![7], Normal(&[7, 0x6D])),
        ("FC7 with data", vec![7, 0, 0], Exception(3)),
        ("FC17", vec![17], Normal(&[17, 6, 0x2A, 0xFF])),
        ("43/14 code 9", vec![0x2B, 14, 9, 0], Exception(3)),
        ("43/14 code 0", vec![0x2B, 14, 0, 0], Exception(3)),
        ("43/14/4 unknown object", vec![0x2B, 14, 4, 9], Exception(2)),
        ("43/14/1", vec![0x2B, 14, 1, 0], Normal(&[0x2B, 14, 1, 0x83, 0, 0, 3, 0, 5])),
        ("43/13", vec![0x2B, 13, 1, 2], Normal(&[0x2B, 13, 1, 2])),
        ("43/12", vec![0x2B, 12, 1, 2], Exception(1)),
        ("FC65, its own", vec![65, 1, 2], Normal(&[65, 1, 2])),
    ];
    check(everywhere(), &rows);
}

#[test]
fn a_device_without_services_refuses_their_functions() {
    let requests: [&[u8]; 12] = [
        &[7],
        &[8, 0, 0, 0xA5, 0x37],
        &[11],
        &[12],
        &[17],
        &[20, 7, 6, 0, 4, 0, 1, 0, 1],
        &[21, 9, 6, 0, 4, 0, 1, 0, 1, 0, 0],
        &[24, 4, 0xDE],
        &[0x2B, 14, 1, 0],
        &[0x2B, 14, 9, 0],
        &[0x2B, 13, 1],
        &[65, 1],
    ];
    let rows: Vec<Row> = requests.into_iter().map(|pdu| ("", pdu.to_vec(), Exception(1))).collect();
    check(plain_everywhere(), &rows);
}

#[test]
fn a_refusal_as_a_request_is_refused_on_a_network_and_ignored_on_a_line() {
    for mut server in everywhere().into_iter().chain(plain_everywhere()) {
        // On a line it may be another unit's, or our own heard again: an answer to that would have an answer.
        let expected: &[u8] = if server.way() == Way::Tcp { &[0x83, 1] } else { &[] };
        assert_eq!(server.ask(&[0x83, 0, 0, 0, 1]), expected, "over {:?}", server.way());
    }
}

#[test]
fn units_0_and_255_are_the_device_at_the_end_of_a_connection() {
    for unit in [0, 255, UNIT] {
        assert_eq!(on_tcp(Device::new()).ask_unit(unit, &[3, 0, 5, 0, 1]), [3, 2, 0, 5]);
        assert_eq!(on_tcp(Extended::new(Everything::new())).ask_unit(unit, &[7]), [7, 0x6D]);
    }
}

#[test]
fn another_protocol_and_a_length_of_0_or_1_are_discarded() {
    let mut foreign = tcp(1, UNIT, &[3, 0, 0, 0, 1]);
    foreign[3] = 1;
    for dropped in [foreign, vec![0, 1, 0, 0, 0, 0], vec![0, 1, 0, 0, 0, 1, UNIT]] {
        let mut server = on_tcp(Extended::new(Everything::new()));
        assert_eq!(server.hear(&dropped), Vec::<Vec<u8>>::new(), "{dropped:02x?}");
        assert_eq!(server.ask(&[3, 0, 5, 0, 1]), [3, 2, 0, 5], "after {dropped:02x?}");
    }
}
