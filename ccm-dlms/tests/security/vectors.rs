//! Messages that others protected open to what they were, and are protected to the same bytes again.

use ccm_core::crypto::{Key, Software};
use ccm_dlms::security::*;

use super::common::*;

struct Case {
    name: &'static str,
    context: Context<Key>,
    how: Outgoing,
}

fn case(name: &'static str, keys: Keys<Key>, suite: Suite, sender: SystemTitle, how: Outgoing) -> Case {
    let (protected, _) = pair(name);
    let next = glance(&protected).unwrap().unwrap().invocation_counter;
    let mut context = Context::new(suite, sender, keys, InvocationCounter::volatile(next)).unwrap();
    // It reads what it sends itself.
    context.set_peer(sender);
    context.require(how.protection);
    Case { name, context, how }
}

fn pair(name: &str) -> (Vec<u8>, Vec<u8>) {
    let [protected, plain] = rows(name).try_into().unwrap();
    (protected, plain)
}

fn short(encryption: &str, authentication: &str) -> Keys<Key> {
    let [encryption, authentication] = [encryption, authentication].map(|key| hex(key).try_into().unwrap());
    Keys::new(Key::Aes128(encryption), AuthenticationKey::short(authentication))
}

fn title(bytes: &str) -> SystemTitle {
    SystemTitle::try_from(hex(bytes).as_slice()).unwrap()
}

fn cases() -> [Case; 8] {
    let green = |name, protection| {
        let how = Outgoing { protection, ..Outgoing::GLOBAL };
        case(name, keys(Suite::Zero), Suite::Zero, SERVER, how)
    };
    let both = Protection::BOTH;
    let e450 = short("5c316162209ebb790b52eb0e7fc5b11c", "92705c5c97286064eabae38d190f87a4");
    let udp = short("4d5944554d4d59474c4f42414c4b4559", "4d5944554d4d59474c4f42414c4b4559");
    let noe = short("36c66639e48a8ca4d6bc8b282a793bbb", "00000000000000000000000000000000");
    let encrypted = Outgoing { protection: Protection::ENCRYPTED, ..Outgoing::GENERAL };
    [
        green("gb-glo-initiate-request", both),
        green("gb-glo-get-auth", Protection::AUTHENTICATED),
        green("gb-glo-get-enc", Protection::ENCRYPTED),
        green("gb-glo-get-auth-enc", both),
        case("suite2-glo-get", keys(Suite::Two), Suite::Two, CLIENT, Outgoing::GLOBAL),
        case("udp-general-glo", udp, Suite::Zero, title("2f19229199164103"), Outgoing::GENERAL),
        case("push-lg-e450", e450, Suite::Zero, title("4c475a677370b177"), Outgoing::GENERAL),
        case("push-netz-noe-enc-only", noe, Suite::Zero, title("4b464d6750000009"), encrypted),
    ]
}

#[test]
fn published_and_recorded_messages_open_to_what_they_were() {
    for Case { name, mut context, how } in cases() {
        let (mut protected, plain) = pair(name);
        let incoming =
            context.unprotect(&Software, &mut protected).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(incoming.apdu, plain, "{name}");
        assert_eq!(incoming.protection, how.protection, "{name}");
        assert_eq!(incoming.envelope, Some((how.envelope, KeyUse::Global)), "{name}");
    }
}

#[test]
fn what_they_were_is_protected_to_the_same_bytes() {
    for Case { name, mut context, how } in cases() {
        let (protected, plain) = pair(name);
        let mut buffer = buffer(&plain);
        let length = context.protect(&Software, how, &mut buffer, plain.len()).unwrap();
        // This sender writes lengths in three bytes where two are enough, which is allowed.
        let skipped = if name == "push-lg-e450" { 13 } else { 0 };
        assert_eq!(buffer[skipped..length], protected[skipped..], "{name}");
        assert!(length - plain.len() <= Context::<Key>::OVERHEAD);
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_moves_no_counter() {
    for Case { name, mut context, .. } in cases() {
        // Bits of what is only encrypted flip unseen: a receiver that cares asks for more.
        let must_be_authenticated = Protection::AUTHENTICATED;
        let is_authenticated = context.required().covers(must_be_authenticated);
        let required = if is_authenticated { context.required() } else { must_be_authenticated };
        let lenient = context.required();
        let (protected, plain) = pair(name);
        context.require(required);
        for bit in 0..protected.len() * 8 {
            let mut changed = protected.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&mut context, &changed).is_err(), "{name}: bit {} of byte {}", bit % 8, bit / 8);
        }
        for end in 0..protected.len() {
            assert!(opened(&mut context, &protected[..end]).is_err(), "{name}: {end} bytes");
        }
        let longer = [protected.as_slice(), &[0]].concat();
        assert_eq!(opened(&mut context, &longer), Err(SecurityError::Trailing { found: 1 }), "{name}");
        assert_eq!(context.last_received(KeyUse::Global), None, "{name}");
        context.require(lenient);
        assert_eq!(opened(&mut context, &protected), Ok(plain), "{name}");
    }
}

/// A whole association of two other programs: initiate ciphered, both passes of HLS 5, services in general-glo.
#[test]
fn a_recorded_association_is_followed_from_both_ends() {
    let messages = rows("conv-wrapper-gmac");
    let [mut at_client, mut at_server] = [client(Suite::Zero), server(Suite::Zero)];
    let tail = |message: &[u8], tag: u8, length: usize| {
        let at = message.len() - length;
        assert_eq!(message[at], tag);
        message[at..].to_vec()
    };
    let challenge = |message: &[u8]| {
        let at = message.windows(3).position(|window| window == [0x12, 0x80, 0x10]).unwrap() + 3;
        message[at..at + 16].to_vec()
    };
    let (ctos, stoc) = (challenge(&messages[0]), challenge(&messages[1]));
    let initiate = opened(&mut at_server, &tail(&messages[0], 0x21, 33)).unwrap();
    assert_eq!((initiate[0], initiate.len()), (0x01, 14));
    let response = opened(&mut at_client, &tail(&messages[1], 0x28, 33)).unwrap();
    assert_eq!((response[0], response.len()), (0x08, 14));

    let pass_3 = opened(&mut at_server, &messages[2]).unwrap();
    let challenges = Challenges::new(&stoc, &ctos).unwrap();
    let answer = &pass_3[pass_3.len() - 17..];
    assert_eq!(Mechanism::Gmac(&mut at_server).check(&Software, &challenges, answer), Ok(()));
    let pass_4 = opened(&mut at_client, &messages[3]).unwrap();
    let challenges = Challenges::new(&ctos, &stoc).unwrap();
    let answer = &pass_4[pass_4.len() - 17..];
    assert_eq!(Mechanism::Gmac(&mut at_client).check(&Software, &challenges, answer), Ok(()));

    for (number, message) in messages.iter().enumerate().take(8).skip(4) {
        let (receiver, service) =
            if number % 2 == 0 { (&mut at_server, 0xC0) } else { (&mut at_client, 0xC4) };
        assert_eq!(opened(receiver, message).unwrap()[0], service);
        let again = opened(receiver, message).unwrap_err();
        assert!(matches!(again, SecurityError::Replay { last, found } if last == found));
    }
    assert_eq!(opened(&mut at_client, &tail(&messages[9], 0x28, 33)).unwrap()[0], 0x08);
}
