//! Both sides of each mechanism.

use ccm_core::crypto::{Failure, Key, Software};
use ccm_dlms::security::*;

use super::common::*;

const SECRET: &[u8; 16] = b"ABCDEFGHIJKLMNOP";

fn challenges() -> ([u8; 16], [u8; 16]) {
    (ascending(0x10), ascending(0x30))
}

/// Checks both answers against those expected, by both sides, and that nothing else is believed.
fn both_sides(
    client: &mut Mechanism<'_, Key>,
    server: &mut Mechanism<'_, Key>,
    expected: Option<[&[u8]; 2]>,
) {
    let (ctos, stoc) = challenges();
    let at_client = Challenges::new(&ctos, &stoc).unwrap();
    let at_server = Challenges::new(&stoc, &ctos).unwrap();
    let mut answers = [[0; MAX_ANSWER]; 2];
    let lengths = [
        client.answer(&Software, &at_client, &mut answers[0]).unwrap(),
        server.answer(&Software, &at_server, &mut answers[1]).unwrap(),
    ];
    let [pass_3, pass_4] = [&answers[0][..lengths[0]], &answers[1][..lengths[1]]];
    if let Some(expected) = expected {
        assert_eq!([pass_3, pass_4], expected);
    }
    assert_eq!(server.check(&Software, &at_server, pass_3), Ok(()));
    assert_eq!(client.check(&Software, &at_client, pass_4), Ok(()));
    assert!(client.check(&Software, &at_client, pass_3).is_err(), "the own answer sent back");
    assert!(client.check(&Software, &at_client, &pass_4[1..]).is_err());
    assert!(client.check(&Software, &at_client, &[]).is_err());
    for at in 0..pass_4.len() {
        let mut changed = pass_4.to_vec();
        changed[at] ^= 0x10;
        let refused = client.check(&Software, &at_client, &changed).unwrap_err();
        assert_eq!(refused, SecurityError::WrongAnswer, "byte {at} of mechanism {}", client.number());
    }
    let too_short = client.answer(&Software, &at_client, &mut [0; 3]);
    assert_eq!(too_short, Err(SecurityError::Crypto(Failure::Full)));
}

#[test]
fn the_published_answers_of_mechanism_5_come_out_and_are_believed() {
    let [pass_3, pass_4]: [Vec<u8>; 2] = rows("gb-hls-gmac").try_into().unwrap();
    let mut client = context(Suite::Zero, CLIENT, SERVER, 1);
    let mut server = context(Suite::Zero, SERVER, CLIENT, 0x0123_4567);
    let (ctos, stoc) = (hex("4b35366956616759"), hex("503677524a323146"));
    let at_client = Challenges::new(&ctos, &stoc).unwrap();
    let at_server = Challenges::new(&stoc, &ctos).unwrap();
    let mut answer = [0; MAX_ANSWER];
    let length = Mechanism::Gmac(&mut client).answer(&Software, &at_client, &mut answer).unwrap();
    assert_eq!(answer[..length], pass_3);
    assert_eq!(Mechanism::Gmac(&mut server).check(&Software, &at_server, &pass_3), Ok(()));
    let length = Mechanism::Gmac(&mut server).answer(&Software, &at_server, &mut answer).unwrap();
    assert_eq!(answer[..length], pass_4);
    assert_eq!(Mechanism::Gmac(&mut client).check(&Software, &at_client, &pass_4), Ok(()));
    assert_eq!(client.counter().next(), 2, "an answer takes a number as a message does");
}

#[test]
fn mechanism_5_takes_the_keys_of_each_suite() {
    for suite in [Suite::Zero, Suite::One, Suite::Two] {
        let (mut client, mut server) = (client(suite), server(suite));
        both_sides(&mut Mechanism::Gmac(&mut client), &mut Mechanism::Gmac(&mut server), None);
    }
}

