//! Laws of messages and streams, on any requests, responses, splits and garbage.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ccm_modbus::{
    Ascii, Client, Coils, Echo, Extended, FileRange, FileReads, FileWrites, Framing, ReadDeviceId, Registers,
    Request, Response, Rtu, Server, SubFunction, Tcp,
};
use common::everything::{Everything, UNIT};
use common::{ascii, rtu, tcp};
use proptest::collection::vec;
use proptest::prelude::*;

const LINE: Line = Line::new(9600);

/// What lives as long as the test.
fn kept<T>(values: Vec<T>) -> &'static mut [T] {
    values.leak()
}

fn registers(most: usize) -> impl Strategy<Value = Registers<'static>> {
    vec(any::<u16>(), 1..=most)
        .prop_map(|values| Registers::pack(&values, kept(vec![0; values.len() * 2])).unwrap())
}

fn coils(most: usize) -> impl Strategy<Value = Coils<'static>> {
    vec(any::<bool>(), 1..=most).prop_map(|states| {
        let bytes = kept(vec![0; states.len().div_ceil(8)]);
        Coils::pack(&states, bytes).unwrap()
    })
}

fn data(most: usize) -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..=most).prop_map(|bytes| &*kept(bytes))
}

fn pairs() -> impl Strategy<Value = &'static [u8]> {
    vec(any::<[u8; 2]>(), 1..=125).prop_map(|pairs| &*kept(pairs.concat()))
}

/// A start and a quantity within the limit and the 65 536 addresses.
fn range(most: u16) -> impl Strategy<Value = (u16, u16)> {
    (1..=most).prop_flat_map(|quantity| (0..=u16::MAX - (quantity - 1), Just(quantity)))
}

fn sub_function() -> impl Strategy<Value = SubFunction> {
    prop_oneof![proptest::sample::select(SubFunction::ALL), any::<u16>().prop_map(SubFunction::from_code)]
}

fn kind() -> impl Strategy<Value = ReadDeviceId> {
    (1_u8..=4).prop_map(|code| ReadDeviceId::from_code(code).unwrap())
}

/// A code of 1 to 127 that the standard has given to no function.
fn own_code() -> impl Strategy<Value = u8> {
    (1_u8..0x80).prop_filter("a public function", |code| {
        !ccm_modbus::Function::ALL.iter().any(|function| function.code() == *code)
    })
}

fn file_reads() -> impl Strategy<Value = FileReads<'static>> {
    vec((1_u16.., 0_u16..9993, 1_u16..=7), 1..=15).prop_map(|groups| {
        let range = |(file, record, length)| FileRange { file, record, length };
        let ranges: Vec<_> = groups.into_iter().map(range).collect();
        FileReads::pack(&ranges, kept(vec![0; ranges.len() * 7])).unwrap()
    })
}

fn file_writes() -> impl Strategy<Value = FileWrites<'static>> {
    vec((1_u16.., 0_u16..9900, registers(20)), 1..=5)
        .prop_map(|groups| FileWrites::pack(&groups, kept(vec![0; 251])).unwrap())
}

/// Every variant there is.
fn request() -> impl Strategy<Value = Request<'static>> {
    let reads = prop_oneof![
        range(2000).prop_map(|(start, quantity)| Request::ReadCoils { start, quantity }),
        range(2000).prop_map(|(start, quantity)| Request::ReadDiscreteInputs { start, quantity }),
        range(125).prop_map(|(start, quantity)| Request::ReadHoldingRegisters { start, quantity }),
        range(125).prop_map(|(start, quantity)| Request::ReadInputRegisters { start, quantity }),
        any::<u16>().prop_map(|address| Request::ReadFifoQueue { address }),
        file_reads().prop_map(Request::ReadFileRecord),
    ];
    let writes = prop_oneof![
        any::<(u16, bool)>().prop_map(|(address, on)| Request::WriteSingleCoil { address, on }),
        any::<(u16, u16)>().prop_map(|(address, value)| Request::WriteSingleRegister { address, value }),
        (0_u16..60_000, coils(1968)).prop_map(|(start, coils)| Request::WriteMultipleCoils { start, coils }),
        (0_u16..60_000, registers(123))
            .prop_map(|(start, registers)| Request::WriteMultipleRegisters { start, registers }),
        any::<[u16; 3]>().prop_map(|[address, and_mask, or_mask]| Request::MaskWriteRegister {
            address,
            and_mask,
            or_mask
        }),
        (range(125), 0_u16..60_000, registers(121)).prop_map(
            |((read_start, read_quantity), write_start, registers)| {
                Request::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers }
            }
        ),
        file_writes().prop_map(Request::WriteFileRecord),
    ];
    let services = prop_oneof![
        Just(Request::ReadExceptionStatus),
        Just(Request::GetCommEventCounter),
        Just(Request::GetCommEventLog),
        Just(Request::ReportServerId),
        (sub_function(), pairs())
            .prop_map(|(sub_function, data)| Request::Diagnostics { sub_function, data }),
        (kind(), any::<u8>()).prop_map(|(kind, object)| Request::ReadDeviceIdentification { kind, object }),
        (any::<u8>().prop_filter("typed", |interface| *interface != 14), data(251))
            .prop_map(|(interface, data)| Request::EncapsulatedInterface { interface, data }),
        (own_code(), data(252)).prop_map(|(code, data)| Request::Other { code, data }),
    ];
    prop_oneof![reads, writes, services]
}

