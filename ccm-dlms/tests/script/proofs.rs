//! Passes 3 and 4: no association stands before both sides have proven who they are.

use ccm_core::crypto::{Key, Software};
use ccm_dlms::Error;
use ccm_dlms::message::{
    Aare, ActionRequest, ActionResponse, ActionResult, ActionReturn, AssociationResult, Conformance,
    ContextName, Diagnostic, Encoded, GetDataResult, Hidden, InitiateResponse, Invoked, List, MechanismName,
    ReadRequest, ReadResponse, ReadResult, UserDiagnostic, VariableAccess,
};
use ccm_dlms::script::{Authentication, Session, SessionError, Settings};
use ccm_dlms::security::{Challenges, Mechanism, Protection, Secret, SecurityError};

use super::bench::*;

const CTOS: [u8; 16] = *b"client to server";
const STOC: [u8; 16] = *b"server to client";

/// How the server answers in pass 4.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Right,
    Wrong,
    /// The client's own answer, sent back.
    Echoed,
    Missing,
}

fn mechanism(number: u8) -> (MechanismName<'static>, Authentication<'static, Key>) {
    let secret = Hidden(b"secret of both");
    match number {
        3 => (MechanismName::HighMd5, Authentication::Md5(secret)),
        4 => (MechanismName::HighSha1, Authentication::Sha1(secret)),
        5 => (MechanismName::HighGmac, Authentication::Gmac),
        _ => (MechanismName::HighSha256, Authentication::Sha256(secret)),
    }
}

fn challenging(name: MechanismName<'_>, challenge: &[u8], short_names: bool) -> Vec<u8> {
    let information = emitted(|writer| InitiateResponse::new(Conformance::all(), 0, 7).emit(writer));
    let required = Diagnostic::User(UserDiagnostic::AuthenticationRequired);
    let context = if short_names { ContextName::ShortName } else { ContextName::LogicalName };
    let mut aare =
        Aare::new(context, AssociationResult::Accepted, required).with_authentication(name, challenge);
    aare.responding_ap_title = Some(SERVER.bytes());
    aare.user_information = Some(Hidden(&information));
    emitted(|writer| aare.emit(writer))
}

/// Checks the client's answer and gives the server's.
fn pass_4(number: u8, answer: &[u8], proof: Proof) -> Vec<u8> {
    let mut keys = context(SERVER, 7);
    keys.set_peer(CLIENT);
    let secret = Secret::new(b"secret of both");
    let mut mechanism = match number {
        3 => Mechanism::Md5(secret),
        4 => Mechanism::Sha1(secret),
        5 => Mechanism::Gmac(&mut keys),
        _ => Mechanism::Sha256 { secret, own: SERVER, peer: CLIENT },
    };
    let challenges = Challenges::new(&STOC, &CTOS).unwrap();
    mechanism.check(&Software, &challenges, answer).unwrap();
    let mut own = [0; 96];
    let length = mechanism.answer(&Software, &challenges, &mut own).unwrap();
    match proof {
        Proof::Echoed => return answer.to_vec(),
        Proof::Wrong => own[length - 1] ^= 1,
        _ => {}
    }
    own[..length].to_vec()
}

fn open(number: u8, proof: Proof, short_names: bool) -> (Result<(), Error>, bool) {
    let (name, authentication) = mechanism(number);
    let aare = challenging(name, &STOC, short_names);
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |request: &[u8]| {
        if request[0] == 0x60 {
            return aare.clone();
        }
        if short_names {
            let request = ReadRequest::parse(request).unwrap();
            let Some(VariableAccess::Parameterized { parameter, variable_name: 0xFA58, .. }) =
                request.0.iter().next()
            else {
                panic!("{request:?}")
            };
            let answer = pass_4(number, &parameter.0[2..], proof);
            let data = [&[9, u8::try_from(answer.len()).unwrap()], &answer[..]].concat();
            return emitted(|writer| {
                ReadResponse(List::new(&[ReadResult::Data(Encoded(&data))])).emit(writer)
            });
        }
        let request = Invoked::<ActionRequest<'_>>::parse(request).unwrap();
        let ActionRequest::Normal { method, parameters: Some(parameters) } = request.service else {
            panic!("{request:?}")
        };
        assert_eq!((method.class_id, method.method_id), (15, 1));
        let answer = pass_4(number, &parameters.0[2..], proof);
        let data = [&[9, u8::try_from(answer.len()).unwrap()], &answer[..]].concat();
        let return_parameters = (proof != Proof::Missing).then_some(GetDataResult::Data(Encoded(&data)));
        let service =
            ActionResponse::Normal(ActionReturn { result: ActionResult::Success, return_parameters });
        emitted(|writer| {
            Invoked { service, invoke_id_and_priority: request.invoke_id_and_priority }.emit(writer)
        })
    });
    let base = if short_names { Settings::SHORT_NAMES } else { Settings::PUBLIC };
    let settings = Settings { authentication, own_title: Some(CLIENT), ..base };
    let mut keys = context(CLIENT, 1);
    keys.require(Protection::NONE);
    let mut session = Session::new(&Software, settings).with_security(keys, None);
    let outcome = bench.run(&mut session.open(&CTOS));
    (outcome, session.is_open())
}

#[test]
fn both_sides_prove_who_they_are_by_every_mechanism() {
    for number in [3, 4, 5, 6] {
        assert_eq!(open(number, Proof::Right, false), (Ok(()), true), "{number}");
        assert_eq!(open(number, Proof::Right, true), (Ok(()), true), "{number} by short name");
    }
}

#[test]
fn a_server_that_cannot_prove_who_it_is_has_no_association() {
    for number in [3, 4, 5, 6] {
        for proof in [Proof::Wrong, Proof::Echoed, Proof::Missing] {
            let refused = (Err(SecurityError::WrongAnswer.into()), false);
            assert_eq!(open(number, proof, false), refused, "{number}");
        }
    }
}

#[test]
fn a_challenge_sent_back_or_of_another_mechanism_is_refused() {
    let begin = |aare: Vec<u8>| {
        let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
        let mut bench = Bench::new([ours, theirs], |_: &[u8]| aare.clone());
        let settings =
            Settings { authentication: mechanism(6).1, own_title: Some(CLIENT), ..Settings::PUBLIC };
        bench.run(&mut Session::new(&Software, settings).open(&CTOS)).unwrap_err()
    };
    let reflected = begin(challenging(MechanismName::HighSha256, &CTOS, false));
    assert_eq!(reflected, SecurityError::Reflected.into());
    let weaker = begin(challenging(MechanismName::HighMd5, &STOC, false));
    assert_eq!(weaker, SessionError::NoChallenge.into());
}

#[test]
fn a_dedicated_key_is_not_sent_in_clear() {
    let (ours, theirs) = (&mut vec![0; 512], &mut vec![0; 512]);
    let mut bench = Bench::new([ours, theirs], |_: &[u8]| vec![]);
    let mut session = Session::new(&Software, Settings::PUBLIC).with_security(context(CLIENT, 1), None);
    let mut opening = session.open(&[]).with_dedicated_key(Hidden(&[5; 16]), Key::Aes128([5; 16]));
    let error = bench.run(&mut opening).unwrap_err();
    assert_eq!(error, SessionError::Settings { missing: "ciphering" }.into());
    assert!(bench.meter.executed.is_empty());
}
