//! Frames of the standard, of issues and of real meters.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use ccm_dlms::FrameError;
use ccm_dlms::hdlc::{Address, Assembler, Control, Decoder, Frame, Parameters, Unnumbered, Width};
use ccm_dlms::wrapper;
use common::vector;

/// Decodes all frames of a vector, in every size of pieces alike, and checks that each is written as it was read.
fn frames(name: &str, mut check: impl FnMut(usize, &Frame<'_>)) -> usize {
    let bytes = vector(name);
    let mut total = 0;
    for step in 1..=bytes.len() {
        let mut buffer = [0; 256];
        let mut decoder = Decoder::new(&mut buffer);
        total = 0;
        for piece in bytes.chunks(step) {
            assert_eq!(decoder.push(piece), piece.len());
            while let Some(frame) = decoder.next_frame() {
                let frame = frame.unwrap();
                check(total, &frame);
                let mut written = [0; 300];
                let length = frame.emit(&mut written).unwrap();
                assert!(bytes.windows(length).any(|window| window == &written[..length]), "{name}");
                total += 1;
            }
        }
    }
    total
}

fn one(name: &str, control: u8, destination: &str, source: &str, information: &str) {
    let total = frames(name, |_, frame| {
        assert_eq!(frame.control.byte(), control, "{name}");
        assert_eq!(
            (frame.destination.to_string(), frame.source.to_string()),
            (destination.into(), source.into())
        );
        assert!(!frame.segmented);
        assert!(frame.information == common::unhex(information), "{name}: {:02x?}", frame.information);
    });
    assert_eq!(total, 1, "{name}");
}

#[test]
fn link_frames_are_read_and_written() {
    one("snrm-2byte-server", 0x93, "1/17", "16", "");
    one("snrm-with-parameters", 0x93, "16/32", "19", "81801305018006020200070400000001080400000001");
    one("ua-with-parameters", 0x73, "16", "1/17", "81801205019a06019a070400000001080400000001");
    one("ua-4byte-server", 0x73, "16", "1/17", "8180140502008006020080070400000001080400000001");
    one("ua-empty", 0x73, "16", "1", "");
    one("frmr", 0x97, "1", "1/2836", "540010");
    one("fcs-ends-in-7e", 0x52, "1", "1/3875", "e6e700c401c10009060100202000ff");
    one(
        "aarq-iframe",
        0x10,
        "1/17",
        "16",
        "e6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffff",
    );
    one(
        "aare-iframe",
        0x30,
        "16",
        "1/17",
        "e6e7006129a109060760857405080101a203020100a305a103020100be10040e0800065f1f0400001e1d04c80007",
    );
}

#[test]
fn parameters_are_read_and_what_is_not_there_is_the_default() {
    let of = |name| {
        let mut read = None;
        frames(name, |_, frame| read = Some(Parameters::parse(frame.information).unwrap()));
        read.unwrap()
    };
    let larger = Parameters { max_information_receive: 512, ..Parameters::DEFAULT };
    assert_eq!(of("snrm-with-parameters"), larger);
    assert_eq!(of("ua-with-parameters"), Parameters::new(154, 1).unwrap());
    assert_eq!(of("ua-4byte-server"), Parameters::DEFAULT);
    assert_eq!(of("ua-empty"), Parameters::DEFAULT);
}

#[test]
fn control_fields_have_their_numbers() {
    let mut controls = Vec::new();
    for name in ["aare-iframe", "fcs-ends-in-7e", "frmr"] {
        frames(name, |_, frame| controls.push(frame.control));
    }
    controls.dedup();
    let information = |send, receive| Control::Information { send, receive, poll: true };
    let reject = Control::Unnumbered { kind: Unnumbered::FrameReject, poll: true };
    assert_eq!(controls, [information(0, 1), information(1, 2), reject]);
}

/// What the meter pushed, all of it.
fn pushes(name: &str) -> Vec<(String, String, Vec<u8>)> {
    let bytes = vector(name);
    let (mut line, mut apdu) = ([0; 256], [0; 1024]);
    let (mut decoder, mut assembler) = (Decoder::new(&mut line), Assembler::new(&mut apdu));
    let mut pushed = Vec::new();
    for byte in bytes {
        decoder.push(&[byte]);
        while let Some(frame) = decoder.next_frame() {
            let push = assembler.take(&frame.unwrap()).unwrap();
            pushed.extend(
                push.map(|push| (push.destination.to_string(), push.source.to_string(), push.apdu.to_vec())),
            );
        }
    }
    pushed
}

#[test]
fn pushes_of_real_meters_give_their_apdus() {
    let kaifa = pushes("push-kaifa-ma304");
    assert_eq!((kaifa[0].0.as_str(), kaifa[0].1.as_str()), ("0", "1/0"));
    assert!(kaifa[0].2.starts_with(&[0x0F, 0x40, 0, 0, 0, 0x09, 0x0C]));
    let aidon = pushes("push-aidon-1phase");
    assert_eq!((aidon[0].0.as_str(), aidon[0].1.as_str()), ("32", "4/65"));
    assert!(aidon[0].2.starts_with(&[0x0F, 0x40, 0, 0, 0, 0, 0x01, 0x09]));
    let landis = pushes("push-lg-e450-gbt-gcm");
    assert_eq!(landis.iter().map(|(.., apdu)| apdu.len()).collect::<Vec<_>>(), [126, 129, 38]);
    assert!(landis.iter().all(|(to, from, apdu)| to == "103/127" && from == "1" && apdu[0] == 0xE0));
}

/// The segments of a push as an Iskra AM550 sends them: control 03, 03, 13, LLC in the first alone, doubled flags.
#[test]
fn a_push_in_segments_is_put_together() {
    let stations = (Address::new(0x67, 0x7F, Width::Two).unwrap(), Address::new(1, 17, Width::Two).unwrap());
    let apdu: Vec<u8> = (0..200).collect();
    let information = [&[0xE6, 0xE7, 0][..], &apdu].concat();
    let mut line = Vec::new();
    for (index, part) in information.chunks(80).enumerate() {
        let (control, segmented) = if index < 2 { (0x03, true) } else { (0x13, false) };
        let control = Control::from_byte(control);
        let frame =
            Frame { destination: stations.0, source: stations.1, control, segmented, information: part };
        let mut bytes = [0; 128];
        let length = frame.emit(&mut bytes).unwrap();
        line.extend(&bytes[..length]);
    }
    let (mut buffer, mut room) = ([0; 128], [0; 256]);
    let (mut decoder, mut assembler) = (Decoder::new(&mut buffer), Assembler::new(&mut room));
    let mut pushed = Vec::new();
    for byte in line {
        decoder.push(&[byte]);
        while let Some(frame) = decoder.next_frame() {
            let push = assembler.take(&frame.unwrap()).unwrap();
            pushed.extend(push.map(|push| push.apdu.to_vec()));
        }
    }
    assert_eq!(pushed, [apdu]);
}

#[test]
fn a_datagram_of_the_wrapper_is_read_and_so_is_a_stream() {
    let bytes = vector("udp-general-glo");
    let frame = wrapper::Frame::parse(&bytes).unwrap();
    assert_eq!((frame.source, frame.destination, frame.apdu.len()), (1, 1, 70));
    assert!(frame.apdu.starts_with(&[0xDB, 0x08]));
    let mut buffer = [0; 70];
    let mut decoder = wrapper::Decoder::new(&mut buffer);
    assert_eq!(decoder.push(&bytes), (78, Ok(Some(frame))));
}

#[test]
fn a_bad_frame_costs_no_byte_of_the_next() {
    let good = vector("aare-iframe");
    for position in 1..good.len() - 1 {
        for mask in [0x01, 0x80, 0xFF] {
            let mut spoilt = good.clone();
            spoilt[position] ^= mask;
            spoilt.extend(&good);
            let mut buffer = [0; 128];
            let mut decoder = Decoder::new(&mut buffer);
            let mut found = Vec::new();
            for byte in &spoilt {
                decoder.push(&[*byte]);
                while let Some(frame) = decoder.next_frame() {
                    found.push(frame.is_ok());
                }
            }
            while let Some(frame) = decoder.last_frame() {
                found.push(frame.is_ok());
            }
            let sound = found.iter().filter(|sound| **sound).count();
            assert_eq!(sound, 1, "byte {position} spoilt by {mask:#04x}: {found:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_frame_is_named() {
    let good = vector("aare-iframe");
    let inner = &good[1..good.len() - 1];
    let spoilt = |position: usize| {
        let mut bytes = inner.to_vec();
        bytes[position] ^= 0x10;
        Frame::parse(&bytes).map(|frame| frame.control)
    };
    assert_eq!(spoilt(20), Err(FrameError::Checksum));
    assert_eq!(spoilt(0), Err(FrameError::Format { found: 0xB038 }));
    assert_eq!(Frame::parse(&inner[..50]), Err(FrameError::Length { announced: 56, found: 50 }));
    assert!(
        matches!(Frame::parse(&inner[..1]), Err(FrameError::Missing(missing)) if missing.field == "format")
    );
    let mut buffer = [0; 40];
    let mut decoder = Decoder::new(&mut buffer);
    decoder.push(&good);
    assert_eq!(decoder.next_frame(), Some(Err(FrameError::TooLong { length: 56, room: 39 })));
}
