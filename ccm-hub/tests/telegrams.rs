//! What the two maps make of telegrams of real meters: those that `ccm-iec62056` is tested with.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use ccm_config::Settings;
use ccm_core::Instant;
use ccm_hub::{Event, Hub, Quality, Telegram};
use ccm_iec62056::{Decoder, Event as Piece, Identification, Profile, Sets, Sink};
use ccm_registry::{Quantity, find};

type Meter = Hub<1, 1, 64>;

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/../ccm-iec62056/tests/vectors/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: String = lines.flat_map(|line| line.chars().filter(|digit| !digit.is_whitespace())).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A hub that has heard one telegram.
fn heard(model: &str, name: &str) -> Meter {
    let port = if model == "p1" { "p1" } else { "d0" };
    let text = format!(
        "[[ports]]\nid = \"a\"\n{port} = \"/dev/a\"\n[[devices]]\nid = \"m\"\nport = \"a\"\nmodel = \"{model}\"\n"
    );
    let mut hub = Meter::new(&Settings::from_toml(&text, |_| true).unwrap(), find).unwrap();
    let profile = if model == "p1" { Profile::P1 } else { Profile::IEC };
    let (mut decoder, mut sets, mut faults) = (Decoder::new(profile), Sets::new(), 0);
    let mut telegram = Telegram::new(find(model).unwrap());
    let (telegram_bytes, mut is_right) = (bytes(name), false);
    let mut input = telegram_bytes.as_slice();
    while let Some(piece) = decoder.decode(&mut input) {
        match piece {
            Piece::Identification(line) => telegram.identification(&Identification::parse(line).unwrap()),
            Piece::Fault(_) => faults += 1,
            Piece::End(check) => is_right = check.is_right(),
            _ => {}
        }
        if let Some(value) = sets.value(&piece) {
            let _ = telegram.value(&value);
        }
    }
    let (now, said, serial) = (Instant::ZERO, telegram.said(), telegram.serial());
    let is_whole = is_right || faults == 0;
    hub.handle(now, Event::Telegram { device: 0, said, serial, is_whole, measured: now });
    hub
}

/// All good values, as `key=value`, in the order of figure 28.
fn values(hub: &Meter) -> Vec<String> {
    let view = hub.values_view(Instant::ZERO, 0).unwrap();
    let good = view.values.iter().filter(|value| value.quality == Quality::Good.key());
    let bare = |text: &str| match text.split_once('.') {
        Some((whole, part)) if part.bytes().all(|digit| digit == b'0') => whole.to_string(),
        _ => text.to_string(),
    };
    good.map(|value| format!("{}={}", value.quantity, bare(value.text.as_ref().unwrap()))).collect()
}

#[test]
fn a_dutch_meter_of_three_phases() {
    let hub = heard("p1", "p1-v5-three-phase");
    assert_eq!(hub.devices()[0].serial(), Some("K8EG004046395507"));
    assert_eq!(
        values(&hub),
        [
            "i1=0.48",
            "v1=230",
            "i2=0.44",
            "v2=230",
            "i3=0.86",
            "v3=229",
            "p1=70",
            "p2=32",
            "p3=142",
            "p=244",
            "e_import=6825",
            "e_export=2444",
            "e_import_t1=4426",
            "e_export_t1=2444",
            "e_import_t2=2399",
            "e_export_t2=0",
        ]
    );
}

#[test]
fn a_belgian_meter_counts_its_peaks_apart() {
    let hub = heard("p1", "p1-belgium-fluvius");
    let values = values(&hub);
    assert!(
        values.contains(&"e_import=15792".into()) && values.contains(&"e_export=11".into()),
        "{values:?}"
    );
    assert!(values.contains(&"p=0".into()) && values.contains(&"v3=234.7".into()), "{values:?}");
}

#[test]
fn a_hungarian_meter_exports() {
    let hub = heard("p1", "p1-hungary-eon");
    assert_eq!(hub.devices()[0].serial(), Some("890082200002160"));
    let values = values(&hub);
    for expected in ["p=-2601", "e_import=173640", "e_export=627177", "i2=4", "frequency=50"] {
        assert!(values.contains(&expected.into()), "{expected}: {values:?}");
    }
}

#[test]
fn a_luxembourgish_meter_says_watts_and_totals() {
    let values = values(&heard("p1", "p1-luxembourg-watts"));
    for expected in ["p=286", "e_import=6545766", "e_export=58", "e_import_t1=5017120"] {
        assert!(values.contains(&expected.into()), "{expected}: {values:?}");
    }
}

#[test]
fn a_readout_with_fifteen_months_of_history_is_that_of_now() {
    let hub = heard("iec62056-21", "readout-iskra-mt17x");
    assert_eq!(hub.devices()[0].serial(), Some("63355730"));
    let values = values(&hub);
    for expected in ["p=908", "e_import=8048375", "e_export=0", "e_import_t4=0"] {
        assert!(values.contains(&expected.into()), "{expected}: {values:?}");
    }
}

#[test]
fn a_readout_without_total_and_check_character_is_read_too() {
    let values = values(&heard("iec62056-21", "readout-dzg-no-etx"));
    assert_eq!(
        values,
        [
            "i1=0.8",
            "i2=0.7",
            "i3=1.2",
            "p=490",
            "e_import=22108700",
            "e_export=10452000",
            "e_import_t1=22108700",
            "e_export_t1=10452000",
            "e_import_t2=0",
            "e_export_t2=0",
        ]
    );
}

#[test]
fn seven_decimals_are_exact() {
    let values = values(&heard("iec62056-21", "push-easymeter-q3d"));
    for expected in ["p=2124.86", "p1=747.85", "e_import=52185782.5309", "e_export=19949322.1493"] {
        assert!(values.contains(&expected.into()), "{expected}: {values:?}");
    }
}

#[test]
fn a_value_without_a_unit_is_invalid_and_not_guessed() {
    let hub = heard("iec62056-21", "push-emh-ehz");
    let reading = hub.reading(Instant::ZERO, 0, Quantity::EImport).unwrap();
    assert_eq!((reading.value, reading.quality), (None, Quality::Invalid(ccm_registry::Invalid::Unit)));
}

#[test]
fn a_heat_meter_measures_no_electricity() {
    assert_eq!(values(&heard("iec62056-21", "readout-heat-uh50")), [""; 0]);
}
