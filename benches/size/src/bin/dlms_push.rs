//! Reads pushes from a serial line: frames and segments, the notification, every value with its code and exact number.
#![no_std]
#![no_main]

use ccm_dlms::hdlc::{Assembler, Decoder};
use ccm_dlms::message::DataNotification;
use ccm_dlms::message::cosem::{Layout, PushBody};
use size::{BYTE, Outside, RESULT};

static LINE: Outside<[u8; 700]> = Outside::new([0; 700]);
static APDU: Outside<[u8; 700]> = Outside::new([0; 700]);

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let (mut decoder, mut assembler) = (Decoder::new(LINE.take()), Assembler::new(APDU.take()));
    loop {
        decoder.push(&[BYTE.read()]);
        while let Some(frame) = decoder.next_frame() {
            match frame.map(|frame| assembler.take(&frame)) {
                Ok(Ok(Some(push))) => read(push.apdu),
                Ok(_) => {}
                Err(_) => RESULT.write(assembler.lost().into()),
            }
        }
    }
}

fn read(apdu: &[u8]) {
    let Ok(notification) = DataNotification::parse(apdu) else { return };
    for reading in PushBody::new(notification.body.0, Layout::Detect).flatten() {
        if let (Some(code), Some(number)) = (reading.obis, reading.decimal()) {
            RESULT.write(u32::from(code.c) + number.mantissa as u32);
        }
    }
}
