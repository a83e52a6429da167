//! What the two maps make of telegrams of real meters: those that `ccm-iec62056` is tested with.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use ccm_config::Settings;
use ccm_core::Instant;
use ccm_hub::{Event, Hub, Quality};
use ccm_iec62056::{Decoder, Event as Piece, Identification, Profile, Sink};
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
    heard_with(model, "", &bytes(name))
}

/// A hub whose device has more to its settings and that has heard one telegram.
fn heard_with(model: &str, rest: &str, telegram_bytes: &[u8]) -> Meter {
    let mut hub = hub(model, rest);
    hear(&mut hub, Instant::ZERO, telegram_bytes);
    hub
}

fn hub(model: &str, rest: &str) -> Meter {
    let port = if model == "p1" { "p1" } else { "d0" };
    let text = format!(
        "[[ports]]\nid = \"a\"\n{port} = \"/dev/a\"\n[[devices]]\nid = \"m\"\nport = \"a\"\nmodel = \"{model}\"\n{rest}\n"
    );
    Meter::new(&Settings::from_toml(&text, |_| true).unwrap(), find).unwrap()
}

fn hear(hub: &mut Meter, now: Instant, telegram_bytes: &[u8]) {
    let profile = if hub.devices()[0].protocol() == "P1" { Profile::P1 } else { Profile::IEC };
    let (mut decoder, mut faults) = (Decoder::new(profile), 0);
    let mut telegram = hub.devices()[0].telegram();
    let (mut input, mut is_right) = (telegram_bytes, false);
    while let Some(piece) = decoder.decode(&mut input) {
        match piece {
            Piece::Identification(line) => telegram.identification(&Identification::parse(line).unwrap()),
            Piece::Value(value) => {
                let _ = telegram.value(&value);
            }
            Piece::Fault(_) => faults += 1,
            Piece::End(check) => is_right = check.is_right(),
            _ => {}
        }
    }
    let (said, serial, behind) = (telegram.said(), telegram.serial(), &telegram.behind());
    let is_whole = is_right || faults == 0;
    hub.handle(now, Event::Telegram { device: 0, said, serial, behind, is_whole, measured: now });
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

#[test]
fn a_value_without_a_unit_is_in_what_the_settings_say() {
    let telegram = bytes("push-emh-ehz");
    let units = "units = \"1.8=kWh 2.8=kWh 16.7=W 21.7=W 41.7=W 61.7=W\"";
    let (bare, assumed) = (heard("iec62056-21", "push-emh-ehz"), heard_with("iec62056-21", units, &telegram));
    assert_eq!(values(&bare), [""; 0]);
    let reading = assumed.reading(Instant::ZERO, 0, Quantity::EImport).unwrap();
    assert_eq!(reading.good().map(|value| value.to_string()), Some("32942023.1".into()));
}

/// A telegram without a checksum.
fn short(sets: &str) -> Vec<u8> {
    format!("/CCM5SIM\r\n\r\n{sets}!\r\n").into_bytes()
}

#[test]
fn what_the_meter_says_itself_goes_before_what_the_settings_say() {
    let of = |units: &str, sets: &str, quantity| {
        let hub = heard_with("iec62056-21", &format!("units = \"{units}\""), &short(sets));
        let reading = hub.reading(Instant::ZERO, 0, quantity).unwrap();
        reading.good().map_or_else(|| format!("{:?}", reading.quality), |value| value.to_string())
    };
    let energy = |units, sets| of(units, sets, Quantity::EImport);
    assert_eq!(energy("1.8.0=kWh", "1.8.0(5)\r\n"), "5000");
    assert_eq!(energy("1.8.0=kWh", "1.8.0(5*)\r\n"), "5000", "an empty unit is none");
    assert_eq!(energy("1.8=kWh", "1-0:1.8.0*255(5)\r\n"), "5000");
    assert_eq!(energy("1.8=kWh", "1.8.0(5*Wh)\r\n"), "5");
    for (units, sets) in [
        ("1.8.1=kWh", "1.8.0(5)\r\n"),
        ("2.8=kWh", "1.8.0(5)\r\n"),
        ("1-1:1.8=kWh", "1-0:1.8.0(5)\r\n"),
        ("1.8=W", "1.8.0(5)\r\n"),
        ("1.8=kWh", "1.8.0(5*bananas)\r\n"),
    ] {
        assert_eq!(energy(units, sets), "Invalid(Unit)", "{units} {sets}");
    }
    let telegram = "1.8.1(1)\r\n1.8.2(2)\r\n16.7.0(-3)\r\n";
    assert_eq!(
        of("1.8.1=Wh 1.8=kWh 16.7=W", telegram, Quantity::EImportT1),
        "1",
        "the first that fits holds"
    );
    assert_eq!(of("1.8.1=Wh 1.8=kWh 16.7=W", telegram, Quantity::EImport), "2001");
    assert_eq!(of("1.8.1=Wh 1.8=kWh 16.7=W", telegram, Quantity::P), "-3");
}

fn behind(hub: &Meter, quantity: Quantity) -> (String, u64) {
    let reading = hub.reading(Instant::ZERO, 0, quantity).unwrap();
    let value = reading.value.map_or_else(|| format!("{:?}", reading.quality), |value| value.to_string());
    (value, reading.age.map_or(0, |age| age.as_millis() / 1000))
}

#[test]
fn the_gas_meter_that_lives_is_a_reading_as_old_as_it_is() {
    let hub = heard("p1", "p1-v5-two-mbus");
    assert_eq!(behind(&hub, Quantity::Gas), ("246.138".into(), 204));
    assert_eq!(behind(&hub, Quantity::Water).0, "Invalid(Unsupported)");
    let view = hub.values_view(Instant::ZERO, 0).unwrap();
    let gas = view.values.iter().find(|value| value.quantity == "gas").unwrap();
    assert_eq!((gas.unit, gas.text.as_deref()), ("m³", Some("246.138")));
    assert!(!view.values.iter().any(|value| value.quantity == "water"), "what is not there is not shown");
    let belgium = heard("p1", "p1-belgium-fluvius");
    assert_eq!([Quantity::Gas, Quantity::Water].map(|one| behind(&belgium, one).0), ["112.384", "872.234"]);
}

/// A telegram of version 5 at 12:00 in winter with these meters behind it.
fn with_meters(meters: &[(u8, &str, &str)]) -> Meter {
    let sets: String = meters.iter().fold(String::new(), |sets, (channel, identifier, reading)| {
        let of = format!("0-{channel}:");
        format!("{sets}{of}24.1.0(003)\r\n{of}96.1.0({identifier})\r\n{of}24.2.1{reading}\r\n")
    });
    heard_with("p1", "", &short(&format!("0-0:1.0.0(260115120000W)\r\n{sets}")))
}

#[test]
fn a_reading_is_good_for_two_hours_and_two_that_live_are_ambiguous() {
    let hourly = with_meters(&[(1, "4731", "(260115110000W)(00010.000*m3)")]);
    assert_eq!(behind(&hourly, Quantity::Gas), ("10.000".into(), 3600));
    assert_eq!(hourly.reading(Instant::ZERO, 0, Quantity::Gas).unwrap().quality, Quality::Good);
    let later = Instant::from_millis(3_601_000);
    assert_eq!(hourly.reading(later, 0, Quantity::Gas).unwrap().quality, Quality::Stale);
    let old = with_meters(&[(1, "4731", "(260114110000W)(00010.000*m3)")]);
    assert_eq!(old.reading(Instant::ZERO, 0, Quantity::Gas).unwrap().quality, Quality::Stale);
    let replaced = with_meters(&[
        (1, "4731", "(260114110000W)(00010.000*m3)"),
        (2, "4732", "(260115115500W)(00001.000*m3)"),
    ]);
    assert_eq!(behind(&replaced, Quantity::Gas), ("1.000".into(), 300));
    let two = with_meters(&[
        (1, "4731", "(260115115000W)(00010.000*m3)"),
        (2, "4732", "(260115115500W)(00001.000*m3)"),
    ]);
    assert_eq!(behind(&two, Quantity::Gas).0, "Invalid(Ambiguous)");
    let same = with_meters(&[
        (1, "4731", "(260115115000W)(00010.000*m3)"),
        (2, "4731", "(260115115500W)(00011.000*m3)"),
    ]);
    assert_eq!(behind(&same, Quantity::Gas).0, "11.000");
}

#[test]
fn without_a_unit_or_a_time_a_sub_meter_has_no_value() {
    for (reading, expected) in [
        ("(260115115500W)(00001.000*kWh)", "Invalid(Unit)"),
        ("(260115130000W)(00001.000*m3)", "Invalid(NotAvailable)"),
        ("(260115115500)(00001.000*m3)", "Invalid(NotAvailable)"),
        ("(700101010000W)(00000000)", "Invalid(Unsupported)"),
    ] {
        assert_eq!(behind(&with_meters(&[(1, "4731", reading)]), Quantity::Gas).0, expected, "{reading}");
    }
}

#[test]
fn without_a_clock_a_reading_has_an_age_from_when_it_changes_on() {
    let old = |time: &str, value: &str| {
        let gas = format!("0-1:24.3.0({time})(00)(60)(1)(0-1:24.2.1)(m3)\r\n({value})\r\n");
        short(&format!("0-1:24.1.0(03)\r\n0-1:96.1.0(4731)\r\n{gas}"))
    };
    let mut meter = hub("p1", "");
    let second = |second: u64| Instant::from_millis(second * 1000);
    let at = |meter: &Meter, now| {
        let reading = meter.reading(second(now), 0, Quantity::Gas).unwrap();
        let value = reading.value.map_or_else(|| format!("{:?}", reading.quality), |value| value.to_string());
        (value, reading.age.unwrap().as_millis() / 1000)
    };
    for now in [0, 10] {
        hear(&mut meter, second(now), &old("260115120000", "00001.000"));
        assert_eq!(at(&meter, now).0, "Invalid(NotAvailable)", "it may be an hour old, or a year");
    }
    hear(&mut meter, second(20), &old("260115130000", "00002.000"));
    assert_eq!(at(&meter, 20), ("2.000".into(), 0));
    hear(&mut meter, second(30), &old("260115130000", "00002.000"));
    assert_eq!(at(&meter, 35), ("2.000".into(), 15));
    let quality = |meter: &Meter, now| meter.reading(second(now), 0, Quantity::Gas).unwrap().quality;
    assert_eq!([quality(&meter, 7220), quality(&meter, 7221)], [Quality::Good, Quality::Stale]);
}
