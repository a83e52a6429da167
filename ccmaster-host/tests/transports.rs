//! Datagrams and RTU frames over TCP, on loopback: what is right, what is not, and what comes late.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ccm_core::asynch::Driver;
use ccm_core::{Clock, DriveError};
use ccm_modbus::{Client, Error, Request, tcp};
use ccmaster_host::port::{TokioTimer, Udp};
use serde_json::Value;
use tokio::net::UdpSocket;

fn is_frame(datagram: &[u8]) -> bool {
    tcp::parse(datagram).is_ok()
}

/// One exchange by a client of its own; what it read, or why it did not.
async fn read(driver: &mut Driver<Udp, TokioTimer, 256>, quantity: u16) -> Result<Vec<u16>, String> {
    let mut buffer = [0; 520];
    let mut client = Client::new(ccm_modbus::Tcp::new(), &mut buffer);
    let now = driver.clock().now();
    client.start(now, 1, Request::ReadHoldingRegisters { start: 0, quantity }).unwrap();
    driver.run(&mut client).await.map_err(|error| match error {
        DriveError::Port(error) => format!("{:?}", error.kind()),
        other => other.to_string(),
    })?;
    let registers = client.outcome().map_err(|error: Error| error.to_string())?;
    Ok(registers.registers().unwrap().iter().collect())
}

async fn towards(address: &str) -> Driver<Udp, TokioTimer, 256> {
    Driver::new(Udp::connect(address, is_frame).await.unwrap(), TokioTimer::default())
}

async fn socket() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    (socket, address)
}

/// The reply to the request in `datagram`: one register with this value.
fn reply(datagram: &[u8], value: u8) -> Vec<u8> {
    let transaction = &datagram[..2];
    [transaction, b"\0\0\0\x05\x01\x03\x02\0", &[value]].concat()
}

#[tokio::test]
async fn a_datagram_from_somebody_else_is_no_reply() {
    let ((device, address), (stranger, _)) = (socket().await, socket().await);
    let mut driver = towards(&address).await;
    let answer = async {
        let mut datagram = [0; 64];
        let (length, client) = device.recv_from(&mut datagram).await.unwrap();
        stranger.send_to(&reply(&datagram[..length], 66), client).await.unwrap();
        device.send_to(&reply(&datagram[..length], 7), client).await.unwrap();
    };
    assert_eq!(tokio::join!(read(&mut driver, 1), answer).0, Ok(vec![7]));
}

#[tokio::test]
async fn a_datagram_that_is_no_whole_frame_spoils_none_behind_it() {
    let (device, address) = socket().await;
    let mut driver = towards(&address).await;
    let answer = async {
        let mut datagram = [0; 64];
        let (length, client) = device.recv_from(&mut datagram).await.unwrap();
        let good = reply(&datagram[..length], 7);
        let two = [good.clone(), reply(&datagram[..length], 66)].concat();
        for datagram in [&[], &good[..5], &good[..10], &two, &[0xFF; 2000][..], &good] {
            device.send_to(datagram, client).await.unwrap();
        }
    };
    assert_eq!(tokio::join!(read(&mut driver, 1), answer).0, Ok(vec![7]));
}

#[tokio::test]
async fn where_nobody_listens_is_known_at_once_and_the_next_exchange_is_not_harmed() {
    let (device, address) = socket().await;
    drop(device);
    let mut driver = towards(&address).await;
    assert_eq!(read(&mut driver, 1).await, Err("ConnectionRefused".into()));
    let device = UdpSocket::bind(&address).await.unwrap();
    let answer = async {
        let mut datagram = [0; 64];
        let (length, client) = device.recv_from(&mut datagram).await.unwrap();
        device.send_to(&reply(&datagram[..length], 7), client).await.unwrap();
    };
    assert_eq!(tokio::join!(read(&mut driver, 1), answer).0, Ok(vec![7]));
}

#[tokio::test]
async fn a_datagram_is_sent_even_when_the_one_before_it_was_refused() {
    use embedded_io_async::Write;

    let (device, address) = socket().await;
    drop(device);
    let mut port = Udp::connect(&address, is_frame).await.unwrap();
    for _ in 0..3 {
        // The system reports that nobody took the first one when the second is sent.
        assert_eq!(port.write(b"frame").await.unwrap(), 5);
    }
}

