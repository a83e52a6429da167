//! Dialogues: recorded ones are repeated byte by byte, and servers that refuse, fail or lie give no value.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_core::crypto::{Key, Software};
use ccm_core::testing::{Link, Peer, Script as Recorded};
use ccm_core::{Duration, Line};
use ccm_dlms::hdlc::{Address, Frame, Hdlc};
use ccm_dlms::message::cosem::{Cell, Rows};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    Aare, ActionResponse, ActionResult, ActionReturn, AssociationResult, BlockError, ConfirmedService,
    ConfirmedServiceError, ContextName, DataAccessResult, DataBlock, Diagnostic, ExceptionResponse,
    ExceptionServiceError, GeneralBlockTransfer, GetBlockResult, GetDataResult, GetResponse, Hidden,
    InitiateResponse, InvokeIdAndPriority, Invoked, MethodDescriptor, ReadResponse, ReadResult, ServiceError,
    SetResponse, StateError, UserDiagnostic, VariableAccess, WriteResponse, WriteResult,
};
use ccm_dlms::message::{
    AttributeAccess, AttributeDescriptor, CaptureObject, Conformance, Encoded, List, RangeDescriptor,
};
use ccm_dlms::script::{
    Answer, Authentication, Release, Script, Session, SessionError, Settings, Unprotected,
};
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Outgoing, Protection, SecurityError, Suite,
    SystemTitle,
};
use ccm_dlms::wrapper::{Service, Wrapper};
use ccm_dlms::{Client, Error, Framing, LinkError};
use common::{Meter, conversation};

/// The loop that every caller has.
fn run<F: Framing>(
    script: &mut impl Script,
    client: &mut Client<'_, F>,
    (link, peer): (&mut Link, &mut impl Peer),
) -> Result<(), Error> {
    while let Some(machine) = script.next(link.now(), client)? {
        link.run(machine, peer, Duration::from_secs(60));
    }
    Ok(())
}

fn attribute(class_id: u16, instance_id: [u8; 6], attribute_id: i8) -> AttributeAccess<'static> {
    AttributeAccess::whole(AttributeDescriptor { class_id, instance_id, attribute_id })
}

/// What the recorded client proposes, and its one invoke-id.
fn recorded<K>() -> Settings<'static, K> {
    Settings {
        conformance: Conformance::from_bytes([0x40, 0x1E, 0x5D]),
        fixed_invoke_id: Some(1),
        release: Release::Never,
        ..Settings::PUBLIC
    }
}

fn said(name: &str, by_client: bool) -> Vec<Vec<u8>> {
    conversation(name)
        .into_iter()
        .filter(|(client, _)| *client == by_client)
        .map(|(_, bytes)| bytes)
        .collect()
}

fn hdlc(buffer: &mut [u8]) -> Client<'_, Hdlc> {
    Client::new(Hdlc::new(Address::client(16), Address::client(1)), buffer)
}

