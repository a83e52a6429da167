//! Modbus Security on loopback: who comes in and who does not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![allow(missing_docs, unreachable_pub, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use ccmaster_host::port::tls::{Client, Files, Server};
use ccmaster_host::port::{Tcp, Tls};
use common::{Authority, Folder, client, expired, server};
use embedded_io_async::{Read, Write};
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
