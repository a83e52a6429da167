//! The far end of a pseudo-terminal, for simulated devices.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A pseudo-terminal: whoever opens its [`path`](Self::path) as a serial port talks to us.
#[derive(Debug)]
pub struct Pty {
    far: AsyncFd<OwnedFd>,
    path: PathBuf,
    /// Held open, so that the line survives its user's coming and going.
    _near: File,
}

impl Pty {
    /// Makes a new one.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&far)?;
        unlockpt(&far)?;
        let path = ptsname(&far, Vec::new())?.into_string().map_err(io::Error::other)?;
        let near = File::options().read(true).write(true).open(&path)?;
        raw(&far)?;
        rustix::io::ioctl_fionbio(&far, true)?;
        #[expect(deprecated, reason = "sound for an owned descriptor, and its successor is unsafe to call")]
        let far = AsyncFd::new(far)?;
        Ok(Self { far, path: path.into(), _near: near })
    }

    /// The device to open as a serial port.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// No echo and no line editing, before anybody has opened it.
fn raw(far: &OwnedFd) -> io::Result<()> {
    let mut settings = rustix::termios::tcgetattr(far)?;
    settings.make_raw();
    Ok(rustix::termios::tcsetattr(far, rustix::termios::OptionalActions::Now, &settings)?)
}

impl embedded_io::ErrorType for Pty {
    type Error = io::Error;
}

impl embedded_io_async::Read for Pty {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.far.async_io(Interest::READABLE, |far| Ok(rustix::io::read(far, &mut *bytes)?)).await
    }
}

impl embedded_io_async::Write for Pty {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.far.async_io(Interest::WRITABLE, |far| Ok(rustix::io::write(far, bytes)?)).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ccm_core::asynch::Port for Pty {}
