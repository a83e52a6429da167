//! One client on one line or connection.

use std::io;

use ccm_core::asynch::{Driver, Port};
use ccm_core::{Clock, DriveError, Line};
use ccm_iec62056::{Client, Error, Policy, Request, Response, Sink};

use super::output::Stop;
use crate::port::{Link, TokioTimer};

/// A client and the port it talks through.
pub(super) struct Dialogue<S> {
    driver: Driver<Follow<Link>, TokioTimer, 256>,
    client: Client<'static, S>,
}

impl<S: Sink> Dialogue<S> {
    pub(super) fn new(link: Link, policy: Policy, sink: S) -> Self {
        // The tools end with their process; what they leak ends with it.
        let buffer = Box::leak(Box::new([0; 256]));
        let driver = Driver::new(Follow(link), TokioTimer::default());
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
pub(super) struct Follow<P>(pub(super) P);

impl<P: embedded_io::ErrorType<Error = io::Error>> embedded_io::ErrorType for Follow<P> {
    type Error = io::Error;
}

impl<P: Port<Error = io::Error>> embedded_io_async::Read for Follow<P> {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).await
    }
}

impl<P: Port<Error = io::Error>> embedded_io_async::Write for Follow<P> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }
}

impl<P: Port<Error = io::Error>> Port for Follow<P> {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<io::Error>> {
        match self.0.set_line(line).await {
            Err(DriveError::FixedLine(_)) => Ok(()),
            result => result,
        }
    }
}
