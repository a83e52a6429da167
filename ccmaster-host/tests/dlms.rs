//! The tools for DLMS/COSEM as a person uses them: against the program itself.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ccmaster_host::port::Pty;
use embedded_io_async::Write as _;
use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
    for variable in ["CCMASTER_DLMS_EK", "CCMASTER_DLMS_AK"] {
        command.env_remove(variable);
    }
    command.args(["dlms", "listen"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn listen(arguments: &[&str], input: &[u8]) -> Output {
    finish(command(arguments), input)
}

fn finish(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who stops early does not read to the end.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The exit code and the objects printed for these lines.
fn hex(arguments: &[&str], lines: &str) -> (i32, Vec<Value>) {
    parsed(&listen(&[&["--hex", "-", "--json"], arguments].concat(), lines.as_bytes()))
}

fn parsed(output: &Output) -> (i32, Vec<Value>) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), objects)
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ccm-dlms/tests/vectors")
}

/// The digits of a vector; of several, one behind an empty line each, the first.
fn digits(name: &str) -> String {
    let text = std::fs::read_to_string(vectors().join(format!("{name}.hex"))).unwrap();
    let lines = text.lines().skip_while(|line| line.starts_with('#'));
    lines.take_while(|line| !line.is_empty()).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// What a vector says, in the form of the `.readings` files.
fn lines(object: &Value) -> Vec<String> {
    let part =
        |value: &Value, name: &str| value[name].as_str().map_or(String::new(), |text| format!("{text} "));
    let values = object["values"].as_array().unwrap().iter();
    values
        .map(|value| {
            let obis = value["obis"].as_str().unwrap_or("?");
            let rest = format!("{}{}", part(value, "value"), part(value, "unit"));
            format!("{obis}={}", rest.trim_end())
        })
        .collect()
}

/// The same of the file itself, whose codes have other marks and whose bytes are a list.
fn expected(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(vectors().join(format!("data-push-{name}.readings"))).unwrap();
    text.lines()
        .map(|line| {
            let (obis, value) = line.split_once('=').unwrap();
            let value = value.strip_prefix("enum ").unwrap_or(value);
            let bytes = value.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
            let value = bytes.map_or_else(|| value.into(), |list| list.replace(", ", ""));
            format!("{}={value}", obis.replace(['-', ':', '*'], "."))
        })
        .collect()
}

const E450: [&str; 4] =
    ["--ek", "5c316162209ebb790b52eb0e7fc5b11c", "--ak", "92705c5c97286064eabae38d190f87a4"];
const UDP: [&str; 4] =
    ["--ek", "4d5944554d4d59474c4f42414c4b4559", "--ak", "4d5944554d4d59474c4f42414c4b4559"];
const NOE: [&str; 2] = ["--ek", "36c66639e48a8ca4d6bc8b282a793bbb"];

#[test]
fn every_recorded_push_is_read_from_a_line_of_digits() {
    let vectors: [(&str, &str, &[&str]); 8] = [
        ("push-aidon-1phase", "aidon-1phase", &[]),
        ("message-push-aidon-1phase", "aidon-1phase", &[]),
        ("push-kaifa-ma304", "kaifa-ma304", &[]),
        ("message-push-kaifa-ma304", "kaifa-ma304", &[]),
        ("message-push-salzburg-plain", "salzburg-plain", &[]),
        ("push-lg-e450-gbt-gcm", "lg-e450-gbt-gcm", &E450),
        ("security-push-lg-e450", "lg-e450-gbt-gcm", &E450),
        ("message-push-netz-noe-enc-only", "netz-noe-enc-only", &NOE),
    ];
    for (vector, name, keys) in vectors {
        let digits = digits(vector);
        // The plain message stands behind a mark of its own.
        let digits = digits.split('#').next().unwrap();
        let (code, objects) = hex(keys, &format!("# {vector}\n\n{digits}\n"));
        assert_eq!((code, objects.len()), (0, 1), "{vector}: {objects:?}");
        assert_eq!(objects[0]["ok"], true);
        assert_eq!(lines(&objects[0]), expected(name), "{vector}");
    }
    let apdu = format!("0f0000000100{}", digits("data-push-aidon-3phase"));
    let (code, objects) = hex(&[], &apdu);
    assert_eq!((code, objects.len()), (0, 1), "{objects:?}");
    assert_eq!(lines(&objects[0]), expected("aidon-3phase"));
    let (code, objects) = hex(&UDP, &digits("udp-general-glo"));
    let value = "125a8591360000000049000000110000000a5a8513d014800000000d0000000a0100";
    let push = json!({"ok": true, "time": null, "values": [{"obis": null, "value": value}]});
    assert_eq!((code, objects), (0, vec![push]));
}

#[test]
fn a_push_is_one_object_to_the_letter() {
    let output = listen(
        &["--hex", "-", "--json"],
        b"0f 00000001 0c 07e60b0c0610360000ffc400 01 01 02 03 09 06 0100010700ff 12 01a7 02 02 0f fd 16 1b",
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let push = r#"{"ok":true,"time":"2022-11-12T16:54:00+01:00","values":[{"obis":"1.0.1.7.0.255","value":"0.423","unit":"W"}]}"#;
    assert_eq!((output.status.code(), text.trim_end()), (Some(0), push));
}

#[test]
fn a_long_push_may_take_several_lines_and_each_line_that_fails_says_so() {
    let gbt = bytes(&digits("push-lg-e450-gbt-gcm"));
    let frames: Vec<String> = [&gbt[..141], &gbt[141..282], &gbt[282..]]
        .iter()
        .map(|frame| frame.iter().map(|byte| format!("{byte:02X} ")).collect())
        .collect();
    let (code, objects) = hex(&E450, &frames.join("\n"));
    assert_eq!((code, objects.len()), (0, 1), "{objects:?}");
    assert_eq!(lines(&objects[0]), expected("lg-e450-gbt-gcm"));

    let aidon = digits("push-aidon-1phase");
    let damaged = aidon.replace("0552", "0553");
    let cut = &digits("message-push-aidon-1phase")[..100];
    let text = format!("{damaged}\n{cut}\nno digits\n7ea0072103730140 7e\n{aidon}\n{}", frames[0]);
    let (code, objects) = hex(&[], &text);
    let names: Vec<_> = objects.iter().map(|object| object["error"].as_str().unwrap_or("-")).collect();
    assert_eq!(code, 1);
    assert_eq!(names, ["checksum", "data", "hex", "unexpected", "-", "incomplete"], "{objects:?}");
    assert_eq!(objects[0]["message"], "line 1: bad frame: the checksum is wrong");
    assert_eq!(objects[1]["ok"], false);
    let (code, objects) = hex(&["--count", "1"], &format!("{aidon}\n{damaged}"));
    assert_eq!((code, objects.len()), (0, 1));
}

#[test]
fn what_is_not_protected_as_it_must_be_gives_its_name_and_no_value() {
    let pushed = digits("push-lg-e450-gbt-gcm");
    let zeros = "00".repeat(16);
    let error = |keys: &[&str], lines: &str| {
        let (code, objects) = hex(keys, lines);
        assert_eq!(code, 1, "{objects:?}");
        objects.last().unwrap()["error"].as_str().unwrap().to_string()
    };
    assert_eq!(error(&["--ek", &zeros, "--ak", E450[3]], &pushed), "wrong-tag");
    assert_eq!(error(&["--ek", E450[1], "--ak", &zeros], &pushed), "wrong-tag");
    assert_eq!(error(&[], &pushed), "no-key");
    assert_eq!(error(&E450[..2], &pushed), "no-key");
    assert_eq!(error(&E450, &format!("{pushed}\n{pushed}")), "replay");
    assert_eq!(error(&E450, &digits("push-aidon-1phase")), "policy");
    let noe = [NOE[0], NOE[1], "--ak", &zeros];
    assert_eq!(error(&noe, &digits("message-push-netz-noe-enc-only")), "policy");
    let other = [&E450[..], &["--system-title", "4d4d4d0000bc614e"]].concat();
    assert_eq!(error(&other, &pushed), "title");
    let both = [&E450[..], &["--protection", "none"]].concat();
    let (code, objects) = hex(&both, &format!("{pushed}\n{}", digits("push-aidon-1phase")));
    assert_eq!((code, objects.len()), (0, 2));
}

#[test]
fn keys_come_from_files_and_the_environment_too() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dlms");
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let (ek, ak) = (file("ek", &format!("{}\n", E450[1])), file("ak", E450[3]));
    let frames = digits("push-lg-e450-gbt-gcm");
    let (code, objects) = hex(&["--ek-file", &ek, "--ak-file", &ak], &frames);
    assert_eq!((code, objects.len()), (0, 1), "{objects:?}");
    let path = folder.join("frames.bin");
    std::fs::write(&path, bytes(&frames)).unwrap();
    let mut command = command(&["--file", path.to_str().unwrap(), "--json"]);
    command.env("CCMASTER_DLMS_EK", E450[1]).env("CCMASTER_DLMS_AK", E450[3]);
    let (code, objects) = parsed(&finish(command, b""));
    assert_eq!((code, objects.len()), (0, 1), "{objects:?}");
    assert_eq!(lines(&objects[0]), expected("lg-e450-gbt-gcm"));
}

#[test]
fn people_get_a_table_and_errors_beside_it() {
    let aidon = digits("push-aidon-1phase");
    let output = listen(&["--hex", "-"], format!("{aidon}\nzz\n").as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("  1.0.32.7.0.255") && text.contains("250.0 V"), "{text}");
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("error: line 2: "), "{errors}");
    let output = listen(&["--hex", "-"], b"");
    assert_eq!(output.status.code(), Some(1), "nothing is not good");
}

