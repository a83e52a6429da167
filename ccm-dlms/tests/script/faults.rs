//! Servers that refuse, fail or lie give no value.

use ccm_core::Duration;
use ccm_core::crypto::{Key, Software};
use ccm_dlms::message::{
    Aare, AssociationResult, BlockError, ConfirmedService, ConfirmedServiceError, ContextName,
    DataAccessResult, Diagnostic, Encoded, ExceptionResponse, ExceptionServiceError, GetDataResult,
    GetResponse, Hidden, InvokeIdAndPriority, Invoked, ServiceError, SetResponse, StateError, UserDiagnostic,
};
use ccm_dlms::script::{Authentication, Session, SessionError, Settings, Unprotected};
use ccm_dlms::{Error, LinkError};

use super::bench::*;

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
