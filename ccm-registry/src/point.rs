//! One quantity of a device: where it stands and how its registers are read.

use ccm_core::WordOrder;

use crate::{Decimal, Quantity};

/// Which of the four tables of a Modbus device (MB-APP 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Space {
    /// Holding registers, read by function 3.
    Holding,
    /// Input registers, read by function 4.
    Input,
}

/// How the registers of a value are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// One register.
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Four registers.
    U64,
    /// Four registers, two's complement.
    I64,
    /// Two registers, IEEE 754 single.
    F32,
    /// So many registers of ASCII.
    Text(u8),
}

impl Kind {
    /// How many registers a value takes.
    pub const fn registers(self) -> u16 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 => 4,
            Self::Text(registers) => registers as u16,
        }
    }
}

/// Why a device's registers hold no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Invalid {
    /// The device says that it does not measure this.
    #[error("the device does not measure this")]
    NotAvailable,
    /// The device sent a float that is no number.
    #[error("the device sent something that is no number")]
    NotANumber,
    /// The number is larger than any that can be.
    #[error("the number is out of all range")]
    OutOfRange,
    /// The caller gave another number of bytes than the value has.
    #[error("the registers are not those of this value")]
    Length,
    /// The device has no such register or code.
    #[error("the device does not have this")]
    Unsupported,
    /// The meter gave a unit that is not one of this quantity, or none.
    #[error("the meter sends another unit")]
    Unit,
    /// The meter said the same twice, and not the same value.
    #[error("the meter sends two values for this")]
    Ambiguous,
}

/// One quantity in a device's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Point {
    /// What it is.
    pub quantity: Quantity,
    /// The table it is in.
    pub space: Space,
    /// Its first register: the address on the wire, from 0.
    pub address: u16,
    /// How its registers are understood.
    pub kind: Kind,
    /// How they follow each other.
    pub order: WordOrder,
    /// The power of ten from the number in the registers to the quantity's unit.
    pub scale: i8,
    /// Whether the device counts the other direction as positive.
    pub invert: bool,
    /// Whether some devices of this map have no such register.
    pub optional: bool,
    /// The bits by which the device says that it does not measure this.
    pub not_available: Option<u32>,
    /// How many independent sources agree on it; 0 where nobody but us says so.
    pub seen: u8,
}

impl Point {
    /// The address after its last register; up to 65 536.
    pub fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.kind.registers())
    }

    /// Reads the value from its registers, two big-endian bytes each, as they come over the wire.
    ///
    /// # Errors
    /// Why there is no value. Texts have none: see [`text`](Self::text).
    pub fn decode(&self, bytes: &[u8]) -> Result<Decimal, Invalid> {
        let value = match self.kind {
            Kind::U16 | Kind::I16 => self.narrow(self.order.u16_from(exact(bytes)?)),
            Kind::U32 | Kind::I32 | Kind::F32 => self.wide(self.order.u32_from(exact(bytes)?)),
            Kind::U64 => integer(self.order.u64_from(exact(bytes)?)),
            Kind::I64 => integer(self.order.u64_from(exact(bytes)?).cast_signed()),
            Kind::Text(_) => Err(Invalid::NotANumber),
        }?;
        let value = value.shift(self.scale).ok_or(Invalid::OutOfRange)?;
        if self.invert { value.negated().ok_or(Invalid::OutOfRange) } else { Ok(value) }
    }

    /// Reads a text from its registers, without the zeros and spaces that fill it up; nothing where it is no ASCII.
    pub fn text<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let text = core::str::from_utf8(bytes).ok()?;
        let text = text.split('\0').next().unwrap_or_default().trim();
        (matches!(self.kind, Kind::Text(_)) && text.is_ascii() && !text.is_empty()).then_some(text)
    }

    /// Writes a value into its registers, as the device would: the inverse of [`decode`](Self::decode), for simulators.
    ///
    /// Gives how many bytes it wrote; nothing where the value does not fit or `bytes` is too short.
    pub fn encode(&self, value: Option<Decimal>, bytes: &mut [u8]) -> Option<usize> {
        let raw = match value {
            Some(value) if self.invert => self.raw(value.negated()?)?,
            Some(value) => self.raw(value)?,
            None => i64::from(self.not_available?),
        };
        let mut wide = [0; 8];
        let length = usize::from(self.kind.registers()) * 2;
        match length {
            2 => write(&mut wide, &self.order.u16_to(truncated(raw))),
            4 => write(&mut wide, &self.order.u32_to(truncated32(raw))),
            _ => write(&mut wide, &self.order.u64_to(raw.cast_unsigned())),
        }
        bytes.get_mut(..length)?.copy_from_slice(wide.get(..length)?);
        Some(length)
    }

    fn narrow(&self, raw: u16) -> Result<Decimal, Invalid> {
        if self.not_available == Some(u32::from(raw)) {
            return Err(Invalid::NotAvailable);
        }
        integer(if matches!(self.kind, Kind::I16) { i64::from(raw.cast_signed()) } else { i64::from(raw) })
    }

    fn wide(&self, raw: u32) -> Result<Decimal, Invalid> {
        if self.not_available == Some(raw) {
            return Err(Invalid::NotAvailable);
        }
        match self.kind {
            Kind::F32 => Decimal::from_f32_bits(raw).ok_or(Invalid::NotANumber),
            Kind::I32 => integer(i64::from(raw.cast_signed())),
            _ => integer(i64::from(raw)),
        }
    }

    /// The number in the registers, as far as it fits them.
    fn raw(&self, value: Decimal) -> Option<i64> {
        let raw = value.scaled_to(self.scale)?;
        let fits = match self.kind {
            Kind::U16 => u16::try_from(raw).is_ok(),
            Kind::I16 => i16::try_from(raw).is_ok(),
            Kind::U32 => u32::try_from(raw).is_ok(),
            Kind::I32 => i32::try_from(raw).is_ok(),
            Kind::U64 => raw >= 0,
            Kind::I64 => true,
            Kind::F32 | Kind::Text(_) => false,
        };
        fits.then_some(raw)
    }
}

