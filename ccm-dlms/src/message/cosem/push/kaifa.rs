//! The lists of Kaifa meters in Norway and Sweden: values without names, in an order that the maker has published.

use ccm_core::Obis;

use super::super::{ScalerUnit, Unit};
use super::Layout;
use crate::message::data::Events;

/// What a place means: its code, and scaler and unit where it is a number.
pub(super) type Column = (Obis, Option<ScalerUnit>);

/// Whether a structure of `count` values, which begin here, is one of the lists.
pub(super) fn is_list(events: &Events<'_>, count: u32, layout: Layout) -> bool {
    let is_power = || layout == Layout::Kaifa && matches!(events.peek(), Some([0x06]));
    match count {
        1 => is_power(),
        9 | 13 | 14 | 18 => matches!(events.peek::<9>(), Some([0x09 | 0x0A, 7, list @ ..]) if list == LIST),
        _ => false,
    }
}

/// What the value at `index` of a list of `count` means.
pub(super) fn column(count: u32, index: u32) -> Option<Column> {
    let index = usize::try_from(index).ok()?;
    if count == 1 {
        return Some(POWER);
    }
    let is_three_phase = matches!(count, 13 | 18);
    let phases = if is_three_phase { 6 } else { 2 };
    let Some(behind) = index.checked_sub(HEAD.len()) else { return HEAD.get(index).copied() };
    match behind.checked_sub(phases) {
        Some(energy) => ENERGY.get(energy).copied(),
        // One phase has a current and a voltage, three have three of each.
        None => PHASES.get(if is_three_phase { behind } else { behind * 3 }).copied(),
    }
}

const fn text(obis: [u8; 6]) -> Column {
    (Obis::new(obis), None)
}

const fn number(c: u8, d: u8, scaler: i8, unit: Unit) -> Column {
    (Obis::new([1, 0, c, d, 0, 255]), Some(ScalerUnit::new(scaler, unit)))
}

const LIST: &[u8; 7] = b"KFM_001";

const POWER: Column = number(1, 7, 0, Unit::WATT);

/// The version of the list, the meter's number, its type, and the four powers.
const HEAD: [Column; 7] = [
    text([1, 1, 0, 2, 129, 255]),
    text([0, 0, 96, 1, 0, 255]),
    text([0, 0, 96, 1, 7, 255]),
    POWER,
    number(2, 7, 0, Unit::WATT),
    number(3, 7, 0, Unit::VAR),
    number(4, 7, 0, Unit::VAR),
];

const PHASES: [Column; 6] = [
    number(31, 7, -3, Unit::AMPERE),
    number(51, 7, -3, Unit::AMPERE),
    number(71, 7, -3, Unit::AMPERE),
    number(32, 7, -1, Unit::VOLT),
    number(52, 7, -1, Unit::VOLT),
    number(72, 7, -1, Unit::VOLT),
];

/// The clock, and the energies of the full hour.
const ENERGY: [Column; 5] = [
    text([0, 0, 1, 0, 0, 255]),
    number(1, 8, 0, Unit::WATT_HOUR),
    number(2, 8, 0, Unit::WATT_HOUR),
    number(3, 8, 0, Unit::VAR_HOUR),
    number(4, 8, 0, Unit::VAR_HOUR),
];
