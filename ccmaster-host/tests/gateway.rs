//! The gateway as a person uses it: between its own client and its own server, on a pseudo-terminal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use ccm_core::Line;
use ccm_core::asynch::Driver;
use ccm_modbus::{Exception, Handler, Registers, RegistersMut, Rtu, Server};
use ccmaster_host::port::{Pty, TokioTimer};
use serde_json::{Value, json};

/// Registers that count up from what was written last.
struct Device(u16);

impl Handler for Device {
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        if start > 100 {
            return Err(Exception::IllegalDataAddress);
        }
        registers.extend(self.0 + start..);
        Ok(())
    }

    fn write_holding_registers(&mut self, _start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.0 = registers.get(0).unwrap();
        Ok(())
    }
}

/// A device of unit 5 on a serial line of its own; gives the line's path.
fn device() -> String {
    let (give, take) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let port = Pty::new().unwrap();
            give.send(port.path().to_str().unwrap().to_string()).unwrap();
            let mut buffer = [0; 256];
            let mut server = Server::new(Rtu::new(Line::new(19_200)), 5, Device(10), &mut buffer);
            let _ = Driver::<_, _, 256>::new(port, TokioTimer::default()).run(&mut server).await;
        });
    });
    take.recv().unwrap()
}

struct Gateway {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Gateway {
    fn start(options: &[&str]) -> Self {
        let route = format!("1-9={}@19200", device());
        let place = ["modbus", "gateway", "--listen", "127.0.0.1:0", "--json", "--route", &route];
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let mut child =
            command.args(place).args(options).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut gateway =
            Self { out: BufReader::new(child.stdout.take().unwrap()), child, address: String::new() };
        let started = gateway.event();
        assert_eq!(
            (&started["event"], &started["ports"][0]["line"]),
            (&json!("listening"), &json!("19200 8N1"))
        );
        gateway.address = started["address"].as_str().unwrap().to_string();
        gateway
    }

    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn tool(&self, verb: &str, arguments: &[&str]) -> Output {
        let place = ["modbus", verb, "--json", "--tcp", &self.address];
        Command::new(env!("CARGO_BIN_EXE_ccmaster")).args(place).args(arguments).output().unwrap()
    }

    fn ask(&self, verb: &str, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.tool(verb, arguments).stdout).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn what_is_written_through_the_gateway_is_read_through_it() {
    let mut gateway = Gateway::start(&[]);
    let port = gateway.event();
    assert_eq!((&port["event"], &port["open"]), (&json!("port"), &json!(true)));
    // A write comes first, on a line whose echo nobody knows.
    assert_eq!(gateway.ask("write", &["--unit", "5", "--holding", "0=700"])["ok"], json!(true));
    let read = gateway.ask("read", &["--unit", "5", "--holding", "1", "--count", "2"]);
    assert_eq!(read["values"], json!([701, 702]));
}

#[test]
fn refusals_say_whose_they_are() {
    let gateway = Gateway::start(&["--read-only", "--timeout", "100ms"]);
    let exception = |verb, arguments: &[&str]| gateway.ask(verb, arguments)["exception"].clone();
    assert_eq!(exception("read", &["--unit", "5", "--holding", "200"]), json!(2), "the device's own");
    assert_eq!(exception("read", &["--unit", "10", "--holding", "0"]), json!(10), "no route");
    assert_eq!(exception("read", &["--unit", "6", "--holding", "0"]), json!(11), "nobody answers");
    assert_eq!(exception("write", &["--unit", "5", "--holding", "0=1"]), json!(1), "only reads pass");
    assert_eq!(gateway.ask("read", &["--unit", "5", "--holding", "3"])["values"], json!([13]));
}

#[test]
fn who_does_not_speak_modbus_is_closed_and_others_are_served() {
    let gateway = Gateway::start(&[]);
    let mut stranger = TcpStream::connect(&gateway.address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(matches!(stranger.read(&mut [0; 16]), Ok(0) | Err(_)), "closed");
    assert_eq!(gateway.ask("read", &["--unit", "5", "--holding", "3"])["values"], json!([13]));
}

#[test]
fn misuse_is_one_line_and_exit_code_2() {
    let listen = ["--listen", "127.0.0.1:0", "--route"];
    let table: [&[&str]; 4] = [
        &["1-300=/dev/null"],
        &["1-5=/dev/null", "--route", "5=/dev/zero"],
        &["1=/dev/null", "--deadline", "100ms"],
        &["1=/dev/null", "--allow", "somebody"],
    ];
    for arguments in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let output = command.args(["modbus", "gateway"]).args(listen).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}
