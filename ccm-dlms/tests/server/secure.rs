//! With security: mechanisms, envelopes, policies, counters.

use ccm_core::Writer;
use ccm_core::crypto::{Key, Software};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    Aare, Aarq, ActionRequest, ActionResponse, ActionResult, AttributeAccess, Conformance, ContextName,
    Diagnostic, Encoded, ExceptionResponse, ExceptionServiceError, GetDataResult, Hidden, InitiateRequest,
    InitiateResponse, Invoked, MechanismName, MethodDescriptor, ReleaseResponse, UserDiagnostic,
};
use ccm_dlms::security::{
    Agreement, Challenges, Context, Envelope, General, KeyInformation, KeyUse, Mechanism, Outgoing,
    Protection, Secret, SecurityError,
};
use ccm_dlms::{Association, Authentication, Framing};

use super::bench::{
    Bench, CLIENT_TITLE, COUNTER, METER_TITLE, Setup, context, emit, over_hdlc, over_wrapper, protected,
    relaxed,
};
use super::plain::{ALL, IMPORT, LOAD, attribute, get, get_request, invoked};

pub(crate) const CHALLENGE: [u8; 16] = *b"client to server";
const SECRET: &[u8] = b"a secret of HLS!";
const DEDICATED: [u8; 16] = [0xDE; 16];

/// An APDU in clear, and the envelope that it came in.
type Opened = (Vec<u8>, Option<(Envelope, KeyUse)>);

/// The client's part.
pub(crate) struct Secure {
    pub(crate) context: Context<Key>,
    pub(crate) how: Outgoing,
}

impl Secure {
    pub(crate) fn new(how: Outgoing) -> Self {
        let mut context = context(CLIENT_TITLE, 1);
        context.set_peer(METER_TITLE);
        context.require(how.protection);
        Self { context, how }
    }

    pub(crate) fn protect(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut buffer = apdu.to_vec();
        buffer.resize(apdu.len() + 64, 0);
        let length = self.context.protect(&Software, self.how, &mut buffer, apdu.len()).unwrap();
        buffer.truncate(length);
        buffer
    }

    pub(crate) fn open(&mut self, answer: &[u8]) -> Result<Opened, SecurityError> {
        let mut answer = answer.to_vec();
        let incoming = self.context.unprotect(&Software, &mut answer)?;
        Ok((incoming.apdu.to_vec(), incoming.envelope))
    }

    pub(crate) fn exchange<F: Framing>(&mut self, bench: &mut Bench<'_, F>, apdu: &[u8]) -> Vec<u8> {
        let request = self.protect(apdu);
        let answer = bench.exchange(&request);
        self.open(&answer).unwrap().0
    }

    /// The AARQ, with the initiate-request ciphered.
    pub(crate) fn aarq(&mut self, mechanism: MechanismName<'_>, value: &[u8]) -> Vec<u8> {
        let mut initiate = InitiateRequest::new(ALL, 1024);
        if self.how.key == KeyUse::Dedicated {
            initiate.dedicated_key = Some(Hidden(&DEDICATED));
            self.context.set_dedicated(Some(Key::Aes128(DEDICATED)));
        }
        let information = self.protect(&emit(|out| initiate.emit(out)));
        let mut aarq = Aarq::new(ContextName::LogicalNameCiphered, &information);
        if mechanism != MechanismName::Lowest {
            aarq = aarq.with_authentication(mechanism, value);
        }
        aarq.calling_ap_title = Some(CLIENT_TITLE.bytes());
        emit(|out| aarq.emit(out))
    }

    /// Opens the association, and gives the meter's challenge.
    pub(crate) fn associate<F: Framing>(
        &mut self,
        bench: &mut Bench<'_, F>,
        mechanism: MechanismName<'_>,
        value: &[u8],
    ) -> Vec<u8> {
        bench.connect();
        let aarq = self.aarq(mechanism, value);
        let answer = bench.exchange(&aarq);
        let aare = Aare::parse(&answer).unwrap();
        assert!(aare.is_accepted(), "{aare:?}");
        assert_eq!(aare.responding_ap_title, Some(&METER_TITLE.bytes()[..]));
        let Hidden(information) = aare.user_information.unwrap();
        let (initiate, envelope) = self.open(information).unwrap();
        assert_eq!(envelope, Some((Envelope::Service, KeyUse::Global)));
        InitiateResponse::parse(&initiate).unwrap();
        aare.responding_authentication_value.map_or(vec![], |Hidden(value)| value.to_vec())
    }
}

