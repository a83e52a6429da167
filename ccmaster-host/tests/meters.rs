//! Meters of IEC 62056-21 and P1 as devices of the hub, behind gateways on loopback.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ccm_core::{Instant as Moment, Machine, Step};
use ccm_hub::sim::{Site, TimeOfDay, dlms_settings};
use serde_json::Value;

/// A program that runs until the test ends, and the last word of the first line it printed.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit([' ', '/']).next().unwrap().to_string();
        Self { child, address }
    }

    /// A simulated meter behind a device server.
    fn meter(options: &[&str]) -> Self {
        Self::start(&[&["d0", "serve", "--tcp", "127.0.0.1:0"], options].concat())
    }

    /// A hub with these ports and devices.
    fn hub(name: &str, settings: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
        std::fs::write(&path, format!("[portal]\nlisten = \"127.0.0.1:0\"\n{settings}")).unwrap();
        Self::start(&["-vv", "run", "--config", path.to_str().unwrap()])
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        std::io::read_to_string(stream).unwrap().split_once("\r\n\r\n").unwrap().1.to_string()
    }

    /// The quantity of the device "m", as soon as it is good.
    fn value(&self, quantity: &str) -> Value {
        let started = Instant::now();
        loop {
            let view: Value = serde_json::from_str(&self.get("/api/v1/devices/m/values")).unwrap();
            let mut values = view["values"].as_array().unwrap().iter();
            if let Some(value) = values.find(|one| one["quantity"] == quantity && one["quality"] == "good") {
                return value.clone();
            }
            let device = self.get("/api/v1/devices");
            assert!(started.elapsed() < Duration::from_secs(20), "{quantity} is not good: {view} {device}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it and gives what it has logged.
    fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

fn settings(port: &str, model: &str, rest: &str) -> String {
    format!(
        "[[ports]]\nid = \"a\"\n{port}\n[[devices]]\nid = \"m\"\nport = \"a\"\nmodel = \"{model}\"\n{rest}\n"
    )
}

fn vector(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ccm-iec62056/tests/vectors");
    let text = std::fs::read_to_string(folder.join(format!("{name}.hex"))).unwrap();
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn h056_a_meter_behind_a_device_server_is_read_out() {
    for options in [&[][..], &["--mode", "b"], &["--quirk", "itron-ace3000"]] {
        let meter = Running::meter(options);
        let port = format!("d0 = \"{}\"", meter.address);
        let hub = Running::hub(&format!("tcp-{}", options.len()), &settings(&port, "iec62056-21", ""));
        assert_eq!(hub.value("e_import")["text"], "12345678", "{options:?}");
    }
}

#[test]
fn a_key_opens_telegrams_and_is_seen_nowhere() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let port = format!("p1 = \"{}\"\nkey = \"{key}\"", gateway.local_addr().unwrap());
    let hub = Running::hub("sealed", &settings(&port, "p1", ""));
    let (mut meter, _) = gateway.accept().unwrap();
    meter.write_all(&vector("p1-encrypted-smarty")).unwrap();
    assert_eq!(hub.value("e_import")["text"], "6545766");
    let said = ["/api/v1/info", "/api/v1/devices", "/api/v1/devices/m/values", "/"].map(|path| hub.get(path));
    let all = (said.concat() + &hub.log()).to_uppercase();
    assert!(all.contains("PORT A: OPEN") && !all.contains(&key[..12]) && !all.contains("170, 170"), "{all}");
}

#[test]
fn the_gas_meter_is_in_the_api() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("p1 = \"{}\"", gateway.local_addr().unwrap());
    let hub = Running::hub("gas", &settings(&port, "eSMR", "every_ms = 10000"));
    let (mut meter, _) = gateway.accept().unwrap();
    meter.write_all(&vector("p1-v5-two-mbus")).unwrap();
    let gas = hub.value("gas");
    assert_eq!((&gas["text"], &gas["unit"]), (&"246.138".into(), &"m³".into()));
    assert!(gas["age_ms"].as_u64().unwrap() >= 204_000, "{gas}");
}

/// A house's DLMS meter behind `gateway`, for as long as the test lives; one connection after the other, each with a meter
/// of its own that has forgotten all counters.
fn dlms_meter(gateway: TcpListener, is_wrapped: bool) {
    std::thread::spawn(move || {
        let site = Site::new(7, TimeOfDay { start_s: 46_800, speed: 0 }).unwrap();
        for stream in gateway.incoming() {
            if is_wrapped {
                answer(stream.unwrap(), site.dlms_meter_on_tcp().unwrap());
            } else {
                answer(stream.unwrap(), site.dlms_meter(ccm_dlms::Quirks::NONE).unwrap());
            }
        }
    });
}

fn answer(mut stream: TcpStream, mut meter: impl Machine) {
    let started = Instant::now();
    let now = || Moment::from_micros(u64::try_from(started.elapsed().as_micros()).unwrap());
    let mut bytes = [0; 256];
    loop {
        match meter.poll(now()) {
            Step::Send(answer) if stream.write_all(answer).is_err() => return,
            Step::Send(_) | Step::SetLine(_) => {}
            Step::Done => return,
            Step::Wait(_) => match stream.read(&mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    let mut taken = 0;
                    while taken < length {
                        taken += meter.receive(now(), &bytes[taken..length]);
                        if taken < length {
                            break;
                        }
                    }
                }
            },
        }
    }
}

/// The settings of the simulated meter, at this address.
fn dlms(address: &str, framing: &str) -> String {
    let address = format!("{address}\"\nframing = \"{framing}");
    dlms_settings(&address).replace("\"reference\"", "\"m\"").replace("every_ms = 5000", "every_ms = 500")
}

/// A folder of its own for the settings and what is kept beside them.
fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    format!("{name}/hub")
}

