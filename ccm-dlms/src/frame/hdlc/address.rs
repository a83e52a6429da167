//! Addresses: one, two or four bytes on the wire (Green Book 8.4.2.2).

use ccm_core::{Full, Reader, Writer};

use crate::frame::{FrameError, RequestError};

/// An address: the upper half is the logical device or the client, the lower one the physical device.
///
/// ```
/// use ccm_dlms::hdlc::{Address, Width};
///
/// let meter = Address::new(1, 17, Width::Two)?;
/// assert_eq!(meter.to_string(), "1/17");
/// assert_eq!(Address::client(16).to_string(), "16");
/// # Ok::<(), ccm_dlms::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
    upper: u16,
    lower: u16,
    width: Width,
}

/// How many bytes an address has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Width {
    /// One: the upper half alone, 7 bits.
    One,
    /// Two: 7 bits each.
    Two,
    /// Four: 14 bits each.
    Four,
}

impl Address {
    /// An address of this width; a lower half must be 0 where the width has none.
    ///
    /// # Errors
    /// [`RequestError::Address`] where a half has more bits than the width.
    pub const fn new(upper: u16, lower: u16, width: Width) -> Result<Self, RequestError> {
        let (most_upper, most_lower) = match width {
            Width::One => (0x7F, 0),
            Width::Two => (0x7F, 0x7F),
            Width::Four => (0x3FFF, 0x3FFF),
        };
        if upper > most_upper || lower > most_lower {
            return Err(RequestError::Address { upper, lower });
        }
        Ok(Self { upper, lower, width })
    }

    /// A client's address, always one byte: 16 is the public client, 1 the management. Only 7 bits count.
    pub const fn client(client: u8) -> Self {
        Self { upper: (client & 0x7F) as u16, lower: 0, width: Width::One }
    }

    /// The logical device, or the client.
    pub const fn upper(self) -> u16 {
        self.upper
    }

    /// The physical device; nothing in an address of one byte.
    pub const fn lower(self) -> Option<u16> {
        if matches!(self.width, Width::One) { None } else { Some(self.lower) }
    }

    /// How many bytes it has on the wire.
    pub const fn width(self) -> Width {
        self.width
    }

    /// Whether a frame that carries `found` can be from, or for, the station that `self` names.
    ///
    /// Meters answer with another width than they were asked with, so widths do not count, and where either has no lower
    /// half neither does that. An all-station half of `self` stands for any.
    pub const fn covers(self, found: Self) -> bool {
        let same_upper = self.upper == found.upper || self.is_all_station(self.upper);
        let has_lower = !matches!(self.width, Width::One) && !matches!(found.width, Width::One);
        same_upper && (!has_lower || self.lower == found.lower || self.is_all_station(self.lower))
    }

    /// The same station with another width: the lower half goes where there is no room for it.
    pub(crate) const fn resized(self, width: Width) -> Self {
        let mask = if matches!(width, Width::Four) { 0x3FFF } else { 0x7F };
        let lower = if matches!(width, Width::One) { 0 } else { self.lower & mask };
        Self { upper: self.upper & mask, lower, width }
    }

    const fn is_all_station(self, half: u16) -> bool {
        half == if matches!(self.width, Width::Four) { 0x3FFF } else { 0x7F }
    }

    pub(crate) fn parse(reader: &mut Reader<'_>, field: &'static str) -> Result<Self, FrameError> {
        let width = reader.rest().iter().take_while(|byte| **byte & LAST == 0).count() + 1;
        let mut septet = || reader.u8(field).map(|byte| u16::from(byte >> 1));
        match width {
            1 => Ok(Self { upper: septet()?, lower: 0, width: Width::One }),
            2 => Ok(Self { upper: septet()?, lower: septet()?, width: Width::Two }),
            4 => {
                let upper = septet()? << 7 | septet()?;
                Ok(Self { upper, lower: septet()? << 7 | septet()?, width: Width::Four })
            }
            _ => Err(FrameError::AddressWidth { width }),
        }
    }

    pub(crate) fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let [upper_high, upper_low] = septets(self.upper);
        let [lower_high, lower_low] = septets(self.lower);
        match self.width {
            Width::One => writer.u8(upper_low | LAST),
            Width::Two => writer.array([upper_low, lower_low | LAST]),
            Width::Four => writer.array([upper_high, upper_low, lower_high, lower_low | LAST]),
        }
    }
}

impl core::fmt::Display for Address {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}", self.upper)?;
        self.lower().map_or(Ok(()), |lower| write!(formatter, "/{lower}"))
    }
}

/// 14 bits in two bytes, each with a clear lowest bit.
const fn septets(half: u16) -> [u8; 2] {
    let [high, _] = (half << 2).to_be_bytes();
    let [_, low] = (half << 1).to_be_bytes();
    [high & !LAST, low]
}

/// The lowest bit is set in the last byte of an address alone.
const LAST: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Address, FrameError> {
        Address::parse(&mut Reader::new(bytes), "address")
    }

    #[test]
    fn each_width_is_read_and_written_alike() {
        for (bytes, upper, lower) in [
            (&[0x21][..], 16, None),
            (&[0x02, 0x23], 1, Some(17)),
            (&[0x00, 0x02, 0x00, 0x23], 1, Some(17)),
            (&[0x00, 0x02, 0x2C, 0x29], 1, Some(0x0B14)),
            (&[0xFE, 0xFE, 0xFE, 0xFF], 0x3FFF, Some(0x3FFF)),
        ] {
            let address = parse(bytes).unwrap();
            assert_eq!((address.upper(), address.lower()), (upper, lower));
            let mut written = [0; 4];
            let mut writer = Writer::new(&mut written);
            address.emit(&mut writer).unwrap();
            assert_eq!(writer.written(), bytes);
        }
    }

    #[test]
    fn three_bytes_are_no_address() {
        assert_eq!(parse(&[2, 2, 3]), Err(FrameError::AddressWidth { width: 3 }));
        assert!(matches!(parse(&[2, 2, 2, 2, 3]), Err(FrameError::AddressWidth { width: 5 })));
        assert!(parse(&[]).is_err() && parse(&[2]).is_err());
    }

    #[test]
    fn a_station_is_known_by_its_halves_and_not_by_its_width() {
        let asked = Address::new(1, 17, Width::Two).unwrap();
        assert!(asked.covers(Address::new(1, 17, Width::Four).unwrap()));
        assert!(asked.covers(Address::client(1)) && Address::client(1).covers(asked));
        assert!(!asked.covers(Address::new(1, 18, Width::Four).unwrap()));
        assert!(!asked.covers(Address::client(2)));
        assert!(Address::new(1, 0x7F, Width::Two).unwrap().covers(asked));
    }

    #[test]
    fn halves_that_do_not_fit_are_refused() {
        assert!(Address::new(0x80, 0, Width::Two).is_err());
        assert!(Address::new(1, 1, Width::One).is_err());
        assert!(Address::new(0x3FFF, 0x3FFF, Width::Four).is_ok());
    }
}
