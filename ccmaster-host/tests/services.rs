//! The tools and the server for what is not coils and registers: against each other, on loopback.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

const IMAGE: &str = r#"
holding = [{ address = 0, values = [1, 2, 3] }]
exception_status = 0x6D
server_id = [0x2A, 0xFF, 0x31]
fifo = [{ address = 0x04DE, values = [440, 4740] }]
file = [{ number = 4, records = [10, 11, 12] }]
[id]
vendor_name = "Maker"
product_code = "EM-3"
revision = "1.0"
product_name = [0, 1]
0x80 = "its own"
"#;

fn ccmaster(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccmaster")).args(arguments).output().unwrap()
}

/// A server of unit 17 that runs until the test ends.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn new(name: &str, image: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
        std::fs::write(&path, image).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        command.args(["modbus", "serve", "--tcp", "127.0.0.1:0", "--unit", "17", "--image"]).arg(path);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_string();
        Self { child, address }
    }

    /// Runs a tool of `modbus` on it.
    fn ask(&self, tool: &str, more: &[&str]) -> Output {
        ccmaster(&[&["modbus", tool, "--tcp", &self.address, "--unit", "17"][..], more].concat())
    }

    /// The reply to a PDU, or nothing where it is refused or there is none.
    fn raw(&self, pdu: &str) -> String {
        String::from_utf8(self.ask("raw", &[pdu]).stdout).unwrap().trim().to_string()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_device_says_who_it_is_one_object_a_line() {
    let server = Served::new("id", IMAGE);
    let found = server.ask("id", &["--json"]);
    let expected = [
        json!({"unit": 17, "object": 0, "name": "vendor_name", "value": "Maker", "hex": "4d616b6572"}),
        json!({"unit": 17, "object": 1, "name": "product_code", "value": "EM-3", "hex": "454d2d33"}),
        json!({"unit": 17, "object": 2, "name": "revision", "value": "1.0", "hex": "312e30"}),
        json!({"unit": 17, "object": 4, "name": "product_name", "hex": "0001"}),
        json!({"unit": 17, "object": 128, "value": "its own", "hex": "697473206f776e"}),
    ];
    assert_eq!((objects(&found), found.status.code()), (expected.to_vec(), Some(0)));
    let table = String::from_utf8(server.ask("id", &[]).stdout).unwrap();
    assert!(table.starts_with("0x00  vendor_name            Maker\n"), "{table}");
}

#[test]
fn an_identification_of_several_replies_is_read_to_its_end() {
    let long = |fill: &str| fill.repeat(200);
    let image = format!(
        "[id]\nvendor_name = \"{}\"\nproduct_code = \"{}\"\nrevision = \"{}\"\n",
        long("a"),
        long("b"),
        long("c")
    );
    let found = objects(&Served::new("long", &image).ask("id", &["--json"]));
    let values: Vec<_> = found.iter().map(|object| object["value"].as_str().unwrap().to_owned()).collect();
    assert_eq!(values, [long("a"), long("b"), long("c")]);
}

#[test]
fn a_device_without_an_identification_is_asked_for_its_server_id() {
    let server = Served::new("server_id", "server_id = \"\\u0011\\u00FFx\"\n");
    let found = objects(&server.ask("id", &["--json"]));
    assert_eq!(found, [json!({"unit": 17, "name": "server_id", "hex": "11c3bf78"})]);
    let nameless = Served::new("nameless", "").ask("id", &["--json"]);
    assert_eq!(nameless.status.code(), Some(1));
    let [refused] = objects(&nameless).try_into().unwrap();
    assert_eq!((&refused["function"], &refused["exception"]), (&json!(17), &json!(1)));
}

#[test]
fn queues_and_files_are_read_beside_registers_in_the_order_they_were_typed() {
    let server = Served::new("files", IMAGE);
    let read =
        ["--json", "--count", "2", "--file", "4:1", "--fifo", "0x04DE", "--holding", "0", "--file", "5:0"];
    let found: Vec<_> = objects(&server.ask("read", &read))
        .into_iter()
        .map(|object| (object["function"].clone(), object["values"].clone(), object["exception"].clone()))
        .collect();
    let expected = [
        (json!(20), json!([11, 12]), Value::Null),
        (json!(24), json!([440, 4740]), Value::Null),
        (json!(3), json!([1, 2]), Value::Null),
        (json!(20), Value::Null, json!(2)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_function_of_the_standard_is_served() {
    let server = Served::new("all", IMAGE);
    let table = [
        ("03 0000 0003", "0306000100020003"),
        ("07", "076d"),
        ("08 0000 a537", "080000a537"),
        ("08 000b 0000", "08000b0004"),
        ("0b", "0b00000004"),
        ("10 0000 0001 02 0009", "1000000001"),
        ("11", "11032aff31"),
        ("14 07 06 0004 0000 0002", "14060506000a000b"),
        ("15 09 06 0004 0000 0001 0063", "1509060004000000010063"),
        ("14 07 06 0004 0000 0001", "140403060063"),
        ("16 0001 0000 0007", "16000100000007"),
        ("17 0000 0002 0002 0001 02 0008", "170400090007"),
        ("18 04de", "180006000201b81284"),
        ("2b 0e 04 80", "2b0e0483000001800769747320"),
    ];
    for (request, expected) in table {
        let reply = server.raw(request);
        assert!(reply.starts_with(expected), "{request}: {reply}");
    }
    // In listen-only mode it says nothing until it is told to begin anew, not even to that.
    assert_eq!(server.raw("08 0004 0000"), "");
    assert_eq!(objects(&server.ask("raw", &["--json", "07"]))[0]["error"], "timeout");
    assert_eq!(objects(&server.ask("raw", &["--json", "08 0001 0000"]))[0]["error"], "timeout");
    assert_eq!(server.raw("07"), "076d");
}

#[test]
fn a_request_that_makes_no_sense_is_sent_all_the_same() {
    let server = Served::new("senseless", IMAGE);
    for (request, exception) in
        [("03 0000 0000", 3), ("03", 3), ("01 0000 ffff", 3), ("05 0000 1234", 3), ("0f00", 3), ("64", 1)]
    {
        let output = server.ask("raw", &["--json", request]);
        let [refused] = objects(&output).try_into().unwrap();
        assert_eq!((&refused["exception"], output.status.code()), (&json!(exception), Some(1)), "{request}");
    }
}

#[test]
fn misuse_is_said_in_one_line_and_sends_nothing() {
    let place = ["--tcp", "127.0.0.1:1", "--unit", "1"];
    let table: [&[&str]; 8] = [
        &["raw", "030"],
        &["raw", ""],
        &["raw", "83 02"],
        &["raw", "00"],
        &["raw"],
        &["read", "--file", "4"],
        &["read", "--file", "0:1"],
        &["read", "--file", "4:9999", "--count", "2"],
    ];
    for arguments in table {
        let (tool, more) = arguments.split_first().unwrap();
        let output = ccmaster(&[&["modbus", tool], &place[..], more].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
    let serial = ccmaster(&["modbus", "id", "--rtu", "/dev/null", "--unit", "0"]);
    assert_eq!(serial.status.code(), Some(2));
    assert_eq!(ccmaster(&[&["modbus", "id"], &place[..]].concat()).status.code(), Some(1), "nobody is there");
}
