//! General-ciphering, against messages that another library made.

use ccm_core::crypto::{Failure, Key, Software};
use ccm_dlms::security::*;

use super::common::*;

struct Parties {
    suite: Suite,
    rows: Vec<Vec<u8>>,
}

impl Parties {
    fn both() -> [Self; 2] {
        [Suite::One, Suite::Two]
            .map(|suite| Self { suite, rows: rows(&format!("general-suite{}", suite.number())) })
    }

    fn private(&self, row: usize) -> Key {
        match self.suite {
            Suite::Two => Key::P384(self.rows[row].as_slice().try_into().unwrap()),
            _ => Key::P256(self.rows[row].as_slice().try_into().unwrap()),
        }
    }

    fn symmetric(&self, byte: u8) -> Key {
        match self.suite {
            Suite::Two => Key::Aes256([byte; 32]),
            _ => Key::Aes128([byte; 16]),
        }
    }
}

fn general(number: usize) -> General<'static> {
    let transaction_id = &[0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
    let date_time: &[u8] = &[0x07, 0xEA, 0x0B, 0x19, 2, 0, 0, 0, 0, 0, 0, 0];
    match number {
        0 | 1 => General { transaction_id, date_time, other_information: b"other" },
        _ => General { transaction_id, ..General::default() },
    }
}

#[test]
fn every_way_to_name_a_key_gives_the_bytes_of_the_other_library() {
    for parties in Parties::both() {
        let [ephemeral, own, signing] = [4, 0, 6].map(|row| parties.private(row));
        let [master, new] = [0xEE, 0x77].map(|byte| parties.symmetric(byte));
        let peer = parties.rows[3].as_slice();
        let ephemeral_public = parties.rows[5].as_slice();
        let keys = [
            KeyInformation::Global,
            KeyInformation::Wrapped { master: &master, key: &new },
            KeyInformation::OnePass { ephemeral: &ephemeral, ephemeral_public, signing: &signing, peer },
            KeyInformation::Static { own: &own, peer },
        ];
        let mut client = client(parties.suite);
        for (number, key) in keys.iter().enumerate() {
            let mut buffer = buffer(&GET);
            let general = general(number);
            let length =
                client.protect_general(&Software, (&general, key), Protection::BOTH, &mut buffer, GET.len());
            assert_eq!(buffer[..length.unwrap()], parties.rows[8 + number], "{key:?}");
        }
    }
}

#[test]
fn the_receiver_finds_each_key_and_refuses_every_change() {
    for parties in Parties::both() {
        let (master, own) = (parties.symmetric(0xEE), parties.private(2));
        let agreement = Agreement {
            master: Some(&master),
            own: Some(&own),
            peer: &parties.rows[1],
            peer_signature: &parties.rows[7],
        };
        let mut server = server(parties.suite);
        for number in 0..4 {
            let message = &parties.rows[8 + number];
            // With the signed one each try costs a verification; the other suite's fields are the same.
            let step = if number < 2 { 1 } else { 29 };
            for bit in (0..message.len() * 8).step_by(step) {
                let mut changed = message.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let refused = server.unprotect_general(&Software, &agreement, &mut changed);
                assert!(refused.is_err(), "message {number}, bit {} of byte {}", bit % 8, bit / 8);
            }
            for end in 0..message.len() {
                let mut short = message[..end].to_vec();
                assert!(server.unprotect_general(&Software, &agreement, &mut short).is_err());
            }
            let mut whole = message.clone();
            let seen = glance(&whole).unwrap().unwrap();
            assert_eq!((seen.envelope, seen.title), (Envelope::Ciphering, Some(CLIENT)));
            let received = server.unprotect_general(&Software, &agreement, &mut whole).unwrap();
            assert_eq!(received.incoming.apdu, GET);
            assert_eq!(received.general, general(number));
            let mut again = message.clone();
            let again = server.unprotect_general(&Software, &agreement, &mut again).map(|_| ());
            assert!(matches!(again, Err(SecurityError::Replay { .. })), "{again:?}");
        }
    }
}

#[test]
fn what_is_not_held_is_named() {
    let [parties, _] = Parties::both();
    let nothing = Agreement::default();
    let mut server = server(parties.suite);
    for number in 1..4 {
        let mut message = parties.rows[8 + number].clone();
        let refused = server.unprotect_general(&Software, &nothing, &mut message).map(|_| ());
        assert_eq!(refused, Err(SecurityError::NoKey { key: KeyUse::Transient }));
    }
    let mut message = parties.rows[8].clone();
    assert!(server.unprotect_general(&Software, &nothing, &mut message).is_ok());
    let mut elsewhere = context(parties.suite, SystemTitle::new([1; 8]), CLIENT, 1);
    let mut message = parties.rows[8].clone();
    let refused = elsewhere.unprotect_general(&Software, &nothing, &mut message).map(|_| ());
    assert_eq!(refused, Err(SecurityError::Recipient { found: SERVER }));
    let mut glo = [0xDB; 40];
    let refused = server.unprotect_general(&Software, &nothing, &mut glo).map(|_| ());
    assert_eq!(refused, Err(SecurityError::Envelope { tag: 0xDB }));
}

#[test]
fn a_key_signed_by_somebody_else_or_wrapped_by_another_master_is_not_taken() {
    let [parties, _] = Parties::both();
    let (master, own) = (parties.symmetric(0xED), parties.private(2));
    // The client's key for agreement in the place of that for signatures.
    let agreement =
        Agreement { master: Some(&master), own: Some(&own), peer: &[], peer_signature: &parties.rows[1] };
    let mut server = server(parties.suite);
    for number in [1, 2] {
        let mut message = parties.rows[8 + number].clone();
        let refused = server.unprotect_general(&Software, &agreement, &mut message).map(|_| ());
        assert_eq!(refused, Err(SecurityError::WrongTag));
    }
    let mut client = client(parties.suite);
    let no_point = [1; 64];
    let key = KeyInformation::Static { own: &own, peer: &no_point };
    let refused = client.protect_general(
        &Software,
        (&general(3), &key),
        Protection::BOTH,
        &mut buffer(&GET),
        GET.len(),
    );
    assert_eq!(refused, Err(SecurityError::Crypto(Failure::Key)));
}

#[test]
fn a_peer_that_does_not_authenticate_the_fields_is_understood_when_that_is_known() {
    for parties in Parties::both() {
        let message = &parties.rows[13];
        let mut server = server(parties.suite);
        let refused =
            server.unprotect_general(&Software, &Agreement::default(), &mut message.clone()).map(|_| ());
        assert_eq!(refused, Err(SecurityError::WrongTag));
        server.authenticate_fields(false);
        let mut buffer = message.clone();
        let received = server.unprotect_general(&Software, &Agreement::default(), &mut buffer).unwrap();
        assert_eq!(received.incoming.apdu, GET);
        let mut client = context(parties.suite, CLIENT, SERVER, 5);
        client.authenticate_fields(false);
        let mut buffer = super::common::buffer(&GET);
        let how = (&general(0), &KeyInformation::Global);
        let length =
            client.protect_general(&Software, how, Protection::BOTH, &mut buffer, GET.len()).unwrap();
        assert_eq!(buffer[..length], *message);
    }
}
