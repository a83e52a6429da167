//! TLS connections on which both sides show a certificate, as Modbus Security wants them (MB-TCP-Security V21 8.1).

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// A connection whose peer has shown a certificate that one of ours vouches for.
#[derive(Debug)]
pub struct Tls(Box<TlsStream<TcpStream>>);

impl Tls {
    /// The peer's certificate, in DER.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        let (_, session) = self.0.get_ref();
        session.peer_certificates()?.first().map(AsRef::as_ref)
    }
}

/// The files (PEM) that say who is trusted and who we are.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificates that vouch for the peer.
    pub ca: PathBuf,
    /// Our own certificate, and behind it those that lead to one the peer trusts.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What is wrong with one of the files.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file holds something else, or it is damaged.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, or missing.
        problem: String,
    },
    /// Certificate and key are each well, but not of one pair.
    #[error("the key in {} is not that of the certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        cert: PathBuf,
    },
}

impl FileError {
    fn content(path: &Path, problem: impl Display) -> Self {
        Self::Content { path: path.into(), problem: problem.to_string() }
    }
}

/// Connects to one server by its name.
#[derive(Clone)]
pub struct Client {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Client {
    /// A client that presents the certificate of `files` and expects `name`, a host name or an IP address, in the
    /// server's.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub fn new(files: &Files, name: ServerName<'static>) -> Result<Self, FileError> {
        let provider = Arc::new(ring::default_provider());
        let own = own_certificate(files, &provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(|error| FileError::content(&files.cert, error))?
            .with_root_certificates(trusted(&files.ca)?)
            .with_client_cert_resolver(Arc::new(own));
        config.resumption = Resumption::disabled();
        Ok(Self { connector: Arc::new(config).into(), name })
    }

    /// Connects to `host:port`.
    ///
    /// The server may still refuse our certificate: from TLS 1.3 on, the first read tells.
    ///
    /// # Errors
    /// What the system says, why the server is not trusted, or that it took longer than `limit`.
    pub async fn connect(&self, address: &str, limit: Duration) -> io::Result<Tls> {
        let deadline = Instant::now() + limit;
        let stream = within(deadline, "nobody answers there", TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        let handshake = self.connector.connect(self.name.clone(), stream);
        let stream = within(deadline, UNFINISHED, handshake).await?.map_err(handshake_error)?;
        Ok(Tls(Box::new(stream.into())))
    }
}

/// Takes connections from clients with a certificate.
#[derive(Clone)]
pub struct Server(TlsAcceptor);

impl Server {
    /// A server that presents the certificate of `files` and demands one from each client.
    ///
    /// # Errors
    /// Which file is wrong, and why.
    pub fn new(files: &Files) -> Result<Self, FileError> {
        let provider = Arc::new(ring::default_provider());
        let own = own_certificate(files, &provider)?;
        let roots = Arc::new(trusted(&files.ca)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map_err(|error| FileError::content(&files.cert, error))?
            .with_client_cert_verifier(verifier.map_err(|error| FileError::content(&files.ca, error))?)
            .with_cert_resolver(Arc::new(own));
        // Every connection is verified anew: a certificate that has expired since is not resumed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config).into()))
    }

    /// Takes a connection that was accepted from a listener.
    ///
    /// # Errors
    /// Why the client is refused, or that it took longer than `limit`.
    pub async fn accept(&self, stream: TcpStream, limit: Duration) -> io::Result<Tls> {
        let deadline = Instant::now() + limit;
        stream.set_nodelay(true)?;
        let stream = within(deadline, UNFINISHED, self.0.accept(stream)).await?.map_err(handshake_error)?;
        Ok(Tls(Box::new(stream.into())))
    }
}

async fn within<T>(deadline: Instant, otherwise: &str, work: impl Future<Output = T>) -> io::Result<T> {
    timeout_at(deadline, work).await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, otherwise))
}

fn handshake_error(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("TLS handshake: {error}"))
}

fn own_certificate(files: &Files, provider: &CryptoProvider) -> Result<SingleCertAndKey, FileError> {
    let chain = certificates(&files.cert)?;
    let key = provider.key_provider.load_private_key(private_key(&files.key)?);
    let pair = CertifiedKey::new(chain, key.map_err(|error| FileError::content(&files.key, error))?);
    match pair.keys_match() {
        Ok(()) => Ok(pair.into()),
        Err(error) if error == InconsistentKeys::KeyMismatch.into() => {
            Err(FileError::Mismatch { key: files.key.clone(), cert: files.cert.clone() })
        }
        Err(error) => Err(FileError::content(&files.cert, error)),
    }
}

fn trusted(path: &Path) -> Result<RootCertStore, FileError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| FileError::content(path, error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(FileError::content(path, "no certificate in it (PEM wanted)")),
        found => found.map_err(|error| FileError::content(path, error)),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let text = read(path)?;
    let mut found = PrivateKeyDer::pem_slice_iter(&text);
    let none = || FileError::content(path, "no private key in it (PEM without a password wanted)");
    found.next().ok_or_else(none)?.map_err(|error| FileError::content(path, error))
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|error| FileError::Read { path: path.into(), error })
}

impl embedded_io::ErrorType for Tls {
    type Error = io::Error;
}

impl embedded_io_async::Read for Tls {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).await
    }
}

impl embedded_io_async::Write for Tls {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}

impl ccm_core::asynch::Port for Tls {}

/// 1.2 or better (MB-TCP-Security V21 10.1); what is older is refused.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

const UNFINISHED: &str = "the TLS handshake did not end in time";
