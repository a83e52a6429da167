//! One client on one line or connection.

use std::io;

use ccm_core::asynch::{Driver, Port};
use ccm_core::{Clock, DriveError, Line};
use ccm_iec62056::{Client, Error, Policy, Request, Response, Sink};

use crate::cli::stop::Stop;
use crate::port::{Link, TokioTimer, sleep};

/// A client and the port it talks through.
pub(super) struct Dialogue<S> {
    driver: Driver<Follow<Link>, TokioTimer, 256>,
    client: Client<'static, S>,
}

impl<S: Sink> Dialogue<S> {
    pub(super) fn new(link: Link, line: Line, policy: Policy, sink: S) -> Self {
        // The tools end with their process; what they leak ends with it.
        let buffer = Box::leak(Box::new([0; 256]));
        // A device server takes zeros faster than its line: the silence behind them begins when the last one has left.
        let pace = policy.wake_up && matches!(link, Link::Tcp(_));
        let driver =
            Driver::new(Follow { port: link, pace: pace.then_some(line), unsent: 0 }, TokioTimer::default());
        Self { driver, client: Client::new(policy, sink, buffer) }
    }

    /// Carries out one exchange; what came of it says [`outcome`](Self::outcome).
    pub(super) async fn exchange(&mut self, request: Request<'_>) -> Result<(), Stop> {
        tracing::debug!("says {request:?}");
        let now = self.driver.clock().now();
        self.client.start(now, request).map_err(|error| Stop::Misuse(error.to_string()))?;
        self.driver.run(&mut self.client).await?;
        Ok(())
    }

    pub(super) fn outcome(&self) -> Result<Response<'_>, Error> {
        self.client.outcome()
    }

    pub(super) const fn sink(&mut self) -> &mut S {
        self.client.sink_mut()
    }
}

/// A port whose far side changes the speed by itself where this one cannot: device servers and simulations.
pub(super) struct Follow<P> {
    port: P,
    /// The far side's line, where what is sent has to be waited for.
    pace: Option<Line>,
    unsent: u32,
}

impl<P> Follow<P> {
    pub(super) const fn new(port: P) -> Self {
        Self { port, pace: None, unsent: 0 }
    }
}

impl<P: embedded_io::ErrorType<Error = io::Error>> embedded_io::ErrorType for Follow<P> {
    type Error = io::Error;
}

impl<P: Port<Error = io::Error>> embedded_io_async::Read for Follow<P> {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.port.read(bytes).await
    }
}

impl<P: Port<Error = io::Error>> embedded_io_async::Write for Follow<P> {
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
