//! One quantity of a meter that sends telegrams: which codes say it, and what becomes of their values.

use ccm_core::{Decimal, Obis};

use crate::{Invalid, Quantity, Unit};

/// One quantity in a meter's telegrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePoint<'a> {
    /// What it is.
    pub quantity: Quantity,
    /// The codes that say it: a sum, or several, of which the first counts whose codes are all there.
    pub choices: &'a [&'a [Term]],
    /// How the text of its values is understood.
    pub form: Form,
    /// The power of ten beside that of the unit the meter sends: the ratio of transformers it knows nothing of.
    pub scale: i8,
    /// Whether the meter counts the other direction as positive.
    pub invert: bool,
    /// Whether some meters do not send it.
    pub optional: bool,
    /// How many independent sources agree on it; 0 where nobody but us says so.
    pub seen: u8,
}

/// A code in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Term {
    /// The code; groups left open are.
    pub code: Obis,
    /// It is subtracted.
    pub minus: bool,
}

/// How the text of a value is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// A number with a unit.
    Number,
    /// A text as it stands.
    Text,
    /// A text whose characters are written as two hexadecimal digits each (P1).
    Hex,
    /// The reading of a meter behind the meter, on any channel; the quantity says of what it is (P1).
    SubMeter,
}

/// What a meter has said at one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Said {
    /// The code as it came.
    pub code: Obis,
    /// The number; nothing where it is none.
    pub value: Option<Decimal>,
    /// The unit, [`Unit::None`] where the meter says none, and the power of ten of its prefix; nothing where nobody knows
    /// the unit.
    pub unit: Option<(Unit, i8)>,
}

impl Term {
    /// Whether a value at the code `said` is this one. Of codes of other media only those asked for by their medium are:
    /// gas has a `1.8.0` too.
    pub fn is(&self, said: Obis) -> bool {
        self.code.covers(said) && (self.code.a.is_some() || matches!(said.a, None | Some(ELECTRICITY)))
    }
}

impl CodePoint<'_> {
    /// Whether a value at the code `said` is needed for this quantity.
    pub fn wants(&self, said: Obis) -> bool {
        self.choices.iter().copied().flatten().any(|term| term.is(said))
    }

    /// The rank of a code among the texts that can stand here; 0 is the best.
    pub fn rank(&self, said: Obis) -> Option<usize> {
        self.choices.iter().position(|terms| terms.iter().any(|term| term.is(said)))
    }

    /// The value in a telegram; nothing where the telegram does not have it.
    ///
    /// `is_whole` says that nothing of the telegram can have been lost. Where something can, only the first choice
    /// counts: import alone is no power while export may be missing.
    ///
    /// # Errors
    /// Why there is no value though the codes are there.
    pub fn value(&self, said: &[Said], is_whole: bool) -> Option<Result<Decimal, Invalid>> {
        let choices = self.choices.get(..if is_whole { self.choices.len() } else { 1 })?;
        let terms = choices.iter().find(|terms| terms.iter().all(|term| found(said, term).is_some()))?;
        let sum = terms.iter().try_fold(None, |sum, term| {
            let value = self.term(said, term)?;
            Ok(Some(sum.map_or(Some(value), |sum: Decimal| added(sum, value)).ok_or(Invalid::OutOfRange)?))
        });
        sum.transpose()
    }

    fn term(&self, said: &[Said], term: &Term) -> Result<Decimal, Invalid> {
        let found = found(said, term).ok_or(Invalid::NotAvailable)?;
        if said
            .iter()
            .any(|other| term.is(other.code) && (other.value, other.unit) != (found.value, found.unit))
        {
            return Err(Invalid::Ambiguous);
        }
        let value = found.value.ok_or(Invalid::NotANumber)?;
        let exponent = match (found.unit, self.quantity.unit()) {
            (Some((unit, exponent)), wanted) if unit == wanted => exponent,
            _ => return Err(Invalid::Unit),
        };
        let value = value.shift(exponent).and_then(|value| value.shift(self.scale));
        let turned = if term.minus != self.invert { value.and_then(Decimal::negated) } else { value };
        turned.ok_or(Invalid::OutOfRange)
    }
}

fn found<'s>(said: &'s [Said], term: &Term) -> Option<&'s Said> {
    said.iter().find(|said| term.is(said.code))
}

/// The exact sum, with as many decimals as the finer of the two has.
fn added(one: Decimal, other: Decimal) -> Option<Decimal> {
    let exponent = one.exponent.min(other.exponent);
    let mantissa = one.scaled_to(exponent)?.checked_add(other.scaled_to(exponent)?)?;
    Some(Decimal::new(mantissa, exponent))
}

/// The most codes of a map.
pub const MOST_CODES: usize = 64;

