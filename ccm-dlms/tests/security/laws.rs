//! Laws over any message.

use ccm_core::crypto::{Key, Software};
use ccm_dlms::security::*;
use proptest::prelude::*;

use super::common::*;

fn outgoing() -> impl Strategy<Value = Outgoing> {
    let envelope = prop::sample::select(&[Envelope::Service, Envelope::General]);
    let key = prop::sample::select(&[KeyUse::Global, KeyUse::Broadcast, KeyUse::Dedicated]);
    let protection = prop::sample::select(&ALL);
    (envelope, key, protection).prop_map(|(envelope, key, protection)| Outgoing { envelope, key, protection })
}

fn side(suite: Suite, own: SystemTitle, peer: SystemTitle, next: u32) -> Context<Key> {
    let mut keys = keys(suite);
    let key = |byte| if suite == Suite::Two { Key::Aes256([byte; 32]) } else { Key::Aes128([byte; 16]) };
    keys.broadcast = Some(key(0x0B));
    keys.dedicated = Some(key(0xDE));
    let mut context = Context::new(suite, own, keys, InvocationCounter::volatile(next)).unwrap();
    context.set_peer(peer);
    context.require(Protection::NONE);
    context
}

proptest! {
    #[test]
    fn what_is_protected_comes_out_as_it_was(
        suite in prop::sample::select(&[Suite::Zero, Suite::One, Suite::Two]),
        how in outgoing(),
        next in 0..u32::MAX,
        service in prop::sample::select(&[0xC0_u8, 0xC4, 0x01, 0x0C, 0x0F, 0xDA]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let apdu = [&[service], rest.as_slice()].concat();
        let mut buffer = buffer(&apdu);
        let length = side(suite, CLIENT, SERVER, next).protect(&Software, how, &mut buffer, apdu.len()).unwrap();
        prop_assert!(length <= apdu.len() + Context::<Key>::OVERHEAD);
        prop_assert!(buffer[length..].iter().all(|byte| *byte == 0xEE), "nothing is written behind it");
        let mut receiver = side(suite, SERVER, CLIENT, 1);
        let incoming = receiver.unprotect(&Software, &mut buffer[..length]).unwrap();
        prop_assert_eq!(&incoming.apdu, &apdu);
        prop_assert_eq!(incoming.protection, how.protection);
        prop_assert_eq!(incoming.invocation_counter, Some(next));
    }

    #[test]
    fn any_bytes_are_refused_or_given_and_never_panic(
        first in prop::sample::select(&[0x21_u8, 0xC8, 0xD4, 0xDB, 0xDC, 0xDD]),
        rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let bytes = [&[first], rest.as_slice()].concat();
        let _ = glance(&bytes);
        let mut receiver = side(Suite::Zero, SERVER, CLIENT, 1);
        let _ = receiver.unprotect(&Software, &mut bytes.clone()).map(|_| ());
        let _ = receiver.unprotect_general(&Software, &Agreement::default(), &mut bytes.clone()).map(|_| ());
    }

    #[test]
    fn a_changed_message_that_must_be_authenticated_is_refused(
        how in outgoing(),
        rest in prop::collection::vec(any::<u8>(), 10..60),
        at: prop::sample::Index,
        change in 1_u8..,
    ) {
        let apdu = [&[0xC4], rest.as_slice()].concat();
        let mut buffer = buffer(&apdu);
        let length = side(Suite::Zero, SERVER, CLIENT, 5).protect(&Software, how, &mut buffer, apdu.len()).unwrap();
        let mut receiver = side(Suite::Zero, CLIENT, SERVER, 1);
        receiver.require(Protection::AUTHENTICATED);
        buffer[at.index(length)] ^= change;
        let is_refused = receiver.unprotect(&Software, &mut buffer[..length]).is_err();
        prop_assert!(is_refused);
        prop_assert_eq!(receiver.last_received(KeyUse::Global), None);
    }
}
