//! Runs machines on a port that is read without an executor, over `embedded-io` 0.7.

use embedded_io::{Error as _, ErrorKind, Read, ReadReady, Write};

use crate::{Clock, DriveError, Instant, Line, Machine, Step};

/// A serial port or a socket. `flush` returns when the last stop bit has left.
pub trait Port: Read + ReadReady + Write {
    /// Changes the line's settings; a port that cannot keeps this default, which says so.
    fn set_line(&mut self, line: Line) -> Result<(), DriveError<Self::Error>> {
        Err(DriveError::FixedLine(line))
    }
}

/// Waits for something to happen on behalf of a driver.
pub trait Idle: Clock {
    /// Returns at `until`, or earlier; this default returns at once, which makes the driver spin.
    fn idle(&self, _until: Option<Instant>) {
        core::hint::spin_loop();
    }
}

/// Runs machines, one after the other, on one port. Holds `N` bytes that no machine has taken yet.
#[derive(Debug)]
pub struct Driver<P, C, const N: usize = 64> {
    port: P,
    clock: C,
    held: [u8; N],
    length: usize,
}

impl<P: Port, C: Idle, const N: usize> Driver<P, C, N> {
    /// Takes the port and the clock.
    pub const fn new(port: P, clock: C) -> Self {
        Self { port, clock, held: [0; N], length: 0 }
    }

    /// The clock that machines on this driver are started with.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Runs `machine` until it is done.
    ///
    /// # Errors
    /// Only what the port did wrong; what the device did wrong is in the machine's `outcome()`.
    pub fn run(&mut self, machine: &mut (impl Machine + ?Sized)) -> Result<(), DriveError<P::Error>> {
        loop {
            match machine.poll(self.clock.now()) {
                Step::Send(bytes) => self.send(bytes)?,
                Step::SetLine(line) => self.port.set_line(line)?,
                Step::Wait(until) => {
                    self.wait(until)?;
                    self.length =
                        crate::machine::offer(machine, self.clock.now(), &mut self.held, self.length);
                }
                Step::Done => return Ok(()),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), DriveError<P::Error>> {
        self.port.write_all(bytes).map_err(DriveError::Port)?;
        self.port.flush().map_err(DriveError::Port)
    }

    /// Returns when there are bytes to offer or `until` has come; looks for bytes first.
    fn wait(&mut self, until: Option<Instant>) -> Result<(), DriveError<P::Error>> {
        while self.length == 0 && !self.read()? {
            if until.is_some_and(|until| self.clock.now() >= until) {
                return Ok(());
            }
            self.clock.idle(until);
        }
        Ok(())
    }

    fn read(&mut self) -> Result<bool, DriveError<P::Error>> {
        if !self.port.read_ready().map_err(DriveError::Port)? {
            return Ok(false);
        }
        match self.port.read(&mut self.held) {
            Ok(0) => Err(DriveError::Closed),
            Ok(length) => {
                self.length = length.min(N);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(DriveError::Port(error)),
        }
    }
}