/// Any bytes that are a response, of every function: made by the device with everything for any request that it carries
/// out, or of the shape that the function has.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let counted = |code: u8, most: usize| {
        vec(any::<u8>(), 1..=most).prop_map(move |bytes| [&[code, bytes.len() as u8][..], &bytes].concat())
    };
    let registers = |code: u8| {
        vec(any::<[u8; 2]>(), 1..=125)
            .prop_map(move |words| [&[code, words.len() as u8 * 2][..], &words.concat()].concat())
    };
    let fixed = |code: u8, length: usize| {
        vec(any::<u8>(), length).prop_map(move |bytes| [&[code][..], &bytes].concat())
    };
    let open = |head: &'static [u8], most: usize| {
        vec(any::<u8>(), 0..=most).prop_map(move |bytes| [head, &bytes].concat())
    };
    let queue = vec(any::<[u8; 2]>(), 0..=31).prop_map(|words| {
        let count = words.len() as u8;
        [&[24, 0, count * 2 + 2, 0, count][..], &words.concat()].concat()
    });
    let log = (any::<[u8; 6]>(), vec(any::<u8>(), 0..=64))
        .prop_map(|(counts, events)| [&[12, events.len() as u8 + 6][..], &counts, &events].concat());
    let objects = (1_u8..=4, any::<(u8, bool, u8)>(), vec((any::<u8>(), vec(any::<u8>(), 0..60)), 0..4))
        .prop_map(|(kind, (conformity, more, next), objects)| {
            let (more, next) = if more { (0xFF, next) } else { (0, 0) };
            let head = [0x2B, 14, kind, conformity, more, next, objects.len() as u8];
            let object = |(id, value): (u8, Vec<u8>)| [&[id, value.len() as u8][..], &value].concat();
            head.into_iter().chain(objects.into_iter().flat_map(object)).collect()
        });
    prop_oneof![
        prop_oneof![counted(1, 250), counted(2, 250), registers(3), registers(4), registers(23)],
        any::<(u16, bool)>().prop_map(|(address, on)| {
            [&[5][..], &address.to_be_bytes(), if on { &[0xFF, 0] } else { &[0, 0] }].concat()
        }),
        prop_oneof![fixed(6, 4), fixed(7, 1), fixed(11, 4), fixed(15, 4), fixed(16, 4), fixed(22, 6)],
        prop_oneof![counted(17, 251), counted(20, 245), counted(21, 251)],
        prop_oneof![queue, log, objects],
        prop_oneof![open(&[8, 0, 0], 250), open(&[0x2B, 13], 251), open(&[65], 252)],
    ]
}

fn emitted(emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    emit(&mut writer);
    writer.written().to_vec()
}

fn pdu(request: &Request<'_>) -> Vec<u8> {
    emitted(|writer| request.emit(writer).unwrap())
}

/// Lets a machine hear a stream in these pieces, a millisecond apart; gives all it sends, itself and after a second.
fn hear_pieces(machine: &mut impl Machine, stream: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (mut sent, mut rest, mut now) = (Vec::new(), stream, Instant::ZERO);
    sent.extend(polled(machine, now));
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let (mut piece, left) = rest.split_at(cut.min(rest.len()));
        for _ in 0..64 {
            if piece.is_empty() {
                break;
            }
            piece = &piece[machine.receive(now, piece)..];
            sent.extend(polled(machine, now));
        }
        rest = left;
        now = now + Duration::from_millis(1);
    }
    sent.extend(polled(machine, now + Duration::from_secs(2)));
    sent
}

