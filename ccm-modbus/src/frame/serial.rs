//! What is known of a serial line: its timing and its echo.

use ccm_core::{Duration, Line};

/// A serial line as RTU and ASCII share it.
#[derive(Clone, Copy, Debug)]
pub struct Serial {
    /// How long a character takes, in microseconds; 65 ms are more than any line needs.
    character: u16,
    /// How long the line is silent between two frames, in microseconds.
    silence: u32,
    echo: Echo,
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
        Self { character, silence: micros(silence), echo: Echo::Learn }
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
}

/// A length of time that no line needs longer.
#[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
const fn micros(duration: Duration) -> u32 {
    if duration.as_micros() > u32::MAX as u64 { u32::MAX } else { duration.as_micros() as u32 }
}
