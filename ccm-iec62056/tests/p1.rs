//! P1: sub-meters, encrypted telegrams, and 200,000 telegrams that were changed on their way.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use ccm_core::crypto::{Crypto, Key, Software};
use ccm_iec62056::p1::{Envelope, Keys, Medium, PUBLISHED_KEY, State, SubMeter, SubMeters};
use ccm_iec62056::{Decoder, Event, FrameError, Profile};
use common::{bytes, rows};

fn meters(telegram: &[u8]) -> SubMeters<4> {
    let (mut decoder, mut meters) = (Decoder::new(Profile::P1), SubMeters::new());
    let mut input = telegram;
    while let Some(event) = decoder.decode(&mut input) {
        if let Event::Value(value) = event {
            meters.value(&value);
        }
    }
    meters
}

fn reading(meters: &SubMeters<4>, medium: Medium) -> Option<(u8, String, String)> {
    let meter = meters.newest(medium)?;
    let unit = String::from_utf8_lossy(&meter.unit).into_owned();
    Some((meter.channel, meter.reading.unwrap().to_string(), unit))
}

#[test]
fn the_living_gas_meter_is_shown_and_the_dead_one_flagged() {
    let meters = meters(&bytes("p1-v5-two-mbus"));
    assert_eq!(reading(&meters, Medium::Gas), Some((2, "246.138".into(), "m3".into())));
    let states: Vec<_> = meters.iter().map(|meter| (meter.channel, meter.state())).collect();
    assert_eq!(states, [(1, State::Dead), (2, State::Live)]);
}

#[test]
fn every_national_form_of_a_sub_meter_is_read() {
    let gas = reading(&meters(&bytes("p1-v2.2-gas-on-two-lines")), Medium::Gas);
    assert_eq!(gas, None, "an identifier of zeros is none");
    let gas = reading(&meters(&bytes("p1-v3-text-message")), Medium::Gas);
    assert_eq!(gas, Some((1, "1.001".into(), "m3".into())));
    let belgium = meters(&bytes("p1-belgium-fluvius"));
    assert_eq!(reading(&belgium, Medium::Gas), Some((1, "112.384".into(), "m3".into())));
    assert_eq!(reading(&belgium, Medium::Water), Some((2, "872.234".into(), "m3".into())));
    let heat = meters(&bytes("p1-heat-crc-of-three-digits"));
    assert_eq!(reading(&heat, Medium::Heat), Some((1, "240.860".into(), "GJ".into())));
    let empty = meters(&bytes("p1-v5-three-phase"));
    assert_eq!(empty.iter().map(SubMeter::state).collect::<Vec<_>>(), [State::Live, State::Dead]);
}

#[test]
fn swedish_meters_with_seven_bits_and_a_check_character_are_read() {
    let body = b"1-0:1.8.0(00001.5*kWh)\r\n1-0:1.7.0(0001.2*kW)\r\n!\r\n\x03";
    let check = body.iter().fold(0, |check, byte| check ^ byte);
    let telegram = [b"/AUX5UXXXX\r\n\r\n\x02", &body[..], &[check]].concat();
    let line: Vec<u8> = telegram.iter().map(|byte| byte | (byte.count_ones() as u8 % 2) << 7).collect();
    for (profile, bytes) in [(Profile::IEC, &line), (Profile::PUSH, &line), (Profile::P1, &telegram)] {
        let (mut decoder, mut values, mut ends) = (Decoder::new(profile), 0, Vec::new());
        let mut input = bytes.as_slice();
        while let Some(event) = decoder.decode(&mut input) {
            match event {
                Event::Value(value) => values += u32::from(value.decimal().is_some()),
                Event::End(check) => ends.push(check.is_right()),
                _ => {}
            }
        }
        assert_eq!((values, ends), (2, vec![true]), "{profile:?}");
    }
}

#[test]
fn of_two_channels_with_one_meter_the_newest_reading_wins() {
    let telegram = b"/X5S\r\n/CCM5SIM\r\n\
        0-1:24.1.0(003)\r\n0-1:96.1.0(4730)\r\n0-1:24.2.1(200101000000W)(00001.000*m3)\r\n\
        0-3:24.1.0(003)\r\n0-3:96.1.0(4730)\r\n0-3:24.2.1(200201000000W)(00002.000*m3)\r\n!\r\n";
    let meters = meters(telegram);
    assert_eq!(meters.iter().count(), 1);
    assert_eq!(reading(&meters, Medium::Gas), Some((3, "2.000".into(), "m3".into())));
}

