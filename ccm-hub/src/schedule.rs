//! Who is asked next on a port: due times, fairness, and patience with those that do not answer.

use ccm_core::{Duration, Instant};

/// The devices of one port and when each is due.
///
/// The one that has been due longest comes first, so all take turns. A device that has failed three times in a row is
/// *dead*: it is asked once, without retries, and all dead devices of a port together get at most one twenty-fifth of
/// its time, however many they are. A dead device is found again by such a question.
#[derive(Debug)]
pub struct Schedule<const N: usize> {
    entries: heapless::Vec<Entry, N>,
    /// Dead devices wait until then.
    dead_after: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    device: usize,
    period: Duration,
    due: Instant,
    failures: u8,
    /// When it last answered everything, and how long after the time before.
    answered: Option<Instant>,
    interval: Duration,
}

/// What a device's last answers say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "api", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Health {
    /// It has not been asked yet.
    #[default]
    Unknown,
    /// It answers.
    Ok,
    /// Its last answer is missing.
    Suspect,
    /// It has not answered three times in a row.
    Dead,
}

/// The turn of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its number, as given to [`Schedule::add`].
    pub device: usize,
    /// Whether a retry is worth its time.
    pub patient: bool,
}

impl<const N: usize> Schedule<N> {
    /// A port without devices.
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new(), dead_after: Instant::ZERO }
    }

    /// Adds a device that is to be read every `period`, for the first time at once; false where there is no room.
    pub fn add(&mut self, device: usize, period: Duration) -> bool {
        self.entries
            .push(Entry { device, period, due: Instant::ZERO, failures: 0, answered: None, interval: period })
            .is_ok()
    }

    /// Whose turn it is; nothing where nobody is due yet.
    pub fn turn(&self, now: Instant) -> Option<Turn> {
        let entry =
            self.entries.iter().filter(|entry| self.due(entry) <= now).min_by_key(|entry| self.due(entry))?;
        Some(Turn { device: entry.device, patient: entry.failures == 0 })
    }

    /// When the next turn comes; nothing on a port without devices.
    pub fn next_due(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| self.due(entry)).min()
    }

    /// A device has answered everything it was to be asked: it is due again after its period.
    pub fn succeeded(&mut self, now: Instant, device: usize) {
        if let Some(entry) = self.entry(device) {
            if let Some(answered) = entry.answered.filter(|_| entry.failures == 0) {
                entry.interval = now.since(answered);
            }
            entry.failures = 0;
            entry.answered = Some(now);
            // On a busy port the next turn counts from now: nobody catches up at the cost of the others.
            entry.due = (entry.due + entry.period).max(now);
        }
    }

    /// The answer of a device that has succeeded began so long ago: no value of it can be younger than that.
    pub fn lasted(&mut self, device: usize, duration: Duration) {
        if let Some(entry) = self.entry(device) {
            entry.interval = entry.interval.max(entry.period + duration);
        }
    }

    /// A device has not answered, which took `cost` of the port's time.
    pub fn failed(&mut self, now: Instant, device: usize, cost: Duration) {
        let Some(entry) = self.entry(device) else { return };
        entry.failures = entry.failures.saturating_add(1);
        entry.due = now + entry.period;
        if entry.failures >= DEAD {
            self.dead_after = now + cost.saturating_mul(DEAD_SHARE - 1);
        }
    }

    /// Whether a device answers, as far as is known.
    pub fn health(&self, device: usize) -> Health {
        match self.entries.iter().find(|entry| entry.device == device) {
            Some(entry) if entry.failures >= DEAD => Health::Dead,
            Some(entry) if entry.failures > 0 => Health::Suspect,
            Some(entry) if entry.answered.is_some() => Health::Ok,
            _ => Health::Unknown,
        }
    }

    /// How old a value of this device may be: three times its period, or what its busy port makes of that.
    pub fn max_age(&self, device: usize) -> Duration {
        let entry = self.entries.iter().find(|entry| entry.device == device);
        entry.map_or(Duration::ZERO, |entry| entry.period.max(entry.interval).saturating_mul(3))
    }

    /// The port has come back: everybody is due, and nobody is dead for what the port did.
    pub fn revive(&mut self, now: Instant) {
        for entry in &mut self.entries {
            entry.failures = entry.failures.min(DEAD - 1);
            entry.due = entry.due.min(now);
        }
    }

    fn due(&self, entry: &Entry) -> Instant {
        if entry.failures >= DEAD { entry.due.max(self.dead_after) } else { entry.due }
    }

    fn entry(&mut self, device: usize) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.device == device)
    }
}

impl<const N: usize> Default for Schedule<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Failures in a row after which a device counts as dead.
const DEAD: u8 = 3;

/// Dead devices get at most one part in so many of a port's time.
const DEAD_SHARE: u32 = 25;

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Duration = Duration::from_millis(147);
    const PERIOD: Duration = Duration::from_secs(1);
    const TIMEOUT: Duration = Duration::from_millis(500);

    fn schedule(devices: usize) -> Schedule<32> {
        let mut schedule = Schedule::new();
        for device in 0..devices {
            assert!(schedule.add(device, PERIOD));
        }
        schedule
    }

    /// Runs a port for ten minutes; gives how often each device was read.
    fn run(schedule: &mut Schedule<32>, devices: usize, dead: usize) -> Vec<u32> {
        let (mut now, mut reads) = (Instant::ZERO, vec![0; devices]);
        while now < Instant::from_millis(600_000) {
            match schedule.turn(now) {
                Some(turn) if turn.device < dead => {
                    now = now + TIMEOUT;
                    schedule.failed(now, turn.device, TIMEOUT);
                }
                Some(turn) => {
                    now = now + READ;
                    reads[turn.device] += 1;
                    schedule.succeeded(now, turn.device);
                }
                None => now = schedule.next_due().expect("somebody is due some day"),
            }
        }
        reads
    }

    #[test]
    fn all_devices_of_a_busy_port_take_turns() {
        let reads = run(&mut schedule(32), 32, 0);
        let (least, most) = (reads.iter().min().unwrap(), reads.iter().max().unwrap());
        assert!(most - least <= 1, "{reads:?}");
    }

    #[test]
    fn three_dead_of_32_slow_the_living_by_five_percent_at_most() {
        let all: u32 = run(&mut schedule(32), 32, 0).iter().sum();
        let living: u32 = run(&mut schedule(32), 32, 3).iter().sum();
        assert!(f64::from(living) >= f64::from(all) * 0.95, "{living} of {all}");
    }

    #[test]
    fn a_dead_device_is_found_again_within_30_seconds() {
        let mut schedule = schedule(32);
        let mut now = Instant::ZERO;
        for _ in 0..3 {
            now = now + PERIOD;
            schedule.failed(now, 0, TIMEOUT);
        }
        assert_eq!(schedule.health(0), Health::Dead);
        for device in 1..32 {
            schedule.succeeded(now + Duration::from_secs(3600), device);
        }
        let due = schedule.next_due().unwrap();
        assert!(due.since(now) <= Duration::from_secs(30));
        assert_eq!(schedule.turn(due), Some(Turn { device: 0, patient: false }));
        schedule.succeeded(due, 0);
        assert_eq!(schedule.health(0), Health::Ok);
    }

    #[test]
    fn a_quiet_port_reads_each_device_once_a_period() {
        assert_eq!(run(&mut schedule(2), 2, 0), [600, 600]);
    }
}
