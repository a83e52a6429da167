//! Programming mode: passwords, commands, partial blocks, profiles, refusals.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod common;

use ccm_iec62056::script::{Dzg, Elster, NoPassword, Plain};
use ccm_iec62056::{Command, Error, Policy, Quirks, Records, Value};
use common::meter::{Meter, program};

fn policy() -> Policy {
    Policy { retries: 0, ..Policy::DEFAULT }
}

fn meter(kind: u8, password: &str, seed: &str) -> Meter {
    let mut meter = Meter::new("CCM5SIM", &[]);
    meter.password = Some((kind, password.into()));
    meter.seed = seed.into();
    meter.registers = vec![
        ("1.8.0".into(), vec!["1.8.0(0012345.678*kWh)".into()]),
        ("0.9.1".into(), vec!["(161500)".into()]),
    ];
    meter
}

#[test]
fn a_plain_password_opens_reads_and_writes() {
    let commands = [
        Command::read(1, b"1.8.0", b""),
        Command::read(2, b"0.9.1", b""),
        Command::write(1, b"0.9.1", b"161600"),
        Command::execute(1, b"131.132", b"zero"),
    ];
    for kind in 1..=6 {
        let read = [Command::read(kind, b"1.8.0", b""), Command::write(kind, b"0.9.1", b"1")];
        let meter = meter(1, "00000000", "");
        let (report, written) = program(meter, Quirks::NONE, policy(), Plain(b"00000000"), &read);
        assert_eq!((report.result, written.len()), (Ok(()), 1), "R{kind} and W{kind}: {:?}", report.last);
    }
    let meter = meter(1, "00000000", "");
    let (report, written) = program(meter, Quirks::NONE, policy(), Plain(b"00000000"), &commands);
    assert_eq!(report.result, Ok(()), "{report:?}");
    assert_eq!(report.kept.values, ["1.8.0 12345.678 kWh", " 161500"]);
    assert_eq!(written, ["0.9.1=161600", "131.132=zero"]);
    assert_eq!(report.wire.sent.last().unwrap(), b"\x01B0\x03q");
}

#[test]
fn elster_and_dzg_answer_their_operands() {
    let commands = [Command::read(1, b"1.8.0", b"")];
    let elster = meter(2, "BE2C10B158593B3E", "FD2BA0E29731D230");
    let (report, _) = program(elster, Quirks::NONE, policy(), Elster(*b"FEDC0003"), &commands);
    assert_eq!((report.result, report.kept.values.len()), (Ok(()), 1));
    let dzg = meter(1, "5F5FC3C38C8C", "01020305");
    let (report, _) = program(dzg, Quirks::NONE, policy(), Dzg(*b"222222"), &commands);
    assert_eq!((report.result, report.kept.values.len()), (Ok(()), 1));
}

#[test]
fn a_wrong_password_is_a_break_and_not_a_time_out() {
    let (report, _) = program(meter(1, "1", ""), Quirks::NONE, policy(), Plain(b"2"), &[]);
    assert_eq!(report.result, Err(Error::Break));
}

#[test]
fn an_operand_of_the_wrong_form_ends_the_dialogue_properly() {
    let (report, _) = program(meter(2, "1", "XY"), Quirks::NONE, policy(), Elster([0; 8]), &[]);
    assert!(matches!(report.result, Err(Error::Request(_))), "{report:?}");
    assert_eq!(report.wire.sent.last().unwrap(), b"\x01B0\x03q");
}

#[test]
fn a_refusal_has_the_meters_own_words() {
    let commands = [Command::read(1, b"99.9", b"")];
    let (report, _) = program(meter(1, "0", ""), Quirks::NONE, policy(), Plain(b"0"), &commands);
    assert_eq!(format!("{:?}", report.result), "Err(Refused(Refusal(ER07)))");
    assert_eq!(report.wire.sent.last().unwrap(), b"\x01B0\x03q", "the dialogue is ended properly");
    let zdue = Quirks::named("sagemcom-zdue").unwrap();
    let (report, _) = program(meter(1, "0", ""), zdue, policy(), Plain(b"0"), &commands);
    assert_eq!(format!("{:?}", report.result), "Err(Refused(Refusal(ERROR14)))");
}

