//! Any of the ports that reach a device.

use std::io;

use ccm_core::{DriveError, Line};

use super::{Serial, Tcp, Tls, Udp};

/// A port whose kind is known at run time only.
#[derive(Debug)]
pub enum Link {
    /// A serial line.
    Serial(Serial),
    /// A TCP connection.
    Tcp(Tcp),
    /// Datagrams.
    Udp(Udp),
    /// A TLS connection.
    Tls(Tls),
}

impl embedded_io::ErrorType for Link {
    type Error = io::Error;
}

impl embedded_io_async::Read for Link {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Serial(port) => port.read(bytes).await,
            Self::Tcp(port) => port.read(bytes).await,
            Self::Udp(port) => port.read(bytes).await,
            Self::Tls(port) => port.read(bytes).await,
        }
    }
}

impl embedded_io_async::Write for Link {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Serial(port) => port.write(bytes).await,
            Self::Tcp(port) => port.write(bytes).await,
            Self::Udp(port) => port.write(bytes).await,
            Self::Tls(port) => port.write(bytes).await,
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Serial(port) => port.flush().await,
            Self::Tcp(port) => port.flush().await,
            Self::Udp(port) => port.flush().await,
            Self::Tls(port) => port.flush().await,
        }
    }
}

impl ccm_core::asynch::Port for Link {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<io::Error>> {
        match self {
            Self::Serial(port) => port.set_line(line).await,
            _ => Err(DriveError::FixedLine(line)),
        }
    }
}
