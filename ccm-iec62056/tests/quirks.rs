//! Every strange meter of the collection: read right, or the named error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use ccm_core::{Duration, Line};
use ccm_iec62056::script::Reading;
use ccm_iec62056::{
    Client, Ending, Error, Fault, FrameError, Policy, Polynomial, Profile, Quirks, Request, Server,
};
use common::meter::{Kept, Meter, Report, WireReport, read};
use common::wire::Wire;

fn policy() -> Policy {
    Policy { retries: 0, ..Policy::DEFAULT }
}

fn named(name: &str) -> Quirks {
    Quirks::named(name).unwrap()
}

/// Reads such a meter with a client by the standard; it must go well.
fn values(identification: &str, quirks: Quirks, lines: &[&str]) -> Vec<String> {
    let report = read(Meter::new(identification, lines), quirks, policy(), Reading::new(&policy(), b""));
    assert_eq!(report.result, Ok(()), "{identification}: {report:?}");
    assert!(report.kept.faults.is_empty(), "{identification}: {report:?}");
    report.kept.values
}

/// Listens to a meter that pushes, until `count` telegrams or failures have come.
fn listen(meter: Meter, quirks: Quirks, polynomial: Polynomial, count: usize) -> Vec<Report> {
    let baud = quirks.push.unwrap().1;
    let profile = Profile { polynomial, ..Profile::P1 };
    let policy = Policy { fixed_baud: Some(baud), profile, ..Policy::P1 };
    let (mut input, mut output, mut buffer) = ([0; 160], [0; 1200], [0; 8]);
    let mut server = Server::new(meter, quirks, &mut input, &mut output).with_eight_bits();
    let mut client = Client::new(policy, Kept::default(), &mut buffer);
    let mut wire = Wire::new(Line::new(baud));
    (0..count)
        .map(|_| {
            *client.sink_mut() = Kept::default();
            client.start(wire.now, Request::Listen { baud: Some(baud) }).unwrap();
            wire.run(&mut client, &mut server);
            let (last, result) = (format!("{:?}", client.outcome()), client.outcome().map(|_| ()));
            let now = WireReport::of(Wire::new(Line::new(baud)));
            Report { kept: client.sink().clone(), last, result, wire: now }
        })
        .collect()
}

#[test]
fn iskra_mt17x_has_the_unit_in_the_value_and_a_misprinted_address_and_gives_back_what_it_hears() {
    let lines = ["FF(00000000)", "1-0:1.8.0*255(024562 kWh)", "1-0:1.8.0*15(012345 kWh)"];
    let expected = ["FF 0", "1-0:1.8.0*255 24562 kWh", "1-0:1.8.0*15 12345 kWh"];
    assert_eq!(values("ISk5MT171-0133", named("iskra-mt17x"), &lines), expected);
}

#[test]
fn landis_e350_ends_lines_with_two_line_feeds_and_pads_its_number() {
    let lines = ["0.0.0(   12345678)", "32.7(230.1*V)"];
    assert_eq!(values("LGZ4ZMF100AC.M26", named("landis-e350"), &lines), ["0.0.0 12345678", "32.7 230.1 V"]);
}

#[test]
fn landis_zmd_is_one_family_with_and_without_mode_e() {
    for identification in ["LGZ52ZMD120APt.G03", "LGZ4\\2ZMD3102400.B31"] {
        let values = values(identification, Quirks::NONE, &["F.F(00000000)", "1.8.1(000042.7*kWh)"]);
        assert_eq!(values, ["F.F 0", "1.8.1 42.7 kWh"]);
    }
}

#[test]
fn landis_uh50_sleeps_and_knows_no_lines() {
    let lines = ["6.8(0029.055*MWh)", "9.4(088*C&082*C)", "6.8.1()", "F(0)"];
    let awake = Policy { wake_up: true, ..policy() };
    let meter = Meter::new("LUGCUH50", &lines);
    let report = read(meter.clone(), named("landis-uh50"), awake, Reading::new(&awake, b""));
    assert_eq!(report.kept.values, ["6.8 29.055 MWh", "9.4 '088*C&082' C", "6.8.1 ''", "F 0"], "{report:?}");
    assert_eq!(report.wire.sent[0].len(), 66);
    let report = read(meter, named("landis-uh50"), policy(), Reading::new(&policy(), b""));
    assert_eq!(report.result, Err(Error::Timeout));
}