#[test]
fn what_makes_no_sense_is_misuse() {
    let table: [&[&str]; 10] = [
        &[],
        &["--hex", "-", "--udp", "127.0.0.1:0"],
        &["--hex", "no such file"],
        &["--hex", "-", "--ek", "00"],
        &["--hex", "-", "--ak", E450[3]],
        &["--hex", "-", "--suite", "2", "--ek", E450[1]],
        &["--hex", "-", "--ek", E450[1], "--protection", "both"],
        &["--hex", "-", "--protection", "enc"],
        &["--hex", "-", "--system-title", "00"],
        &["--udp", "here"],
    ];
    for arguments in table {
        let output = listen(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

/// A listener on a port of its own, and where.
fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = command(arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let place = line.trim().rsplit(' ').next().unwrap().to_string();
    (child, place)
}

#[test]
fn meters_connect_and_send_datagrams() {
    let frame = bytes(&digits("udp-general-glo"));
    let arguments =
        [&["--tcp", "127.0.0.1:0", "--count", "2", "--timeout", "20s", "--json"], &UDP[..]].concat();
    let (child, place) = start(&arguments);
    let mut first = TcpStream::connect(&place).unwrap();
    let mut second = TcpStream::connect(&place).unwrap();
    // Both at once, in pieces that must not mix.
    first.write_all(&frame[..20]).unwrap();
    second.write_all(&frame[..30]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    first.write_all(&frame[20..]).unwrap();
    second.write_all(&frame[30..]).unwrap();
    let (code, objects) = parsed(&child.wait_with_output().unwrap());
    let names: Vec<_> = objects.iter().map(|object| object["error"].as_str().unwrap_or("-")).collect();
    assert_eq!((code, names), (1, vec!["-", "replay"]), "{objects:?}");

    let arguments =
        [&["--udp", "127.0.0.1:0", "--count", "2", "--timeout", "20s", "--json"], &UDP[..]].concat();
    let (child, place) = start(&arguments);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&frame[..50], &place).unwrap();
    socket.send_to(&frame, &place).unwrap();
    let (code, objects) = parsed(&child.wait_with_output().unwrap());
    let names: Vec<_> = objects.iter().map(|object| object["error"].as_str().unwrap_or("-")).collect();
    assert_eq!((code, names), (1, vec!["frame", "-"]), "{objects:?}");
}

#[test]
fn serial_lines_and_device_servers_are_listened_to() {
    let frame = bytes(&digits("push-aidon-1phase"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (code, objects) = runtime.block_on(async {
        let mut pty = Pty::new().unwrap();
        let path = pty.path().to_str().unwrap().to_string();
        let child =
            command(&["--serial", &path, "--count", "1", "--timeout", "20s", "--json"]).spawn().unwrap();
        // What was said before anybody listened is not heard; the meter says it again.
        let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
        while !output.is_finished() {
            pty.write_all(&frame).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        parsed(&output.await.unwrap())
    });
    assert_eq!((code, lines(&objects[0])), (0, expected("aidon-1phase")));

    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = server.local_addr().unwrap().to_string();
    let child = command(&["--connect", &place, "--timeout", "20s", "--json"]).spawn().unwrap();
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(&frame).unwrap();
    drop(stream);
    let (code, objects) = parsed(&child.wait_with_output().unwrap());
    assert_eq!((code, lines(&objects[0])), (1, expected("aidon-1phase")));
    assert_eq!(objects[1]["error"], "port", "it was closed");
}

#[test]
fn silence_ends_the_listening_where_it_is_asked_to() {
    let output = listen(&["--udp", "127.0.0.1:0", "--timeout", "200ms", "--json"], b"");
    let (code, objects) = parsed(&output);
    assert_eq!((code, &objects[0]["error"]), (1, &json!("timeout")));
}
