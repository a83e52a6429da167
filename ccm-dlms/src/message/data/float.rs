//! Doubles without float arithmetic.

use ccm_core::Decimal;

/// The value of an IEEE 754 double, rounded to thousandths; nothing where it is no number or too large.
pub(super) fn from_f64_bits(bits: u64) -> Option<Decimal> {
    let exponent = i32::try_from(bits >> 52 & 0x7FF).ok()?;
    if exponent == 0x7FF {
        return None;
    }
    // 53 bits times 1000 need 63. A denormal is less than 10^-307: nothing of it is left.
    let fraction = i64::try_from(bits & FRACTION | ONE).ok()?.checked_mul(1000)?;
    let magnitude = shifted(if exponent == 0 { 0 } else { fraction }, exponent - 1075)?;
    Some(Decimal::new(if bits >> 63 == 1 { -magnitude } else { magnitude }, -3))
}

/// `value` times two to the power of `shift`, rounded half up.
fn shifted(value: i64, shift: i32) -> Option<i64> {
    let bits = shift.unsigned_abs();
    if shift >= 0 {
        // At least 62 bits are in use: there is no room for more than the sign.
        return (value == 0 || shift == 0).then_some(value);
    }
    match bits {
        0..63 => value.checked_shr(bits - 1)?.checked_add(1)?.checked_shr(1),
        _ => Some(0),
    }
}

const ONE: u64 = 1 << 52;
const FRACTION: u64 = ONE - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_number_has_no_value() {
        for value in [f64::NAN, f64::INFINITY, f64::MAX] {
            assert_eq!(from_f64_bits(value.to_bits()), None);
        }
        assert_eq!(from_f64_bits((-0.0_f64).to_bits()), Some(Decimal::new(0, -3)));
        assert_eq!(from_f64_bits(230.25_f64.to_bits()), Some(Decimal::new(230_250, -3)));
    }

    proptest! {
        #[test]
        fn a_double_is_rounded_to_the_nearest_thousandth(value in -1.0e9_f64..1.0e9) {
            let decimal = from_f64_bits(value.to_bits()).unwrap();
            prop_assert!((decimal.mantissa as f64 - value * 1000.0).abs() <= 0.500_1);
        }

        #[test]
        fn no_bits_break_it(bits: u64) {
            let _ = from_f64_bits(bits);
        }
    }
}
