//! The reader of a readout or a P1 telegram: tokens, checksum, codes and exact numbers.
#![no_std]
#![no_main]

use ccm_iec62056::{Decoder, Event, Profile, Value};
use size::{BYTE, RESULT};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let mut decoder = Decoder::new(Profile::PUSH);
    loop {
        let byte = [BYTE.read()];
        let mut input = &byte[..];
        while let Some(event) = decoder.decode(&mut input) {
            match event {
                Event::Value(value) => use_value(&value),
                Event::End(check) => RESULT.write(check.is_right().into()),
                _ => {}
            }
        }
    }
}

fn use_value(value: &Value<'_>) {
    if let (Some(code), Some(number)) = (value.code(), value.decimal()) {
        RESULT.write(u32::from(code.obis.c) + number.mantissa as u32);
    }
}