#[test]
fn a_recorded_reading_over_hdlc_is_repeated_byte_by_byte() {
    let name = "conv-hdlc-none";
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = hdlc(&mut buffer);
    let mut session = Session::plain(recorded());
    let mut value = [0; 4096];

    run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap();
    assert!(session.agreed().unwrap().conformance.contains(Conformance::GET));
    let energy = attribute(3, [1, 0, 1, 8, 0, 255], 2);
    let mut get = session.get(energy, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(Data::parse(get.value()).unwrap().value(), Ok(Value::DoubleLongUnsigned(12_345_678)));
    let scaler = attribute(3, [1, 0, 32, 7, 0, 255], 3);
    run(&mut session.get(scaler, &mut value), &mut client, (&mut link, &mut peer)).unwrap();
    let columns = attribute(7, [1, 0, 99, 1, 0, 255], 3);
    run(&mut session.get(columns, &mut value), &mut client, (&mut link, &mut peer)).unwrap();

    let mut selection = [0; 64];
    let from = [9, 12, 0x07, 0xEA, 1, 3, 0xFF, 0, 0, 0, 0, 0, 0, 0];
    let to = [9, 12, 0x07, 0xEA, 1, 3, 0xFF, 5, 0x3B, 0, 0, 0, 0, 0];
    let requests = said(name, true);
    let range = RangeDescriptor {
        restricting_object: CaptureObject {
            class_id: 8,
            logical_name: [0, 0, 1, 0, 0, 255],
            attribute_index: 2,
            data_index: 0,
        },
        from_value: Encoded(&from),
        to_value: Encoded(&to),
        selected_values: List::new(&[]),
    };
    let access = Some(range.emit(&mut selection).unwrap());
    let mut get =
        session.get(AttributeAccess { access, ..attribute(7, [1, 0, 99, 1, 0, 255], 2) }, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    let mut cells = [Cell::Value(Value::Null); 4];
    let mut rows = Rows::new(Data::parse(get.value()).unwrap(), &mut cells, Some(0), 900).unwrap();
    let mut count = 0;
    while rows.next_row().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 24);
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    assert!(!session.is_open());
    assert_eq!(peer.requests, requests);
}

/// The Green Book's keys, which the recorded programs used.
fn keys() -> Keys<Key> {
    let ascending = |first: u8| core::array::from_fn(|at| first + u8::try_from(at).unwrap());
    Keys::new(Key::Aes128(ascending(0)), AuthenticationKey::short(ascending(0xD0)))
}

const CLIENT: SystemTitle = SystemTitle::new(*b"MMM\0\0\0\0\x01");
const SERVER: SystemTitle = SystemTitle::new([0x4D, 0x4D, 0x4D, 0, 0, 0xBC, 0x61, 0x4E]);

fn context(own: SystemTitle, next: u32) -> Context<Key> {
    Context::new(Suite::Zero, own, keys(), InvocationCounter::volatile(next)).unwrap()
}

#[test]
fn a_recorded_association_by_gmac_is_repeated_byte_by_byte() {
    let name = "conv-wrapper-gmac";
    let requests = said(name, true);
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = Client::new(Wrapper::tcp(1, 1), &mut buffer);
    let at = requests[0].windows(3).position(|window| window == [0x12, 0x80, 0x10]).unwrap() + 3;
    let challenge = requests[0][at..at + 16].to_vec();
    let settings = Settings { authentication: Authentication::Gmac, release: Release::Plain, ..recorded() };
    let title = SystemTitle::new([0x4D, 0x4D, 0x4D, 0, 0, 0, 0, 1]);
    let mut session =
        Session::new(&Software, settings).with_security(context(title, 0x6B02_9C08), Some(Outgoing::GLOBAL));
    let mut value = [0; 256];
    run(&mut session.open(&challenge), &mut client, (&mut link, &mut peer)).unwrap();
    session.set_outgoing(Some(Outgoing::GENERAL));
    for (class, name) in [(3, [1, 0, 1, 8, 0, 255]), (8, [0, 0, 1, 0, 0, 255])] {
        let mut get = session.get(attribute(class, name, 2), &mut value);
        run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
        assert!(!get.value().is_empty());
    }
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(peer.requests, requests);
}

#[test]
fn a_recorded_writing_in_blocks_is_repeated() {
    let name = "conv-set-blocks";
    let requests = said(name, true);
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = hdlc(&mut buffer);
    let mut session = Session::plain(recorded());
    let mut data = vec![9, 0x82, 0x13, 0x88];
    data.extend((0..5000_u32).map(|at| u8::try_from(at % 256).unwrap()));
    let object = attribute(1, [0, 0, 96, 50, 0, 255], 2);
    let mut value = vec![0; 6000];
    run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap();
    run(&mut session.set(object, &data, &mut []), &mut client, (&mut link, &mut peer)).unwrap();
    let mut get = session.get(object, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(get.value(), data);
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    let carried = |frames: &[Vec<u8>]| -> Vec<u8> {
        frames
            .iter()
            .flat_map(|bytes| Frame::parse(&bytes[1..bytes.len() - 1]).unwrap().information.to_vec())
            .collect()
    };
    assert_eq!(peer.requests.len(), requests.len());
    assert_eq!(carried(&peer.requests), carried(&requests));
}

/// A server over the wrapper that answers as a closure says, and a client with an association to it.
struct Bench<'b, H> {
    client: Client<'b, Wrapper>,
    link: Link,
    meter: Meter<Service<'b>, H>,
}

impl<'b, H: FnMut(&[u8]) -> Vec<u8>> Bench<'b, H> {
    fn new([ours, theirs]: [&'b mut [u8]; 2], handler: H) -> Self {
        Self {
            client: Client::new(Wrapper::tcp(1, 1), ours),
            link: Link::new(Line::new(9600)),
            meter: Meter::new(Service::new(theirs), handler),
        }
    }

    fn run(&mut self, script: &mut impl Script) -> Result<(), Error> {
        run(script, &mut self.client, (&mut self.link, &mut self.meter))
    }
}

fn emitted(emit: impl FnOnce(&mut ccm_core::Writer<'_>) -> Result<(), ccm_core::Full>) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    let mut writer = ccm_core::Writer::new(&mut bytes);
    emit(&mut writer).unwrap();
    let length = writer.finish();
    bytes.truncate(length);
    bytes
}

/// An AARE that agrees to all.
fn aare(max_pdu: u16, short_names: bool) -> Vec<u8> {
    let response = InitiateResponse::new(Conformance::all(), max_pdu, 7);
    let information = emitted(|writer| response.emit(writer));
    let context = if short_names { ContextName::ShortName } else { ContextName::LogicalName };
    let mut aare = Aare::new(context, AssociationResult::Accepted, Diagnostic::User(UserDiagnostic::Null));
    aare.user_information = Some(Hidden(&information));
    emitted(|writer| aare.emit(writer))
}

fn got(invoke: u8, service: GetResponse<'_>) -> Vec<u8> {
    let invoke_id_and_priority = InvokeIdAndPriority(invoke);
    emitted(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
}

fn got_block(invoke: u8, last_block: bool, block_number: u32, raw: &[u8]) -> Vec<u8> {
    let result = GetBlockResult::RawData(raw);
    got(invoke, GetResponse::WithDataBlock { last_block, block_number, result })
}

/// An opened session with a server that, after the AARE, answers one request after the other with these.
fn answered(
    answers: Vec<Vec<u8>>,
    test: impl FnOnce(&mut Session<'_, Unprotected>, &mut dyn FnMut(&mut dyn ErasedScript) -> Result<(), Error>),
) -> Vec<Vec<u8>> {
    answered_with(Settings::PUBLIC, aare(128, false), answers, test)
}

/// So that closures can run any script.
trait ErasedScript {
    fn run(
        &mut self,
        client: &mut Client<'_, Wrapper>,
        link: &mut Link,
        peer: &mut dyn Peer,
    ) -> Result<(), Error>;
}

impl<S: Script> ErasedScript for S {
    fn run(
        &mut self,
        client: &mut Client<'_, Wrapper>,
        link: &mut Link,
        peer: &mut dyn Peer,
    ) -> Result<(), Error> {
        let mut peer = |request: &[u8]| peer.answer(request);
        run(self, client, (link, &mut peer))
    }
}

fn answered_with(
    settings: Settings<'_, ccm_dlms::script::NoKey>,
    aare: Vec<u8>,
    answers: Vec<Vec<u8>>,
    test: impl FnOnce(&mut Session<'_, Unprotected>, &mut dyn FnMut(&mut dyn ErasedScript) -> Result<(), Error>),
) -> Vec<Vec<u8>> {
    let mut answers = answers.into_iter();
    let (mut ours, mut theirs) = (vec![0; 1024], vec![0; 4096]);
    let handler = move |request: &[u8]| match request[0] {
        0x60 => aare.clone(),
        _ => answers.next().unwrap_or_default(),
    };
    let mut bench = Bench::new([&mut ours, &mut theirs], handler);
    let mut session = Session::plain(settings);
    bench.run(&mut session.open(&[])).unwrap();
    test(&mut session, &mut |script| script.run(&mut bench.client, &mut bench.link, &mut bench.meter));
    bench.meter.executed.split_off(1)
}

const ENERGY: [u8; 6] = [1, 0, 1, 8, 0, 255];

/// Reads with these answers and gives what comes of it, and whether the association stands.
fn reading(answers: Vec<Vec<u8>>) -> (Result<Vec<u8>, Error>, bool) {
    let mut result = (Ok(vec![]), false);
    answered(answers, |session, run| {
        let mut value = [0; 256];
        let mut get = session.get(attribute(3, ENERGY, 2), &mut value);
        let outcome = run(&mut get);
        if outcome.is_err() {
            assert!(get.value().is_empty());
        }
        result.0 = outcome.map(|()| get.value().to_vec());
        result.1 = session.is_open();
    });
    result
}

fn failed(answers: Vec<Vec<u8>>) -> SessionError {
    match reading(answers) {
        (Err(Error::Session(error)), true) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_below_512_bytes_and_so_is_every_script() {
    use ccm_dlms::script::{Closing, Opening, Profile, Transfer};
    assert!(size_of::<Session<'_, Unprotected>>() <= 512);
    assert!(size_of::<Session<'_, Software>>() <= 512, "{}", size_of::<Session<'_, Software>>());
    assert!(size_of::<Opening<'_, '_, Software>>() <= 512);
    assert!(size_of::<Transfer<'_, '_, Software>>() <= 512);
    assert!(size_of::<Profile<'_, '_, Software>>() <= 512);
    assert!(size_of::<Closing<'_, '_, Software>>() <= 512);
}

#[test]
fn a_value_in_blocks_is_one() {
    let blocks = vec![
        got_block(0xC1, false, 1, &[9, 5, 1]),
        got_block(0xC1, false, 2, &[2, 3]),
        got_block(0xC1, true, 3, &[4, 5]),
    ];
    let (value, _) = reading(blocks.clone());
    assert_eq!(value, Ok(vec![9, 5, 1, 2, 3, 4, 5]));
    let requests = answered(blocks, |session, run| {
        run(&mut session.get(attribute(3, ENERGY, 2), &mut [0; 20])).unwrap();
    });
    assert_eq!(requests[1], [0xC0, 2, 0xC1, 0, 0, 0, 1]);
    assert_eq!(requests[2], [0xC0, 2, 0xC1, 0, 0, 0, 2]);
}

#[test]
fn a_meter_may_count_blocks_from_zero() {
    let (value, _) = reading(vec![got_block(0xC1, false, 0, &[9, 2]), got_block(0xC1, true, 1, &[4, 5])]);
    assert_eq!(value, Ok(vec![9, 2, 4, 5]));
}

#[test]
fn a_jump_of_the_block_number_breaks_the_transfer_and_nothing_else() {
    let jump = vec![
        got_block(0xC1, false, 1, &[9, 2]),
        got_block(0xC1, true, 3, &[4, 5]),
        got_block(0xC2, false, 1, &[9, 2]),
        got_block(0xC2, true, 2, &[6, 7]),
    ];
    answered(jump, |session, run| {
        let mut value = [0; 64];
        let error = run(&mut session.get(attribute(3, ENERGY, 2), &mut value)).unwrap_err();
        let jump = BlockError::Number { expected: 2, found: 3 };
        assert_eq!(error, SessionError::Block(jump).into());
        assert_eq!(error.to_string(), "transfer broken: block 3 came in the place of block 2");
        let mut get = session.get(attribute(3, ENERGY, 2), &mut value);
        run(&mut get).unwrap();
        assert_eq!(get.value(), [9, 2, 6, 7]);
    });
}

#[test]
fn a_first_block_in_the_middle_and_a_block_twice_are_jumps() {
    let jump = |expected, found| SessionError::Block(BlockError::Number { expected, found });
    assert_eq!(failed(vec![got_block(0xC1, true, 5, &[9, 0])]), jump(1, 5));
    let twice = vec![got_block(0xC1, false, 1, &[9, 2]), got_block(0xC1, false, 1, &[9, 2])];
    assert_eq!(failed(twice), jump(2, 1));
}

#[test]
fn a_last_block_in_the_middle_of_the_data_is_named() {
    let blocks = vec![got_block(0xC1, false, 1, &[9, 9]), got_block(0xC1, true, 2, &[4, 5])];
    assert_eq!(failed(blocks), SessionError::Truncated { received: 4 });
}

#[test]
fn an_answer_to_another_request_is_none() {
    let late = got(0xC7, GetResponse::Normal(GetDataResult::Data(Encoded(&[0x11, 5]))));
    assert_eq!(failed(vec![late]), SessionError::InvokeId { expected: 1, found: 7 });
    let set = emitted(|writer| {
        let service = SetResponse::Normal(DataAccessResult::Success);
        Invoked { invoke_id_and_priority: InvokeIdAndPriority(0xC1), service }.emit(writer)
    });
    assert_eq!(failed(vec![set]), SessionError::Unexpected { tag: 0xC5 });
}

#[test]
fn a_report_before_the_answer_is_passed_over() {
    let report = vec![0xC2, 0, 0, 3, 1, 0, 1, 8, 0, 255, 2, 0x11, 9];
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |request: &[u8]| match request[0] {
        0x60 => aare(0, false),
        _ => vec![],
    });
    let mut session = Session::plain(Settings::PUBLIC);
    bench.run(&mut session.open(&[])).unwrap();
    let answer = got(0xC1, GetResponse::Normal(GetDataResult::Data(Encoded(&[0x11, 5]))));
    let mut peer = |_: &[u8]| {
        let framed = |apdu: &[u8]| {
            let length = u8::try_from(apdu.len()).unwrap();
            [&[0, 1, 0, 1, 0, 1, 0, length], apdu].concat()
        };
        vec![(Duration::from_millis(5), framed(&report)), (Duration::from_millis(5), framed(&answer))]
    };
    let mut value = [0; 16];
    let mut get = session.get(attribute(3, ENERGY, 2), &mut value);
    run(&mut get, &mut bench.client, (&mut bench.link, &mut peer)).unwrap();
    assert_eq!(get.value(), [0x11, 5]);
}

#[test]
fn refusals_have_names() {
    let refused = got(0xC1, GetResponse::Normal(GetDataResult::Result(DataAccessResult::ReadWriteDenied)));
    let error = failed(vec![refused]);
    assert_eq!(error.to_string(), "the server answered read-write-denied (3)");
    let exception = ExceptionResponse {
        state_error: StateError::ServiceNotAllowed,
        service_error: ExceptionServiceError::OperationNotPossible,
    };
    let error = failed(vec![emitted(|writer| exception.emit(writer))]);
    assert_eq!(error, SessionError::Exception(exception));
    let service =
        ConfirmedServiceError { service: ConfirmedService::Read, error: ServiceError { class: 5, value: 1 } };
    let error = failed(vec![emitted(|writer| service.emit(writer))]);
    assert_eq!(error.to_string(), "read refused: access / scope-of-access-violated (5/1)");
}

#[test]
fn silence_takes_the_association_with_it() {
    let (error, is_open) = reading(vec![]);
    assert_eq!((error, is_open), (Err(LinkError::Timeout.into()), false));
}

/// What an opening fails with where the server answers the AARQ so.
fn opening(settings: Settings<'_, Key>, answer: Vec<u8>) -> Error {
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |_: &[u8]| answer.clone());
    let mut session = Session::new(&Software, settings);
    let error = bench.run(&mut session.open(&[7; 16])).unwrap_err();
    assert!(!session.is_open());
    error
}

#[test]
fn a_refused_association_says_why_even_without_user_information() {
    let diagnostic = Diagnostic::User(UserDiagnostic::AuthenticationFailure);
    let refusal = Aare::new(ContextName::LogicalName, AssociationResult::RejectedPermanent, diagnostic);
    let error = opening(Settings::PUBLIC, emitted(|writer| refusal.emit(writer)));
    assert_eq!(error.to_string(), "association rejected-permanent (1): authentication-failure (13)");
    let silent = Diagnostic::User(UserDiagnostic::NoReasonGiven);
    let mut refusal = Aare::new(ContextName::LogicalName, AssociationResult::RejectedPermanent, silent);
    refusal.user_information = Some(Hidden(&[0x0E, 1, 6, 2]));
    let error = opening(Settings::PUBLIC, emitted(|writer| refusal.emit(writer)));
    assert_eq!(error.to_string(), "initiate refused: initiate / incompatible-conformance (6/2)");
}

#[test]
fn an_association_that_is_not_the_one_asked_for_is_refused() {
    assert_eq!(opening(Settings::PUBLIC, aare(0, true)), SessionError::Context.into());
    let md5 = Settings { authentication: Authentication::Md5(Hidden(b"secret")), ..Settings::PUBLIC };
    assert_eq!(opening(md5, aare(0, false)), SessionError::NoChallenge.into());
    let accepted = Diagnostic::User(UserDiagnostic::Null);
    let bare = Aare::new(ContextName::LogicalName, AssociationResult::Accepted, accepted);
    let error = opening(Settings::PUBLIC, emitted(|writer| bare.emit(writer)));
    assert_eq!(error, SessionError::NoInitiate.into());
}
