//! Each fault has its name.

use ccm_core::crypto::{Key, Software};
use ccm_dlms::security::*;

use super::common::*;

fn sent(context: &mut Context<Key>, how: Outgoing, apdu: &[u8]) -> Vec<u8> {
    let mut buffer = buffer(apdu);
    let length = context.protect(&Software, how, &mut buffer, apdu.len()).unwrap();
    buffer.truncate(length);
    buffer
}

const DATA: [u8; 8] = [0xC4, 1, 0, 0, 6, 0, 1, 2];

#[test]
fn a_repeated_and_an_older_message_are_replays() {
    let (mut client, mut server) = (client(Suite::Zero), server(Suite::Zero));
    let first = sent(&mut server, Outgoing::GLOBAL, &DATA);
    let second = sent(&mut server, Outgoing::GENERAL, &DATA);
    assert!(opened(&mut client, &second).is_ok());
    assert_eq!(opened(&mut client, &second), Err(SecurityError::Replay { last: 2, found: 2 }));
    assert_eq!(opened(&mut client, &first), Err(SecurityError::Replay { last: 2, found: 1 }));
    assert!(opened(&mut client, &sent(&mut server, Outgoing::GLOBAL, &DATA)).is_ok());
}

#[test]
fn after_a_restart_recordings_are_still_replays() {
    let mut server = server(Suite::Zero);
    let recorded = sent(&mut server, Outgoing::GLOBAL, &DATA);
    let mut client = client(Suite::Zero);
    client.receive_after(KeyUse::Global, 1);
    assert_eq!(opened(&mut client, &recorded), Err(SecurityError::Replay { last: 1, found: 1 }));
}

#[test]
fn a_wrong_key_a_wrong_authentication_key_and_a_changed_message_are_wrong_tags() {
    for protection in [Protection::AUTHENTICATED, Protection::BOTH] {
        let how = Outgoing { protection, ..Outgoing::GLOBAL };
        let message = sent(&mut server(Suite::Zero), how, &DATA);
        let mut others = [client(Suite::Zero), client(Suite::Zero)];
        others[0].set_encryption(Key::Aes128([9; 16]));
        let keys = Keys::new(Key::Aes128(ascending(0)), AuthenticationKey::short([9; 16]));
        others[1] = Context::new(Suite::Zero, CLIENT, keys, InvocationCounter::volatile(1)).unwrap();
        for client in &mut others {
            client.set_peer(SERVER);
            client.require(protection);
            assert_eq!(opened(client, &message), Err(SecurityError::WrongTag));
            assert_eq!(client.last_received(KeyUse::Global), None);
        }
    }
}

#[test]
fn without_a_tag_a_wrong_key_shows_in_the_service_and_moves_nothing() {
    let how = Outgoing { protection: Protection::ENCRYPTED, ..Outgoing::GLOBAL };
    for envelope in [Envelope::Service, Envelope::General] {
        let message = sent(&mut server(Suite::Zero), Outgoing { envelope, ..how }, &DATA);
        let mut client = client(Suite::Zero);
        client.require(Protection::ENCRYPTED);
        client.set_encryption(Key::Aes128([8; 16]));
        assert!(matches!(opened(&mut client, &message), Err(SecurityError::Service { .. })));
        assert_eq!(client.last_received(KeyUse::Global), None);
    }
}

#[test]
fn the_receiver_decides_how_much_protection_is_enough() {
    for required in ALL {
        for found in ALL {
            let how = Outgoing { protection: found, ..Outgoing::GLOBAL };
            let message = sent(&mut server(Suite::Zero), how, &DATA);
            let mut client = client(Suite::Zero);
            client.require(required);
            let expected = if found.covers(required) {
                Ok(DATA.to_vec())
            } else {
                Err(SecurityError::Policy { required, found })
            };
            assert_eq!(opened(&mut client, &message), expected);
        }
        let mut client = client(Suite::Zero);
        client.require(required);
        let found = Protection::NONE;
        let expected = if required == found {
            Ok(DATA.to_vec())
        } else {
            Err(SecurityError::Policy { required, found })
        };
        assert_eq!(opened(&mut client, &DATA), expected, "without any envelope");
    }
}

#[test]
fn a_refusal_may_come_in_clear_but_nothing_longer() {
    let mut client = client(Suite::Zero);
    let mut refusal = [0xD8, 1, 2];
    let incoming = client.unprotect(&Software, &mut refusal).unwrap();
    assert_eq!((incoming.protection, incoming.envelope), (Protection::NONE, None));
    assert!(opened(&mut client, &[0x0E, 1, 6, 2]).is_ok());
    let (required, found) = (Protection::BOTH, Protection::NONE);
    assert_eq!(opened(&mut client, &[0xD8; 8]), Err(SecurityError::Policy { required, found }));
    assert_eq!(opened(&mut client, &[0x61, 0x29]), Err(SecurityError::Policy { required, found }));
    assert_eq!(opened(&mut client, &[]), Err(SecurityError::Policy { required, found }));
}

