//! Modbus Security on loopback: who comes in, who does not, and what a role may do.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![allow(missing_docs, unreachable_pub, reason = "helpers of tests")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ccmaster_host::port::tls::{Client, Files, Server};
use ccmaster_host::port::{Tcp, Tls};
use common::{Authority, Folder, client, expired, server};
use embedded_io_async::{Read, Write};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::ServerName;

const LIMIT: Duration = Duration::from_secs(10);

/// What came of a handshake at both ends, and of a byte from server to client after it.
struct Met {
    server: Result<Tls, String>,
    client: Result<u8, String>,
}

impl Met {
    fn refused_by_client(&self, why: &str) {
        let said = self.client.as_ref().unwrap_err();
        assert!(said.contains(why), "{said}");
        assert!(self.server.is_err(), "the server must notice");
    }

    /// From TLS 1.3 on the client hears of it by its first read.
    fn refused_by_server(&self, why: &str, alert: &str) {
        let said = self.server.as_ref().unwrap_err();
        assert!(said.contains(why), "{said}");
        let heard = self.client.as_ref().unwrap_err();
        assert!(heard.contains(alert), "{heard}");
    }
}

async fn meet(server: &Files, client: &Files) -> Met {
    meet_as(server, client, "localhost").await
}

async fn meet_as(server: &Files, client: &Files, name: &str) -> Met {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server::new(server).unwrap();
    let client = Client::new(client, ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let serving = async {
        let accepted = server.accept(listener.accept().await.unwrap().0, LIMIT).await;
        let mut port = accepted.map_err(|error| error.to_string())?;
        // Where the client has refused us this fails, and where not the client counts the byte.
        let _ = port.write_all(b"!").await;
        let _ = port.flush().await;
        Ok(port)
    };
    let asking = async {
        let mut port = client.connect(&address, LIMIT).await.map_err(|error| error.to_string())?;
        // As a client would: it asks before it can know that it is refused.
        let _ = port.write_all(b"?").await;
        let _ = port.flush().await;
        let mut byte = [0];
        port.read_exact(&mut byte).await.map_err(|error| error.to_string())?;
        Ok(byte[0])
    };
    let (server, client) = tokio::join!(serving, asking);
    Met { server, client }
}

#[tokio::test]
async fn a_server_and_a_client_with_certificates_of_the_authority_they_trust_meet() {
    let folder = Folder::new("tls-meet");
    let house = Authority::new(&folder, "house");
    let met =
        meet(&house.files("server", server(&["localhost"])), &house.files("client", client(None))).await;
    assert_eq!(met.client, Ok(b'!'));
    assert!(met.server.unwrap().peer_certificate().is_some());
}

#[tokio::test]
async fn a_server_is_refused_that_is_expired_unknown_self_signed_or_another() {
    let folder = Folder::new("tls-servers");
    let (house, other) = (Authority::new(&folder, "house"), Authority::new(&folder, "other"));
    let client = house.files("client", client(None));
    let local = || server(&["localhost"]);
    meet(&house.files("expired", expired(local())), &client).await.refused_by_client("expired");
    meet(&other.files("server", local()), &client).await.refused_by_client("UnknownIssuer");
    meet(&house.self_signed("itself", &local()), &client).await.refused_by_client("UnknownIssuer");
    let server = house.files("server", server(&["localhost", "127.0.0.1"]));
    meet_as(&server, &client, "meter.example").await.refused_by_client("not valid for name");
    meet_as(&server, &client, "127.0.0.2").await.refused_by_client("not valid for name");
    assert_eq!(meet_as(&server, &client, "127.0.0.1").await.client, Ok(b'!'));
}

#[tokio::test]
async fn a_client_is_refused_that_is_expired_unknown_self_signed_or_no_client() {
    let folder = Folder::new("tls-clients");
    let (house, other) = (Authority::new(&folder, "house"), Authority::new(&folder, "other"));
    let here = house.files("server", server(&["localhost"]));
    // A stranger who trusts our server all the same.
    let stranger = |files: Files| Files { ca: here.ca.clone(), ..files };
    let expired = house.files("expired", expired(client(None)));
    meet(&here, &expired).await.refused_by_server("expired", "CertificateExpired");
    let unknown = stranger(other.files("client", client(None)));
    meet(&here, &unknown).await.refused_by_server("UnknownIssuer", "UnknownCA");
    let itself = house.self_signed("itself", &client(None));
    meet(&here, &itself).await.refused_by_server("UnknownIssuer", "UnknownCA");
    let server = house.files("another-server", server(&["localhost"]));
    assert!(meet(&here, &server).await.server.is_err(), "a server's certificate does not make a client");
}

#[tokio::test]
async fn a_client_without_a_certificate_or_without_tls_is_refused_and_the_next_one_is_not() {
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    let folder = Folder::new("tls-nobody");
    let house = Authority::new(&folder, "house");
    let files = house.files("server", server(&["localhost"]));
    let server = Server::new(&files).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = || async { server.accept(listener.accept().await.unwrap().0, LIMIT).await.map(drop) };

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&files.ca).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let nameless = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config.with_no_client_auth()));
    let come = async {
        let stream = TcpStream::connect(address).await.unwrap();
        // Ends when the server has closed the connection.
        let _ = nameless.connect("localhost".try_into().unwrap(), stream).await;
    };
    let (refused, ()) = tokio::join!(accept(), come);
    assert!(refused.unwrap_err().to_string().contains("sent no certificates"));

    let come = async {
        let mut plain = Tcp::connect(&address.to_string(), LIMIT).await.unwrap();
        plain.write_all(b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01").await.unwrap();
        let mut answer = [0; 64];
        let length = plain.read(&mut answer).await.unwrap();
        assert_eq!(answer[..length].first(), Some(&21), "an alert of TLS, and no Modbus");
    };
    let (refused, ()) = tokio::join!(accept(), come);
    assert!(refused.is_err());

    let guest = Client::new(&house.files("client", client(None)), "localhost".try_into().unwrap()).unwrap();
    let address = address.to_string();
    let (accepted, connected) = tokio::join!(accept(), guest.connect(&address, LIMIT));
    assert!(accepted.is_ok() && connected.is_ok());
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_ends_at_its_deadline() {
    let folder = Folder::new("tls-late");
    let house = Authority::new(&folder, "house");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let short = Duration::from_millis(20);

    let _silent = TcpStream::connect(&address).await.unwrap();
    let server = Server::new(&house.files("server", server(&["localhost"]))).unwrap();
    let error = server.accept(listener.accept().await.unwrap().0, short).await.unwrap_err();
    assert_eq!(error.to_string(), "the TLS handshake did not end in time");

    // The system completes the connection, and nobody accepts it.
    let client = Client::new(&house.files("client", client(None)), "localhost".try_into().unwrap()).unwrap();
    let error = client.connect(&address, short).await.unwrap_err();
    assert_eq!(error.to_string(), "the TLS handshake did not end in time");
}

/// `ccmaster modbus serve` until the test ends.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(folder: &Folder, files: &Files, more: &[&str]) -> Self {
        let image = folder.file(
            "image.toml",
            "holding = [{ address = 0, values = [7] }]\ncoils = [{ address = 0, values = [1] }]\n",
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        command.args(["modbus", "serve", "--tls", "127.0.0.1:0", "--unit", "17", "--image"]).arg(image);
        let command = with(&mut command, files).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().rsplit(' ').next().unwrap().to_string() }
    }

    fn ask(&self, files: &Files, what: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
        command.args(["modbus", what[0], "--tls", &self.address, "--unit", "17", "--json"]).args(&what[1..]);
        with(&mut command, files).output().unwrap()
    }

    /// What two reads and two writes bring: `ok`, or the exception's code.
    fn rights(&self, files: &Files) -> [String; 4] {
        let asks: [&[&str]; 4] = [
            &["read", "--holding", "0"],
            &["read", "--coil", "0"],
            &["write", "--holding", "0=9"],
            &["write", "--coil", "0=0"],
        ];
        asks.map(|ask| {
            let told: Value = serde_json::from_slice(&self.ask(files, ask).stdout).unwrap();
            if told["ok"] == true { "ok".into() } else { told["exception"].to_string() }
        })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn with<'c>(command: &'c mut Command, files: &Files) -> &'c mut Command {
    command.arg("--ca").arg(&files.ca).arg("--cert").arg(&files.cert).arg("--key").arg(&files.key)
}

