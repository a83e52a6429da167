//! Numbers: exact, with a point or a comma.

use ccm_core::Decimal;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while};
use nom::combinator::{all_consuming, opt};
use nom::{IResult, Parser};

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
    let (_, (minus, whole, part)) = all_consuming(number).parse(text).ok()?;
    let digits = whole.len() + part.len();
    let significant = fold(whole, 0).and_then(|value| fold(part, value)).filter(|_| digits > 0)?;
    let exponent = i8::try_from(part.len()).ok().filter(|places| *places <= MOST)?;
    Some(Decimal::new(if minus { -significant } else { significant }, -exponent))
}

type Number<'a> = (bool, &'a [u8], &'a [u8]);

fn number(text: &[u8]) -> IResult<&[u8], Number<'_>> {
    let (text, minus) = opt(alt((tag("-"), tag("+")))).parse(text)?;
    let (text, whole) = digits(text)?;
    let (text, part) = opt((alt((tag("."), tag(","))), digits)).parse(text)?;
    let part: &[u8] = part.map_or(&[], |(_, part): (&[u8], &[u8])| part);
    Ok((text, (minus == Some(b"-"), whole, part)))
}

fn digits(text: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|byte: u8| byte.is_ascii_digit()).parse(text)
}

/// Goes on with a number; nothing beyond 18 digits.
fn fold(digits: &[u8], value: i64) -> Option<i64> {
    digits.iter().try_fold(value, |value, digit| {
        let value = value.checked_mul(10)?.checked_add(i64::from(digit.wrapping_sub(b'0')))?;
        (value < LIMIT).then_some(value)
    })
}

/// 18 digits.
const LIMIT: i64 = 1_000_000_000_000_000_000;

/// As far as a [`Decimal`] moves its point.
const MOST: i8 = 18;

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