#[test]
fn the_encrypted_telegram_opens_and_is_the_plain_one() {
    let telegram = bytes("p1-encrypted-smarty");
    let keys = Keys { encryption: Key::Aes128([0xAA; 16]), authentication: PUBLISHED_KEY };
    let mut buffer = [0; 1024];
    let mut envelope = Envelope::new(&mut buffer);
    assert_eq!(envelope.push(b"\x00\xDB\x07noise"), 8);
    for piece in telegram.chunks(7) {
        assert_eq!(envelope.push(piece), piece.len());
    }
    let (text, counter) = envelope.open(&Software, &keys).unwrap();
    assert_eq!((text, counter), (bytes("p1-luxembourg-watts").as_slice(), 0x1000_0001));
}

#[test]
fn a_changed_bit_or_another_key_opens_nothing() {
    let keys = Keys { encryption: Key::Aes128([0xAA; 16]), authentication: PUBLISHED_KEY };
    let telegram = bytes("p1-encrypted-smarty");
    let open = |telegram: &[u8], keys: &Keys<Key>| {
        let mut buffer = [0; 1024];
        let mut envelope = Envelope::new(&mut buffer);
        envelope.push(telegram);
        envelope.open(&Software, keys).map(|(text, _)| text.len())
    };
    for at in 14..telegram.len() {
        let mut changed = telegram.clone();
        changed[at] ^= 4;
        assert_eq!(open(&changed, &keys), Err(FrameError::Key), "byte {at}");
    }
    let wrong = Keys { encryption: Key::Aes128([0xAB; 16]), ..keys.clone() };
    assert_eq!(open(&telegram, &wrong), Err(FrameError::Key));
    assert_eq!(open(&telegram[..100], &keys), Err(FrameError::Envelope));
    let mut text = *b"/X";
    assert!(Software.seal(&keys.encryption, &[0; 12], &[], &mut text).is_ok());
}

#[test]
fn no_two_hundred_thousand_changed_telegrams_break_anything() {
    // Short ones, so that it takes seconds without optimisation; the long forms are in the vectors.
    let heat = "p1-heat-crc-of-three-digits";
    let names = [heat, "push-emh-ehz", heat, "push-emh-ehz", heat];
    let telegrams = names.map(bytes);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let (mut right, mut wrong) = (0, 0);
    for number in 0..200_000_usize {
        let mut telegram = telegrams[number % telegrams.len()].clone();
        for _ in 0..=next() % 4 {
            let at = next() as usize % telegram.len();
            match next() % 4 {
                0 => telegram[at] = next() as u8,
                1 => telegram[at] ^= 1 << (next() % 8),
                2 => drop(telegram.drain(at..(at + next() as usize % 40).min(telegram.len()))),
                _ => telegram.insert(at, b"()*/!\r\n\x02\x03\xC3"[next() as usize % 10]),
            }
        }
        let mut decoder = Decoder::new(if number % 2 == 0 { Profile::P1 } else { Profile::PUSH });
        let (mut meters, mut input) = (SubMeters::<4>::new(), telegram.as_slice());
        while let Some(event) = decoder.decode(&mut input) {
            if let Event::End(check) = event {
                right += usize::from(check.is_right());
                wrong += usize::from(check.is_wrong());
            }
            if let Event::Value(value) = event {
                meters.value(&value);
                let _ = (value.decimal(), value.time(), value.unit());
            }
        }
        while decoder.finish().is_some() {}
    }
    assert!(wrong > 20_000 && right < wrong, "{right} right, {wrong} wrong");
}

#[test]
fn a_stream_that_begins_in_the_middle_gives_the_whole_telegram_behind_it() {
    let whole = bytes("p1-v5-three-phase");
    let expected = rows("p1-v5-three-phase.txt").len() - 2;
    for cut in (0..whole.len()).step_by(13) {
        let stream = [&whole[cut..], &whole].concat();
        let (mut decoder, mut input, mut values) = (Decoder::new(Profile::P1), stream.as_slice(), 0);
        let mut good = 0;
        while let Some(event) = decoder.decode(&mut input) {
            match event {
                Event::Identification(_) => values = 0,
                Event::Value(_) => values += 1,
                Event::End(check) if check.is_right() => {
                    good += 1;
                    assert_eq!(values, expected, "cut at {cut}");
                }
                _ => {}
            }
        }
        assert_eq!(good, 1 + usize::from(cut == 0), "cut at {cut}");
    }
}
