//! The host's clock on tokio.

use ccm_core::asynch::Timer;
use ccm_core::{Clock, Instant, SystemClock};

/// Tells the time since it was made, and waits on tokio's timer. Copies tell the same time.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer(SystemClock);

impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl Timer for TokioTimer {
    async fn wait(&self, until: Instant) {
        tokio::time::sleep_until(self.0.to_std(until).into()).await;
    }
}
