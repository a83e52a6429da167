//! The sniffer as a person uses it, on a pseudo-terminal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use ccmaster_host::port::Pty;
use embedded_io_async::{Read, Write};
use serde_json::{Value, json};

/// What the sniffer prints of these lumps, and whatever it sent to the line.
fn sniff(lumps: &'static [&'static [u8]], options: &[&str]) -> (Vec<Value>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut port = Pty::new().unwrap();
        let place = ["modbus", "sniff", "--json", "--duration", "1s", "--rtu", port.path().to_str().unwrap()];
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        command.args(place).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("listening"), "{said}");
        for lump in lumps {
            port.write_all(lump).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let mut sent = vec![0; 16];
        let read = tokio::time::timeout(Duration::from_millis(50), port.read(&mut sent)).await;
        sent.truncate(read.map_or(0, Result::unwrap));
        let lines = String::from_utf8(output.stdout).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), sent)
    })
}

const READ: &[u8] = b"\x11\x03\x00\x6B\x00\x03\x76\x87";
const REPLY: &[u8] = b"\x11\x03\x06\xAE\x41\x56\x52\x43\x40\x49\xAD";
const BOTH: &[u8] = b"\x11\x03\x00\x6B\x00\x03\x76\x87\x11\x03\x06\xAE\x41\x56\x52\x43\x40\x49\xAD";

#[test]
fn frames_are_told_as_request_and_reply_whatever_lumps_they_come_in() {
    let (seen, sent) = sniff(&[READ, REPLY, BOTH, &[0xFF, 0xFE]], &[]);
    assert_eq!(sent, [0_u8; 0], "it never sends");
    let event = |entry: &Value| entry["event"].as_str().unwrap().to_string();
    let expected = ["request", "reply", "request", "reply", "noise", "unit", "bus"];
    assert_eq!(seen.iter().map(event).collect::<Vec<_>>(), expected);
    let reply = &seen[1];
    assert_eq!(reply["address"], json!(107));
    assert_eq!(reply["values"], json!([0xAE41, 0x5652, 0x4340]));
    assert!(reply["after_us"].as_u64().unwrap() < 1_000_000);
    assert_eq!(seen[3].get("after_us"), None, "both came at the same moment");
    assert_eq!((&seen[5]["requests"], &seen[5]["replies"]), (&json!(2), &json!(2)));
    assert_eq!((&seen[6]["messages"], &seen[6]["noise_bytes"]), (&json!(4), &json!(2)));
}

#[test]
fn stats_are_the_summary_alone_and_the_file_has_every_frame() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("sniffed.pcap");
    let (seen, _) = sniff(&[BOTH], &["--stats", "--pcap", path.to_str().unwrap()]);
    assert_eq!(
        seen.iter().map(|entry| entry["event"].clone()).collect::<Vec<_>>(),
        [json!("unit"), json!("bus")]
    );
    let file = std::fs::read(path).unwrap();
    let tags = 12 + 3 * 8 + 4;
    assert_eq!(file.len(), 24 + 2 * (16 + tags) + BOTH.len());
    assert!(file.ends_with(REPLY));
}

#[test]
fn misuse_is_one_line_and_exit_code_2_and_a_port_that_is_not_there_is_1() {
    let table: [(i32, &[&str]); 4] = [
        (2, &["--rtu", "/dev/null", "--pcap", "-", "--json"]),
        (2, &["--rtu", "/dev/null", "--data-bits", "7"]),
        (2, &["--rtu", "/dev/null", "--duration", "0s"]),
        (1, &["--rtu", "/nowhere"]),
    ];
    for (code, arguments) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let output = command.args(["modbus", "sniff"]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(code), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}