#[test]
fn a_command_before_the_password_is_refused() {
    let commands = [Command::read(1, b"1.8.0", b"")];
    let (report, _) = program(meter(1, "0", ""), Quirks::NONE, policy(), NoPassword, &commands);
    assert_eq!(format!("{:?}", report.result), "Err(Refused(Refusal(ERROR)))");
    assert!(report.kept.values.is_empty());
}

#[test]
fn a_value_that_looks_like_a_refusal_is_a_value_where_it_has_a_code() {
    let mut meter = meter(1, "0", "");
    meter.registers.push(("96.13".into(), vec!["96.13((ER11))".into()]));
    let commands = [Command::read(1, b"96.13", b"")];
    let (report, _) = program(meter, Quirks::NONE, policy(), Plain(b"0"), &commands);
    assert_eq!((report.result, report.kept.values), (Ok(()), vec!["96.13 '(ER11)'".to_string()]));
}

#[test]
fn metcom_has_an_operand_that_changes_nothing_and_names_channels_in_full() {
    let mut meter = meter(1, "00000000", "00000001");
    let head = "P.01(1260115000000)(00000000)(15)(2)(1-1:1.29.0*255)(kWh)(1-1:2.29.0*255)(kWh)";
    meter.registers.push(("P.01".into(), vec![head.into(), "(0.5)(0.25)".into()]));
    let commands = [Command::read(5, b"P.01", b"1260115000000;1260115001500")];
    let (report, _) = program(meter, Quirks::NONE, policy(), Plain(b"00000000"), &commands);
    assert_eq!((report.result, report.kept.values.len()), (Ok(()), 8 + 2), "{:?}", report.kept);
}

#[test]
fn e2_is_carried_out_and_acknowledged_as_e1_is() {
    let commands = [1, 2].map(|kind| Command::execute(kind, b"131.132", b"zero"));
    let (report, written) = program(meter(1, "0", ""), Quirks::NONE, policy(), Plain(b"0"), &commands);
    assert_eq!((report.result, written.len()), (Ok(()), 2), "{:?}", report.last);
    assert!(report.wire.sent.iter().any(|sent| sent.starts_with(b"\x01E2\x02131.132(zero)\x03")));
}

#[test]
fn nzr_needs_no_password() {
    let commands = [Command::read(1, b"1.8.0", b"")];
    let (report, _) =
        program(meter(1, "x", ""), Quirks::named("nzr").unwrap(), policy(), NoPassword, &commands);
    assert_eq!((report.result, report.kept.values.len()), (Ok(()), 1));
}

#[test]
fn emh_reads_with_five_only_and_wants_the_password_in_the_second_group() {
    let quirks = Quirks::named("emh-lzqj").unwrap();
    let one = [Command::read(1, b"1.8.0", b"")];
    let (report, _) = program(meter(1, "0", ""), quirks, policy(), Plain(b"0"), &one);
    assert_eq!(report.result, Err(Error::Break), "{report:?}");
    let five =
        [Command::read(5, b"1.8.0", b""), Command::write(5, b"0.9.1", b"0102350").with_second(b"00000000")];
    let (report, written) = program(meter(1, "0", ""), quirks, policy(), Plain(b"0"), &five);
    assert_eq!((report.result, written), (Ok(()), vec!["0.9.1=0102350".to_string()]), "{:?}", report.last);
    let bare = [Command::write(5, b"0.9.1", b"0102350")];
    let (report, _) = program(meter(1, "0", ""), quirks, policy(), Plain(b"0"), &bare);
    assert!(matches!(report.result, Err(Error::Refused(_))));
}

