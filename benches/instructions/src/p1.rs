//! A P1 telegram and a readout of mode C: tokens, checksum, and every number exact where the library can.

use std::hint::black_box;
use std::io::Read;

use ccm_iec62056::{Check, Decoder, Event, Profile};

/// Runs as often as asked, and checks that the same came out each time.
pub fn run(name: &str, calls: usize) {
    let telegram = vector(include_str!("../../../ccm-iec62056/tests/vectors/p1-v5-two-mbus.hex"));
    let readout = vector(include_str!("../../../ccm-iec62056/tests/vectors/readout-iskra-mt17x.hex"));
    for _ in 0..calls {
        match name {
            "p1_iec" => assert!(p1_iec(black_box(&telegram)) > 20),
            "readout_iec" => assert!(readout_iec(black_box(&readout)) > 100),
            "p1_dsmr5" => assert!(p1_dsmr5(black_box(&telegram)) > 20),
            "p1_dsmr_parse" => assert!(p1_dsmr_parse(black_box(&telegram))),
            "p1_length" => println!("{}", telegram.len()),
            "readout_length" => println!("{}", readout.len()),
            _ => panic!("there is no function {name:?}"),
        }
    }
}

fn vector(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .map(|digit| digit.to_digit(16).unwrap())
        .collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn p1_iec(telegram: &[u8]) -> usize {
    numbers(Profile::P1, telegram)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn readout_iec(readout: &[u8]) -> usize {
    numbers(Profile::IEC, readout)
}

/// How many numbers there are, their sum used; the checksum must be right.
#[inline(always)]
fn numbers(profile: Profile, mut bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(profile);
    let (mut count, mut sum, mut check) = (0, 0_i64, Check::None);
    while let Some(event) = decoder.decode(&mut bytes) {
        match event {
            Event::Value(value) => {
                if let Some(decimal) = value.decimal() {
                    count += 1;
                    sum = sum.wrapping_add(decimal.mantissa);
                }
            }
            Event::End(end) => check = end,
            _ => {}
        }
    }
    black_box(sum);
    assert!(check.is_right());
    count
}

/// Its objects, all of them.
#[unsafe(no_mangle)]
#[inline(never)]
fn p1_dsmr5(telegram: &[u8]) -> usize {
    let readout = dsmr5::Reader::new(telegram.bytes()).next().unwrap().unwrap();
    let telegram = readout.to_telegram().unwrap();
    telegram.objects().filter(|object| black_box(object).is_ok()).count()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn p1_dsmr_parse(telegram: &[u8]) -> bool {
    black_box(dsmr_parse::Telegram::read_from(telegram)).is_ok_and(|telegram| telegram.is_some())
}
