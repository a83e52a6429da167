//! The host's clock, and waits that end when they should.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use ccm_core::asynch::Timer;
use ccm_core::{Clock, Instant, SystemClock};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// Tells the time since it was made and waits for it. Copies tell the same time.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer(SystemClock);

impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl Timer for TokioTimer {
    async fn wait(&self, until: Instant) {
        sleep(until.since(self.now()).into()).await;
    }
}

/// Sleeps for as long as is said.
///
/// tokio's timer counts whole milliseconds and rounds up: on a bus of 9600 baud that costs a read in twenty. Short waits
/// are left to the kernel's own timer.
pub async fn sleep(duration: Duration) {
    if duration > SHORT || kernel_timer(duration).await.is_err() {
        tokio::time::sleep(duration).await;
    }
}

async fn kernel_timer(duration: Duration) -> io::Result<()> {
    if duration.is_zero() {
        tokio::task::yield_now().await;
        return Ok(());
    }
    let timer: OwnedFd =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let once = Timespec::try_from(duration).map_err(io::Error::other)?;
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: never, it_value: once })?;
    #[expect(deprecated, reason = "sound for an owned descriptor, and its successor is unsafe to call")]
    let timer = AsyncFd::new(timer)?;
    drop(timer.readable().await?);
    Ok(())
}

/// Longer waits do not mind a millisecond.
const SHORT: Duration = Duration::from_millis(20);
