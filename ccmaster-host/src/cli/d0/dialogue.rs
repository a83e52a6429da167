//! One client on one line or connection.

use ccm_core::asynch::Driver;
use ccm_core::{Clock, Line};
use ccm_iec62056::{Client, Error, Policy, Request, Response, Sink};

use crate::cli::stop::Stop;
use crate::port::{Follow, Link, TokioTimer};

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
        let port = if pace { Follow::paced(link, line) } else { Follow::new(link) };
        let driver = Driver::new(port, TokioTimer::default());
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
