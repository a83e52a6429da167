//! What a client remembers of a serial line: its timing, its echo, and which units still owe an answer.

use ccm_core::{Duration, Line};

use super::Expected;

/// A serial line as RTU and ASCII share it.
#[derive(Clone, Debug)]
pub struct Serial {
    /// How long a character takes, in microseconds; 65 ms are more than any line needs.
    character: u16,
    /// How long the line is silent between two frames, in microseconds.
    silence: u32,
    echo: Echo,
    /// A bit for each unit that still owes an answer.
    suspects: [u8; 32],
    /// The short lengths that owed answers have, a bit each.
    owed: u8,
    /// The most answers that any unit can owe.
    behind: u8,
}

/// Whether a half-duplex line gives back what is sent on it, and what to do then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Echo {
    /// Nobody knows; the replies to reads will tell. Until then writes whose reply equals the request are refused.
    #[default]
    Learn,
    /// It does not.
    Off,
    /// It does: the echo is dropped.
    Drop,
    /// It does, and an echo that differs from what was sent ends the exchange: somebody else was sending.
    Verify,
}

impl Serial {
    pub(super) const fn new(line: Line, silence: Duration) -> Self {
        let character = micros(line.character());
        #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
        let character = if character > u16::MAX as u32 { u16::MAX } else { character as u16 };
        Self { character, silence: micros(silence), echo: Echo::Learn, suspects: [0; 32], owed: 0, behind: 0 }
    }

    pub(super) const fn with_echo(mut self, echo: Echo) -> Self {
        self.echo = echo;
        self
    }

    pub(super) const fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = micros(silence);
        self
    }

    pub(super) const fn silence(&self) -> Duration {
        Duration::from_micros(self.silence as u64)
    }

    pub(crate) const fn echo(&self) -> Echo {
        self.echo
    }

    /// How long so many characters take, in microseconds.
    pub(crate) fn transmission(&self, characters: usize) -> Duration {
        // 16 bits each, so that no 64-bit multiplication is linked: no frame is longer than 513 characters.
        let micros = u32::from(self.character) * u32::from(u16::try_from(characters).unwrap_or(u16::MAX));
        Duration::from_micros(micros.into())
    }

    /// A reply to a read has shown whether the line echoes.
    pub(crate) fn learn_echo(&mut self, echoes: bool) {
        if self.echo == Echo::Learn {
            self.echo = if echoes { Echo::Drop } else { Echo::Off };
        }
    }

    /// Whether an earlier request to `unit` may still be answered.
    pub(crate) fn is_suspect(&self, unit: u8) -> bool {
        self.suspects.get(usize::from(unit / 8)).is_some_and(|units| units >> (unit % 8) & 1 == 1)
    }

    /// An exchange was left without its reply, which may still come.
    pub(crate) fn doubt(&mut self, asked: &Expected) {
        if !asked.is_ambiguous {
            return;
        }
        self.owed |= size_bit(asked.is_coil_read(), asked.count());
        self.behind = self.behind.saturating_add(1);
        if let Some(units) = self.suspects.get_mut(usize::from(asked.unit / 8)) {
            *units |= 1 << (asked.unit % 8);
        }
    }

    /// A unit has answered a probe; says whether nothing is owed any more. A refusal may be an earlier request's: only
    /// the one that comes after as many as can be owed proves anything.
    pub(crate) fn settle(&mut self, unit: u8, refused: bool) -> bool {
        if refused && self.behind > 0 {
            self.behind -= 1;
            return false;
        }
        if let Some(units) = self.suspects.get_mut(usize::from(unit / 8)) {
            *units &= !(1 << (unit % 8));
        }
        if self.suspects.iter().all(|units| *units == 0) {
            (self.owed, self.behind) = (0, 0);
        }
        true
    }

    /// So few registers that the reply has a length no owed reply has, and neither has the one to a read of `wanted`.
    pub(crate) fn probe(&self, is_coils: bool, wanted: u16) -> u16 {
        let own = size_bit(is_coils, count(is_coils, wanted));
        let not_in = |taken: u8| (1..8).find(|size| taken >> size & 1 == 0);
        // Where all seven are owed, one that is not the request's own will do: replies come in order, so none of the
        // request's own length can follow it.
        let free = not_in(self.owed | own).or_else(|| not_in(own)).unwrap_or(1);
        if is_coils { free * 8 } else { free }
    }
}

/// How many bytes of values a read brings; the limits of the functions keep that below 251.
pub(crate) const fn count(is_coils: bool, quantity: u16) -> u8 {
    let [_, count] = if is_coils { quantity.div_ceil(8) } else { quantity * 2 }.to_be_bytes();
    count
}

/// A bit for each short length of a read's values: one byte or register, two, and so on to seven; none for longer.
const fn size_bit(is_coils: bool, count: u8) -> u8 {
    let size = if is_coils { count } else { count / 2 };
    if size < 8 { 1 << size } else { 0 }
}

/// A length of time that no line needs longer.
#[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
const fn micros(duration: Duration) -> u32 {
    if duration.as_micros() > u32::MAX as u64 { u32::MAX } else { duration.as_micros() as u32 }
}