/// `ccmaster modbus serve` until the test ends.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(way: &str, name: &str) -> Self {
        let image = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("transports-{name}.toml"));
        let values: Vec<u16> = (0..125).collect();
        std::fs::write(&image, format!("holding = [{{ address = 0, values = {values:?} }}]\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        command.args(["modbus", "serve", way, "127.0.0.1:0", "--unit", "1", "--image"]).arg(image);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().rsplit(' ').next().unwrap().to_string() }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn modbus(what: &str, way: &str, address: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
    command.args(["modbus", what, way, address, "--json"]).args(more).output().unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_longest_frames_and_a_scan_pass_over_each_transport() {
    for way in ["--tcp", "--udp", "--rtu-over-tcp"] {
        let server = Serving::start(way, &way[2..]);
        let values: Vec<String> = (1000..1123).map(|value: u16| value.to_string()).collect();
        let assignment = format!("0={}", values.join(","));
        let written = modbus("write", way, &server.address, &["--unit", "1", "--holding", &assignment]);
        assert_eq!(written.status.code(), Some(0), "{way}: {written:?}");
        let read = modbus("read", way, &server.address, &["--unit", "1", "--holding", "0", "--count", "125"]);
        let expected: Vec<u16> = (1000..1123).chain(123..125).collect();
        assert_eq!(objects(&read)[0]["values"], serde_json::json!(expected), "{way}");
        let scan = modbus("scan", way, &server.address, &["--units", "1-2", "--timeout", "100ms"]);
        assert_eq!(objects(&scan).len(), 1, "{way}");
    }
}

#[test]
fn a_device_is_reached_in_one_way_and_what_belongs_to_tls_goes_with_it() {
    let read = ["read", "--unit", "1", "--holding", "0"];
    let serve = ["serve", "--unit", "1", "--image", "/dev/null"];
    let files = ["--ca", "a", "--cert", "b", "--key", "c"];
    let table: [(&[&str], &[&str]); 7] = [
        (&read, &["--tcp", "a", "--udp", "a"]),
        (&read, &["--tls", "a", "--ca", "a", "--cert", "b"]),
        (&read, &["--rtu-over-tcp", "a", "--ca", "a"]),
        (&read, &["--udp", "a:port"]),
        (&serve, &["--tcp", "127.0.0.1:0", "--role", "viewer=read"]),
        (&serve, &["--tls", "127.0.0.1:0", "--role", "viewer"]),
        (&serve, &["--tls", "127.0.0.1:0", "--server-name", "a"]),
    ];
    for (what, way) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        let mut command = command.arg("modbus").args(what).args(way);
        if way[0] == "--tls" && what[0] == "serve" {
            command = command.args(files);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{way:?}: {said}");
        assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    }
}

#[tokio::test]
async fn several_clients_ask_one_datagram_server_and_each_gets_its_own_reply() {
    let server = Serving::start("--udp", "several");
    let (mut one, mut two) = (towards(&server.address).await, towards(&server.address).await);
    for _ in 0..50 {
        let (one, two) = tokio::join!(read(&mut one, 3), read(&mut two, 2));
        assert_eq!((one, two), (Ok(vec![0, 1, 2]), Ok(vec![0, 1])));
    }
}

#[test]
fn rtu_frames_over_tcp_come_in_any_pieces() {
    let server = Serving::start("--rtu-over-tcp", "pieces");
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = frame(b"\x01\x03\x00\x05\x00\x01");
    for byte in &request {
        stream.write_all(&[*byte]).unwrap();
        std::thread::yield_now();
    }
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[..], frame(b"\x01\x03\x02\x00\x05"));
}

/// A device behind a serial device server that loses its connection: the reply to the second request arrives over the
/// new connection, in front of the reply to the third.
#[test]
fn a_reply_that_comes_late_over_a_new_connection_is_not_taken_for_the_next_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let device = std::thread::spawn(move || {
        let mut request = [0; 8];
        let (mut first, _) = listener.accept().unwrap();
        first.read_exact(&mut request).unwrap();
        std::thread::sleep(SLOW);
        first.write_all(&answer(&request)).unwrap();
        first.read_exact(&mut request).unwrap();
        let late = answer(&request);
        drop(first);
        let lost = Instant::now();
        let (mut second, _) = listener.accept().unwrap();
        second.read_exact(&mut request).unwrap();
        let waited = lost.elapsed();
        second.write_all(&[late, answer(&request)].concat()).unwrap();
        while second.read_exact(&mut request).is_ok() {
            second.write_all(&answer(&request)).unwrap();
        }
        waited
    });
    let asked = ["--unit", "1", "--holding", "10", "--holding", "20", "--holding", "30", "--count", "2"];
    let patient = [&asked[..], &["--timeout", "9s"]].concat();
    let told = objects(&modbus("read", "--rtu-over-tcp", &address, &patient));
    let waited = device.join().unwrap();
    assert_eq!(told[1]["error"], "port");
    let (first, third) = (&told[0]["values"], &told[2]["values"]);
    assert_eq!((first, third), (&Value::from(vec![10, 11]), &Value::from(vec![30, 31])));
    assert!(waited < SLOW, "a new connection is no new clock: {waited:?}");
}

/// How long the first reply takes, and how far behind a clock would be that began with the second connection.
const SLOW: Duration = Duration::from_millis(500);

/// Register n is n.
fn answer(request: &[u8; 8]) -> Vec<u8> {
    let (start, count) = (request[3], request[5]);
    let mut message = vec![1, 3, count * 2];
    (start..start + count).for_each(|value| message.extend([0, value]));
    frame(&message)
}

/// The message and its checksum (MB-SERIAL 6.2.2).
fn frame(message: &[u8]) -> Vec<u8> {
    let shift = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
    let crc = message.iter().fold(0xFFFF, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), shift));
    [message, &crc.to_le_bytes()].concat()
}
