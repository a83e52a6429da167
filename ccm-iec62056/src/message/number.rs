//! Numbers: exact, with a point or a comma.

use ccm_core::Decimal;

/// The whole of `text` as a number: digits with an optional sign and one point or comma (6.6: "point or comma"), at most
/// 18 digits that count. Anything else is no number, and stays text.
///
/// ```
/// use ccm_core::Decimal;
/// use ccm_iec62056::decimal;
///
/// assert_eq!(decimal(b"00052185.7825309"), Some(Decimal::new(521_857_825_309, -7)));
/// assert_eq!(decimal(b"-1,5"), Some(Decimal::new(-15, -1)));
/// assert_eq!(decimal(b"331200-5009810"), None);
/// ```
pub fn decimal(text: &[u8]) -> Option<Decimal> {
    leading(text).filter(|(_, rest)| rest.is_empty()).map(|(decimal, _)| decimal)
}

/// The number that the text begins with, and what stands behind it.
///
/// The commonest of all productions, at the smallest cost: no parser beats a loop here.
pub(super) fn leading(text: &[u8]) -> Option<(Decimal, &[u8])> {
    let (minus, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    // What wraps is found to be too long below.
    let (mut value, mut point, mut count) = (0_i64, None, 0);
    for byte in digits {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => value = value.wrapping_mul(10).wrapping_add(digit.into()),
            POINT | COMMA if point.is_none() => point = Some(count),
            _ => break,
        }
        count += 1;
    }
    let rest = digits.get(count..)?;
    let length = count - usize::from(point.is_some());
    let places = length - point.unwrap_or(length);
    let zeros = if length > MOST { digits.iter().take_while(|byte| **byte == b'0').count() } else { 0 };
    let fits = length > 0 && length - zeros.min(length) <= MOST && places <= MOST;
    let exponent = i8::try_from(places).unwrap_or_default();
    fits.then(|| (Decimal::new(if minus { -value } else { value }, -exponent), rest))
}

/// Digits that count; as many as always fit, and as far as a [`Decimal`] moves its point.
const MOST: usize = 18;

const POINT: u8 = b'.'.wrapping_sub(b'0');
const COMMA: u8 = b','.wrapping_sub(b'0');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals() {
        let table: [(&[u8], _); 8] = [
            (b"0012345.678", Some((12_345_678, -3))),
            (b"00000000", Some((0, 0))),
            (b"+000.8", Some((8, -1))),
            (b"012,50", Some((1250, -2))),
            (b".5", Some((5, -1))),
            (b"999999999999999999", Some((999_999_999_999_999_999, 0))),
            (b"1000000000000000000", None),
            (b"0000000000000000000000000001", Some((1, 0))),
        ];
        for (text, expected) in table {
            assert_eq!(decimal(text), expected.map(|(mantissa, exponent)| Decimal::new(mantissa, exponent)));
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", ".", "1.2.3", "12 kWh", "1e5", "0x10", "--1", "FF", "200512135409S"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }
}