fn polled(machine: &mut impl Machine, now: Instant) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Step::Send(bytes) = machine.poll(now) {
        sent.push(bytes.to_vec());
    }
    sent
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..30, 0..20)
}

fn device() -> Extended<Everything> {
    Extended::new(Everything::new())
}

/// What a client on this framing makes of the bytes that come, in pieces, after its request.
fn outcome<F: Framing>(
    framing: F,
    request: Request<'_>,
    stream: &[u8],
    cuts: &[usize],
) -> Result<Vec<u8>, ccm_modbus::Error> {
    let mut buffer = [0; 1030];
    let mut client = Client::new(framing, &mut buffer).with_timeout(Duration::from_secs(1));
    client.start(Instant::ZERO, UNIT, request).unwrap();
    let mut now = Instant::ZERO;
    while !matches!(client.poll(now), Step::Send(_)) {
        now = now + Duration::from_millis(5);
    }
    let mut rest = stream;
    for cut in cuts.iter().copied().chain([usize::MAX]) {
        let _ = polled(&mut client, now);
        let (piece, left) = rest.split_at(cut.min(rest.len()));
        let taken = client.receive(now, piece);
        rest = if taken == piece.len() { left } else { &[] };
        now = now + Duration::from_millis(1);
    }
    let _ = polled(&mut client, now);
    let _ = polled(&mut client, now + Duration::from_secs(3));
    client.outcome().map(|reply| reply.pdu().to_vec())
}

/// Garbage in which nobody could find a frame: no unit that is asked, no colon.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>().prop_filter("may begin a frame", |byte| !matches!(*byte, UNIT | 0 | b':')), 0..40)
}

const READ: Request<'static> = Request::ReadHoldingRegisters { start: 5, quantity: 2 };
const REPLY: [u8; 6] = [3, 4, 0, 5, 0, 6];