#[test]
fn mechanisms_2_3_4_and_6_give_what_another_library_gives() {
    let rows = rows("hls");
    let expected = |number: usize| Some([rows[2 * number].as_slice(), rows[2 * number + 1].as_slice()]);
    let key = Key::Aes128(*SECRET);
    both_sides(&mut Mechanism::Vendor(&key), &mut Mechanism::Vendor(&key), expected(0));
    let secret = Secret::new(SECRET);
    #[cfg(feature = "hls-legacy")]
    {
        both_sides(&mut Mechanism::Md5(secret), &mut Mechanism::Md5(secret), expected(1));
        both_sides(&mut Mechanism::Sha1(secret), &mut Mechanism::Sha1(secret), expected(2));
    }
    #[cfg(feature = "sha256")]
    both_sides(
        &mut Mechanism::Sha256 { secret, own: CLIENT, peer: SERVER },
        &mut Mechanism::Sha256 { secret, own: SERVER, peer: CLIENT },
        expected(3),
    );
}

#[cfg(all(feature = "suite1", feature = "suite2"))]
#[test]
fn mechanism_7_signs_what_another_library_signs() {
    for suite in [Suite::One, Suite::Two] {
        let rows = rows(&format!("general-suite{}", suite.number()));
        let private = |row: usize| match suite {
            Suite::Two => Key::P384(rows[row].as_slice().try_into().unwrap()),
            _ => Key::P256(rows[row].as_slice().try_into().unwrap()),
        };
        let (client_key, server_key) = (private(6), private(2));
        let mut client = Mechanism::Ecdsa { key: &client_key, peer_key: &rows[3], own: CLIENT, peer: SERVER };
        let mut server = Mechanism::Ecdsa { key: &server_key, peer_key: &rows[7], own: SERVER, peer: CLIENT };
        let (ctos, stoc) = challenges();
        let mut answer = [0; MAX_ANSWER];
        let at_client = Challenges::new(&ctos, &stoc).unwrap();
        let length = client.answer(&Software, &at_client, &mut answer).unwrap();
        assert_eq!(answer[..length], rows[12]);
        both_sides(&mut client, &mut server, None);
    }
}

#[test]
fn challenges_have_8_to_64_bytes_and_differ() {
    let long = [1; 65];
    for length in 0..=65 {
        let is_right = (8..=64).contains(&length);
        let expected = if is_right { Ok(()) } else { Err(SecurityError::ChallengeLength { found: length }) };
        assert_eq!(Challenges::new(&long[..length], &[2; 16]).map(|_| ()), expected);
        assert_eq!(Challenges::new(&[2; 16], &long[..length]).map(|_| ()), expected);
    }
    assert_eq!(Challenges::new(&[7; 8], &[7; 8]).map(|_| ()), Err(SecurityError::Reflected));
}

#[test]
fn the_vendors_mechanism_takes_one_block_and_no_more() {
    let key = Key::Aes128(*SECRET);
    let challenges = Challenges::new(&[1; 16], &[2; 17]).unwrap();
    let refused = Mechanism::Vendor(&key).answer(&Software, &challenges, &mut [0; 32]);
    assert_eq!(refused, Err(SecurityError::ChallengeLength { found: 17 }));
}

#[test]
fn a_challenge_answered_by_another_secret_is_not_believed() {
    let (mut client, mut server) = (client(Suite::Zero), server(Suite::Zero));
    server.set_encryption(Key::Aes128([1; 16]));
    let (ctos, stoc) = challenges();
    let mut answer = [0; MAX_ANSWER];
    let at_server = Challenges::new(&stoc, &ctos).unwrap();
    let length = Mechanism::Gmac(&mut server).answer(&Software, &at_server, &mut answer).unwrap();
    let at_client = Challenges::new(&ctos, &stoc).unwrap();
    let refused = Mechanism::Gmac(&mut client).check(&Software, &at_client, &answer[..length]);
    assert_eq!(refused, Err(SecurityError::WrongAnswer));
}
