//! Meters that speak DLMS/COSEM, read and simulated as a person does: the program against itself, over TCP and
//! pseudo-terminals.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
    for secret in ["CCMASTER_DLMS_PASSWORD", "CCMASTER_DLMS_EK", "CCMASTER_DLMS_AK"] {
        command.env_remove(secret);
    }
    command.arg("dlms").args(arguments);
    command
}

/// A simulated meter that runs until the test ends, and where it is.
struct Meter {
    child: Child,
    place: String,
}

impl Meter {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(&[&["serve"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = line.trim().rsplit(' ').next().unwrap().to_string();
        Self { child, place }
    }

    fn tcp(arguments: &[&str]) -> Self {
        Self::start(&[&["--tcp", "127.0.0.1:0"], arguments].concat())
    }

    /// Reads; the exit code and the objects that are printed.
    fn read(&self, arguments: &[&str]) -> (i32, Vec<Value>) {
        parsed(&self.output(arguments))
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let port = if self.place.starts_with('/') { "--serial" } else { "--tcp" };
        let read = ["read", port, &self.place, "--json", "--timeout", "2s"];
        command(&[&read, arguments].concat()).output().unwrap()
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn parsed(output: &Output) -> (i32, Vec<Value>) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), objects)
}

fn file(name: &str, content: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dlms-read");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_string()
}

fn error(objects: &[Value]) -> &str {
    objects.iter().find_map(|object| object["error"].as_str()).unwrap_or("none")
}

const EK: &str = "000102030405060708090a0b0c0d0e0f";
const AK: &str = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf";
const KEYS: [&str; 4] = ["--ek", EK, "--ak", AK];
const TITLE: [&str; 2] = ["--system-title", "4343430000000010"];
const ENERGY: [&str; 2] = ["--obis", "1.0.1.8.0.255"];
const PROFILE: [&str; 2] = ["--profile", "1.0.99.1.0.255"];

#[test]
fn a_register_is_read_to_the_letter_over_both_framings() {
    for framing in ["hdlc", "wrapper"] {
        let meter = Meter::tcp(&["--framing", framing]);
        let output =
            meter.output(&["--framing", framing, "--obis", "1.0.1.8.0.255", "--obis", "1.0.32.7.0.255"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let energy = r#"{"ok":true,"obis":"1.0.1.8.0.255","class":3,"attribute":2,"value":"1234567","unit":"Wh","raw":1234567,"scaler":0}"#;
        let volts = r#"{"ok":true,"obis":"1.0.32.7.0.255","class":3,"attribute":2,"value":"230.5","unit":"V","raw":2305,"scaler":-1}"#;
        assert_eq!((output.status.code(), lines), (Some(0), vec![energy, volts]), "{framing}");
    }
}

#[test]
fn a_meter_on_a_serial_line_is_read_at_its_pace() {
    let meter = Meter::start(&["--pty", "--server", "1/17", "--baud", "115200", "--rows", "4"]);
    let place = ["--server", "1/17", "--baud", "115200"];
    let (code, objects) = meter.read(&[&place[..], &ENERGY, &PROFILE].concat());
    assert_eq!((code, objects.len()), (0, 5), "{objects:?}");
    assert_eq!(objects[4]["time"], "2026-01-01T00:45:00+01:00");
}

#[test]
fn who_knows_the_password_is_let_in_and_nobody_else() {
    let [good, bad] = [file("good", "Correct-Horse-16\n"), file("bad", "Correct-Horse-17\n")];
    for auth in ["lls", "hls", "hls-md5", "hls-sha1", "hls-sha256"] {
        let framing = if auth == "hls" { "hdlc" } else { "wrapper" };
        let meter = Meter::tcp(&["--framing", framing, "--auth", auth, "--password-file", &good]);
        let client = ["--framing", framing, "--client", "1", "--auth", auth, "--password-file"];
        let read = |file: &str| meter.read(&[&client[..], &[file], &TITLE, &ENERGY].concat());
        let (code, objects) = read(&good);
        assert_eq!((code, &objects[0]["value"]), (0, &json!("1234567")), "{auth}");
        let (code, objects) = read(&bad);
        assert_eq!((code, objects.len(), error(&objects)), (1, 1, "authentication"), "{auth}: {objects:?}");
    }
}

#[test]
fn keys_protect_in_every_way_and_a_wrong_one_gives_nothing() {
    for (auth, protection, envelope) in [
        ("hls-gmac", "both", "glo"),
        ("hls-gmac", "both", "ded"),
        ("hls-gmac", "both", "general-glo"),
        ("hls-gmac", "both", "general-ded"),
        ("hls-gmac", "none", "glo"),
        ("none", "auth", "glo"),
        ("none", "enc", "glo"),
    ] {
        let how = ["--auth", auth, "--protection", protection];
        let meter = Meter::tcp(&[&how[..], &KEYS, &["--client", "1"]].concat());
        let client = [&how[..], &["--envelope", envelope, "--client", "1"], &TITLE].concat();
        let (code, objects) = meter.read(&[&client[..], &KEYS, &ENERGY].concat());
        assert_eq!((code, &objects[0]["value"]), (0, &json!("1234567")), "{auth} {protection} {envelope}");
        let wrong = ["--ek", AK, "--ak", EK];
        let (code, objects) = meter.read(&[&client[..], &wrong, &ENERGY].concat());
        let expected = if protection == "none" { "authentication" } else { "wrong-key" };
        assert_eq!((code, objects.len(), error(&objects)), (1, 1, expected), "{protection}: {objects:?}");
    }
}

#[test]
fn a_counter_is_asked_for_once_and_never_used_twice() {
    let path = file("counter", "");
    std::fs::remove_file(&path).unwrap();
    let meter = Meter::tcp(&[&["--auth", "hls-gmac"], &KEYS[..]].concat());
    let client =
        [&["--client", "1", "--auth", "hls-gmac", "--counter-file", &path], &KEYS[..], &TITLE].concat();
    let mut last = 0;
    for _ in 0..3 {
        assert_eq!(meter.read(&[&client[..], &ENERGY].concat()).0, 0);
        let stored: u32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
        assert!(stored > last, "{stored} after {last}");
        last = stored;
    }
    let seen = meter.read(&["--obis", "0.0.43.1.0.255"]).1;
    assert!(seen[0]["raw"].as_u64().unwrap() < last.into(), "what is stored is above all that was used");
    let used = [&["--client", "1", "--auth", "hls-gmac", "--counter", "1"], &KEYS[..], &TITLE].concat();
    assert_eq!(
        meter.read(&[&used[..], &ENERGY].concat()).0,
        1,
        "the meter refuses a number that it has seen"
    );
}

#[test]
fn rows_are_selected_by_number_and_by_time() {
    let meter = Meter::tcp(&["--rows", "1500"]);
    let times = |selection: &[&str]| {
        let (code, objects) = meter.read(&[&PROFILE[..], selection].concat());
        assert_eq!(code, 0, "{objects:?}");
        let time = |object: &Value| object["time"].as_str().unwrap().to_string();
        objects.iter().map(time).collect::<Vec<_>>()
    };
    let all = times(&[]);
    assert_eq!((all.len(), all[1499].as_str()), (1500, "2026-01-16T14:45:00+01:00"));
    assert_eq!(times(&["--entries", "2-4"]), all[1..4]);
    let range = ["--from", "2026-01-01T00:15:00+01:00", "--to", "2026-01-01T00:45:00+01:00"];
    assert_eq!(times(&range), all[1..4]);
    let (_, objects) = meter.read(&[&PROFILE[..], &["--entries", "1-1"]].concat());
    let row = json!({"ok": true, "row": 0, "time": "2026-01-01T00:00:00+01:00",
        "values": ["2026-01-01T00:00:00+01:00", "0", "10240000", "576"], "units": [null, null, "Wh", "Wh"]});
    assert_eq!(objects, [row]);
}

#[test]
fn what_is_written_is_read_again_and_methods_act() {
    let meter = Meter::tcp(&[]);
    let long = format!("0.0.96.50.0.255:1:2=octets:{}", "a5".repeat(3000));
    let read =
        ["--obis", "0.0.96.50.0.255", "--action", "0.0.96.3.10.255:70:1=i8:0", "--obis", "0.0.96.3.10.255"];
    let (code, objects) = meter.read(&[&["--set", &long], &read[..]].concat());
    assert_eq!(code, 0, "{objects:?}");
    assert_eq!(objects[0], json!({"ok": true, "obis": "0.0.96.50.0.255", "class": 1, "attribute": 2}));
    let acted = json!({"ok": true, "obis": "0.0.96.3.10.255", "class": 70, "method": 1, "value": null});
    assert_eq!(objects[1], acted);
    assert_eq!(objects[2]["raw"], json!("a5".repeat(3000)));
    assert_eq!(objects[3]["raw"], json!(false));
}

#[test]
fn an_object_that_is_not_there_is_named_and_the_others_are_read() {
    for list in [&[][..], &["--with-list"]] {
        let meter = Meter::tcp(&[]);
        let wanted = ["--obis", "1.0.99.99.9.255:3", "--obis", "1.0.2.8.0.255"];
        let (code, objects) = meter.read(&[&wanted[..], list].concat());
        assert_eq!((code, objects.len()), (1, 2), "{objects:?}");
        assert_eq!((error(&objects), &objects[0]["obis"]), ("object-undefined", &json!("1.0.99.99.9.255")));
        assert_eq!((&objects[1]["value"], &objects[1]["unit"]), (&json!("42"), &json!("Wh")));
    }
}

#[test]
fn short_names_are_learned_from_the_meter() {
    let meter = Meter::tcp(&["--framing", "hdlc", "--short-names", "--rows", "3"]);
    let (code, objects) =
        meter.read(&[&["--framing", "hdlc", "--short-names", "--list"], &ENERGY[..], &PROFILE].concat());
    assert_eq!((code, &objects[0]["value"]), (0, &json!("1234567")), "{objects:?}");
    assert!(objects.iter().any(|object| object["base_name"].is_u64()));
    assert_eq!(objects.iter().filter(|object| object["row"].is_u64()).count(), 3);
}

#[test]
fn every_fault_has_a_name_and_gives_no_value() {
    for (fault, expected) in [
        ("bad-tag", "wrong-tag"),
        ("stale-counter", "replay"),
        ("missing-protection", "policy"),
        ("broadcast-bit", "broadcast"),
        ("silence", "timeout"),
        ("truncated-block", "truncated"),
        ("block-jump", "block"),
        ("wrong-invoke-id", "invoke-id"),
    ] {
        let meter =
            Meter::tcp(&[&["--auth", "hls-gmac", "--rows", "100", "--fault", fault], &KEYS[..]].concat());
        let client = [&["--client", "1", "--auth", "hls-gmac", "--counter", "1"], &KEYS[..], &TITLE].concat();
        let (code, objects) = meter.read(&[&client[..], &PROFILE].concat());
        assert_eq!((code, error(&objects)), (1, expected), "{fault}: {objects:?}");
        assert!(objects.iter().all(|object| object["ok"] == false), "{fault}: {objects:?}");
    }
}

#[test]
fn what_makes_no_sense_is_misuse_and_nothing_is_sent() {
    let place = ["read", "--tcp", "127.0.0.1:1"];
    for wrong in [
        &[][..],
        &["--obis", "nonsense"],
        &["--obis", "1.8.0", "--auth", "lls"],
        &["--obis", "1.8.0", "--auth", "hls-gmac"],
        &["--obis", "1.8.0", "--ek", "00", "--system-title", "4343430000000010"],
        &["--obis", "1.8.0", "--ek", EK, "--ak", AK],
        &["--obis", "1.8.0", "--auth", "hls-ecdsa", "--system-title", "4343430000000010"],
        &["--profile", "1.0.99.1.0.255", "--from", "2026-01-01"],
        &["--profile", "1.0.99.1.0.255", "--entries", "4-1"],
        &["--set", "0.0.96.1.0.255:1:2=u8:256"],
        &["--obis", "1.8.0", "--server", "1/99999"],
    ] {
        let output = command(&[&place[..], wrong].concat()).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains(EK), "{wrong:?}");
    }
    let output = command(&[&place[..], &["--obis", "1.8.0", "--json"]].concat()).output().unwrap();
    let (code, objects) = parsed(&output);
    assert_eq!((code, error(&objects)), (1, "port"));
}

/// What the meter said in a recorded conversation, frame by frame.
fn recorded(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ccm-dlms/tests/vectors");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let byte = |digits: &str, at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let frame = |digits: &str| (0..digits.len()).step_by(2).map(|at| byte(digits, at)).collect();
    text.lines().filter_map(|line| line.strip_prefix("S ")).map(frame).collect()
}

/// Waits for bytes and gives them.
fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = [0; 512];
    let count = stream.read(&mut bytes).unwrap_or(0);
    bytes[..count].to_vec()
}

#[test]
fn mode_e_signs_on_in_text_and_goes_on_in_frames() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let meter = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = heard(&mut stream);
        stream.write_all(b"/CCM5\\2SIM\r\n").unwrap();
        text.extend(heard(&mut stream));
        // The link, the association, and the answer to the first request.
        for frame in recorded("conv-hdlc-none.hex").iter().take(3) {
            heard(&mut stream);
            stream.write_all(frame).unwrap();
        }
        text
    });
    let wanted = ["--mode-e", "--obis", "1.0.1.8.0.255:1:2", "--release", "never", "--json"];
    let place = ["read", "--tcp", &place, "--timeout", "2s", "--retries", "0"];
    let (code, objects) = parsed(&command(&[&place[..], &wanted].concat()).output().unwrap());
    assert_eq!((code, &objects[0]["raw"]), (0, &json!(12_345_678)), "{objects:?}");
    assert_eq!(meter.join().unwrap(), b"/?!\r\n\x06252\r\n");
}
