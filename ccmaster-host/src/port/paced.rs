//! A port as slow as a serial line.

use std::io;

use ccm_core::{DriveError, Line};
use embedded_io_async::{Read, Write};

/// Lets bytes take the time they would on a line: a pseudo-terminal has no baud rate of its own.
///
/// A `read` that is dropped while its bytes are "on the line" loses none: the next one has them.
#[derive(Debug)]
pub struct Paced<P> {
    port: P,
    line: Line,
    held: std::collections::VecDeque<u8>,
}

impl<P> Paced<P> {
    /// Slows `port` down to `line`.
    pub fn new(port: P, line: Line) -> Self {
        Self { port, line, held: std::collections::VecDeque::new() }
    }

    async fn pass(&self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        super::sleep(self.line.characters(bytes).into()).await;
    }
}

impl<P: embedded_io::ErrorType<Error = io::Error>> embedded_io::ErrorType for Paced<P> {
    type Error = io::Error;
}

impl<P: Read + embedded_io::ErrorType<Error = io::Error>> Read for Paced<P> {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.held.is_empty() {
            let length = self.port.read(bytes).await?;
            self.held.extend(bytes.iter().take(length));
        }
        self.pass(self.held.len().min(bytes.len())).await;
        let length = self.held.len().min(bytes.len());
        for (slot, byte) in bytes.iter_mut().zip(self.held.drain(..length)) {
            *slot = byte;
        }
        Ok(length)
    }
}

impl<P: Write + embedded_io::ErrorType<Error = io::Error>> Write for Paced<P> {
    /// In small pieces, as a line gives them.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..PIECE.min(bytes.len())).unwrap_or_default();
        let written = self.port.write(piece).await?;
        self.pass(written).await;
        Ok(written)
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.port.flush().await
    }
}

impl<P: Read + Write + embedded_io::ErrorType<Error = io::Error>> ccm_core::asynch::Port for Paced<P> {
    /// From here on bytes take the time of this line.
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<io::Error>> {
        self.line = line;
        Ok(())
    }
}

/// How many bytes come at once.
const PIECE: usize = 16;
