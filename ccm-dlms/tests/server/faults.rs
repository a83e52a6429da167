//! Each fault by its name: it happens, and it is the one that its name says.

use ccm_dlms::message::{
    AttributeAccess, ContextName, Fault, GetResponse, Invoked, MechanismName, MessageError,
};
use ccm_dlms::security::{Outgoing, SecurityError};
use ccm_dlms::{Authentication, LinkError, Quirks, Request};

use super::bench::{Setup, over_hdlc, over_wrapper, protected};
use super::plain::{ALL, IMPORT, LOAD, attribute, get, get_request};
use super::secure::Secure;

fn named(name: &str) -> Quirks {
    Quirks::named(name).unwrap()
}

/// What a client makes of the first and of the second answer.
fn secure(name: &str) -> [Result<(), SecurityError>; 2] {
    let mut outcomes = [Ok(()); 2];
    let associations = vec![protected(1, Authentication::None)];
    over_wrapper(1, Setup { quirks: named(name), associations, ..Setup::default() }, |bench| {
        let mut secure = Secure::new(Outgoing::GLOBAL);
        secure.associate(bench, MechanismName::Lowest, &[]);
        for outcome in &mut outcomes {
            let request = secure.protect(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
            let answer = bench.exchange(&request);
            *outcome = secure.open(&answer).map(|_| ());
        }
    });
    outcomes
}

#[test]
fn faults_of_protection() {
    assert_eq!(secure("standard"), [Ok(()); 2]);
    assert_eq!(secure("general-envelope"), [Ok(()); 2]);
    assert_eq!(secure("bad-tag"), [Err(SecurityError::WrongTag); 2]);
    assert_eq!(secure("broadcast-bit"), [Err(SecurityError::Broadcast); 2]);
    assert!(matches!(secure("stale-counter"), [Ok(()), Err(SecurityError::Replay { .. })]));
    assert!(matches!(secure("missing-protection"), [Err(SecurityError::Policy { .. }), _]));
}

#[test]
fn frames_that_are_spoilt_lost_or_doubled_cost_time_and_no_value() {
    for name in ["bad-fcs", "lost-frame", "doubled-frame", "no-llc", "empty-ua"] {
        over_hdlc(16, Setup { quirks: named(name), ..Setup::default() }, |bench| {
            bench.connect();
            bench.associate(ContextName::LogicalName, ALL, 1024);
            let (value, _) = get(bench, AttributeAccess::whole(attribute(7, LOAD, 2))).unwrap();
            assert_eq!(value[..4], [1, 0x82, 1, 0x80], "{name}");
        });
    }
}

#[test]
fn an_address_of_another_width_is_still_the_meter() {
    for name in ["one-byte-address", "two-byte-address", "four-byte-address"] {
        over_hdlc(16, Setup { quirks: named(name), ..Setup::default() }, |bench| {
            bench.connect();
            bench.associate(ContextName::LogicalName, ALL, 1024);
            assert!(get(bench, AttributeAccess::whole(attribute(3, IMPORT, 2))).is_ok(), "{name}");
        });
    }
}

#[test]
fn a_silent_meter_is_silent_after_the_association() {
    over_hdlc(16, Setup { quirks: named("silence"), ..Setup::default() }, |bench| {
        bench.connect();
        let request = get_request(AttributeAccess::whole(attribute(3, IMPORT, 2)));
        assert!(bench.run(Request::Exchange(&request)).is_ok(), "a refusal");
        let information = super::bench::emit(|out| ccm_dlms::message::InitiateRequest::new(ALL, 0).emit(out));
        let aarq = super::bench::emit(|out| {
            ccm_dlms::message::Aarq::new(ContextName::LogicalName, &information).emit(out)
        });
        assert_eq!(bench.run(Request::Exchange(&aarq)), Err(LinkError::Timeout));
    });
}

#[test]
fn a_small_pdu_makes_blocks_of_a_short_value() {
    over_wrapper(16, Setup { quirks: named("small-pdu"), ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 1024);
        let (value, blocks) = get(bench, AttributeAccess::whole(attribute(7, LOAD, 3))).unwrap();
        assert!(blocks > 1 && value.len() > 48);
    });
}

#[test]
fn a_truncated_block_is_cut_off_in_its_data() {
    over_wrapper(16, Setup { quirks: named("truncated-block"), ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 200);
        let answer = bench.exchange(&get_request(AttributeAccess::whole(attribute(7, LOAD, 2))));
        let error: MessageError = Invoked::<GetResponse<'_>>::parse(&answer).unwrap_err();
        assert_eq!((error.field, error.fault), ("raw-data", Fault::Missing));
    });
}

#[test]
fn a_block_jumps_once() {
    over_wrapper(16, Setup { quirks: named("block-jump"), ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 200);
        let answer = bench.exchange(&get_request(AttributeAccess::whole(attribute(7, LOAD, 2))));
        assert_eq!(answer[4..8], [0, 0, 0, 1]);
        let answer = bench.exchange(&[0xC0, 2, 0xC1, 0, 0, 0, 1]);
        assert_eq!(answer[4..8], [0, 0, 0, 3]);
    });
}

#[test]
fn another_invoke_id_is_another() {
    over_wrapper(16, Setup { quirks: named("wrong-invoke-id"), ..Setup::default() }, |bench| {
        bench.connect();
        bench.associate(ContextName::LogicalName, ALL, 200);
        let answer = bench.exchange(&get_request(AttributeAccess::whole(attribute(3, IMPORT, 2))));
        assert_eq!(answer[..3], [0xC4, 1, 0xC0]);
    });
}

#[test]
fn every_name_is_one_meter() {
    for (index, (name, quirks)) in Quirks::NAMED.iter().enumerate() {
        assert_eq!(Quirks::named(name), Some(*quirks));
        assert!(Quirks::NAMED[..index].iter().all(|(other, others)| other != name && others != quirks));
    }
    assert_eq!(Quirks::named("none of them"), None);
}
