//! What holds for any traffic: splits change nothing, noise costs no sound frame, no bytes panic.

use proptest::prelude::*;

use super::tests::{Bus, frame};
use super::*;

/// A request and its reply, of any function.
fn exchange() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let counted = |code: u8, bytes: usize| {
        [&[code, u8::try_from(bytes).unwrap()], vec![0xA5; bytes].as_slice()].concat()
    };
    let read = (1..=4_u8, any::<u16>(), 1..=100_u16).prop_map(move |(code, start, quantity)| {
        let bytes = if code < 3 { quantity.div_ceil(8) } else { quantity * 2 };
        let start = (start % 60_000).to_be_bytes();
        let request = [&[code], start.as_slice(), &quantity.to_be_bytes()].concat();
        (request, counted(code, bytes.into()))
    });
    let single = (prop_oneof![Just(5_u8), Just(6), Just(8)], any::<u8>()).prop_map(|(code, address)| {
        let pdu = if code == 8 { vec![8, 0, 0, address, 7] } else { vec![code, 0, address, 0xFF, 0] };
        (pdu.clone(), pdu)
    });
    let several = (1..=100_u8).prop_map(|quantity| {
        let head = [16, 0, 3, 0, quantity];
        ([head.as_slice(), &[quantity * 2], &vec![0x5A; usize::from(quantity) * 2]].concat(), head.to_vec())
    });
    let refused = (1..=4_u8).prop_map(|code| (vec![code, 0, 0, 0, 1], vec![code | 0x80, 2]));
    prop_oneof![read, single, several, refused]
}

/// Frames of several units, each with its role; some requests have no answer.
fn traffic() -> impl Strategy<Value = Vec<(Vec<u8>, &'static str)>> {
    let turn =
        (1..=247_u8, exchange(), prop::bool::weighted(0.8)).prop_map(|(unit, (request, reply), answered)| {
            let reply = answered.then(|| (frame(unit, &reply), "answers"));
            std::iter::once((frame(unit, &request), "asks")).chain(reply).collect::<Vec<_>>()
        });
    prop::collection::vec(turn, 1..8).prop_map(|turns| turns.concat())
}

/// What the tracker should say of that, time-outs and noise left out.
fn expected(frames: &[(Vec<u8>, &str)]) -> Vec<String> {
    frames.iter().map(|(bytes, role)| format!("{} {role} {}", bytes[0], bytes[1])).collect()
}

fn frames_only(seen: &[String]) -> Vec<String> {
    let is_frame = |seen: &&String| ["asks", "answers", "strays"].iter().any(|role| seen.contains(role));
    seen.iter().filter(is_frame).cloned().collect()
}

fn noise(seen: &[String]) -> usize {
    let count = |seen: &String| seen.strip_prefix("noise ")?.split(' ').next()?.parse::<usize>().ok();
    seen.iter().filter_map(count).sum()
}

/// Two identical writes in a row, the first without an answer, look like a write and its answer; so do two tests of the
/// line, whatever their data.
fn is_clear(frames: &[(Vec<u8>, &str)]) -> bool {
    let looks_answered =
        |first: &[u8], second: &[u8]| first == second || first[1] == 8 && first[..2] == second[..2];
    frames.windows(2).all(|pair| pair[1].1 == "answers" || !looks_answered(&pair[0].0, &pair[1].0))
}

/// Whether `bytes` hold a sound frame by chance that is none of ours.
fn holds_a_frame(bytes: &[u8], ours: &[u8]) -> bool {
    let found = |start: usize| shape::shortest(&bytes[start..]).map(|length| &bytes[start..start + length]);
    (0..bytes.len()).filter_map(found).any(|found| found != ours)
}

proptest! {
    #[test]
    fn any_split_of_a_stream_gives_the_same_frames(
        frames in traffic(), cuts in prop::collection::vec((1..80_usize, 0..150_u64), 1..60),
    ) {
        prop_assume!(is_clear(&frames));
        let stream: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let mut buffer = [0; 256];
        let mut bus = Bus::new(&mut buffer);
        bus.tracker.patience = Duration::from_secs(3600);
        // The lumps of an adapter have nothing to do with the frames, nor their pauses with silence.
        let (mut rest, mut cuts) = (stream.as_slice(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (length, millis) = cuts.next().unwrap();
            let (lump, left) = rest.split_at(length.min(rest.len()));
            bus.lump(lump);
            bus.pause(millis);
            rest = left;
        }
        bus.pause(1000);
        prop_assert_eq!(frames_only(&bus.seen), expected(&frames));
        prop_assert_eq!(noise(&bus.seen), 0, "{:?}", bus.seen);
    }

    #[test]
    fn noise_before_between_and_behind_costs_no_frame_that_silence_follows(
        frames in traffic(),
        noises in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 20),
        in_lumps: bool,
    ) {
        prop_assume!(is_clear(&frames));
        prop_assume!(!holds_a_frame(&noises[19], &[]));
        let mut buffer = [0; 512];
        let mut bus = Bus::new(&mut buffer);
        let mut total = 0;
        for ((bytes, _), noise) in frames.iter().zip(noises.iter().cycle()) {
            let both = [noise.as_slice(), bytes].concat();
            prop_assume!(!holds_a_frame(&both, bytes));
            total += noise.len();
            if in_lumps { bus.lump(&both) } else { bus.send(&both) }
            bus.pause(10);
        }
        bus.lump(&noises[19]);
        bus.pause(1000);
        prop_assert_eq!(frames_only(&bus.seen), expected(&frames));
        prop_assert_eq!(noise(&bus.seen), total + noises[19].len(), "{:?}", bus.seen);
    }

    #[test]
    fn a_frame_torn_anywhere_costs_only_itself(frames in traffic(), torn in traffic(), at in 1..50_usize) {
        let mut buffer = [0; 256];
        let mut bus = Bus::new(&mut buffer);
        let piece = &torn[0].0[..at.min(torn[0].0.len() - 1)];
        bus.send(piece);
        for (bytes, _) in &frames {
            bus.pause(5);
            bus.send(bytes);
        }
        bus.pause(1000);
        prop_assume!(is_clear(&frames) && !holds_a_frame(&[piece, &frames[0].0].concat(), &frames[0].0));
        prop_assert_eq!(frames_only(&bus.seen), expected(&frames));
        prop_assert_eq!(noise(&bus.seen), piece.len());
    }

    #[test]
    fn no_bytes_break_it_and_none_is_lost_count_of(
        lumps in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..100), 0..300_u64), 0..20),
        size in 0..300_usize,
    ) {
        let mut buffer = vec![0; size];
        let mut tracker = Tracker::new(Line::new(9600), &mut buffer);
        let (mut now, mut heard, mut told) = (Instant::ZERO, 0, 0);
        for (lump, millis) in &lumps {
            tracker.hear(now, lump, |event| told += length(&event));
            heard += lump.len();
            now = now + Duration::from_millis(*millis);
        }
        while let Some(event) = tracker.finish(now) {
            told += length(&event);
        }
        prop_assert!(told == heard || size == 0);
    }
}

fn length(event: &Event<'_>) -> usize {
    match event {
        Event::Frame(sighting) => sighting.bytes.len(),
        Event::Noise { bytes, .. } => bytes.len(),
        Event::Unanswered { .. } => 0,
    }
}
