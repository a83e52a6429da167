//! What stands for a board's UART here, so that the examples run anywhere: a wire to a meter at unit 17, and a clock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;

use ccm_core::{Clock, Instant, Line, Machine, Step, asynch, blocking};
use ccm_modbus::{Exception, Handler, RegistersMut, Rtu, Server};

/// The far end: 100 holding registers that hold their own addresses.
struct Meter;

impl Handler for Meter {
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        if usize::from(start) + registers.len() > 100 {
            return Err(Exception::IllegalDataAddress);
        }
        registers.extend(start..);
        Ok(())
    }
}

/// A UART with a meter on its wire.
#[derive(Default)]
pub(crate) struct Uart {
    received: VecDeque<u8>,
}

impl Uart {
    fn transmit(&mut self, request: &[u8]) {
        let mut buffer = [0; 264];
        let mut meter = Server::new(Rtu::new(Line::new(9600)), 17, Meter, &mut buffer);
        let _ = meter.poll(Instant::ZERO);
        meter.receive(Instant::ZERO, request);
        if let Step::Send(reply) = meter.poll(Instant::from_millis(10)) {
            self.received.extend(reply);
        }
    }

    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let length = self.received.len().min(bytes.len());
        bytes.iter_mut().zip(self.received.drain(..length)).for_each(|(slot, byte)| *slot = byte);
        length
    }
}

impl embedded_io::ErrorType for Uart {
    type Error = Infallible;
}

impl embedded_io::Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        Ok(self.take(bytes))
    }
}

impl embedded_io::ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.received.is_empty())
    }
}

impl embedded_io::Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.transmit(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl blocking::Port for Uart {}

impl embedded_io_async::Read for Uart {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        if self.received.is_empty() {
            std::future::pending::<()>().await;
        }
        Ok(self.take(bytes))
    }
}

impl embedded_io_async::Write for Uart {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl asynch::Port for Uart {}

/// A timer of the board; here time passes only by waiting for it.
#[derive(Default)]
pub(crate) struct Timer(Cell<u64>);

impl Clock for Timer {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.get())
    }
}

impl blocking::Idle for Timer {
    fn idle(&self, _until: Option<Instant>) {
        self.0.set(self.0.get() + 100);
    }
}

impl asynch::Timer for Timer {
    async fn wait(&self, until: Instant) {
        self.0.set(self.0.get().max(until.as_micros()));
    }
}

/// The driver-enable pin of an RS-485 transceiver.
#[derive(Default)]
pub(crate) struct Pin(RefCell<bool>);

impl ccm_core::Direction for &Pin {
    fn transmit(&mut self) {
        self.0.replace(true);
    }

    fn listen(&mut self) {
        self.0.replace(false);
    }
}