#[test]
fn emh_lzqj_has_tables_behind_other_characters() {
    let meter = Meter::new("EMH4\\@01LZQJL0014F", &["1.6.1(0.123*kW)(2208231615)"]);
    let script = Reading::new(&policy(), b"").with_table(b'1');
    let report = read(meter, named("emh-lzqj"), policy(), script);
    assert_eq!(report.wire.sent[0], b"/1!\r\n");
    assert_eq!(report.kept.values, ["1.6.1 0.123 kW", "1.6.1 2208231615"]);
}

#[test]
fn ehz_and_easymeter_push_without_stx_with_seven_decimals_and_bytes_behind_the_end() {
    let lines = [
        "1-0:1.8.0*255(00052185.7825309*kWh)",
        "1-0:1.7.255*255(-000123.45)",
        "0-0:96.1.255*255(0000680476)",
    ];
    let meter = Meter::new("EMH5----eHZ-E0018E", &lines);
    for report in listen(meter, named("emh-ehz"), Polynomial::Arc, 3) {
        let expected =
            ["1-0:1.8.0*255 52185.7825309 kWh", "1-0:1.7.255*255 -123.45", "0-0:96.1.255*255 680476"];
        assert_eq!(report.kept.values, expected, "{report:?}");
    }
}

#[test]
fn elster_as1440_says_a_question_mark_before_stx() {
    let lines = ["1.8.0*01(00001.0*kWh)(00002.0)"];
    let expected = ["1.8.0*01 1.0 kWh", "1.8.0*01 2.0"];
    assert_eq!(values("ABB5\\@V9.21", named("elster-as1440"), &lines), expected);
}

#[test]
fn itron_ace3000_says_dels_and_gives_back_requests_and_has_empty_units() {
    let values = values("ACE0\\3k260V01.19", named("itron-ace3000"), &["1.8.0(013925.5*)"]);
    assert_eq!(values, ["1.8.0 13925.5 "]);
}

#[test]
fn schlumberger_dc3_history_is_not_the_value_of_now() {
    let lines = ["1.8.0*1(0000001*kWh)", "1.8.0(0000002*kWh)"];
    let expected = ["1.8.0*1 1 kWh", "1.8.0 2 kWh"];
    assert_eq!(values("SLB4\\@DC341TMPBF2ZAK", Quirks::NONE, &lines), expected);
}

#[test]
fn kamstrup_is_mode_a_with_a_comma_and_ends_on_the_last_line() {
    let lines = ["0.0(1234567)", "6.8(0012,345*MWh)"];
    assert_eq!(values("KAM MC", named("kamstrup-mc66"), &lines), ["0.0 1234567", "6.8 12.345 MWh"]);
}

#[test]
fn apa_norax_reads_out_after_its_own_option_only() {
    let meter = Meter::new("APA5\\2NORAX30", &["1.8.0(1*kWh)"]);
    let script = Reading::new(&policy(), b"").with_option(b'2', b'6');
    let report = read(meter.clone(), named("apa-norax"), policy(), script);
    assert_eq!((report.wire.sent[1].as_slice(), report.kept.values.len()), (b"\x06256\r\n".as_slice(), 1));
    let report = read(meter, named("apa-norax"), policy(), Reading::new(&policy(), b""));
    assert_eq!(report.result, Err(Error::Timeout));
}

