//! Laws of frames: what is written is read again, and how a stream is cut changes nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use ccm_dlms::hdlc::{Address, Assembler, Control, Decoder, Frame, Parameters, Width};
use ccm_dlms::wrapper;
use proptest::prelude::*;

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        (0..0x80_u16).prop_map(|upper| Address::new(upper, 0, Width::One).unwrap()),
        (0..0x80_u16, 0..0x80_u16).prop_map(|(upper, lower)| Address::new(upper, lower, Width::Two).unwrap()),
        (0..0x4000_u16, 0..0x4000_u16)
            .prop_map(|(upper, lower)| Address::new(upper, lower, Width::Four).unwrap()),
    ]
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let information = prop::collection::vec(any::<u8>(), 0..60);
    (address(), address(), any::<u8>(), any::<bool>(), information).prop_map(
        |(destination, source, control, segmented, information)| {
            let control = Control::from_byte(control);
            let mut bytes = vec![0; 80];
            let frame = Frame { destination, source, control, segmented, information: &information };
            let length = frame.emit(&mut bytes).unwrap();
            assert_eq!(Frame::parse(&bytes[1..length - 1]), Ok(frame));
            bytes.truncate(length);
            bytes
        },
    )
}

/// Frames whole, cut off and spoilt, and noise that looks like their beginnings.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7E), Just(0xA0), Just(0x07)], 0..20);
    let spoilt = (frame(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, mask)| {
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        bytes
    });
    let cut = (frame(), any::<prop::sample::Index>())
        .prop_map(|(bytes, at)| bytes[..at.index(bytes.len())].to_vec());
    prop::collection::vec(prop_oneof![2 => frame(), 1 => spoilt, 1 => cut, 1 => noise], 0..8)
        .prop_map(|parts| parts.concat())
}

/// The sound frames of a stream that comes in pieces of these lengths.
fn sound(stream: &[u8], pieces: &[usize]) -> Vec<Vec<u8>> {
    let mut buffer = [0; 100];
    let mut decoder = Decoder::new(&mut buffer);
    let (mut found, mut rest, mut turn) = (Vec::new(), stream, 0);
    while !rest.is_empty() {
        let piece = pieces.get(turn).copied().unwrap_or(usize::MAX).clamp(1, rest.len());
        let taken = decoder.push(&rest[..piece]);
        assert!((1..=piece).contains(&taken));
        (rest, turn) = (&rest[taken..], turn + 1);
        while let Some(frame) = decoder.next_frame() {
            found.extend(frame.ok().map(|frame| format!("{frame:?}").into_bytes()));
        }
    }
    while let Some(frame) = decoder.last_frame() {
        found.extend(frame.ok().map(|frame| format!("{frame:?}").into_bytes()));
    }
    found
}

proptest! {
    #[test]
    fn how_a_stream_is_cut_changes_no_frame(
        stream in stream(),
        pieces in prop::collection::vec(1..40_usize, 0..40),
    ) {
        let whole = sound(&stream, &[]);
        prop_assert_eq!(&sound(&stream, &pieces), &whole);
        prop_assert_eq!(&sound(&stream, &vec![1; stream.len()]), &whole);
    }

    #[test]
    fn frames_between_noise_without_flags_are_all_found(
        parts in prop::collection::vec((frame(), prop::collection::vec(0..0x7E_u8, 0..20)), 1..6),
    ) {
        let stream: Vec<u8> = parts.iter().flat_map(|(frame, noise)| [&frame[..], noise].concat()).collect();
        prop_assert_eq!(sound(&stream, &[]).len(), parts.len());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Frame::parse(&bytes);
        let _ = Parameters::parse(&bytes);
        let _ = wrapper::Frame::parse(&bytes);
        let mut buffer = [0; 20];
        let mut decoder = wrapper::Decoder::new(&mut buffer);
        let (taken, _) = decoder.push(&bytes);
        prop_assert!(taken <= bytes.len());
    }

    #[test]
    fn any_frames_are_assembled_without_a_panic(stream in stream()) {
        let (mut buffer, mut apdu) = ([0; 100], [0; 80]);
        let (mut decoder, mut assembler) = (Decoder::new(&mut buffer), Assembler::new(&mut apdu));
        for piece in stream.chunks(50) {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                match frame {
                    Ok(frame) => drop(assembler.take(&frame)),
                    Err(_) => drop(assembler.lost()),
                }
            }
        }
    }
}
