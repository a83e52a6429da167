//! Invocation counters: the own, which never repeats, and the peer's, which must grow.

use super::{KeyUse, SecurityError};

/// The own invocation counter: one for all keys, because a number that no key has seen is new to each.
///
/// A number used twice with one key breaks the cipher, so a power cut must not bring one back. What is stored is
/// therefore not the counter but a *ceiling*, above all numbers that may have been used: after a restart counting goes
/// on from there. A new ceiling, `margin` higher, is stored before the old one is reached, once in `margin` / 2 messages.
///
/// ```
/// # use ccm_dlms::security::InvocationCounter;
/// # let (read_flash, mut write_flash) = (|| 1_000_u32, |_: u32| ());
/// let mut counter = InvocationCounter::resume(read_flash(), 256);
/// if let Some(ceiling) = counter.due() {
///     write_flash(ceiling); // only when that is safely done:
///     counter.stored(ceiling);
/// }
/// assert_eq!((counter.next(), counter.due()), (1_000, None));
/// ```
#[derive(Debug)]
pub struct InvocationCounter {
    next: u32,
    ceiling: u32,
    margin: u32,
}

impl InvocationCounter {
    /// Goes on from the ceiling that was stored last, 0 where none ever was; stores one in `margin` / 2 messages.
    pub const fn resume(ceiling: u32, margin: u32) -> Self {
        Self { next: ceiling, ceiling, margin: if margin == 0 { 1 } else { margin } }
    }

    /// Counts from `next` and wants nothing stored: for simulated meters, and where the caller stores each number.
    pub const fn volatile(next: u32) -> Self {
        Self { next, ceiling: u32::MAX, margin: 0 }
    }

    /// The number of the next message.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// Skips to `minimum`: the peer's object says that it has seen numbers up to one below it. Never goes back.
    pub const fn raise(&mut self, minimum: u32) {
        if minimum > self.next {
            self.next = minimum;
        }
    }

    /// The ceiling to store now. After half of the margin it is time; at its end nothing is sent any more
    /// ([`SecurityError::StoreFirst`]).
    pub const fn due(&self) -> Option<u32> {
        let is_low = self.ceiling.saturating_sub(self.next) <= self.margin / 2;
        let ceiling = self.next.saturating_add(self.margin);
        if is_low && ceiling > self.ceiling { Some(ceiling) } else { None }
    }

    /// Says that `ceiling` is stored and will be found after a power cut. Never goes down.
    pub const fn stored(&mut self, ceiling: u32) {
        if ceiling > self.ceiling {
            self.ceiling = ceiling;
        }
    }

    /// Uses up the next number. The last one, FFFFFFFF, is never used: there the counter stays.
    pub(super) const fn take(&mut self) -> Result<u32, SecurityError> {
        let number = self.next;
        if number == u32::MAX {
            return Err(SecurityError::Exhausted);
        }
        if number >= self.ceiling {
            return Err(SecurityError::StoreFirst { ceiling: number.saturating_add(self.margin) });
        }
        self.next = number + 1;
        Ok(number)
    }
}

/// The peer's numbers that were believed last, one for each of its keys.
#[derive(Debug, Default)]
pub(super) struct Received {
    global: Option<u32>,
    broadcast: Option<u32>,
    dedicated: Option<u32>,
    transient: Option<u32>,
}

impl Received {
    pub(super) const fn last(&self, key: KeyUse) -> Option<u32> {
        match key {
            KeyUse::Global => self.global,
            KeyUse::Broadcast => self.broadcast,
            KeyUse::Dedicated => self.dedicated,
            KeyUse::Transient => self.transient,
        }
    }

    pub(super) const fn set(&mut self, key: KeyUse, last: Option<u32>) {
        match key {
            KeyUse::Global => self.global = last,
            KeyUse::Broadcast => self.broadcast = last,
            KeyUse::Dedicated => self.dedicated = last,
            KeyUse::Transient => self.transient = last,
        }
    }

    /// Refuses a number that is not above the last, and the one that must never be used.
    pub(super) const fn check(&self, key: KeyUse, found: u32) -> Result<(), SecurityError> {
        match self.last(key) {
            _ if found == u32::MAX => Err(SecurityError::Exhausted),
            Some(last) if found <= last => Err(SecurityError::Replay { last, found }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_used_that_a_power_cut_could_bring_back() {
        let mut flash = 0;
        let mut used = Vec::new();
        for cut_after in [0, 1, 3, 4, 5, 9, 40] {
            let mut counter = InvocationCounter::resume(flash, 8);
            for _ in 0..cut_after {
                if let Some(ceiling) = counter.due() {
                    flash = ceiling;
                    counter.stored(ceiling);
                }
                used.push(counter.take().unwrap());
            }
        }
        assert!(used.is_sorted_by(|before, after| before < after));
    }

    #[test]
    fn without_storing_nothing_is_used_at_all() {
        let mut counter = InvocationCounter::resume(100, 10);
        assert_eq!(counter.take(), Err(SecurityError::StoreFirst { ceiling: 110 }));
        counter.stored(110);
        assert_eq!(counter.due(), None);
        (100..105).for_each(|number| assert_eq!(counter.take(), Ok(number)));
        assert_eq!(counter.due(), Some(115), "half of the margin is used");
        (105..110).for_each(|number| assert_eq!(counter.take(), Ok(number)));
        assert_eq!(counter.take(), Err(SecurityError::StoreFirst { ceiling: 120 }));
    }

    #[test]
    fn the_last_number_is_the_end() {
        let mut counter = InvocationCounter::resume(u32::MAX - 1, 10);
        assert_eq!(counter.due(), Some(u32::MAX));
        counter.stored(u32::MAX);
        assert_eq!(counter.take(), Ok(u32::MAX - 1));
        assert_eq!((counter.take(), counter.due()), (Err(SecurityError::Exhausted), None));
        counter.raise(7);
        assert_eq!(counter.next(), u32::MAX, "it never goes back");
        let received = Received::default();
        assert_eq!(received.check(KeyUse::Global, u32::MAX), Err(SecurityError::Exhausted));
    }
}
