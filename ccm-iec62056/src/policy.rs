//! How a client treats a meter.

use ccm_core::{DataBits, Duration, Line, Parity};

use crate::Profile;
use crate::message::START;

/// How a meter wants to be treated; the default is what the standard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Policy {
    /// What its bytes may look like.
    pub profile: Profile,
    /// A wrong checksum is an error; else its data count, and the response says that it is wrong.
    pub strict: bool,
    /// The port runs at 8N1, and the parity bit stands in the eighth.
    pub eight_bits: bool,
    /// The line never changes: a gateway, or a meter that knows one speed only.
    pub fixed_baud: Option<u32>,
    /// Speeds above this are not chosen even if they are offered.
    pub max_baud: u32,
    /// Sends NULs before the request: battery meters sleep (annex B).
    pub wake_up: bool,
    /// Takes away what the optical head gives back of what was sent.
    pub echo: Echo,
    /// How long the meter may take until its answer begins; 1.5 s by the standard (6.3.1).
    pub timeout: Duration,
    /// How long it may pause within an answer; 1.5 s by the standard.
    pub silence: Duration,
    /// How long to wait for a meter that pushes.
    pub patience: Duration,
    /// How long an exchange may take in all.
    pub limit: Duration,
    /// Waits so long between the acknowledgement's last bit and the change of speed: for adapters that say "sent" early.
    pub switch_delay: Duration,
    /// How often a request without an answer is sent again; writes never are.
    pub retries: u8,
    /// How often a block with a wrong check character is asked for again with NAK.
    pub repeats: u8,
    /// Sends a break when the sink has enough, so that the meter stops too.
    pub breaks_early: bool,
}

/// Whether a line gives back what is sent on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Echo {
    /// It may: what begins like the message sent is taken for it, until it differs.
    #[default]
    Learn,
    /// It never does.
    Off,
}

impl Policy {
    /// The standard's times with some to spare, and checksums taken strictly.
    pub const DEFAULT: Self = Self {
        profile: Profile::IEC,
        strict: true,
        eight_bits: false,
        fixed_baud: None,
        max_baud: 19_200,
        wake_up: false,
        echo: Echo::Learn,
        timeout: Duration::from_millis(2000),
        silence: Duration::from_millis(1500),
        patience: Duration::from_secs(30),
        limit: Duration::from_secs(900),
        switch_delay: Duration::ZERO,
        retries: 2,
        repeats: 3,
        breaks_early: true,
    };

    /// A meter that pushes P1 telegrams.
    pub const P1: Self = Self { profile: Profile::P1, echo: Echo::Off, eight_bits: true, ..Self::DEFAULT };

    /// The line at this speed: 7E1, or 8N1 where the port knows nothing else.
    pub(crate) const fn line(&self, baud: u32) -> Line {
        if self.eight_bits {
            return Line::new(baud);
        }
        Line { data_bits: DataBits::Seven, ..Line::new(baud).with_parity(Parity::Even) }
    }

    /// Where every dialogue begins.
    pub(crate) const fn start(&self) -> Line {
        match self.fixed_baud {
            Some(baud) => self.line(baud),
            None => self.line(START),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