fn read_energy<F: Framing>(bench: &mut Bench<'_, F>, secure: &mut Secure) -> Option<(Envelope, KeyUse)> {
    let request = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
    let answer = bench.exchange(&request);
    let (answer, envelope) = secure.open(&answer).unwrap();
    let response = Invoked::parse(&answer).unwrap().service;
    let ccm_dlms::message::GetResponse::Normal(GetDataResult::Data(Encoded(data))) = response else {
        panic!("{response:?}")
    };
    assert_eq!(Data::parse(data).unwrap().value(), Ok(Value::DoubleLongUnsigned(12_345_678)));
    envelope
}

/// The request of the third pass.
fn third_pass(answer: &[u8]) -> Vec<u8> {
    let parameters = emit(|out| Value::OctetString(answer).emit(out));
    let method = MethodDescriptor { class_id: 15, instance_id: [0, 0, 40, 0, 0, 255], method_id: 1 };
    let action = ActionRequest::Normal { method, parameters: Some(Encoded(&parameters)) };
    emit(|out| invoked(action).emit(out))
}

/// What the fourth brings.
fn fourth_pass(answer: &[u8]) -> Result<Vec<u8>, ActionResult> {
    let ActionResponse::Normal(returned) = Invoked::parse(answer).unwrap().service else { panic!("not one") };
    match returned.return_parameters {
        Some(GetDataResult::Data(Encoded(data))) => {
            Ok(Data::parse(data).unwrap().value().unwrap().bytes().unwrap().to_vec())
        }
        _ => Err(returned.result),
    }
}

#[test]
fn every_envelope_and_every_protection_comes_back_as_it_went() {
    let protections = [Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::BOTH];
    for protection in protections {
        for how in [Outgoing::GLOBAL, Outgoing::DEDICATED, Outgoing::GENERAL] {
            let how = Outgoing { protection, ..how };
            let associations = vec![relaxed(1, Authentication::None)];
            over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
                let mut secure = Secure::new(how);
                secure.associate(bench, MechanismName::Lowest, &[]);
                assert_eq!(read_energy(bench, &mut secure), Some((how.envelope, how.key)));
                assert_eq!(read_energy(bench, &mut secure), Some((how.envelope, how.key)));
            });
        }
    }
}