#[test]
fn aux_has_a_slash_in_a_value_and_one_speed() {
    let lines = ["0.0.1(/SX330)", "0.0.2(/ABC5DEF)", "1.8.0(1.5*kWh)"];
    let expected = ["0.0.1 '/SX330'", "0.0.2 '/ABC5DEF'", "1.8.0 1.5 kWh"];
    assert_eq!(values("AUX5\\2SX330RIFOMN", named("aux-sx330"), &lines), expected);
    let slow = Policy { max_baud: 4800, ..policy() };
    let report = read(Meter::new("AUX5\\2SX330", &lines), named("aux-sx330"), slow, Reading::new(&slow, b""));
    assert_eq!(report.result, Err(Error::Frame(FrameError::Noise)), "{report:?}");
}

#[test]
fn dzg_has_no_etx_signed_currents_and_strange_units() {
    let lines = ["0.2.0(V01.69#EEA3546C)", "31.7.0(+000.8*A)", "C.13.21(00000001*secs)"];
    let expected = ["0.2.0 'V01.69#EEA3546C'", "31.7.0 0.8 A", "C.13.21 1 secs"];
    assert_eq!(values("DZG5DWS", named("dzg"), &lines), expected);
}

#[test]
fn parity_through_a_port_of_eight_bits_is_taken_away() {
    let eight = Policy { eight_bits: true, ..policy() };
    let meter = Meter::new("CCM5SIM", &["1.8.0(0012345.678*kWh)"]);
    let report = read(meter, named("parity"), eight, Reading::new(&eight, b""));
    assert_eq!(report.kept.values, ["1.8.0 12345.678 kWh"], "{report:?}");
}

#[test]
fn fluvius_telegrams_are_long_and_hold_impossible_dates() {
    let months = "(000101000000S)(000101000000S)(00.000*kW)".repeat(13);
    let list = format!("0-0:98.1.0(13)(1-0:1.6.0)(1-0:1.6.0){months}");
    let lines = [&list, "0-1:24.2.3(632525252525W)(00112.384*m3)", "1-0:1.8.1(000000.034*kWh)"];
    let meter = Meter::new("FLU5\\253769484_A", &lines);
    let report = &listen(meter, named("p1-v5"), Polynomial::Arc, 1)[0];
    assert_eq!(report.kept.values.len(), 3 + 39 + 2 + 1, "{report:?}");
    assert!(report.kept.values.contains(&"0-1:24.2.3 '632525252525W'".to_string()));
    assert_eq!(report.kept.values.last().unwrap(), "1-0:1.8.1 0.034 kWh");
}

#[test]
fn holley_begins_anew_within_a_long_message_and_has_the_other_crc() {
    let message = format!("0-0:96.13.0({})", "FF".repeat(250));
    let lines = ["1-0:1.8.0(000001.000*kWh)", &message, "1-0:2.8.0(000002.000*kWh)"];
    let meter = Meter::new("HOL5DTSD545", &lines);
    for polynomial in [Polynomial::X25, Polynomial::Any] {
        let report = &listen(meter.clone(), named("holley"), polynomial, 1)[0];
        assert_eq!(report.result, Ok(()), "{report:?}");
        assert_eq!(report.kept.faults, [Fault::Restart]);
        assert_eq!(report.kept.values.len(), 1 + 3 + 1, "nothing of the telegram that broke off counts");
        assert_eq!(report.kept.values.last().unwrap(), "1-0:2.8.0 2.000 kWh");
    }
}

#[test]
fn iskra_am550_loses_bytes_and_that_is_noticed() {
    let lines = ["1-0:1.8.0(000001.000*kWh)", "1-0:2.8.0(000002.000*kWh)", "0-0:96.13.0((ER11))"];
    let meter = Meter::new("ISk5\\2MT382", &lines);
    let report = &listen(meter.clone(), named("iskra-am550"), Polynomial::Arc, 1)[0];
    assert!(matches!(report.result, Err(Error::Frame(FrameError::Checksum(_)))), "{report:?}");
    assert!(report.kept.values.is_empty(), "what was read is taken back");
    let report = &listen(meter, named("p1-v5"), Polynomial::Arc, 1)[0];
    assert_eq!(report.kept.values.last().unwrap(), "0-0:96.13.0 '(ER11)'");
}

