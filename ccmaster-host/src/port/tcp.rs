//! A TCP connection.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection; small frames are sent at once.
#[derive(Debug)]
pub struct Tcp(TcpStream);

impl Tcp {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// What the system says, or that nobody answered within `limit`.
    pub async fn connect(address: &str, limit: Duration) -> io::Result<Self> {
        let stream = tokio::time::timeout(limit, TcpStream::connect(address)).await;
        Self::new(stream.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "nobody answers there"))??)
    }

    /// Takes a connection that somebody else opened.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
}

impl embedded_io::ErrorType for Tcp {
    type Error = io::Error;
}

impl embedded_io_async::Read for Tcp {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).await
    }
}

impl embedded_io_async::Write for Tcp {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}

impl ccm_core::asynch::Port for Tcp {}
