//! Settings of an asynchronous serial line, and how long things last on it.

use crate::Duration;

/// An asynchronous serial line: its speed and the shape of a character.
///
/// ```
/// use ccm_core::{Duration, Line, Parity};
///
/// let native_bus = Line::new(9600);
/// assert_eq!(native_bus.to_string(), "9600 8N1");
/// assert_eq!(native_bus.character_bits(), 10);
/// assert_eq!(native_bus.character(), Duration::from_micros(1042));
/// assert_eq!(Line::new(19_200).with_parity(Parity::Even).character_bits(), 11);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Line {
    /// Bits per second.
    pub baud: u32,
    /// The check bit of each character.
    pub parity: Parity,
    /// Bits of data in each character.
    pub data_bits: DataBits,
    /// Stop bits after each character.
    pub stop_bits: StopBits,
}

impl Line {
    /// A line with 8 data bits, no parity and one stop bit (8N1).
    pub const fn new(baud: u32) -> Self {
        Self { baud, parity: Parity::None, data_bits: DataBits::Eight, stop_bits: StopBits::One }
    }

    /// The same line with another parity.
    pub const fn with_parity(mut self, parity: Parity) -> Self {
        self.parity = parity;
        self
    }

    /// Bits of one character on the wire: start, data, parity and stop bits.
    pub const fn character_bits(self) -> u32 {
        let data = match self.data_bits {
            DataBits::Seven => 7,
            DataBits::Eight => 8,
        };
        let parity = match self.parity {
            Parity::None => 0,
            Parity::Even | Parity::Odd => 1,
        };
        let stop = match self.stop_bits {
            StopBits::One => 1,
            StopBits::Two => 2,
        };
        1 + data + parity + stop
    }

    /// How long one character takes, rounded up to a microsecond.
    pub const fn character(self) -> Duration {
        self.bits(self.character_bits())
    }

    /// How long `count` characters take.
    pub const fn characters(self, count: u32) -> Duration {
        self.character().saturating_mul(count)
    }

    /// How long `half_bits` halves of a bit take, rounded up to a microsecond.
    pub const fn half_bits(self, half_bits: u32) -> Duration {
        if self.baud == 0 {
            return Duration::ZERO; // Nothing lasts on a line that carries nothing.
        }
        let micros = half_bits.saturating_mul(500_000).div_ceil(self.baud);
        Duration::from_micros(micros as u64)
    }

    /// The silence that divides two frames of Modbus RTU: 3.5 characters, a character counting 11 bits even at 8N1;
    /// fixed above 19 200 Bd (MB-SERIAL 2.5.1.1).
    pub const fn frame_silence(self) -> Duration {
        if self.baud > 19_200 { Duration::from_micros(1750) } else { self.half_bits(77) }
    }

    /// The silence within a frame of Modbus RTU that spoils it: 1.5 characters, counted likewise (MB-SERIAL 2.5.1.1). Only
    /// a microcontroller can hold to it: between a host and its adapter bytes come in lumps.
    pub const fn character_silence(self) -> Duration {
        if self.baud > 19_200 { Duration::from_micros(750) } else { self.half_bits(33) }
    }

    const fn bits(self, bits: u32) -> Duration {
        self.half_bits(bits.saturating_mul(2))
    }
}

impl core::fmt::Display for Line {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let data = if matches!(self.data_bits, DataBits::Seven) { '7' } else { '8' };
        let stop = if matches!(self.stop_bits, StopBits::Two) { '2' } else { '1' };
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
        };
        write!(formatter, "{} {data}{parity}{stop}", self.baud)
    }
}

/// The check bit of a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Parity {
    /// No check bit.
    #[default]
    None,
    /// The number of ones is even.
    Even,
    /// The number of ones is odd.
    Odd,
}

/// Bits of data in a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum DataBits {
    /// Seven: Modbus ASCII and IEC 62056-21.
    Seven,
    /// Eight: everything else here.
    #[default]
    Eight,
}

/// Stop bits after a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum StopBits {
    /// One.
    #[default]
    One,
    /// Two.
    Two,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_last_as_long_as_their_bits() {
        assert_eq!(Line::new(9600).characters(8), Duration::from_micros(8 * 1042));
        let seven_even = Line { data_bits: DataBits::Seven, ..Line::new(300).with_parity(Parity::Even) };
        assert_eq!(seven_even.character(), Duration::from_micros(33_334));
        assert_eq!(seven_even.to_string(), "300 7E1");
    }

    #[test]
    fn silences_count_characters_of_eleven_bits_up_to_19200_baud() {
        let silences = |baud| {
            let line = Line::new(baud);
            (line.character_silence().as_micros(), line.frame_silence().as_micros())
        };
        assert_eq!(silences(9600), (1719, 4011));
        assert_eq!(silences(19_200), (860, 2006));
        assert_eq!(silences(38_400), (750, 1750));
    }

    #[test]
    fn a_line_of_zero_baud_is_no_panic() {
        assert_eq!(Line::new(0).characters(5), Duration::ZERO);
    }
}
