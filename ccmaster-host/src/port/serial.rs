//! A serial port of the host.

use std::io;
use std::path::Path;

use ccm_core::{DataBits, DriveError, Line, Parity, StopBits};
use serial2_tokio::{CharSize, FlowControl, SerialPort, Settings};

/// A serial port; `flush` waits for as long as the bytes written need on the line.
#[derive(Debug)]
pub struct Serial {
    port: SerialPort,
    line: Line,
    unsent: u32,
}

impl Serial {
    /// Opens the port at `path` and sets its line.
    ///
    /// # Errors
    /// What the system says of the path or the settings.
    pub fn open(path: &Path, line: Line) -> io::Result<Self> {
        // Every port can do eight bits; whether it can do seven, it says when it is open.
        let port = SerialPort::open(path, |settings: Settings| set(settings, Line::new(line.baud)))?;
        let mut port = Self { port, line, unsent: 0 };
        port.apply(line)?;
        // What arrived before we listened answers nobody.
        port.port.discard_input_buffer()?;
        Ok(port)
    }

    /// Sets the line when all that was written has left; what arrives meanwhile stays.
    ///
    /// A pseudo-terminal has no seven bits and says so: there eight carry the same characters.
    fn apply(&mut self, line: Line) -> io::Result<()> {
        let mut change = |line| self.port.set_configuration(&set(self.port.get_configuration()?, line)?);
        match change(line) {
            Err(error) if line.data_bits == DataBits::Seven => {
                tracing::debug!("the port takes no {line}: {error}; eight bits in its place");
                change(Line::new(line.baud))?;
            }
            result => result?,
        }
        self.line = line;
        Ok(())
    }
}

fn set(mut settings: Settings, line: Line) -> io::Result<Settings> {
    settings.set_raw();
    settings.set_baud_rate(line.baud)?;
    settings.set_flow_control(FlowControl::None);
    settings.set_char_size(match line.data_bits {
        DataBits::Seven => CharSize::Bits7,
        DataBits::Eight => CharSize::Bits8,
    });
    settings.set_parity(match line.parity {
        Parity::None => serial2_tokio::Parity::None,
        Parity::Even => serial2_tokio::Parity::Even,
        Parity::Odd => serial2_tokio::Parity::Odd,
    });
    settings.set_stop_bits(match line.stop_bits {
        StopBits::One => serial2_tokio::StopBits::One,
        StopBits::Two => serial2_tokio::StopBits::Two,
    });
    Ok(settings)
}

impl embedded_io::ErrorType for Serial {
    type Error = io::Error;
}

impl embedded_io_async::Read for Serial {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes).await
    }
}

impl embedded_io_async::Write for Serial {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.port.write(bytes).await?;
        self.unsent = self.unsent.saturating_add(u32::try_from(written).unwrap_or(u32::MAX));
        Ok(written)
    }

    /// The kernel takes bytes at once and tells nobody when the last stop bit leaves: its time is known all the same.
    async fn flush(&mut self) -> io::Result<()> {
        super::sleep(self.line.characters(self.unsent).into()).await;
        self.unsent = 0;
        Ok(())
    }
}

impl ccm_core::asynch::Port for Serial {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<io::Error>> {
        self.apply(line).map_err(DriveError::Port)
    }
}