#[test]
fn a_password_lets_in_and_no_other_does() {
    let associations = || vec![Association::new(2, Authentication::Low(b"12345678"))];
    let aarq = |value: &[u8]| {
        let information = emit(|out| InitiateRequest::new(ALL, 0).emit(out));
        let aarq = Aarq::new(ContextName::LogicalName, &information);
        emit(|out| aarq.with_authentication(MechanismName::Low, value).emit(out))
    };
    over_wrapper(2, Setup { associations: associations(), ..Setup::default() }, |bench| {
        bench.connect();
        let answer = bench.exchange(&aarq(b"12345679"));
        let refused = Aare::parse(&answer).unwrap();
        assert_eq!(refused.diagnostic, Diagnostic::User(UserDiagnostic::AuthenticationFailure));
        assert!(!refused.is_accepted());
        let answer = bench.exchange(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        assert!(ExceptionResponse::parse(&answer).is_ok());
        let answer = bench.exchange(&aarq(b"12345678"));
        assert!(Aare::parse(&answer).unwrap().is_accepted());
        assert!(get(bench, AttributeAccess::whole(attribute(3, IMPORT, 2))).is_ok());
    });
}

fn hls(client: u16, mechanism: MechanismName<'static>) -> Association<'static, Key> {
    protected(
        client,
        match mechanism {
            MechanismName::High => Authentication::Vendor(Key::Aes128([7; 16])),
            MechanismName::HighMd5 => Authentication::Md5(SECRET),
            MechanismName::HighSha1 => Authentication::Sha1(SECRET),
            MechanismName::HighGmac => Authentication::Gmac,
            _ => Authentication::Sha256(SECRET),
        },
    )
}

fn with_mechanism<T>(
    secure: &mut Secure,
    mechanism: MechanismName<'_>,
    act: impl FnOnce(&mut Mechanism<'_, Key>) -> T,
) -> T {
    let key = Key::Aes128([7; 16]);
    let secret = Secret::new(SECRET);
    act(&mut match mechanism {
        MechanismName::High => Mechanism::Vendor(&key),
        MechanismName::HighMd5 => Mechanism::Md5(secret),
        MechanismName::HighSha1 => Mechanism::Sha1(secret),
        MechanismName::HighGmac => Mechanism::Gmac(&mut secure.context),
        _ => Mechanism::Sha256 { secret, own: CLIENT_TITLE, peer: METER_TITLE },
    })
}

const MECHANISMS: [MechanismName<'static>; 5] = [
    MechanismName::High,
    MechanismName::HighMd5,
    MechanismName::HighSha1,
    MechanismName::HighGmac,
    MechanismName::HighSha256,
];

#[test]
fn both_sides_prove_who_they_are_by_every_mechanism() {
    for mechanism in MECHANISMS {
        let associations = vec![hls(1, mechanism)];
        over_hdlc(1, Setup { associations, ..Setup::default() }, |bench| {
            let mut secure = Secure::new(Outgoing::GLOBAL);
            let challenge = secure.associate(bench, mechanism, &CHALLENGE);
            let early = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
            assert!(ExceptionResponse::parse(&bench.exchange(&early)).is_ok(), "before the third pass");
            let challenges = Challenges::new(&CHALLENGE, &challenge).unwrap();
            let mut answer = [0; 96];
            let length = with_mechanism(&mut secure, mechanism, |mechanism| {
                mechanism.answer(&Software, &challenges, &mut answer).unwrap()
            });
            let returned = secure.exchange(bench, &third_pass(&answer[..length]));
            let returned = fourth_pass(&returned).unwrap();
            with_mechanism(&mut secure, mechanism, |mechanism| {
                mechanism.check(&Software, &challenges, &returned).unwrap();
            });
            read_energy(bench, &mut secure);
        });
    }
}

#[test]
fn a_wrong_proof_ends_the_association() {
    for mechanism in MECHANISMS {
        let associations = vec![hls(1, mechanism)];
        over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
            let mut secure = Secure::new(Outgoing::GLOBAL);
            secure.associate(bench, mechanism, &CHALLENGE);
            let returned = secure.exchange(bench, &third_pass(&[0; 17]));
            assert_eq!(fourth_pass(&returned), Err(ActionResult::OtherReason));
            let request = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
            let refused = bench.exchange(&request);
            let exception = ExceptionResponse::parse(&refused).unwrap();
            assert_eq!(exception.service_error, ExceptionServiceError::OperationNotPossible);
        });
    }
}

#[test]
fn less_protection_than_the_policy_wants_is_refused() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let request = get_request(AttributeAccess::whole(attribute(3, IMPORT, 2)));
        for protection in [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED] {
            secure.how.protection = protection;
            let sent =
                if protection == Protection::NONE { request.clone() } else { secure.protect(&request) };
            let refused = bench.exchange(&sent);
            let exception = ExceptionResponse::parse(&refused).unwrap();
            assert_eq!(exception.service_error, ExceptionServiceError::DecipheringError);
        }
        secure.how.protection = Protection::BOTH;
        read_energy(bench, &mut secure);
    });
}

#[test]
fn a_replay_is_refused_with_the_number_that_would_do() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let request = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        let answer = bench.exchange(&request);
        secure.open(&answer).unwrap();
        let refused = bench.exchange(&request);
        let exception = ExceptionResponse::parse(&refused).unwrap();
        let expected = secure.context.counter().next();
        assert_eq!(exception.service_error, ExceptionServiceError::InvocationCounterError { expected });
        read_energy(bench, &mut secure);
    });
}

#[test]
fn the_counter_is_read_through_the_public_client() {
    let mut association = protected(1, Authentication::None);
    association.security.as_mut().unwrap().receive_after(KeyUse::Global, 4711);
    let associations = vec![Association::public(), association];
    over_hdlc(16, Setup { associations, ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 0);
        let value = get(bench, AttributeAccess::whole(attribute(1, COUNTER, 2))).unwrap().0;
        assert_eq!(Data::parse(&value).unwrap().value(), Ok(Value::DoubleLongUnsigned(4711)));
    });
}

#[test]
fn the_counter_object_shows_the_last_number_that_was_believed() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.context.counter_mut().raise(5000);
        secure.associate(bench, MechanismName::Lowest, &[]);
        read_energy(bench, &mut secure);
        let value = secure.exchange(bench, &get_request(AttributeAccess::whole(attribute(1, COUNTER, 2))));
        let last = secure.context.counter().next() - 1;
        assert_eq!(value[4..], emit(|out| Value::DoubleLongUnsigned(last).emit(out)));
    });
}

