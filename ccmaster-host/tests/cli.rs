//! The program as a person uses it: against itself, on loopback.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn ccmaster(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccmaster")).args(arguments).output().unwrap()
}

/// A program that runs until the test ends, and the last word of the first line it printed.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit([' ', '/']).next().unwrap().to_string();
        Self { child, address }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    }
}

fn serve(name: &str) -> Running {
    let image =
        "holding = [{ address = 0, values = [1, 2, 3] }]\ncoils = [{ address = 7, values = [1, 0] }]\n";
    let image = Folder::new(name).file("image.toml", image);
    Running::start(&["modbus", "serve", "--tcp", "127.0.0.1:0", "--unit", "17", "--image", &image])
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn addresses_are_read_in_the_order_they_were_typed_and_reported_one_object_a_line() {
    let server = serve("read");
    let place = ["modbus", "read", "--tcp", &server.address, "--unit", "17", "--json", "--count", "2"];
    let read = ccmaster(&[&place[..], &["--coil", "7", "--holding", "0x1", "--holding", "2"]].concat());
    let expected = [
        json!({"ok": true, "unit": 17, "function": 1, "address": 7, "values": [1, 0]}),
        json!({"ok": true, "unit": 17, "function": 3, "address": 1, "values": [2, 3]}),
        json!({
            "ok": false, "unit": 17, "function": 3, "address": 2, "error": "exception", "exception": 2,
            "message": "device answered illegal data address (0x02)",
        }),
    ];
    assert_eq!(objects(&read), expected);
    assert_eq!(read.status.code(), Some(1), "one of them failed");
}

#[test]
fn what_is_written_is_read_again() {
    let server = serve("write");
    let write =
        ["modbus", "write", "--tcp", &server.address, "--unit", "17", "--holding", "0=7,8", "--coil", "8=1"];
    assert_eq!(ccmaster(&write).status.code(), Some(0));
    let read = [
        "modbus",
        "read",
        "--tcp",
        &server.address,
        "--unit",
        "17",
        "--json",
        "--holding",
        "0",
        "--coil",
        "8",
    ];
    let values: Vec<_> =
        objects(&ccmaster(&read)).into_iter().map(|object| object["values"].clone()).collect();
    assert_eq!(values, [json!([7]), json!([1])]);
}

#[test]
fn a_scan_finds_who_answers() {
    let server = serve("scan");
    let scan = ["modbus", "scan", "--tcp", &server.address, "--units", "15-18", "--json"];
    let found = objects(&ccmaster(&scan));
    let [one] = &found[..] else { panic!("one unit answers: {found:?}") };
    assert_eq!((&one["unit"], &one["answer"]), (&json!(17), &json!("values")));
    assert!(one["milliseconds"].as_u64().is_some_and(|taken| taken < 1000), "{one}");
}

#[test]
fn misuse_is_one_line_and_exit_code_2() {
    let folder = Folder::new("misuse");
    let wrong = folder.file("wrong.toml", "[[ports]]\nid = \"a\"\nrtu = \"/dev/null\"\nbaud = \"fast\"\n");
    let meter = "[[ports]]\nid = \"a\"\nd0 = \"/dev/null\"\n\
                 [[devices]]\nid = \"b\"\nport = \"a\"\nmodel = \"DSMR\"\n";
    let mixed = folder.file("mixed.toml", &format!("[portal]\nlisten = \"127.0.0.1:0\"\n{meter}"));
    let table: [&[&str]; 6] = [
        &["modbus", "read", "--tcp", "127.0.0.1:1", "--unit", "1"],
        &["modbus", "read", "--unit", "1", "--holding", "0"],
        &["modbus", "write", "--tcp", "127.0.0.1:1", "--unit", "1", "--coil", "0=2"],
        &["run", "--config", "/nowhere.toml"],
        &["run", "--config", &wrong],
        &["run", "--config", &mixed],
    ];
    for arguments in table {
        let output = ccmaster(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}

#[test]
fn h055_the_authorised_devices_are_listed() {
    let listed = objects(&ccmaster(&["devices", "--json"]));
    assert!(listed.iter().any(|device| device["maker"] == "GoodWe" && device["kind"] == "inverter"));
}

#[test]
fn h107_the_demo_answers_its_api_and_says_what_it_does_not_know() {
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    let (status, devices) = demo.get("/api/v1/devices");
    let devices: Value = serde_json::from_str(&devices).unwrap();
    assert_eq!((status, devices.as_array().unwrap().len()), (200, 7));
    let protocols: Vec<_> =
        devices.as_array().unwrap().iter().map(|device| device["protocol"].clone()).collect();
    assert_eq!(protocols[4..], ["IEC_62056_21", "P1", "DLMS"]);
    let (_, power) = demo.get("/api/v1/plants/home/power");
    let power: Value = serde_json::from_str(&power).unwrap();
    // Whether it has been read by now or not: the balance is whole or unknown, never a part of it.
    match (&power["production_w"], &power["grid_w"], &power["consumption_w"]) {
        (Value::Number(sun), Value::Number(grid), Value::Number(house)) => {
            assert_eq!(sun.as_i64().unwrap() + grid.as_i64().unwrap(), house.as_i64().unwrap());
        }
        (_, _, house) => assert!(house.is_null(), "{power}"),
    }
    let (status, body) = demo.get("/api/v1/devices/nobody/values");
    assert_eq!(status, 404);
    assert!(body.contains("no_such_device"), "{body}");
    assert!(demo.get("/").1.contains("<title>CcMaster</title>"));
}

/// Waits until the total energy of a meter has this quality, and gives it.
fn energy(hub: &Running, meter: &str, quality: &str) -> Value {
    let started = std::time::Instant::now();
    loop {
        let (_, view) = hub.get(&format!("/api/v1/devices/{meter}/values"));
        let view: Value = serde_json::from_str(&view).unwrap();
        let energy = view["values"].as_array().unwrap().iter().find(|value| value["quantity"] == "e_import");
        if energy.is_some_and(|energy| energy["quality"] == quality) {
            return energy.unwrap().clone();
        }
        assert!(started.elapsed().as_secs() < 20, "{meter} is not {quality}: {view}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn h056_the_demo_reads_its_fiscal_meters_and_its_smart_meter() {
    let demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    for meter in ["smart", "fiscal", "reference"] {
        let energy = energy(&demo, meter, "good");
        assert!(energy["value"].as_f64().unwrap() >= 4_211_300.0 && energy["unit"] == "Wh", "{energy}");
    }
}

#[test]
fn h056_a_smart_meter_behind_a_gateway_is_read_and_stale_when_it_stops() {
    let gateway = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = format!(
        "[portal]\nlisten = \"127.0.0.1:0\"\n[[ports]]\nid = \"p1\"\np1 = \"{}\"\n\
         [[devices]]\nid = \"m\"\nport = \"p1\"\nmodel = \"eSMR\"\nevery_ms = 700\n",
        gateway.local_addr().unwrap()
    );
    let settings = Folder::new("gateway-of-a-meter").file("hub.toml", &settings);
    let hub = Running::start(&["run", "--config", &settings]);
    let (mut meter, _) = gateway.accept().unwrap();
    // Two tariffs and no total, as the Dutch have it; version 3 has no checksum.
    meter.write_all(b"/CCM5SIM\r\n\r\n1-0:1.8.1(00001.250*kWh)\r\n1-0:1.8.2(00002.5*kWh)\r\n!\r\n").unwrap();
    assert_eq!(energy(&hub, "m", "good")["text"], "3750");
    assert_eq!(energy(&hub, "m", "stale")["text"], "3750", "it is kept, and told to be old");
}
