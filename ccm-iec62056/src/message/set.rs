//! Data sets: values with the address they belong to.

use ccm_core::Decimal;
use heapless::Vec;

use super::{Address, Time, decimal};
use crate::Event;

/// One value of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Value<'a> {
    /// The address as it was sent; empty where the meter said none.
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
        if self.is_whole() { decimal(self.split().0) } else { None }
    }

    /// The unit, behind `*` or after a blank (`024562 kWh`).
    pub fn unit(&self) -> Option<&'a [u8]> {
        self.unit.or(self.split().1)
    }

    /// The value as a time, where it has come whole.
    pub fn time(&self) -> Option<Time> {
        if self.is_whole() { Time::parse(self.text) } else { None }
    }

    /// Number and unit of a value whose unit stands after a blank.
    fn split(&self) -> (&'a [u8], Option<&'a [u8]>) {
        let text = self.text.trim_ascii();
        let blank = text.iter().position(|byte| *byte == b' ').and_then(|at| text.split_at_checked(at));
        match blank {
            Some((number, unit)) if self.unit.is_none() && decimal(number).is_some() => {
                (number, Some(unit.trim_ascii()))
            }
            _ => (text, None),
        }
    }
}

/// Gives each value of an event stream the address it belongs to.
///
/// A group without an address belongs to the data set before it, even on the next line. After a
/// [`Fault`](crate::Fault) nothing is given until there is an address again.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    address: Vec<u8, ADDRESS>,
    next: u16,
    group: u16,
    /// A piece has come and the next belongs to the same value.
    within: bool,
    lost: bool,
}

impl Sets {
    /// Before the first data set.
    pub const fn new() -> Self {
        Self { address: Vec::new(), next: 0, group: 0, within: false, lost: false }
    }

    /// Gives the value that the event is, if it is one.
    pub fn value<'a>(&'a mut self, event: &Event<'a>) -> Option<Value<'a>> {
        match *event {
            Event::Identification(_) | Event::Command(_) => *self = Self::new(),
            Event::Address(address) if !address.is_empty() => self.begin(address),
            Event::Fault(_) => (self.lost, self.within) = (true, false),
            Event::Value { text, unit, more } => {
                self.group = self.next;
                self.next = self.next.saturating_add(u16::from(!more));
                let continues = core::mem::replace(&mut self.within, more);
                let value = Value { address: &self.address, group: self.group, text, unit, continues, more };
                return (!self.lost).then_some(value);
            }
            _ => {}
        }
        None
    }

    fn begin(&mut self, address: &[u8]) {
        self.address.clear();
        self.lost = self.address.extend_from_slice(address).is_err();
        (self.next, self.within) = (0, false);
    }
}

/// As long as the decoder takes for an address.
const ADDRESS: usize = 60;

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

    #[test]
    fn the_end_of_a_long_value_is_no_number_of_its_own() {
        let mut sets = Sets::new();
        let _ = sets.value(&Event::Address(b"0-0:96.13.0"));
        let mut numbers =
            [(b"303132".as_slice(), true), (b"33", false), (b"34", false)].map(|(text, more)| {
                sets.value(&Event::Value { text, unit: None, more }).and_then(|value| value.decimal())
            });
        assert_eq!(numbers, [None, None, Some(Decimal::new(34, 0))]);
        // A fault in the middle of one does not hold the next value back.
        let _ = sets.value(&Event::Value { text: b"30", unit: None, more: true });
        let _ = sets.value(&Event::Fault(crate::Fault::Unclosed));
        let _ = sets.value(&Event::Address(b"1.8.0"));
        numbers[0] = sets.value(&Event::Value { text: b"5", unit: None, more: false }).unwrap().decimal();
        assert_eq!(numbers[0], Some(Decimal::new(5, 0)));
    }
}