fn integer(raw: impl TryInto<i64>) -> Result<Decimal, Invalid> {
    raw.try_into().map(|mantissa| Decimal::new(mantissa, 0)).map_err(|_| Invalid::OutOfRange)
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::Length)
}

fn write(slots: &mut [u8; 8], bytes: &[u8]) {
    for (slot, byte) in slots.iter_mut().zip(bytes) {
        *slot = *byte;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "two's complement of a number that was checked to fit")]
const fn truncated(raw: i64) -> u16 {
    raw.cast_unsigned() as u16
}

#[expect(clippy::cast_possible_truncation, reason = "two's complement of a number that was checked to fit")]
const fn truncated32(raw: i64) -> u32 {
    raw.cast_unsigned() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POWER: Point = Point {
        quantity: Quantity::P,
        space: Space::Holding,
        address: 0,
        kind: Kind::I32,
        order: WordOrder::Abcd,
        scale: 0,
        invert: false,
        optional: false,
        not_available: None,
        seen: 0,
    };

    #[test]
    fn h108_a_device_that_counts_export_as_positive_is_turned_round_once() {
        let point = Point { invert: true, ..POWER };
        assert_eq!(point.decode(&842_i32.to_be_bytes()), Ok(Decimal::new(-842, 0)));
    }

    #[test]
    fn a_sentinel_is_no_value_and_never_zero() {
        let point = Point { not_available: Some(0x8000_0000), ..POWER };
        assert_eq!(point.decode(&[0x80, 0, 0, 0]), Err(Invalid::NotAvailable));
        assert_eq!(point.decode(&[0; 4]), Ok(Decimal::new(0, 0)));
        assert_eq!(point.decode(&[0; 2]), Err(Invalid::Length));
    }

    #[test]
    fn kilowatt_hours_of_a_float_become_watt_hours() {
        let point = Point { kind: Kind::F32, scale: 3, ..POWER };
        let energy = point.decode(&8123.4_f32.to_be_bytes()).unwrap();
        assert_eq!(energy.to_string(), "8123400");
    }

    #[test]
    fn a_text_ends_at_its_filling() {
        let point = Point { kind: Kind::Text(5), ..POWER };
        assert_eq!(point.text(b"0420020081"), Some("0420020081"));
        assert_eq!(point.text(b"GW5K\0\0\xFF\0\0\0"), None);
        assert_eq!(point.text(b"GW5K  \0\0\0\0"), Some("GW5K"));
        assert_eq!(point.text(&[0; 10]), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            raw: i32,
            kind in prop_oneof![
                Just(Kind::U16), Just(Kind::I16), Just(Kind::U32), Just(Kind::I32), Just(Kind::U64), Just(Kind::I64)
            ],
            order in prop_oneof![
                Just(WordOrder::Abcd), Just(WordOrder::Cdab), Just(WordOrder::Badc), Just(WordOrder::Dcba)
            ],
            scale in -3_i8..=3, invert: bool,
        ) {
            let point = Point { kind, order, scale, invert, ..POWER };
            let value = Decimal::new(raw.into(), scale);
            let mut bytes = [0; 8];
            if let Some(length) = point.encode(Some(value), &mut bytes) {
                prop_assert_eq!(point.decode(&bytes[..length]), Ok(value));
            }
        }
    }
}