/// Group A of electricity (IEC 62056-61).
const ELECTRICITY: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::find;

    fn said(code: [u8; 3], mantissa: i64, exponent: i8, unit: &str) -> Said {
        let [c, d, e] = code;
        let code = Obis { a: Some(1), b: Some(0), ..Obis::short(c, d, e) };
        Said { code, value: Some(Decimal::new(mantissa, exponent)), unit: Unit::parse(unit) }
    }

    fn value(map: &str, quantity: Quantity, telegram: &[Said]) -> Option<Result<String, Invalid>> {
        let code = find(map).unwrap().codes.iter().find(|code| code.quantity == quantity).unwrap();
        code.value(telegram, true).map(|value| value.map(|value| value.to_string()))
    }

    fn good(text: &str) -> Option<Result<String, Invalid>> {
        Some(Ok(text.into()))
    }

    #[test]
    fn h108_power_is_import_minus_export_and_exact() {
        let telegram = [said([1, 7, 0], 0, -3, "kW"), said([2, 7, 0], 1233, -3, "kW")];
        for map in ["p1", "iec62056-21"] {
            assert_eq!(value(map, Quantity::P, &telegram), good("-1233"));
            let import_only = [said([1, 7, 0], 244, -3, "kW")];
            assert_eq!(value(map, Quantity::P, &import_only), good("244"));
        }
    }

    #[test]
    fn a_telegram_that_may_have_lost_its_export_has_no_power() {
        let code = find("p1").unwrap().codes.iter().find(|code| code.quantity == Quantity::P).unwrap();
        assert_eq!(code.value(&[said([1, 7, 0], 0, -3, "kW")], false), None);
    }

    #[test]
    fn the_total_is_that_of_the_meter_or_the_sum_of_its_tariffs() {
        let tariffs = [said([1, 8, 1], 4_426, -3, "kWh"), said([1, 8, 2], 23_995, -4, "kWh")];
        assert_eq!(value("p1", Quantity::EImport, &tariffs), good("6825.5"));
        assert_eq!(value("p1", Quantity::EImportT2, &tariffs), good("2399.5"));
        let total = [said([1, 8, 0], 8_048_375, -3, "kWh"), tariffs[0]];
        assert_eq!(value("iec62056-21", Quantity::EImport, &total), good("8048375"));
        assert_eq!(value("p1", Quantity::EExport, &tariffs), None, "absent stays absent");
    }

    #[test]
    fn units_are_converted_by_their_exponent_and_never_guessed() {
        let energy = |mantissa, exponent, unit| {
            value("iec62056-21", Quantity::EImport, &[said([1, 8, 0], mantissa, exponent, unit)])
        };
        assert_eq!(energy(6_545_766, 0, "Wh"), good("6545766"));
        assert_eq!(energy(6_545_766, -3, "kWh"), good("6545766"));
        assert_eq!(energy(521_857_825_309, -7, "KWH"), good("52185782.5309"));
        assert_eq!(energy(12, 0, "MWh"), good("12000000"));
        for unit in ["m3", "kvarh", "W", "", "kW h"] {
            assert_eq!(energy(12, 0, unit), Some(Err(Invalid::Unit)), "{unit}");
        }
        assert_eq!(Unit::parse("mW"), Some((Unit::Watt, -3)));
        assert_eq!(Unit::parse("MW"), Some((Unit::Watt, 6)));
    }

    #[test]
    fn what_is_no_number_or_comes_twice_is_invalid() {
        let energy = said([1, 8, 0], 5, 0, "kWh");
        let text = Said { value: None, ..energy };
        assert_eq!(value("iec62056-21", Quantity::EImport, &[text]), Some(Err(Invalid::NotANumber)));
        let other = Said { value: Some(Decimal::new(6, 0)), ..energy };
        assert_eq!(value("iec62056-21", Quantity::EImport, &[energy, other]), Some(Err(Invalid::Ambiguous)));
        assert_eq!(value("iec62056-21", Quantity::EImport, &[energy, energy]), good("5000"));
    }

    #[test]
    fn neither_the_past_nor_gas_is_the_energy_of_now() {
        let now = said([1, 8, 0], 5, 0, "kWh");
        let past = Said { code: Obis { f: Some(1), ..now.code }, ..now };
        let gas = Said { code: Obis { a: Some(7), ..now.code }, ..now };
        assert_eq!(value("iec62056-21", Quantity::EImport, &[past, gas]), None);
        let short = Said { code: Obis::short(1, 8, 0), ..now };
        assert_eq!(value("iec62056-21", Quantity::EImport, &[past, short]), good("5000"));
    }

    proptest! {
        #[test]
        fn no_value_breaks_anything(mantissa: i64, exponent in -18_i8..=18, other: i64, whole: bool) {
            let telegram = [said([1, 7, 0], mantissa, exponent, "kW"), said([2, 7, 0], other, 0, "MW")];
            for map in crate::MAPS {
                for code in map.codes {
                    let _ = code.value(&telegram, whole);
                }
            }
        }
    }
}
