//! What is not protected as it must be gives no value, and counters never go back.

use ccm_core::crypto::Software;
use ccm_dlms::Error;
use ccm_dlms::message::{
    Aare, AssociationResult, Conformance, ContextName, DataAccessResult, Diagnostic, Encoded, GetDataResult,
    GetResponse, Hidden, InitiateResponse, UserDiagnostic,
};
use ccm_dlms::script::{Script, Session, SessionError, Settings};
use ccm_dlms::security::{InvocationCounter, Outgoing, SecurityError};

use super::bench::*;

/// What a meter of the Green Book's keys sends, protected.
fn sealed(next: u32, how: Outgoing, apdu: &[u8]) -> Vec<u8> {
    let mut bytes = apdu.to_vec();
    bytes.resize(apdu.len() + 64, 0);
    let mut meter = context(SERVER, next);
    let length = meter.protect(&Software, how, &mut bytes, apdu.len()).unwrap();
    bytes.truncate(length);
    bytes
}

fn accepting(information: &[u8]) -> Vec<u8> {
    let accepted = (AssociationResult::Accepted, Diagnostic::User(UserDiagnostic::Null));
    let mut aare = Aare::new(ContextName::LogicalNameCiphered, accepted.0, accepted.1);
    aare.responding_ap_title = Some(SERVER.bytes());
    aare.user_information = Some(Hidden(information));
    emitted(|writer| aare.emit(writer))
}

fn initiate() -> Vec<u8> {
    emitted(|writer| InitiateResponse::new(Conformance::all(), 0, 7).emit(writer))
}

fn value() -> Vec<u8> {
    got(0xC1, GetResponse::Normal(GetDataResult::Data(Encoded(&[0x11, 5]))))
}

/// Opens a ciphered association, reads once with this answer, then a second time with the other one.
fn readings(answers: Vec<Vec<u8>>) -> Vec<Result<Vec<u8>, Error>> {
    let count = answers.len();
    let mut answers = answers.into_iter();
    let aare = accepting(&sealed(10, Outgoing::GLOBAL, &initiate()));
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |request: &[u8]| match request[0] {
        0x60 => aare.clone(),
        _ => answers.next().unwrap_or_default(),
    });
    let mut session = Session::new(&Software, Settings { fixed_invoke_id: Some(1), ..Settings::PUBLIC })
        .with_security(context(CLIENT, 1), Some(Outgoing::GLOBAL));
    bench.run(&mut session.open(&[])).unwrap();
    let read = |_| {
        let mut buffer = [0; 64];
        let mut get = session.get(attribute(3, ENERGY, 2), &mut buffer);
        let outcome = bench.run(&mut get);
        assert!(outcome.is_ok() || get.value().is_empty());
        outcome.map(|()| get.value().to_vec())
    };
    (0..count).map(read).collect()
}

#[test]
fn an_answer_is_taken_in_any_envelope() {
    for how in [Outgoing::GLOBAL, Outgoing::GENERAL] {
        assert_eq!(readings(vec![sealed(11, how, &value())]), [Ok(vec![0x11, 5])]);
    }
}

#[test]
fn a_wrong_tag_a_repetition_and_a_plain_answer_give_no_value() {
    let good = sealed(11, Outgoing::GLOBAL, &value());
    let mut spoilt = good.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    let outcomes = readings(vec![spoilt, good.clone(), good, value()]);
    assert_eq!(outcomes[0], Err(SecurityError::WrongTag.into()));
    assert_eq!(outcomes[1], Ok(vec![0x11, 5]));
    assert_eq!(outcomes[2], Err(SecurityError::Replay { last: 11, found: 11 }.into()));
    assert!(matches!(outcomes[3], Err(Error::Security(SecurityError::Policy { .. }))));
}

#[test]
fn a_plain_refusal_is_heard() {
    let outcomes = readings(vec![vec![0xD8, 1, 6, 0, 0, 1, 0]]);
    let Err(Error::Session(SessionError::Exception(exception))) = outcomes[0] else { panic!("{outcomes:?}") };
    assert!(exception.to_string().ends_with("expected 256 or more"));
    let refused = got(0xC1, GetResponse::Normal(GetDataResult::Result(DataAccessResult::ObjectUndefined)));
    let outcomes = readings(vec![sealed(11, Outgoing::GLOBAL, &refused)]);
    assert_eq!(outcomes[0], Err(SessionError::Access(DataAccessResult::ObjectUndefined).into()));
}

#[test]
fn a_plain_initiate_or_another_servers_title_opens_nothing() {
    let open = |aare: Vec<u8>, peer_title| {
        let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
        let mut bench = Bench::new([ours, theirs], |_: &[u8]| aare.clone());
        let mut session = Session::new(&Software, Settings { peer_title, ..Settings::PUBLIC })
            .with_security(context(CLIENT, 1), Some(Outgoing::GLOBAL));
        let error = bench.run(&mut session.open(&[])).unwrap_err();
        assert!(!session.is_open());
        error
    };
    let plain = open(accepting(&initiate()), None);
    assert!(matches!(plain, Error::Security(SecurityError::Policy { .. })));
    let sealed = accepting(&sealed(10, Outgoing::GLOBAL, &initiate()));
    let other = open(sealed, Some(CLIENT));
    assert_eq!(other, SecurityError::UnknownTitle { found: SERVER }.into());
}

/// The ceiling to store, where that is why the dialogue stands still.
fn due(outcome: Result<(), Error>) -> Option<u32> {
    match outcome {
        Err(Error::Security(SecurityError::StoreFirst { ceiling })) => Some(ceiling),
        other => {
            other.unwrap();
            None
        }
    }
}

#[test]
fn a_dialogue_goes_on_when_the_counters_ceiling_is_stored() {
    let aare = accepting(&sealed(10, Outgoing::GLOBAL, &initiate()));
    let answer = sealed(11, Outgoing::GLOBAL, &value());
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |request: &[u8]| match request[0] {
        0x60 => aare.clone(),
        _ => answer.clone(),
    });
    let mut keys = context(CLIENT, 1);
    *keys.counter_mut() = InvocationCounter::resume(100, 1);
    let mut session = Session::new(&Software, Settings { fixed_invoke_id: Some(1), ..Settings::PUBLIC })
        .with_security(keys, Some(Outgoing::GLOBAL));
    let mut flash = 100;
    let mut opening = session.open(&[]);
    while let Some(ceiling) = due(bench.run(&mut opening)) {
        assert!(ceiling > flash);
        flash = ceiling;
        opening.stored(ceiling);
    }
    let mut buffer = [0; 64];
    let mut get = session.get(attribute(3, ENERGY, 2), &mut buffer);
    while let Some(ceiling) = due(bench.run(&mut get)) {
        flash = ceiling;
        get.stored(ceiling);
    }
    assert_eq!((get.value(), flash), (&[0x11, 5][..], 102));
}

#[test]
fn the_counter_that_the_meter_has_seen_is_skipped() {
    let mut session =
        Session::new(&Software, Settings::PUBLIC).with_security(context(CLIENT, 5), Some(Outgoing::GLOBAL));
    assert_eq!(session.counter_object(), attribute(1, [0, 0, 43, 1, 0, 255], 2));
    assert_eq!(session.skip_counter(&[6, 0, 0, 1, 0]), Ok(257));
    assert_eq!(session.skip_counter(&[6, 0, 0, 0, 9]), Ok(257), "it never goes back");
    assert!(session.skip_counter(&[9, 1, 7]).is_err());
    assert_eq!(session.security().unwrap().counter().next(), 257);
}