proptest! {
    #[test]
    fn a_request_that_is_emitted_is_parsed_as_it_was(request in request()) {
        let bytes = pdu(&request);
        prop_assert!(bytes.len() <= 253);
        prop_assert_eq!(Request::parse(&bytes), Ok(request));
    }

    #[test]
    fn a_response_that_is_parsed_is_emitted_as_it_was(bytes in response()) {
        let response = Response::parse(&bytes).unwrap().unwrap();
        let again = emitted(|writer| response.emit(writer).unwrap());
        prop_assert_eq!(&again, &bytes);
        prop_assert_eq!(Response::parse(&again), Ok(Ok(response)));
    }

    /// Whatever a server answers to whatever request is a response to that request, in the client's own view too.
    #[test]
    fn whatever_a_server_answers_is_a_reply_to_what_was_asked(request in request()) {
        let mut buffer = [0; 520];
        let mut server = Server::new(Tcp::new(), UNIT, device(), &mut buffer);
        let sent = hear_pieces(&mut server, &tcp(1, UNIT, &pdu(&request)), &[]);
        for frame in &sent {
            let reply = ccm_modbus::Reply::to(&request, &frame[7..]);
            prop_assert!(matches!(reply, Ok(_) | Err(ccm_modbus::Error::Exception(_))), "{:02x?}", frame);
        }
        let is_silent = matches!(request,
            Request::Diagnostics { sub_function: SubFunction::ForceListenOnlyMode, data: [0, 0] });
        prop_assert_eq!(sent.len(), usize::from(!is_silent));
    }

    #[test]
    fn any_split_of_a_stream_of_tcp_requests_gives_the_same_replies(
        requests in vec(request(), 1..5), cuts in cuts(),
    ) {
        let stream: Vec<u8> =
            (0..).zip(&requests).flat_map(|(number, request)| tcp(number, UNIT, &pdu(request))).collect();
        let replies = |cuts: &[usize]| {
            hear_pieces(&mut Server::new(Tcp::new(), UNIT, device(), &mut [0; 520]), &stream, cuts)
        };
        prop_assert_eq!(replies(&cuts), replies(&[]));
    }

    #[test]
    fn any_split_of_a_stream_of_ascii_requests_gives_the_same_replies(
        requests in vec(request(), 1..4), cuts in cuts(),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(|request| ascii(UNIT, &pdu(request))).collect();
        let replies = |cuts: &[usize]| {
            hear_pieces(&mut Server::new(Ascii::new(LINE), UNIT, device(), &mut [0; 1030]), &stream, cuts)
        };
        prop_assert_eq!(replies(&cuts), replies(&[]));
    }

    #[test]
    fn any_split_of_an_rtu_request_gives_the_same_reply(request in request(), cuts in cuts()) {
        let frame = rtu(UNIT, &pdu(&request));
        let replies = |cuts: &[usize]| {
            hear_pieces(&mut Server::new(Rtu::new(LINE), UNIT, device(), &mut [0; 520]), &frame, cuts)
        };
        prop_assert_eq!(replies(&cuts), replies(&[]));
    }

    /// Noise before a request, with or without a silence after it.
    #[test]
    fn any_garbage_before_an_rtu_request_changes_nothing(
        request in request(), garbage in garbage(), apart: bool, cuts in cuts(),
    ) {
        // These tell of the garbage, as they should.
        prop_assume!(!matches!(request, Request::GetCommEventLog | Request::Diagnostics { .. }));
        let frame = rtu(UNIT, &pdu(&request));
        let mut buffer = [0; 1030];
        let mut server = Server::new(Rtu::new(LINE), UNIT, device(), &mut buffer);
        let mut replies = Vec::new();
        if apart {
            prop_assert_eq!(hear_pieces(&mut server, &garbage, &[]), Vec::<Vec<u8>>::new());
            let now = Instant::ZERO + Duration::from_secs(9);
            server.receive(now, &frame);
            replies.extend(polled(&mut server, now + Duration::from_secs(1)));
        } else {
            replies.extend(hear_pieces(&mut server, &[&garbage[..], &frame].concat(), &cuts));
        }
        let clean = hear_pieces(&mut Server::new(Rtu::new(LINE), UNIT, device(), &mut [0; 520]), &frame, &[]);
        prop_assert_eq!(replies, clean);
    }

    #[test]
    fn any_garbage_around_ascii_requests_changes_nothing(
        request in request(), before in garbage(), after in garbage(), cuts in cuts(),
    ) {
        let frame = ascii(UNIT, &pdu(&request));
        let answer = |stream: &[u8], cuts: &[usize]| {
            hear_pieces(&mut Server::new(Ascii::new(LINE), UNIT, device(), &mut [0; 1030]), stream, cuts)
        };
        let clean = answer(&frame, &[]);
        prop_assert_eq!(answer(&[before, frame, after].concat(), &cuts), clean);
    }

    /// Other transactions, other protocols and any pieces: the reply is found.
    #[test]
    fn any_split_and_any_foreign_frames_around_a_tcp_reply_change_nothing(
        foreign in vec((2_u16.., data(100)), 0..4), cuts in cuts(),
    ) {
        let others: Vec<u8> =
            foreign.iter().flat_map(|(transaction, pdu)| tcp(*transaction, UNIT, pdu)).collect();
        let stream = [&others[..], &tcp(1, UNIT, &REPLY), &others].concat();
        prop_assert_eq!(outcome(Tcp::new(), READ, &stream, &cuts), Ok(REPLY.to_vec()));
    }

    #[test]
    fn any_split_and_any_garbage_around_a_serial_reply_change_nothing(
        before in garbage(), after in garbage(), cuts in cuts(),
    ) {
        let off = Echo::Off;
        let stream = [&before[..], &rtu(UNIT, &REPLY), &after].concat();
        prop_assert_eq!(outcome(Rtu::new(LINE).with_echo(off), READ, &stream, &cuts), Ok(REPLY.to_vec()));
        let stream = [&before[..], &ascii(UNIT, &REPLY), &after].concat();
        prop_assert_eq!(outcome(Ascii::new(LINE).with_echo(off), READ, &stream, &cuts), Ok(REPLY.to_vec()));
    }

    /// Truly any bytes: what is taken for the reply is as long as was asked, or there is an error.
    #[test]
    fn any_bytes_at_all_are_a_reply_of_the_right_length_or_an_error(
        request in request(), stream in vec(any::<u8>(), 0..600), cuts in cuts(),
    ) {
        for found in [
            outcome(Tcp::new(), request, &stream, &cuts),
            outcome(Rtu::new(LINE).with_echo(Echo::Off), request, &stream, &cuts),
            outcome(Ascii::new(LINE).with_echo(Echo::Off), request, &stream, &cuts),
        ] {
            let reply = found.unwrap_or_default();
            let is_reply = ccm_modbus::Reply::to(&request, &reply).is_ok();
            prop_assert!(reply.is_empty() || is_reply);
        }
    }
}