#[test]
fn h056_a_dlms_meter_is_read_over_hdlc_and_the_wrapper_and_its_keys_are_seen_nowhere() {
    for (framing, is_wrapped) in [("hdlc", false), ("wrapper", true)] {
        let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = dlms(&gateway.local_addr().unwrap().to_string(), framing);
        dlms_meter(gateway, is_wrapped);
        let hub = Running::hub(&folder(&format!("dlms-{framing}")), &settings);
        assert_eq!(hub.value("e_import")["text"], "4211300", "{framing}");
        assert_eq!(hub.value("frequency")["text"], "50.00");
        let paths = ["/api/v1/info", "/api/v1/devices", "/api/v1/devices/m/values", "/"];
        let all = (paths.map(|path| hub.get(path)).concat() + &hub.log()).to_uppercase();
        assert!(all.contains("CCM62056DLMS0001") && all.contains("\"DLMS\""), "{all}");
        for secret in ["00010203", "D0D1D2D3", "0, 1, 2, 3", "208, 209"] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
}

#[test]
fn invocation_counters_go_on_where_the_hub_before_may_have_stopped() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = dlms(&gateway.local_addr().unwrap().to_string(), "hdlc");
    dlms_meter(gateway, false);
    let name = folder("dlms-counters");
    let counters = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dlms-counters/invocation-counters");
    let kept = || -> u32 {
        let text = std::fs::read_to_string(&counters).unwrap();
        text.strip_prefix("4343430000000001 ").unwrap().trim().parse().unwrap()
    };
    let before = {
        let hub = Running::hub(&name, &settings);
        hub.value("e_import");
        kept()
    };
    let hub = Running::hub(&name, &settings);
    hub.value("e_import");
    assert!(before > 1 && kept() >= before + 256, "{before} {}", kept());
    drop(hub);
    std::fs::write(&counters, "noise").unwrap();
    let hub = Running::hub(&name, &settings);
    let started = Instant::now();
    while !hub.get("/api/v1/devices").contains("the invocation counter cannot be stored, so nothing is sent")
    {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", hub.get("/api/v1/devices"));
        std::thread::sleep(Duration::from_millis(50));
    }
}