#[test]
fn turkish_meters_read_profiles_with_two() {
    let mut meter = meter(1, "0", "");
    meter
        .registers
        .push(("P.01".into(), vec!["P.01(24-07-13,13:00)(0)(60)(1)(1.8.0)(kWh)(1.5)(2.5)".into()]));
    let commands = [Command::read(2, b"P.01", b"24-07-13,13:00;24-07-14,14:00")];
    let (report, _) = program(meter, Quirks::named("turkish").unwrap(), policy(), Plain(b"0"), &commands);
    assert_eq!(report.kept.values.len(), 8, "{report:?}");
}

/// A profile of three days, one block an hour, with a gap that has a head of its own.
fn profile() -> Meter {
    let mut meter = meter(1, "0", "");
    let head = |time: &str| format!("P.01({time})(00000000)(15)(2)(1-1:1.29)(kW)(2.29)(kW)");
    let mut lines = vec![head("0230823000000")];
    lines.extend((0..50).map(|n| format!("(0.{n:03})(0.000)")));
    lines.push(head("0230823180000"));
    lines.extend((50..60).map(|n| format!("(0.{n:03})(0.000)")));
    meter.registers.push(("P.01".into(), lines));
    meter.block = 5;
    meter
}

#[test]
fn a_profile_comes_in_partial_blocks_and_as_records() {
    let commands = [Command::read(6, b"P.01", b"0230823000000;0230823235959")];
    for (quirks, naks) in [(Quirks::NONE, 0), (Quirks { wrong_checks: 3, ..Quirks::NONE }, 2)] {
        let (report, _) = program(profile(), quirks, policy(), Plain(b"0"), &commands);
        assert_eq!(report.result, Ok(()), "{report:?}");
        assert_eq!(report.kept.values.len(), 2 * 8 + 60 * 2);
        let count = |byte: u8| report.wire.sent.iter().filter(|sent| **sent == [byte]).count();
        assert!(count(0x06) == 12 && count(0x15) >= naks, "{:?}", report.wire.sent);
    }
}

#[test]
fn records_have_their_own_times_and_a_gap_has_none() {
    let mut records = Records::<2>::new();
    let mut seen = Vec::new();
    let lines = &profile().registers[2].1;
    let mut group = 0;
    for line in lines {
        let body = line.strip_prefix("P.01");
        if body.is_some() {
            group = 0;
        }
        for text in body.unwrap_or(line).trim_matches(['(', ')']).split(")(") {
            let value = Value {
                address: b"P.01",
                group,
                text: text.as_bytes(),
                unit: None,
                continues: false,
                more: false,
            };
            group += 1;
            if let Some(record) = records.value(&value) {
                seen.push((record.time.hour, record.time.minute, record.decimal(0).unwrap().to_string()));
            }
        }
    }
    assert_eq!(seen.len(), 60);
    assert_eq!(seen[0], (0, 0, "0.000".to_string()));
    assert_eq!(seen[49], (12, 15, "0.049".to_string()));
    assert_eq!(seen[50], (18, 0, "0.050".to_string()));
}

#[test]
fn a_log_has_entries_with_and_without_values() {
    let mut records = Records::<4>::new();
    let mut seen = Vec::new();
    let log = [
        "(0180905124509)(00000008)()(2)(0.9.1)()(0.9.2)()(124457)(180905)",
        "(0180906000000)(00000020)()(0)",
    ];
    for entry in log {
        for (group, text) in entry.trim_matches(['(', ')']).split(")(").enumerate() {
            let group = u16::try_from(group).unwrap();
            let value = Value {
                address: b"P.98",
                group,
                text: text.as_bytes(),
                unit: None,
                continues: false,
                more: false,
            };
            if let Some(record) = records.value(&value) {
                seen.push((record.time.day, record.head.status.to_vec(), record.values.len()));
            }
        }
    }
    assert_eq!(seen, [(5, b"00000008".to_vec(), 2), (6, b"00000020".to_vec(), 0)]);
}
