//! Defects reproduced in other stacks (facts of 2026-11, by name and version), each a test that this one has none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_core::testing::{Fault, Link};
use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ccm_modbus::{
    Client, Coils, Echo, Error, Exception, FrameError, Registers, Request, Response, Rtu, Server, Tcp,
};
use common::{Device, hear, rtu, tcp};

const LINE: Line = Line::new(9600);

fn pdu_of(request: &Request<'_>) -> Vec<u8> {
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    request.emit(&mut writer).unwrap();
    writer.written().to_vec()
}

fn rtu_answer(pdu: &[u8]) -> Vec<Vec<u8>> {
    let mut buffer = [0; 264];
    hear(&mut Server::new(Rtu::new(LINE), 1, Device::new(), &mut buffer), Instant::ZERO, &rtu(1, pdu))
}

fn tcp_answer(pdu: &[u8]) -> Vec<Vec<u8>> {
    let mut buffer = [0; 520];
    hear(&mut Server::new(Tcp::new(), 1, Device::new(), &mut buffer), Instant::ZERO, &tcp(1, 1, pdu))
}

/// What a client on RTU makes of the frame that comes after its request.
fn rtu_outcome(request: Request<'_>, reply: &[u8]) -> Result<Vec<u8>, Error> {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE).with_echo(Echo::Off), &mut buffer);
    client.start(Instant::ZERO, 1, request).unwrap();
    let answer = reply.to_vec();
    Link::new(LINE).run(
        &mut client,
        &mut |_: &[u8]| vec![(Duration::ZERO, answer.clone())],
        Duration::from_secs(9),
    );
    client.outcome().map(|reply| reply.pdu().to_vec())
}

const READ_TWO: Request<'static> = Request::ReadHoldingRegisters { start: 5, quantity: 2 };

#[test]
fn modbus_core_never_decodes_write_multiple_requests_over_rtu() {
    assert_eq!(rtu_answer(&[16, 0, 5, 0, 2, 4, 0, 1, 0, 2]), [rtu(1, &[16, 0, 5, 0, 2])]);
    assert_eq!(rtu_answer(&[15, 0, 5, 0, 10, 2, 0xFF, 3]), [rtu(1, &[15, 0, 5, 0, 10])]);
}

#[test]
fn modbus_core_panics_on_a_coil_value_that_is_neither() {
    assert_eq!(rtu_answer(&[5, 0, 1, 0x12, 0x34]), [rtu(1, &[0x85, 3])]);
}

#[test]
fn modbus_core_panics_on_600_bytes_of_noise() {
    assert!(matches!(rtu_outcome(READ_TWO, &[0x42; 600]), Err(Error::Frame(_) | Error::Timeout)));
    assert_eq!(
        rtu_outcome(READ_TWO, &[&[0x42; 300][..], &rtu(1, &[3, 4, 0, 5, 0, 6])].concat()),
        Ok(vec![3, 4, 0, 5, 0, 6])
    );
}

#[test]
fn modbus_core_panics_where_the_byte_count_is_less_than_the_quantity() {
    assert_eq!(tcp_answer(&[16, 0, 0, 0, 100, 2, 0, 1]), [tcp(1, 1, &[0x90, 3])]);
}

#[test]
fn modbus_core_leaves_the_value_out_of_a_coil_response() {
    assert_eq!(rtu_answer(&[5, 0, 1, 0xFF, 0]), [rtu(1, &[5, 0, 1, 0xFF, 0])]);
    assert_eq!(rtu_answer(&[5, 0, 1, 0xFF, 0])[0].len(), 8);
}

#[test]
fn modbus_core_panics_on_function_7_and_rmodbus_calls_it_a_frame_error() {
    assert_eq!(Request::parse(&[7]), Ok(Request::ReadExceptionStatus));
    assert_eq!(pdu_of(&Request::ReadExceptionStatus), [7]);
    assert_eq!(tcp_answer(&[7]), [tcp(1, 1, &[0x87, 1])]);
}

#[test]
fn rmodbus_panics_on_a_byte_count_beyond_the_frame() {
    assert_eq!(tcp_answer(&[16, 0, 0, 0, 123, 246, 0, 1]), [tcp(1, 1, &[0x90, 3])]);
}