#[test]
fn a_crc_of_three_digits_is_read() {
    let heat = |number: u32| format!("0-1:24.2.1(260215200523W)({number}.860*GJ)");
    for number in 0..40 {
        let meter = Meter::new("NWA-WARMTELINK", &[&heat(number)]);
        let report = &listen(meter, named("p1-heat"), Polynomial::Arc, 1)[0];
        assert!(report.last.contains("Crc"), "{report:?}");
    }
}

#[test]
fn a_deaf_meter_is_a_time_out() {
    let report = read(Meter::new("CTA5ZIV", &[]), named("deaf"), policy(), Reading::new(&policy(), b""));
    assert_eq!(report.result, Err(Error::Timeout));
}

#[test]
fn a_meter_slower_than_its_letter_says_is_waited_for() {
    let slow = Quirks { reaction: Some(Duration::from_millis(1450)), ..Quirks::NONE };
    assert_eq!(values("ISk5MT174", slow, &["1.8.0(1*kWh)"]), ["1.8.0 1 kWh"]);
}

#[test]
fn a_meter_that_reads_out_unasked_is_read_at_300_baud() {
    let lines = ["1.8.0(0012345.678*kWh)"];
    let quirks = Quirks { reads_unasked: true, ..Quirks::NONE };
    let (mut input, mut output, mut buffer) = ([0; 160], [0; 400], [0; 64]);
    let mut server = Server::new(Meter::new("CCM5SIM", &lines), quirks, &mut input, &mut output);
    let mut client = Client::new(policy(), Kept::default(), &mut buffer);
    let mut wire = Wire::new(Line::new(300));
    for request in [Request::SignOn { table: b'?', address: b"" }, Request::Listen { baud: None }] {
        client.start(wire.now, request).unwrap();
        wire.run(&mut client, &mut server);
    }
    assert!(client.outcome().is_ok(), "{:?}", client.outcome());
    assert_eq!(client.sink().values, ["1.8.0 12345.678 kWh"]);
}

#[test]
fn an_adapter_that_says_sent_too_early_is_given_time() {
    let patient = Policy { switch_delay: Duration::from_millis(180), ..policy() };
    let report =
        read(Meter::new("LGZ5ZMD", &["1.8.0(1*kWh)"]), Quirks::NONE, patient, Reading::new(&patient, b""));
    assert_eq!(report.kept.values, ["1.8.0 1 kWh"]);
}

#[test]
fn one_broken_data_set_costs_no_other() {
    let lines = [
        "1.8.0(000001*kWh",
        "1.8.1(000002*kWh)",
        "nothing",
        "2.8.0(\x0112)",
        "1.\x108.0(7)",
        "2.8.1 (3*kWh)",
    ];
    let report = read(Meter::new("CCM5SIM", &lines), Quirks::NONE, policy(), Reading::new(&policy(), b""));
    assert_eq!(report.kept.values, ["1.8.1 2 kWh", "2.8.1 3 kWh"]);
    assert_eq!(report.kept.faults, [Fault::Unclosed, Fault::NoValue, Fault::Character, Fault::Address]);
}

#[test]
fn no_ending_at_all_is_version_three() {
    let quirks = named("p1-v3");
    assert_eq!(quirks.ending, Ending::Bare);
    let report = &listen(Meter::new("ISk5\\2MT382", &["0-0:17.0.0(016*A)"]), quirks, Polynomial::Arc, 1)[0];
    assert!(report.last.contains("check: None") && report.result.is_ok(), "{report:?}");
}

#[test]
fn an_address_without_an_end_costs_its_data_set_and_no_more() {
    let endless = format!("{}({})", "9".repeat(400), "8".repeat(400));
    let lines = ["1.8.0(1*kWh)", &endless, "2.8.0(2*kWh)"];
    let report = read(Meter::new("CCM5SIM", &lines), Quirks::NONE, policy(), Reading::new(&policy(), b""));
    assert_eq!(report.kept.values, ["1.8.0 1 kWh", "2.8.0 2 kWh"]);
    assert_eq!(report.kept.faults, [Fault::Address]);
}
