//! Values of data sets, with the address they belong to.

use ccm_core::Decimal;

use super::number::leading;
use super::{Address, Time};

/// One value of a data set.
///
/// A group without an address belongs to the data set before it, even on the next line (gas of P1 version 2 and 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Value<'a> {
    /// The address of its data set as it was sent; empty where none has come.
    pub address: &'a [u8],
    /// Which pair of brackets of the data set, from 0.
    pub group: u16,
    /// The characters, without the unit behind `*`.
    pub text: &'a [u8],
    /// The unit behind `*`; it may be empty.
    pub unit: Option<&'a [u8]>,
    /// It is not the first piece of a value that is too long for one.
    pub continues: bool,
    /// Another piece of the same value follows.
    pub more: bool,
}

impl<'a> Value<'a> {
    /// The address as a code.
    pub fn code(&self) -> Option<Address> {
        Address::parse(self.address)
    }

    /// Whether it came in one piece.
    pub const fn is_whole(&self) -> bool {
        !self.continues && !self.more
    }

    /// The value as a number, where it is one and has come whole. A unit may follow it after a blank.
    pub fn decimal(&self) -> Option<Decimal> {
        if self.is_whole() { Some(self.split()?.0) } else { None }
    }

    /// The unit, behind `*` or after a blank (`024562 kWh`).
    pub fn unit(&self) -> Option<&'a [u8]> {
        self.unit.or_else(|| self.split()?.1)
    }

    /// The value as a time, where it has come whole.
    pub fn time(&self) -> Option<Time> {
        if self.is_whole() { Time::parse(self.text) } else { None }
    }

    /// Number and unit, where it is a number; a unit may stand after a blank.
    fn split(&self) -> Option<(Decimal, Option<&'a [u8]>)> {
        let (number, rest) = leading(self.text.trim_ascii_start())?;
        match rest {
            [] => Some((number, None)),
            [b' ', unit @ ..] => {
                let unit = unit.trim_ascii();
                let is_number = unit.is_empty() || self.unit.is_none();
                is_number.then_some((number, Some(unit).filter(|unit| !unit.is_empty())))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &[u8]) -> Value<'_> {
        Value { address: b"1.8.0", group: 0, text, unit: None, continues: false, more: false }
    }

    #[test]
    fn a_unit_may_follow_after_a_blank() {
        assert_eq!(value(b"024562 kWh").decimal(), Some(Decimal::new(24_562, 0)));
        assert_eq!(value(b"024562 kWh").unit(), Some(b"kWh".as_slice()));
        assert_eq!(value(b"  12345678 ").decimal(), Some(Decimal::new(12_345_678, 0)));
        assert_eq!(value(b"L1 L2 L3").unit(), None);
    }
}