#[test]
fn a_role_in_the_certificate_says_what_its_client_may_do() {
    let folder = Folder::new("tls-roles");
    let house = Authority::new(&folder, "house");
    let here = house.files("server", server(&["127.0.0.1"]));
    let [operator, viewer, cook, nobody] = [Some("operator"), Some("viewer"), Some("cook"), None]
        .map(|role| house.files(role.unwrap_or("nobody"), client(role)));
    let strict = Serving::start(&folder, &here, &["--role", "operator=write", "--role", "viewer=read"]);
    for files in [&cook, &nobody] {
        assert_eq!(strict.rights(files), ["1", "1", "1", "1"]);
    }
    assert_eq!(strict.rights(&viewer), ["ok", "ok", "1", "1"]);
    let read: Value =
        serde_json::from_slice(&strict.ask(&viewer, &["read", "--holding", "0"]).stdout).unwrap();
    assert_eq!(read["values"][0], 7, "nobody has written");
    assert_eq!(strict.rights(&operator), ["ok", "ok", "ok", "ok"]);
    let open = Serving::start(&folder, &here, &[]);
    assert_eq!(open.rights(&nobody), ["ok", "ok", "ok", "ok"], "where no role is named none is needed");
}

#[test]
fn a_wrong_key_file_is_named_with_what_is_wrong_and_nothing_is_started() {
    let folder = Folder::new("tls-files");
    let house = Authority::new(&folder, "house");
    let (good, other) = (house.files("me", client(None)), house.files("other", client(None)));
    let (nowhere, empty) = (folder.file("gone.pem", ""), folder.file("empty.pem", "nothing\n"));
    std::fs::remove_file(&nowhere).unwrap();
    let broken = folder.file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let torn = folder.file("torn.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n");
    let table = [
        (Files { ca: nowhere, ..good.clone() }, "gone.pem: No such file"),
        (Files { ca: empty.clone(), ..good.clone() }, "empty.pem: no certificate in it"),
        (Files { ca: broken.clone(), ..good.clone() }, "broken.pem: "),
        (Files { cert: good.key.clone(), ..good.clone() }, "house-me.key: no certificate in it"),
        (Files { cert: broken, ..good.clone() }, "broken.pem: "),
        (Files { key: good.cert.clone(), ..good.clone() }, "house-me.pem: no private key in it"),
        (Files { key: torn, ..good.clone() }, "torn.key: "),
        (Files { key: other.key, ..good }, "house-other.key is not that of the certificate in "),
    ];
    for (files, why) in table {
        let serve = ["modbus", "serve", "--tls", "127.0.0.1:0", "--unit", "1", "--image"];
        let read = ["modbus", "read", "--tls", "127.0.0.1:1", "--unit", "1", "--holding", "0"];
        let image = folder.file("image.toml", "");
        for output in
            [misuse(&[&serve[..], &[image.to_str().unwrap()]].concat(), &files), misuse(&read, &files)]
        {
            assert!(output.contains(why), "{output}");
        }
    }
}

/// The one line that is said of it.
fn misuse(arguments: &[&str], files: &Files) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ccmaster"));
    let output = with(command.args(arguments), files).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.starts_with("error: ") && output.stdout.is_empty(), "{said}");
    said
}
