//! Every telegram of `vectors/` gives what the file beside it says, however its bytes come.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use ccm_iec62056::{Address, Check, Decoder, Event, Fault, Identification, Mode, Profile, Reset, Value};
use common::{bytes, rows};

/// Telegrams, and how many faults are in them: what was cut off before the telegram that is meant.
const TELEGRAMS: [(&str, Profile, usize); 17] = [
    ("p1-belgium-fluvius", Profile::P1, 0),
    ("p1-heat-crc-of-three-digits", Profile::P1, 0),
    ("p1-hungary-eon", Profile::P1, 0),
    ("p1-luxembourg-watts", Profile::P1, 0),
    ("p1-v2.2-gas-on-two-lines", Profile::P1, 0),
    ("p1-v3-text-message", Profile::P1, 0),
    ("p1-v4.2-kaifa", Profile::P1, 0),
    ("p1-v5-spec-example-wrong-crc", Profile::P1, 0),
    ("p1-v5-three-phase", Profile::P1, 0),
    ("p1-v5-two-mbus", Profile::P1, 0),
    ("push-easymeter-q3d", Profile::PUSH, 0),
    ("push-emh-ehz", Profile::PUSH, 0),
    ("readout-dzg-no-etx", Profile::IEC, 0),
    ("readout-heat-uh50", Profile::IEC, 0),
    ("readout-iskra-mt17x", Profile::IEC, 0),
    ("stream-cut-then-whole", Profile::P1, 2),
    ("p1-v5-two-mbus", Profile::PUSH, 0),
];

/// What a decoder makes of pieces of so many bytes: the last telegram's lines as in the `.txt` files, and the faults.
fn read(profile: Profile, bytes: &[u8], piece: usize) -> (Vec<String>, Vec<Fault>) {
    let mut decoder = Decoder::new(profile);
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    let mut take = |event: Event<'_>| match event {
        Event::Identification(line) => lines = vec![format!("identification\t{}", text(line))],
        Event::Value(value) => {
            assert!(value.is_whole(), "no value of the vectors is longer than a piece");
            let unit = value.unit.map_or("-".into(), text);
            lines.push(format!("{}\t{}\t{}\t{unit}", text(value.address), value.group, text(value.text)));
        }
        Event::End(check) => lines.insert(lines.len().min(1), line(check)),
        Event::Fault(fault) => faults.push(fault),
        _ => {}
    };
    for mut piece in bytes.chunks(piece) {
        while let Some(event) = decoder.decode(&mut piece) {
            take(event);
        }
    }
    while let Some(event) = decoder.finish() {
        take(event);
    }
    (lines, faults)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn line(check: Check) -> String {
    match check {
        Check::None => "check\tnone".into(),
        Check::Bcc { given, computed } => format!("check\tbcc\t{given:04X}\t{computed:04X}"),
        Check::Crc { given, computed } => format!("check\tcrc\t{given:04X}\t{computed:04X}"),
    }
}

#[test]
fn every_vector_gives_its_expected_values_in_any_pieces() {
    for (name, profile, faults) in TELEGRAMS {
        let mut expected: Vec<String> = rows(&format!("{name}.txt"));
        for piece in [1, 2, 3, 7, 64, 193, usize::MAX] {
            let (mut lines, found) = read(profile, &bytes(name), piece);
            lines.sort();
            expected.sort();
            if !expected[expected.len() - 1].starts_with("identification") {
                lines.retain(|line| !line.starts_with("identification"));
            }
            assert_eq!(lines, expected, "{name} in pieces of {piece}");
            assert_eq!(found.len(), faults, "{name}: {found:?}");
        }
    }
}

#[test]
fn wrong_checksums_are_those_the_vectors_name() {
    for (name, profile, _) in TELEGRAMS {
        let check =
            read(profile, &bytes(name), 100).0.into_iter().find(|line| line.starts_with("check")).unwrap();
        let fields: Vec<&str> = check.split('\t').collect();
        let is_wrong = fields.len() == 4 && fields[2] != fields[3];
        assert_eq!(is_wrong, ["p1-v5-spec-example-wrong-crc", "readout-heat-uh50"].contains(&name), "{name}");
    }
}

#[test]
fn identifications_are_read_as_the_table_says() {
    for row in rows("identification.txt") {
        let fields: Vec<&str> = row.split('\t').collect();
        let parsed = Identification::parse(fields[0].as_bytes()).unwrap();
        let mode = if parsed.mode() == Mode::A { "A" } else { "C" };
        let found = [
            text(&parsed.flag),
            parsed.reaction().as_millis().to_string(),
            char::from(parsed.speed).to_string(),
            mode.to_string(),
            parsed.baud().unwrap().to_string(),
            if parsed.escapes.is_empty() { "-".into() } else { text(parsed.escapes) },
            text(parsed.model),
        ];
        assert_eq!(found.as_slice(), &fields[1..], "{row}");
    }
}

#[test]
fn addresses_are_read_as_the_table_says() {
    for row in rows("address.txt") {
        let fields: Vec<&str> = row.split('\t').collect();
        let parsed = Address::parse(fields[0].as_bytes());
        let found = parsed.map_or("none".to_string(), |Address { obis: o, .. }| {
            let groups = [o.a, o.b, Some(o.c), Some(o.d), o.e, o.f];
            groups.map(|group| group.map_or("-".to_string(), |group| group.to_string())).join(" ")
        });
        let reset = match parsed.and_then(|address| address.reset) {
            Some(Reset::Automatic) => "*",
            Some(Reset::Manual) => "&",
            None => "-",
        };
        assert_eq!([found.as_str(), reset], fields[1..], "{row}");
    }
}

#[test]
fn a_gas_value_on_its_own_line_belongs_to_the_set_before_it() {
    let telegram = bytes("p1-v2.2-gas-on-two-lines");
    let (mut decoder, mut input) = (Decoder::new(Profile::P1), telegram.as_slice());
    let mut gas = None;
    while let Some(event) = decoder.decode(&mut input) {
        if let Event::Value(value @ Value { group: 6, .. }) = event {
            gas = Some((text(value.address), text(value.text)));
        }
    }
    assert_eq!(gas, Some(("0-1:24.3.0".into(), "00001.001".into())));
}

#[test]
fn the_state_is_small_whatever_the_telegram_is() {
    assert!(size_of::<Decoder>() <= 512, "{}", size_of::<Decoder>());
}