#[test]
fn rmodbus_rejects_123_registers_over_tcp_and_mispredicts_125() {
    let values = [7; 123];
    let mut bytes = [0; 246];
    let registers = Registers::pack(&values, &mut bytes).unwrap();
    let request = Request::WriteMultipleRegisters { start: 0, registers };
    assert_eq!(tcp(1, 1, &pdu_of(&request)).len(), 259);
    assert_eq!(tcp_answer(&pdu_of(&request)), [tcp(1, 1, &[0x90, 2])], "the device has only 100");
    let reply: Vec<u8> = [3, 250].into_iter().chain([9; 250]).collect();
    let read = Request::ReadHoldingRegisters { start: 0, quantity: 125 };
    assert_eq!(rtu_outcome(read, &rtu(1, &reply)), Ok(reply));
}

#[test]
fn rmodbus_answers_an_unknown_function_with_a_bad_checksum() {
    let mut frame = rtu(1, &[0x65, 1, 2, 3]);
    frame[3] ^= 0x40;
    let mut buffer = [0; 264];
    let mut server = Server::new(Rtu::new(LINE), 1, Device::new(), &mut buffer);
    assert_eq!(hear(&mut server, Instant::ZERO, &frame), Vec::<Vec<u8>>::new());
}

#[test]
fn rmodbus_writes_four_registers_where_two_were_asked() {
    let request = [16, 0, 0, 0, 2, 8, 0, 1, 0, 2, 0, 3, 0, 4];
    assert_eq!(tcp_answer(&request), [tcp(1, 1, &[0x90, 3])]);
}

#[test]
fn rmodbus_answers_a_read_of_nothing_with_nothing() {
    assert_eq!(tcp_answer(&[3, 0, 0, 0, 0]), [tcp(1, 1, &[0x83, 3])]);
}

#[test]
fn rmodbus_and_others_take_fewer_registers_than_were_asked() {
    assert_eq!(rtu_outcome(READ_TWO, &rtu(1, &[3, 2, 0, 5])), Err(Error::Frame(FrameError::Mismatch)));
    assert_eq!(rtu_outcome(READ_TWO, &rtu(1, &[3, 200, 0, 5])), Err(Error::Frame(FrameError::Mismatch)));
}

#[test]
fn rmodbus_panics_on_a_byte_count_of_zero() {
    assert_eq!(rtu_outcome(READ_TWO, &rtu(1, &[3, 0])), Err(Error::Frame(FrameError::Mismatch)));
    assert!(Response::parse(&[3, 0]).is_err());
}

#[test]
fn rmodbus_overflows_on_a_request_with_the_refusal_bit() {
    assert_eq!(tcp_answer(&[0x83, 0, 0, 0, 1]), [tcp(1, 1, &[0x83, 1])]);
}

#[test]
fn tokio_modbus_asserts_on_a_short_reply_over_tcp() {
    let mut buffer = [0; 520];
    let mut client = Client::new(Tcp::new(), &mut buffer).with_timeout(Duration::from_millis(100));
    client.start(Instant::ZERO, 1, READ_TWO).unwrap();
    let mut short = |_: &[u8]| vec![(Duration::ZERO, tcp(1, 1, &[3, 2, 0, 5]))];
    Link::new(LINE).run(&mut client, &mut short, Duration::from_secs(9));
    assert_eq!(client.outcome(), Err(Error::Frame(FrameError::Mismatch)));
}

#[test]
fn tokio_modbus_over_tcp_fails_for_ever_after_one_timeout() {
    let mut buffer = [0; 520];
    let mut client = Client::new(Tcp::new(), &mut buffer).with_timeout(Duration::from_millis(100));
    let mut link = Link::new(Line::new(115_200)).with_faults([Fault::Delay(Duration::from_millis(140))]);
    let mut answer = |request: &[u8]| {
        let value = request[9];
        vec![(Duration::from_millis(5), tcp(u16::from(request[1]), 1, &[3, 4, 0, value, 0, value + 1]))]
    };
    let outcomes = [5, 50, 60].map(|start| {
        client.start(link.now(), 1, Request::ReadHoldingRegisters { start, quantity: 2 }).unwrap();
        link.run(&mut client, &mut answer, Duration::from_secs(9));
        client.outcome().map(|response| response.registers().unwrap().get(0).unwrap())
    });
    assert_eq!(outcomes, [Err(Error::Timeout), Ok(50), Ok(60)]);
}

