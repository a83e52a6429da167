//! Half-duplex lines: who drives the line, and when it lets go.

/// The pin that switches a line driver between sending and listening, as on RS-485.
///
/// On a microcontroller a pin that cannot fail; one that can is for its owner to watch.
pub trait Direction {
    /// The driver takes the line.
    fn transmit(&mut self);

    /// The driver leaves the line to others.
    fn listen(&mut self);
}

/// A port on a half-duplex line: takes the line before the first byte and leaves it when the last stop bit has left,
/// which is when the port's `flush` ends. A flush that ends when the last byte is in the shift register cuts it off:
/// wait for "transmission complete", not for "register empty".
///
/// A write or flush that is abandoned (a dropped future) leaves the line at once: the frame is torn and answers nobody,
/// and nobody else is held up.
///
/// ```
/// use ccm_core::{Direction, HalfDuplex};
///
/// struct Pin(bool);
///
/// impl Direction for Pin {
///     fn transmit(&mut self) { self.0 = true }
///     fn listen(&mut self) { self.0 = false }
/// }
///
/// # fn uart() -> std::io::Cursor<Vec<u8>> { std::io::Cursor::new(Vec::new()) }
/// let port = HalfDuplex::new(uart(), Pin(true));
/// # let _ = port;
/// // ccm_core::asynch::Driver::new(port, timer).run(&mut client).await?;
/// ```
#[derive(Debug)]
pub struct HalfDuplex<P, D> {
    port: P,
    direction: D,
}

impl<P, D: Direction> HalfDuplex<P, D> {
    /// Listens on `port`.
    pub fn new(port: P, mut direction: D) -> Self {
        direction.listen();
        Self { port, direction }
    }
}

/// Leaves the line when it is dropped, unless told otherwise.
struct Turn<'a, D: Direction> {
    direction: &'a mut D,
    goes_on: bool,
}

impl<'a, D: Direction> Turn<'a, D> {
    fn take(direction: &'a mut D) -> Self {
        direction.transmit();
        Self { direction, goes_on: false }
    }

    fn goes_on(mut self) {
        self.goes_on = true;
    }
}

impl<D: Direction> Drop for Turn<'_, D> {
    fn drop(&mut self) {
        if !self.goes_on {
            self.direction.listen();
        }
    }
}

#[cfg(any(feature = "blocking", feature = "asynch"))]
impl<P: embedded_io::ErrorType, D> embedded_io::ErrorType for HalfDuplex<P, D> {
    type Error = P::Error;
}

#[cfg(feature = "blocking")]
mod blocking {
    use embedded_io::{Read, ReadReady, Write};

    use super::{Direction, HalfDuplex, Turn};
    use crate::blocking::Port;
    use crate::{DriveError, Line};

    impl<P: Read, D: Direction> Read for HalfDuplex<P, D> {
        fn read(&mut self, bytes: &mut [u8]) -> Result<usize, P::Error> {
            self.port.read(bytes)
        }
    }

    impl<P: ReadReady, D: Direction> ReadReady for HalfDuplex<P, D> {
        fn read_ready(&mut self) -> Result<bool, P::Error> {
            self.port.read_ready()
        }
    }

    impl<P: Write, D: Direction> Write for HalfDuplex<P, D> {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, P::Error> {
            let turn = Turn::take(&mut self.direction);
            let written = self.port.write(bytes)?;
            turn.goes_on();
            Ok(written)
        }

        fn flush(&mut self) -> Result<(), P::Error> {
            let _turn = Turn::take(&mut self.direction);
            self.port.flush()
        }
    }

    impl<P: Port, D: Direction> Port for HalfDuplex<P, D> {
        fn set_line(&mut self, line: Line) -> Result<(), DriveError<P::Error>> {
            self.port.set_line(line)
        }
    }
}

#[cfg(feature = "asynch")]
mod asynch {
    use embedded_io_async::{Read, Write};

    use super::{Direction, HalfDuplex, Turn};
    use crate::asynch::Port;
    use crate::{DriveError, Line};

    impl<P: Read, D: Direction> Read for HalfDuplex<P, D> {
        async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, P::Error> {
            self.port.read(bytes).await
        }
    }

    impl<P: Write, D: Direction> Write for HalfDuplex<P, D> {
        async fn write(&mut self, bytes: &[u8]) -> Result<usize, P::Error> {
            let turn = Turn::take(&mut self.direction);
            let written = self.port.write(bytes).await?;
            turn.goes_on();
            Ok(written)
        }

        async fn flush(&mut self) -> Result<(), P::Error> {
            let _turn = Turn::take(&mut self.direction);
            self.port.flush().await
        }
    }

    impl<P: Port, D: Direction> Port for HalfDuplex<P, D> {
        async fn set_line(&mut self, line: Line) -> Result<(), DriveError<P::Error>> {
            self.port.set_line(line).await
        }
    }
}