#[test]
fn a_changed_request_is_refused_and_moves_no_counter() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GENERAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let request = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        let mut changed = request.clone();
        *changed.last_mut().unwrap() ^= 1;
        let refused = bench.exchange(&changed);
        let exception = ExceptionResponse::parse(&refused).unwrap();
        assert_eq!(exception.service_error, ExceptionServiceError::DecipheringError);
        let answer = bench.exchange(&request);
        assert!(secure.open(&answer).is_ok());
    });
}

#[test]
fn a_ciphered_profile_comes_in_blocks_that_each_fit() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let access = AttributeAccess::whole(attribute(7, LOAD, 2));
        let mut request = get_request(access);
        let mut numbers = 0;
        loop {
            let sent = secure.protect(&request);
            let answer = bench.exchange(&sent);
            assert!(answer.len() <= 1024);
            let (answer, _) = secure.open(&answer).unwrap();
            assert_eq!(answer[1], 2, "blocks");
            numbers += 1;
            if answer[3] == 1 {
                break;
            }
            request = [&[0xC0, 2, 0xC1][..], &answer[4..8]].concat();
        }
        assert!(numbers > 5);
    });
}

#[test]
fn a_release_is_answered_under_protection() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let information = secure.protect(&emit(|out| InitiateRequest::new(ALL, 1024).emit(out)));
        let release = emit(|out: &mut Writer<'_>| {
            let user_information = Some(Hidden(&information));
            ccm_dlms::message::ReleaseRequest { reason: None, user_information }.emit(out)
        });
        let answer = bench.exchange(&release);
        let Hidden(information) = ReleaseResponse::parse(&answer).unwrap().user_information.unwrap();
        assert!(InitiateResponse::parse(&secure.open(information).unwrap().0).is_ok());
    });
}

#[test]
fn an_unprotected_association_is_refused_where_protection_is_wanted() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        bench.connect();
        let information = emit(|out| InitiateRequest::new(Conformance::GET, 0).emit(out));
        let answer = bench.exchange(&emit(|out| Aarq::new(ContextName::LogicalName, &information).emit(out)));
        let aare = Aare::parse(&answer).unwrap();
        assert_eq!(aare.diagnostic, Diagnostic::User(UserDiagnostic::ApplicationContextNameNotSupported));
    });
}

#[test]
fn general_ciphering_that_names_the_global_key_is_answered_in_kind() {
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        let request = get_request(AttributeAccess::whole(attribute(3, IMPORT, 2)));
        let mut buffer = request.clone();
        buffer.resize(200, 0);
        let how = (&General::default(), &KeyInformation::Global);
        let context = &mut secure.context;
        let length =
            context.protect_general(&Software, how, Protection::BOTH, &mut buffer, request.len()).unwrap();
        let mut answer = bench.exchange(&buffer[..length]);
        let opened = context.unprotect_general(&Software, &Agreement::default(), &mut answer).unwrap();
        assert_eq!(opened.incoming.apdu[..4], [0xC4, 1, 0xC1, 0]);
    });
}

#[test]
fn with_short_names_the_third_pass_is_a_read() {
    let associations = vec![Association::new(1, Authentication::Md5(SECRET))];
    over_wrapper(1, Setup { associations, ..Setup::default() }, |bench| {
        bench.connect();
        let information = emit(|out| InitiateRequest::new(ALL, 0).emit(out));
        let aarq = Aarq::new(ContextName::ShortName, &information);
        let aarq = aarq.with_authentication(MechanismName::HighMd5, &CHALLENGE);
        let answer = bench.exchange(&emit(|out| aarq.emit(out)));
        let Hidden(challenge) = Aare::parse(&answer).unwrap().responding_authentication_value.unwrap();
        let challenges = Challenges::new(&CHALLENGE, challenge).unwrap();
        let mut mechanism = Mechanism::Md5(Secret::new(SECRET));
        let mut proof = [0; 16];
        mechanism.answer(&Software, &challenges, &mut proof).unwrap();
        let list = [0x05, 1, 2, 0xFA, 0x08];
        assert_eq!(bench.exchange(&list)[..2], [0x0E, 5], "before the third pass");
        let third = [&[0x05, 1, 4, 0xFA, 0x58, 1, 9, 16][..], &proof].concat();
        let fourth = bench.exchange(&third);
        assert_eq!(fourth[..5], [0x0C, 1, 0, 9, 16]);
        mechanism.check(&Software, &challenges, &fourth[5..]).unwrap();
        assert_eq!(bench.exchange(&list)[..3], [0x0C, 1, 0]);
    });
}
