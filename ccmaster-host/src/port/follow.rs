//! A port behind which somebody else has the line.

use std::io;

use ccm_core::asynch::Port;
use ccm_core::{DriveError, Line};
use embedded_io::ErrorType;
use embedded_io_async::{Read, Write};

use super::sleep;

/// A port whose far side changes the speed by itself where this one cannot: device servers and simulations.
#[derive(Debug)]
pub struct Follow<P> {
    port: P,
    /// The far side's line, where what is sent has to be waited for.
    pace: Option<Line>,
    unsent: u32,
}

impl<P> Follow<P> {
    /// A port that says by itself when all has left.
    pub const fn new(port: P) -> Self {
        Self { port, pace: None, unsent: 0 }
    }

    /// A device server, which takes bytes faster than its line: what is said is over when the last of them has left
    /// there, so that a silence behind them begins then, and the time for an answer too.
    pub const fn paced(port: P, line: Line) -> Self {
        Self { port, pace: Some(line), unsent: 0 }
    }
}

impl<P: ErrorType<Error = io::Error>> ErrorType for Follow<P> {
    type Error = io::Error;
}

impl<P: Read + ErrorType<Error = io::Error>> Read for Follow<P> {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes).await
    }
}

impl<P: Write + ErrorType<Error = io::Error>> Write for Follow<P> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.port.write(bytes).await?;
        self.unsent = self.unsent.saturating_add(u32::try_from(written).unwrap_or(u32::MAX));
        Ok(written)
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.port.flush().await?;
        let unsent = std::mem::take(&mut self.unsent);
        if let Some(line) = self.pace {
            sleep(line.characters(unsent).into()).await;
        }
        Ok(())
    }
}

impl<P: Port<Error = io::Error>> Port for Follow<P> {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<io::Error>> {
        self.pace = self.pace.map(|_| line);
        match self.port.set_line(line).await {
            Err(DriveError::FixedLine(_)) => Ok(()),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::port::Tcp;

    #[tokio::test]
    async fn what_a_device_server_has_taken_is_over_when_its_line_has_said_it() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap().to_string();
        let port = Tcp::connect(&address, Duration::from_secs(3)).await.unwrap();
        let mut port = Follow::paced(port, Line::new(2400));
        let started = Instant::now();
        port.write_all(&[0; 24]).await.unwrap();
        port.flush().await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(100), "{:?}", started.elapsed());
        port.set_line(Line::new(115_200)).await.unwrap();
    }
}
