//! Values without floats: an integer and a decimal exponent.

use core::fmt;

/// `mantissa` times ten to the power of `exponent`.
///
/// ```
/// use ccm_core::Decimal;
///
/// let voltage = Decimal::new(22_492, -2);
/// assert_eq!(voltage.to_string(), "224.92");
/// assert_eq!(voltage.scaled_to(-1), Some(2249));
/// assert_eq!(Decimal::new(-5, -3).to_string(), "-0.005");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Decimal {
    /// The digits.
    pub mantissa: i64,
    /// Where the point stands; -18 to 18.
    pub exponent: i8,
}

impl Decimal {
    /// A value of these digits.
    pub const fn new(mantissa: i64, exponent: i8) -> Self {
        Self { mantissa, exponent }
    }

    /// The mantissa at another exponent, rounded half away from zero; nothing where it does not fit.
    pub fn scaled_to(self, exponent: i8) -> Option<i64> {
        let digits = i32::from(self.exponent) - i32::from(exponent);
        let factor = 10_i64.checked_pow(digits.unsigned_abs());
        if digits >= 0 {
            return if self.mantissa == 0 { Some(0) } else { self.mantissa.checked_mul(factor?) };
        }
        // A divisor beyond 64 bits leaves nothing of any mantissa.
        let Some(factor) = factor else { return Some(0) };
        let half = if self.mantissa < 0 { -(factor / 2) } else { factor / 2 };
        self.mantissa.checked_add(half)?.checked_div(factor)
    }

    /// The value of an IEEE 754 single, rounded to thousandths; nothing where it is no number or too large.
    ///
    /// Integers only: on a core without a floating-point unit one float division costs more than this whole function.
    pub fn from_f32_bits(bits: u32) -> Option<Self> {
        let exponent = i32::from(u8::try_from(bits >> 23 & 0xFF).ok()?);
        if exponent == 0xFF {
            return None;
        }
        // A number without the leading one (a denormal) is less than 10^-37: nothing of it is left.
        let fraction = i64::from(bits & 0x7F_FFFF | 0x80_0000) * 1000;
        let magnitude = shifted(if exponent == 0 { 0 } else { fraction }, exponent - 150)?;
        let mantissa = if bits >> 31 == 1 { -magnitude } else { magnitude };
        Some(Self { mantissa, exponent: -3 })
    }

    /// The same digits with the point moved by `digits`; nothing where it leaves the range.
    pub fn shift(self, digits: i8) -> Option<Self> {
        let exponent = self.exponent.checked_add(digits).filter(|exponent| (-18..=18).contains(exponent))?;
        Some(Self { exponent, ..self })
    }

    /// The value with the other sign; nothing for the one number that has none.
    pub fn negated(self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_neg()?, ..self })
    }
}

/// `value` times two to the power of `shift`, rounded half up.
fn shifted(value: i64, shift: i32) -> Option<i64> {
    let bits = shift.unsigned_abs();
    if shift >= 0 {
        let fits = value.leading_zeros() > bits.saturating_add(1);
        return if value == 0 { Some(0) } else { value.checked_shl(bits).filter(|_| fits) };
    }
    match bits {
        0..63 => value.checked_add(1_i64.checked_shl(bits - 1)?)?.checked_shr(bits),
        _ => Some(0),
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.mantissa.unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let places = usize::from(self.exponent.unsigned_abs());
        if self.exponent >= 0 {
            let zeros = if magnitude == 0 { 0 } else { places };
            return write!(formatter, "{sign}{magnitude}{:0<zeros$}", "");
        }
        let unit = 10_u64.checked_pow(u32::from(self.exponent.unsigned_abs())).unwrap_or(u64::MAX);
        let (whole, part) =
            (magnitude.checked_div(unit).unwrap_or(0), magnitude.checked_rem(unit).unwrap_or(0));
        write!(formatter, "{sign}{whole}.{part:0places$}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_printed_without_floats() {
        let table = [
            (0, 0, "0"),
            (0, 3, "0"),
            (392, 0, "392"),
            (12, 3, "12000"),
            (-1, -3, "-0.001"),
            (50_020, -3, "50.020"),
        ];
        for (mantissa, exponent, text) in table {
            assert_eq!(Decimal::new(mantissa, exponent).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_number_has_no_value() {
        for bits in
            [f32::NAN.to_bits(), f32::INFINITY.to_bits(), f32::NEG_INFINITY.to_bits(), f32::MAX.to_bits()]
        {
            assert_eq!(Decimal::from_f32_bits(bits), None);
        }
        assert_eq!(Decimal::from_f32_bits(0x8000_0000), Some(Decimal::new(0, -3)));
    }

    proptest! {
        #[test]
        fn a_single_is_rounded_to_the_nearest_thousandth(value in -1.0e12_f32..1.0e12) {
            let decimal = Decimal::from_f32_bits(value.to_bits()).unwrap();
            let exact = f64::from(value) * 1000.0;
            prop_assert!((decimal.mantissa as f64 - exact).abs() <= 0.5, "{decimal} for {value}");
        }

        #[test]
        fn no_value_breaks_anything(bits: u32, mantissa: i64, exponent in -18_i8..=18, other in -18_i8..=18) {
            let _ = Decimal::from_f32_bits(bits);
            let decimal = Decimal::new(mantissa, exponent);
            let _ = (decimal.scaled_to(other), decimal.shift(other), decimal.negated(), decimal.to_string());
        }
    }
}
