//! The tools for 62056-21 and P1 as a person uses them: against the program itself, over pseudo-terminals and TCP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn d0(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
    command.env_remove("CCMASTER_D0_PASSWORD").args(["d0"]).args(arguments);
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

    /// A tool on this meter; its exit code and the objects it prints.
    fn json(&self, tool: &str, arguments: &[&str]) -> (i32, Vec<Value>) {
        let port = if self.place.starts_with('/') { "--serial" } else { "--tcp" };
        parsed(&d0(&[&[tool, port, &self.place, "--json"], arguments].concat()))
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

fn file(name: &str, content: &[u8]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("d0");
    std::fs::create_dir_all(&folder).unwrap();
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_string()
}

/// The bytes of a telegram of the crate's collection.
fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ccm-iec62056/tests/vectors");
    let text = std::fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A meter of mode C that reacts in 20 ms, as the third letter says, in place of 200.
const QUICK: &str = "identification = \"CCm5SIM-62056\"\n";

/// The example that is served without an image, but quick.
fn quick_example(name: &str) -> String {
    let example = include_str!("../src/cli/d0/example.toml");
    file(name, format!("{QUICK}{example}").as_bytes())
}

fn quick(name: &str) -> String {
    file(name, format!("{QUICK}{SMALL}").as_bytes())
}

const SMALL: &str = "lines = [\"F.F(00)\", \"1.8.0(0012345.678*kWh)\", \"2.8.0(0000042*kWh)\"]\n";

fn values(objects: &[Value]) -> Vec<&str> {
    objects.iter().filter_map(|object| object["value"].as_str()).collect()
}

fn end(check: &str, sets: u32) -> Value {
    json!({"end": {"check": check, "sets": sets}})
}

#[test]
fn a_readout_on_a_serial_port_is_ident_values_and_end_to_the_letter() {
    let meter = Meter::start(&["--pty"]);
    let output = d0(&["read", "--serial", &meter.place, "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((output.status.code(), lines.len()), (Some(0), 1 + 23 + 1), "{text}");
    let ident = r#"{"ident":{"flag":"CCM","mode":"C","baud":9600,"model":"SIM-62056"}}"#;
    let value = r#"{"code":"1.8.0","value":"12345.678","unit":"kWh","text":"0012345.678*kWh"}"#;
    let words = r#"{"code":"0.0.1","text":"SIM-62056"}"#;
    assert_eq!(lines[0], ident);
    assert!(lines.contains(&value) && lines.contains(&words), "{text}");
    assert_eq!(lines[24], r#"{"end":{"check":"ok","sets":22}}"#);
}

#[test]
fn every_mode_is_read_in_its_own_way() {
    for (mode, letter, baud, flag, offer) in [
        ("a", "A", 300, "CCm", " "),
        ("b", "B", 9600, "CCM", "E"),
        ("c", "C", 9600, "CCm", "5"),
        ("e", "E", 9600, "CCm", "5\\\\2"),
    ] {
        let text = format!("identification = \"{flag}{offer}SIM-62056\"\n{SMALL}");
        let image = file(&format!("mode-{mode}.toml"), text.as_bytes());
        let meter = Meter::tcp(&["--mode", mode, "--image", &image]);
        for asked in ["auto", mode] {
            let (code, objects) = meter.json("read", &["--mode", asked]);
            assert_eq!(code, 0, "{mode}: {objects:?}");
            let ident = json!({"flag": flag, "mode": letter, "baud": baud, "model": "SIM-62056"});
            assert_eq!(objects[0], json!({"ident": ident}));
            assert_eq!(values(&objects), ["0", "12345.678", "42"]);
            assert_eq!(objects[4], end("ok", 3));
        }
    }
}

#[test]
fn a_meter_that_pushes_is_read_and_listened_to() {
    let image = file("push.toml", SMALL.as_bytes());
    let meter = Meter::tcp(&["--mode", "d", "--every", "200ms", "--image", &image]);
    for (tool, option) in [("read", ["--mode", "d"]), ("listen", ["--count", "1"])] {
        let (code, objects) = meter.json(tool, &option);
        assert_eq!((code, &objects[0]["ident"]["mode"]), (0, &json!("D")), "{objects:?}");
        assert_eq!(values(&objects), ["0", "12345.678", "42"]);
        assert_eq!(objects[4], end("none", 3));
    }
}

#[test]
fn a_mode_that_the_meter_does_not_offer_is_named() {
    let image = quick("forced.toml");
    let meter = Meter::tcp(&["--image", &image]);
    let (code, objects) = meter.json("read", &["--mode", "e"]);
    assert_eq!((code, &objects[0]["error"]), (1, &json!("unexpected")), "{objects:?}");
}

#[test]
fn mode_e_is_handed_over_at_the_speed_chosen() {
    let meter = Meter::tcp(&["--mode", "e"]);
    assert_eq!(meter.json("read", &["--binary"]), (0, vec![json!({"binary": {"baud": 9600}})]));
}

#[test]
fn wanted_codes_end_the_reading_and_one_that_is_not_there_is_said() {
    let meter = Meter::start(&["--pty"]);
    let (code, objects) = meter.json("read", &["--codes", "1.8.0,2.8.0"]);
    assert_eq!((code, values(&objects)), (0, vec!["12345.678", "42.000"]));
    assert_eq!(objects[3], end("none", 2), "stopped before the checksum, and without the history");
    let (code, objects) = meter.json("read", &["--codes", "1.8.0,9.8.0"]);
    assert_eq!((code, values(&objects)), (1, vec!["12345.678"]));
    assert_eq!((&objects[2], &objects[3]["error"]), (&end("ok", 1), &json!("absent")));
}

#[test]
fn a_wrong_checksum_is_asked_for_again_then_said_and_strict_readers_get_nothing() {
    let image = quick("wrong.toml");
    let twice = Meter::tcp(&["--image", &image, "--quirk", "wrong-bcc-twice"]);
    let (code, objects) = twice.json("read", &[]);
    assert_eq!((code, objects.len(), &objects[4]), (0, 5, &end("ok", 3)), "each value once");
    let always = Meter::tcp(&["--image", &image, "--quirk", "wrong-bcc"]);
    let (code, objects) = always.json("read", &[]);
    assert_eq!((code, values(&objects).len(), &objects[4]), (1, 3, &end("wrong", 3)));
    let (code, objects) = always.json("read", &["--strict"]);
    let failure = json!({
        "ok": false, "error": "checksum", "message": "bad frame: the checksum is wrong",
    });
    assert_eq!((code, objects), (1, vec![failure]));
}

#[test]
fn strange_meters_are_read_with_what_they_want() {
    let image = quick("strange.toml");
    let table: [(&str, &[&str]); 7] = [
        ("iskra-mt17x", &["--echo"]),
        ("landis-e350", &[]),
        ("itron-ace3000", &[]),
        ("elster-as1440", &[]),
        ("apa-norax", &["--option", "26"]),
        ("dzg", &[]),
        ("parity", &["--eight-bits"]),
    ];
    for (quirk, options) in table {
        let meter = Meter::tcp(&["--image", &image, "--quirk", quirk]);
        let (code, objects) = meter.json("read", options);
        assert_eq!((code, values(&objects)), (0, vec!["0", "12345.678", "42"]), "{quirk}: {objects:?}");
    }
}

#[test]
fn a_code_that_comes_twice_is_two_lines_and_a_meter_answers_to_its_address() {
    let text = "lines = [\"1.8.0(1*kWh)\", \"1.8.0(1*kWh)\", \"1.8.0(2*kWh)\"]\n";
    let image = file("twice.toml", format!("{QUICK}address = \"00123\"\n{text}").as_bytes());
    let meter = Meter::tcp(&["--image", &image]);
    let (code, objects) = meter.json("read", &["--address", "123"]);
    assert_eq!((code, values(&objects), &objects[4]), (0, vec!["1", "1", "2"], &end("ok", 3)));
    let (code, objects) = meter.json("read", &["--address", "124", "--timeout", "200ms"]);
    assert_eq!((code, &objects[0]["error"]), (1, &json!("timeout")));
}

#[test]
fn a_refusal_is_in_the_meters_own_words() {
    for (quirk, words) in [("standard", "ERROR"), ("sagemcom-zdue", "ERROR14")] {
        let meter = Meter::tcp(&["--image", &quick(quirk), "--quirk", quirk]);
        let (code, objects) = meter.json("profile", &[&FROM_TO[..], &["--algorithm", "none"]].concat());
        let expected = json!({"ok": false, "error": "refused", "message": format!("meter answered {words}")});
        assert_eq!((code, objects), (1, vec![expected]));
    }
}

#[test]
fn a_battery_meter_is_woken_up() {
    let image = file("sleeps.toml", SMALL.as_bytes());
    let meter = Meter::tcp(&["--mode", "b", "--image", &image, "--quirk", "landis-uh50"]);
    let (code, objects) = meter.json("read", &["--wake-up"]);
    assert_eq!((code, values(&objects)), (0, vec!["0", "12345.678", "42"]), "{objects:?}");
}

const FROM_TO: [&str; 4] = ["--from", "2026-03-01T00:30", "--to", "2026-03-01T01:00"];

#[test]
fn a_load_profile_is_read_from_behind_the_password_wherever_it_stands() {
    let meter = Meter::tcp(&["--image", &quick_example("profile.toml")]);
    let secret = file("password", b"00000000\n");
    let (code, objects) =
        meter.json("profile", &[&FROM_TO[..], &["--password-file", &secret, "--codes", "1.5.0"]].concat());
    assert_eq!((code, values(&objects)), (0, vec!["0.500", "0.475", "0.301"]), "{objects:?}");
    let first = json!({
        "time": "2026-03-01T00:30:00", "season": "winter", "status": "00",
        "code": "1.5.0", "value": "0.500", "unit": "kW", "text": "0.500",
    });
    assert_eq!((&objects[1], &objects[4]), (&first, &end("ok", 3)));
    let place = ["profile", "--tcp", &meter.place, "--json", "--command", "6"];
    let mut command = command(&[&place[..], &FROM_TO].concat());
    let (code, objects) = parsed(&command.env("CCMASTER_D0_PASSWORD", "00000000").output().unwrap());
    assert_eq!((code, values(&objects).len(), &objects[7]), (0, 6, &end("ok", 3)), "in partial blocks");
}

#[test]
fn a_log_has_entries_with_and_without_values() {
    let meter = Meter::tcp(&["--quirk", "nzr", "--image", &quick_example("log.toml")]);
    let log = |from, to| meter.json("profile", &["--from", from, "--to", to, "--log", "--algorithm", "none"]);
    let (code, objects) = log("2026-03-01", "2026-03-02");
    assert_eq!((code, objects.len(), &objects[4]), (0, 5, &end("ok", 2)), "{objects:?}");
    assert_eq!(objects[3], json!({"time": "2026-03-01T03:15:00", "season": "winter", "status": "2000"}));
    let (code, objects) = log("2026-03-01T01:00", "2026-03-02");
    assert_eq!((code, objects.len(), &objects[2]), (0, 3, &end("ok", 1)), "of that time only: {objects:?}");
    let (code, objects) = log("2026-03-01T01:00", "2026-03-01T02:00");
    assert_eq!((code, &objects[0]["error"]), (1, &json!("refused")), "{objects:?}");
}

#[test]
fn a_wrong_password_is_a_break_and_makers_have_their_own_algorithms() {
    let meter = Meter::tcp(&["--image", &quick_example("password.toml")]);
    let (code, objects) = meter.json("profile", &[&FROM_TO[..], &["--password", "12345678"]].concat());
    assert_eq!((code, objects.len(), &objects[0]["error"]), (1, 1, &json!("break")), "{objects:?}");
    let image = format!(
        "{QUICK}password = \"FEDC0003\"\nseed = \"FD2BA0E29731D230\"\n{SMALL}[profile]\nstart = \"2026-03-01T00:15\"\n\
         minutes = 15\nchannels = [[\"1.5\", \"kW\"]]\nrecords = [[\"1\"], [\"2\"], [\"3\"]]\n"
    );
    let meter = Meter::tcp(&["--image", &file("elster.toml", image.as_bytes())]);
    let password = ["--password", "FEDC0003"];
    let (code, objects) =
        meter.json("profile", &[&FROM_TO[..], &password, &["--algorithm", "elster"]].concat());
    assert_eq!((code, values(&objects)), (0, vec!["2", "3"]), "{objects:?}");
    let (code, _) = meter.json("profile", &[&FROM_TO[..], &password].concat());
    assert_eq!(code, 1);
}

#[test]
fn turkish_meters_want_r2_and_times_with_marks() {
    let meter = Meter::tcp(&["--quirk", "turkish", "--image", &quick_example("turkish.toml")]);
    let password = ["--password", "00000000"];
    let options = [&FROM_TO[..], &password, &["--command", "2", "--clock", "marks"]].concat();
    assert_eq!(meter.json("profile", &options).0, 0);
    let (code, objects) = meter.json("profile", &[&FROM_TO[..], &password].concat());
    assert_eq!(
        (code, objects[0]["ok"].clone()),
        (1, json!(false)),
        "R5 is answered with a break: {objects:?}"
    );
}

fn listen(options: &[&str], input: &[u8]) -> (i32, Vec<Value>) {
    let mut command = command(&[&["listen", "--file", "-", "--json"], options].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    parsed(&child.wait_with_output().unwrap())
}

#[test]
fn telegrams_are_read_from_files_and_standard_input_one_after_the_other() {
    let telegram = vector("p1-v5-two-mbus");
    let path = file("p1.txt", &telegram);
    let from_file = parsed(&d0(&["listen", "--file", &path, "--json"]));
    assert_eq!(listen(&[], &telegram), from_file);
    let (code, objects) = from_file;
    assert_eq!(code, 0);
    let meters: Vec<&Value> =
        objects.iter().map(|object| &object["submeter"]).filter(|o| o.is_object()).collect();
    let states: Vec<&Value> = meters.iter().map(|meter| &meter["state"]).collect();
    assert_eq!(states, ["dead", "live"], "the gas meter was replaced: {meters:?}");
    assert!(objects[0]["ident"].is_object() && objects.last().unwrap()["end"]["check"] == "ok");
    let twice = listen(&[], &[telegram.as_slice(), &telegram].concat()).1;
    assert_eq!(twice.len(), 2 * objects.len());
    let once = listen(&["--count", "1", "--codes", "1-0:1.8.1"], &[telegram.as_slice(), &telegram].concat());
    assert_eq!(once.1.iter().filter(|object| object["code"].is_string()).count(), 1);
}

#[test]
fn a_telegram_that_is_cut_costs_no_other_and_a_wrong_crc_is_said() {
    let (code, objects) = listen(&[], &vector("stream-cut-then-whole"));
    assert_eq!((code, &objects[0]["error"]), (1, &json!("frame")));
    assert_eq!(objects.last().unwrap()["end"]["check"], "ok");
    let wrong = vector("p1-v5-spec-example-wrong-crc");
    let (code, objects) = listen(&[], &wrong);
    assert_eq!((code, &objects.last().unwrap()["end"]["check"]), (1, &json!("wrong")));
    assert!(values(&objects).len() > 10);
    let (code, objects) = listen(&["--strict"], &wrong);
    assert_eq!((code, objects.len(), &objects[0]["error"]), (1, 1, &json!("checksum")));
}

#[test]
fn encrypted_telegrams_open_with_their_key_and_no_other() {
    let telegram = vector("p1-encrypted-smarty");
    let key = file("key", format!("{}\n", "AA".repeat(16)).as_bytes());
    let (code, objects) = listen(&["--key-file", &key], &telegram);
    assert_eq!((code, &objects.last().unwrap()["end"]["check"]), (0, &json!("ok")), "{objects:?}");
    let (code, objects) = listen(&["--key", &"AB".repeat(16)], &telegram);
    assert_eq!((code, objects.len(), &objects[0]["error"]), (1, 1, &json!("key")));
}

#[test]
fn what_was_dumped_is_said_again_byte_for_byte() {
    let image = file("dumped.toml", SMALL.as_bytes());
    let meter = Meter::tcp(&["--mode", "p1", "--every", "300ms", "--image", &image]);
    let dump = file("p1.dump", b"");
    let recorded = d0(&["dump", "--tcp", &meter.place, "--out", &dump, "--duration", "800ms"]);
    assert_eq!(recorded.status.code(), Some(0));
    let replayed = d0(&["dump", "--replay", &dump, "--fast"]);
    let (code, objects) = listen(&["--count", "2"], &replayed.stdout);
    assert_eq!((code, values(&objects).len()), (0, 6), "{objects:?}");
    assert!(objects.iter().filter(|object| object["end"]["check"] == "ok").count() == 2);
}

#[test]
fn silence_is_a_time_out() {
    let timeout = json!({"ok": false, "error": "timeout", "message": "no reply"});
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for tool in ["read", "listen"] {
        let output = d0(&[tool, "--tcp", &address, "--timeout", "200ms", "--json"]);
        assert_eq!(parsed(&output), (1, vec![timeout.clone()]), "{tool}");
    }
    let deaf = Meter::tcp(&["--quirk", "deaf"]);
    let output = d0(&["read", "--tcp", &deaf.place, "--timeout", "200ms"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(1), "error: no reply\n"));
}

#[test]
fn a_port_that_is_not_there_is_said_in_either_form() {
    let (code, objects) = parsed(&d0(&["read", "--serial", "/nowhere", "--json"]));
    assert_eq!((code, objects.len(), &objects[0]["error"]), (1, 1, &json!("port")));
    let output = d0(&["read", "--tcp", "127.0.0.1:1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
}

#[test]
fn misuse_is_one_line_and_exit_code_2() {
    let wrong = file("misuse.toml", b"lines = [\"energy\"]\n");
    let serial = ["--serial", "/dev/null"];
    let profile = [&["profile"][..], &serial, &FROM_TO].concat();
    let many = vec!["1.8.0"; 65].join(",");
    let table: Vec<Vec<&str>> = vec![
        vec!["read"],
        vec!["read", "--serial", "/dev/null", "--tcp", "127.0.0.1:1"],
        vec!["read", "--tcp", "nowhere"],
        [&["read"][..], &serial, &["--mode", "f"]].concat(),
        [&["read"][..], &serial, &["--codes", "energy"]].concat(),
        [&["read"][..], &serial, &["--codes", &many]].concat(),
        [&["read"][..], &serial, &["--address", "a!b"]].concat(),
        [&["read"][..], &serial, &["--timeout", "soon"]].concat(),
        profile.clone(),
        [&profile[..], &["--password", "1", "--algorithm", "elster"]].concat(),
        [&profile[..], &["--password-file", "/nowhere"]].concat(),
        [&["profile"][..], &serial, &["--from", "2026-03-02", "--to", "2026-03-01", "--password", "1"]]
            .concat(),
        [&["profile"][..], &serial, &["--from", "yesterday", "--to", "2026-03-01"]].concat(),
        vec!["listen"],
        vec!["listen", "--file", "/nowhere"],
        vec!["listen", "--file", "-", "--key", "00"],
        vec!["serve", "--pty", "--quirk", "nobody"],
        vec!["serve", "--pty", "--image", "/nowhere"],
        vec!["serve", "--pty", "--image", &wrong],
        vec!["serve", "--pty", "--every", "1s"],
        vec!["dump"],
        vec!["dump", "--replay", "/nowhere"],
        vec!["dump", "--replay", &wrong],
    ];
    for arguments in table {
        let output = d0(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}