#[test]
fn broadcasts_are_refused_until_their_key_is_held() {
    let how = Outgoing { key: KeyUse::Broadcast, ..Outgoing::GENERAL };
    let with_key = |own, peer| {
        let mut keys = keys(Suite::Zero);
        keys.broadcast = Some(Key::Aes128([0x0B; 16]));
        let mut context = Context::new(Suite::Zero, own, keys, InvocationCounter::volatile(7)).unwrap();
        context.set_peer(peer);
        context
    };
    let mut sender = with_key(CLIENT, SERVER);
    let message = sent(&mut sender, how, &[0x0F, 0, 0, 0, 1, 0, 0]);
    assert_eq!(message[11], 0x70);
    assert_eq!(opened(&mut server(Suite::Zero), &message), Err(SecurityError::Broadcast));
    let mut receiver = with_key(SERVER, CLIENT);
    assert!(opened(&mut receiver, &message).is_ok());
    assert_eq!(receiver.last_received(KeyUse::Broadcast), Some(7));
    assert_eq!(receiver.last_received(KeyUse::Global), None, "each key has numbers of its own");
    let missing = SecurityError::NoKey { key: KeyUse::Broadcast };
    let mut buffer = buffer(&GET);
    assert_eq!(client(Suite::Zero).protect(&Software, how, &mut buffer, GET.len()), Err(missing));
    assert_eq!(buffer[..GET.len()], GET, "the message is as it was");
}

#[test]
fn another_suite_compression_and_another_sender_have_their_names() {
    let message = sent(&mut server(Suite::Zero), Outgoing::GENERAL, &DATA);
    let with = |at: usize, byte: u8| {
        let mut message = message.clone();
        message[at] = byte;
        opened(&mut client(Suite::Zero), &message).unwrap_err()
    };
    assert_eq!(with(11, 0x31), SecurityError::Suite { expected: 0, found: 1 });
    assert_eq!(with(11, 0x3F), SecurityError::Suite { expected: 0, found: 15 });
    assert_eq!(with(11, 0xB0), SecurityError::Compression);
    assert_eq!(with(11, 0x70), SecurityError::Broadcast);
    assert_eq!(with(0, 0xDF), SecurityError::Signing);
    assert_eq!(with(0, 0xDD), SecurityError::Envelope { tag: 0xDD });
    assert!(matches!(with(9, 0), SecurityError::UnknownTitle { found } if found.bytes()[7] == 0));
    assert!(matches!(with(1, 7), SecurityError::Field { field: "system title" }));
    let mut nobody = client(Suite::Zero);
    nobody = Context::new(Suite::Zero, nobody.own_title(), keys(Suite::Zero), InvocationCounter::volatile(1))
        .unwrap();
    assert_eq!(opened(&mut nobody, &message), Err(SecurityError::NoTitle));
    let seen = glance(&message).unwrap().unwrap();
    nobody.set_peer(seen.title.unwrap());
    assert_eq!(opened(&mut nobody, &message), Ok(DATA.to_vec()));
}

#[test]
fn a_title_may_be_left_out_where_the_peer_is_known() {
    let message = sent(&mut server(Suite::Zero), Outgoing::GENERAL, &DATA);
    let without = [&[0xDB, 0], &message[10..]].concat();
    assert_eq!(opened(&mut client(Suite::Zero), &without), Ok(DATA.to_vec()));
}

#[test]
fn the_service_within_must_be_the_envelopes() {
    let mut message = sent(&mut server(Suite::Zero), Outgoing::GLOBAL, &DATA);
    assert_eq!(message[0], 0xCC);
    message[0] = 0xCD;
    let mut client = client(Suite::Zero);
    assert_eq!(opened(&mut client, &message), Err(SecurityError::Service { found: 0xC4 }));
    assert_eq!(
        client.last_received(KeyUse::Global),
        None,
        "the tag is not authenticated, anybody can change it"
    );
    message[0] = 0xCC;
    assert_eq!(opened(&mut client, &message), Ok(DATA.to_vec()));
}

