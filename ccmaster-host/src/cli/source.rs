//! Bytes to listen to: from a port, from a file, from standard input.

use std::io;
use std::path::Path;

use embedded_io_async::Read;
use tokio::sync::mpsc;

use super::stop::Stop;
use crate::port::Link;

/// Whatever bytes come from.
pub(super) enum Source {
    /// A port.
    Link(Link),
    /// Read in a thread of its own, which ends with the program: a file or a pipe can keep its reader waiting.
    File(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn file(path: &Path) -> Result<Self, Stop> {
        let cannot = |error| Stop::Misuse(format!("cannot read {}: {error}", path.display()));
        let file: Box<dyn io::Read + Send> = match path.to_str() {
            Some("-") => Box::new(io::stdin()),
            _ => Box::new(std::fs::File::open(path).map_err(cannot)?),
        };
        let (sender, receiver) = mpsc::channel(4);
        std::thread::spawn(move || pump(file, &sender));
        Ok(Self::File(receiver))
    }

    /// Reads some bytes; none at the end.
    pub(super) async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Link(link) => link.read(bytes).await,
            Self::File(receiver) => {
                let piece = receiver.recv().await.transpose()?.unwrap_or_default();
                bytes.iter_mut().zip(&piece).for_each(|(slot, byte)| *slot = *byte);
                Ok(piece.len())
            }
        }
    }

    /// Whether it is a file, whose end is no failure.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Reads until the end, or until nobody wants more.
fn pump(mut file: impl io::Read, sender: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut bytes = [0; PIECE];
    loop {
        let piece = file.read(&mut bytes).map(|count| bytes.get(..count).unwrap_or_default().to_vec());
        let is_last = piece.as_ref().map_or(true, Vec::is_empty);
        if sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Bytes that are read at once.
pub(super) const PIECE: usize = 4096;