#[test]
fn tokio_modbus_gives_up_after_30_zeros() {
    let reply = [&[0; 30][..], &rtu(1, &[3, 4, 0, 5, 0, 6])].concat();
    assert_eq!(rtu_outcome(READ_TWO, &reply), Ok(vec![3, 4, 0, 5, 0, 6]));
}

#[test]
fn nano_modbus_reads_261_bytes_into_260() {
    let mut frame = tcp(1, 1, &[3, 0, 0, 0, 1]);
    frame[5] = 255;
    frame.extend([0; 300]);
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), 1, Device::new(), &mut buffer);
    assert_eq!(hear(&mut server, Instant::ZERO, &frame), Vec::<Vec<u8>>::new());
}

#[test]
fn mbus_gateway_swaps_the_gateway_exceptions() {
    assert_eq!(Exception::GatewayPathUnavailable.code(), 0x0A);
    assert_eq!(Exception::GatewayTargetFailed.code(), 0x0B);
    assert_eq!(Exception::ServerDeviceBusy.code(), 0x06);
}

#[test]
fn libmodbus_ignores_protocol_and_length_of_the_header() {
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), 1, Device::new(), &mut buffer);
    let mut foreign = tcp(1, 1, &[3, 0, 0, 0, 1]);
    foreign[3] = 1;
    assert_eq!(hear(&mut server, Instant::ZERO, &foreign), Vec::<Vec<u8>>::new());
}

#[test]
fn pymodbus_answers_one_of_five_pipelined_requests() {
    let mut buffer = [0; 520];
    let mut server = Server::new(Tcp::new(), 1, Device::new(), &mut buffer);
    let five: Vec<u8> = (0..5).flat_map(|n| tcp(n, 1, &[3, 0, 0, 0, 1])).collect();
    assert_eq!(hear(&mut server, Instant::ZERO, &five).len(), 5);
}

/// libmodbus CVE-2023-26793: the client writes more than it asked for. Ours takes nothing longer than the request.
#[test]
fn no_reply_longer_or_shorter_than_asked_is_taken() {
    let mut bytes = [0; 2];
    let requests = [
        Request::ReadCoils { start: 0, quantity: 10 },
        READ_TWO,
        Request::ReadInputRegisters { start: 0, quantity: 1 },
        Request::WriteMultipleCoils { start: 0, coils: Coils::pack(&[true; 10], &mut bytes).unwrap() },
    ];
    for request in requests {
        for count in 0..=250_u8 {
            let code = request.function().code();
            let reply: Vec<u8> = [code, count].into_iter().chain(vec![1; count.into()]).collect();
            let asked = match request {
                Request::ReadCoils { .. } | Request::ReadInputRegisters { .. } => 2,
                Request::ReadHoldingRegisters { .. } => 4,
                _ => u8::MAX,
            };
            assert_eq!(rtu_outcome(request, &rtu(1, &reply)).is_ok(), count == asked, "{request:?} {count}");
        }
    }
}

/// nanoMODBUS knows exceptions 1 to 4 only.
#[test]
fn every_exception_code_reaches_the_caller() {
    for code in 0..=u8::MAX {
        let outcome = rtu_outcome(READ_TWO, &rtu(1, &[0x83, code]));
        assert_eq!(outcome, Err(Error::Exception(Exception::from_code(code))));
    }
}

/// tokio-modbus issue 60: users rebuild the client after any error. Here the same one goes on.
#[test]
fn a_client_goes_on_after_every_kind_of_error() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(LINE), &mut buffer).with_timeout(Duration::from_millis(200));
    let faults =
        [Fault::Lose, Fault::Clean, Fault::Corrupt(2, 1), Fault::Clean, Fault::Truncate(3), Fault::Clean];
    let mut link = Link::new(LINE).with_faults(faults);
    let mut device = |request: &[u8]| {
        let quantity = request[5];
        let values: Vec<u8> =
            [3, quantity * 2].into_iter().chain(vec![0; usize::from(quantity) * 2]).collect();
        vec![(Duration::from_millis(5), rtu(1, &values))]
    };
    for _ in 0..8 {
        client.start(link.now(), 1, READ_TWO).unwrap();
        link.run(&mut client, &mut device, Duration::from_secs(5));
    }
    assert!(client.outcome().is_ok());
    assert!(matches!(client.poll(link.now()), Step::Done));
}
