//! A line in memory for libraries that bring their own reading and writing.

use std::pin::{Pin, pin};
use std::sync::mpsc::Sender;
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;
use tokio::sync::oneshot;

/// For a client: each frame written makes the reply readable.
pub struct Replier {
    pub reply: Vec<u8>,
    pub read: usize,
}

impl Replier {
    pub fn new(reply: &[u8]) -> Self {
        Self { reply: reply.to_vec(), read: reply.len() }
    }

    fn take(&mut self, room: usize) -> &[u8] {
        let end = self.reply.len().min(self.read + room);
        let bytes = &self.reply[self.read..end];
        self.read = end;
        bytes
    }
}

/// For a server: so many requests, each when the one before is answered, and then the end.
pub struct Requester {
    pub request: Vec<u8>,
    pub left: usize,
    pub replies: Sender<Vec<u8>>,
    pub end: Option<oneshot::Sender<()>>,
}

impl tokio::io::AsyncRead for Replier {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let room = buffer.remaining();
        buffer.put_slice(self.take(room));
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncRead for Requester {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                buffer.put_slice(&self.request);
            }
            None => drop(self.end.take().map(|end| end.send(()))),
        }
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Replier {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.read = 0;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Requester {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        // Only the last is kept: keeping costs, too.
        if self.left == 0 {
            let _ = self.replies.send(bytes.to_vec());
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl embedded_io_async::ErrorType for Replier {
    type Error = std::convert::Infallible;
}

impl embedded_io_async::Read for Replier {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let bytes = self.take(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl embedded_io_async::Write for Replier {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.read = 0;
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// The result of something that never has to wait: no runtime is measured.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has to wait"),
    }
}