#[test]
fn the_dedicated_key_serves_one_association() {
    let (mut client, mut server) = (client(Suite::Zero), server(Suite::Zero));
    let how = Outgoing::DEDICATED;
    let missing = Err(SecurityError::NoKey { key: KeyUse::Dedicated });
    assert_eq!(client.protect(&Software, how, &mut buffer(&GET), GET.len()), missing);
    for context in [&mut client, &mut server] {
        context.set_dedicated(Some(Key::Aes128([0xDE; 16])));
    }
    let service = sent(&mut client, how, &GET);
    let general = sent(&mut client, Outgoing { envelope: Envelope::General, ..how }, &GET);
    let initiate = sent(&mut client, how, &[0x01, 0, 0, 0, 6, 0x5F, 0x1F, 4, 0, 0, 0x7E, 0x1F, 4, 0xB0]);
    assert_eq!([service[0], general[0], initiate[0]], [0xD0, 0xDC, 0x21], "initiate goes by the global key");
    for message in [&service, &general, &initiate] {
        assert!(opened(&mut server, message).is_ok());
    }
    let globally = sent(&mut client, Outgoing::GLOBAL, &GET);
    assert_eq!(opened(&mut server, &globally), Ok(GET.to_vec()), "the message's own tag says which key");
    server.set_dedicated(None);
    let late = sent(&mut client, how, &GET);
    assert_eq!(opened(&mut server, &late), Err(SecurityError::NoKey { key: KeyUse::Dedicated }));
    let mut broadcast = sent(&mut client, how, &GET);
    broadcast[2] |= 0x40;
    assert_eq!(opened(&mut server, &broadcast), Err(SecurityError::Broadcast));
}

#[test]
fn every_service_gets_the_tag_of_the_standard() {
    let cases = [
        (0x01, 0x21, 0x21),
        (0x05, 0x25, 0x45),
        (0x06, 0x26, 0x46),
        (0x08, 0x28, 0x28),
        (0x0C, 0x2C, 0x4C),
        (0x0D, 0x2D, 0x4D),
        (0x0E, 0x2E, 0x4E),
        (0x16, 0x36, 0x56),
        (0x18, 0x38, 0x58),
        (0xC0, 0xC8, 0xD0),
        (0xC1, 0xC9, 0xD1),
        (0xC2, 0xCA, 0xD2),
        (0xC3, 0xCB, 0xD3),
        (0xC4, 0xCC, 0xD4),
        (0xC5, 0xCD, 0xD5),
        (0xC7, 0xCF, 0xD7),
        (0x0F, 0xDB, 0xDC),
        (0xD9, 0xDB, 0xDC),
        (0xDA, 0xDB, 0xDC),
    ];
    let mut client = client(Suite::Zero);
    client.set_dedicated(Some(Key::Aes128([0xDE; 16])));
    for (service, global, dedicated) in cases {
        assert_eq!(sent(&mut client, Outgoing::GLOBAL, &[service, 0])[0], global);
        assert_eq!(sent(&mut client, Outgoing::DEDICATED, &[service, 0])[0], dedicated);
    }
    for tag in [0x00, 0x60, 0xC6, 0xC8, 0xDB, 0xDD, 0xDF] {
        let refused = client.protect(&Software, Outgoing::GLOBAL, &mut [tag; 99], 2);
        assert_eq!(refused, Err(SecurityError::Envelope { tag }));
    }
}

#[test]
fn a_buffer_too_small_and_a_key_too_short_are_said_before_anything_is_done() {
    let mut client = client(Suite::Zero);
    let mut buffer = [0xC0; 31];
    assert_eq!(
        client.protect(&Software, Outgoing::GLOBAL, &mut buffer, 13),
        Err(SecurityError::Buffer { needed: 32 })
    );
    assert_eq!((buffer, client.counter().next()), ([0xC0; 31], 1));
    let keys = keys(Suite::Zero);
    let refused = Context::new(Suite::Two, CLIENT, keys, InvocationCounter::volatile(1)).unwrap_err();
    assert_eq!(refused, SecurityError::AuthenticationKey { expected: 32, found: 16 });
}

#[test]
fn nothing_is_sent_with_a_number_that_is_not_safe() {
    let counter = InvocationCounter::resume(50, 10);
    let mut client = Context::new(Suite::Zero, CLIENT, keys(Suite::Zero), counter).unwrap();
    let mut buffer = buffer(&GET);
    let refused = client.protect(&Software, Outgoing::GLOBAL, &mut buffer, GET.len());
    assert_eq!(refused, Err(SecurityError::StoreFirst { ceiling: 60 }));
    assert_eq!(buffer[..GET.len()], GET);
    client.counter_mut().stored(60);
    assert!(client.protect(&Software, Outgoing::GLOBAL, &mut buffer, GET.len()).is_ok());
    client.counter_mut().raise(u32::MAX);
    let refused = client.protect(&Software, Outgoing::GLOBAL, &mut buffer, GET.len());
    assert!(refused.is_err());
}

#[test]
fn no_key_is_ever_printed() {
    let mut client = client(Suite::Zero);
    client.set_dedicated(Some(Key::Aes128([0xDE; 16])));
    let printed = format!("{client:?} {:?}", Mechanism::<Key>::Md5(Secret::new(b"hunter2 ")));
    assert!(printed.contains("Key(..)") && printed.contains("AuthenticationKey(..)"), "{printed}");
    for secret in ["222", "0xde", "208", "hunter2", "104"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_context_leaves_most_of_the_half_kilobyte_of_a_session() {
    assert!(size_of::<Context<Key>>() <= 320, "{}", size_of::<Context<Key>>());
}
