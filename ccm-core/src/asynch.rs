//! Runs machines on a port of an executor, over `embedded-io-async` 0.7: embassy on a microcontroller, tokio on a host.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embedded_io_async::{Read, Write};

use crate::{Clock, DriveError, Instant, Line, Machine, Step};

/// A serial port or a socket. `flush` ends when the last stop bit has left; a dropped `read` has lost no byte.
#[expect(async_fn_in_trait, reason = "drivers run on the executor of the caller's choice, Send or not")]
pub trait Port: Read + Write {
    /// Changes the line's settings; a port that cannot keeps this default, which says so.
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<Self::Error>> {
        Err(DriveError::FixedLine(line))
    }
}

/// Tells the time and waits for it.
#[expect(async_fn_in_trait, reason = "drivers run on the executor of the caller's choice, Send or not")]
pub trait Timer: Clock {
    /// Ends at `until`, at once where that has passed.
    async fn wait(&self, until: Instant);
}

/// Runs machines, one after the other, on one port. Holds `N` bytes that no machine has taken yet.
#[derive(Debug)]
pub struct Driver<P, T, const N: usize = 64> {
    port: P,
    timer: T,
    held: [u8; N],
    length: usize,
}

impl<P: Port, T: Timer, const N: usize> Driver<P, T, N> {
    /// Takes the port and the timer.
    pub const fn new(port: P, timer: T) -> Self {
        Self { port, timer, held: [0; N], length: 0 }
    }

    /// The clock that machines on this driver are started with.
    pub const fn clock(&self) -> &T {
        &self.timer
    }

    /// Runs `machine` until it is done.
    ///
    /// Dropping the future leaves the driver usable and the exchange unfinished; the next `start` of a client takes
    /// that into account.
    ///
    /// # Errors
    /// Only what the port did wrong; what the device did wrong is in the machine's `outcome()`.
    pub async fn run(&mut self, machine: &mut (impl Machine + ?Sized)) -> Result<(), DriveError<P::Error>> {
        loop {
            match machine.poll(self.timer.now()) {
                Step::Send(bytes) => self.send(bytes).await?,
                Step::SetLine(line) => self.port.set_line(line).await?,
                Step::Wait(until) => {
                    self.wait(until).await?;
                    self.length =
                        crate::machine::offer(machine, self.timer.now(), &mut self.held, self.length);
                }
                Step::Done => return Ok(()),
            }
        }
    }

    /// Listens while no machine runs, until `until`; what comes is kept for the next one as far as it fits.
    ///
    /// # Errors
    /// What the port did wrong: this is how the loss of an idle port is noticed.
    pub async fn listen(&mut self, until: Instant) -> Result<(), DriveError<P::Error>> {
        while self.length == 0 && self.timer.now() < until {
            self.wait(Some(until)).await?;
        }
        self.timer.wait(until).await;
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), DriveError<P::Error>> {
        self.port.write_all(bytes).await.map_err(DriveError::Port)?;
        self.port.flush().await.map_err(DriveError::Port)
    }

    /// Ends when there are bytes to offer or `until` has come; looks for bytes first.
    async fn wait(&mut self, until: Option<Instant>) -> Result<(), DriveError<P::Error>> {
        if self.length > 0 {
            return Ok(());
        }
        let read = self.port.read(&mut self.held);
        let ended = match until {
            Some(until) => first(read, self.timer.wait(until)).await,
            None => Some(read.await),
        };
        match ended {
            None => Ok(()),
            Some(Ok(0)) => Err(DriveError::Closed),
            Some(Ok(length)) => {
                self.length = length.min(N);
                Ok(())
            }
            Some(Err(error)) => Err(DriveError::Port(error)),
        }
    }
}

/// Gives the output of `wanted`, or nothing where `limit` ends first; `wanted` is looked at first.
async fn first<T>(wanted: impl Future<Output = T>, limit: impl Future<Output = ()>) -> Option<T> {
    let (mut wanted, mut limit) = (pin!(wanted), pin!(limit));
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}
