//! Addresses: OBIS codes long and short, as text.

use ccm_core::Obis;

/// An address that is an OBIS code, and by what its billing period was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
    /// The code; groups that were not said are absent.
    pub obis: Obis,
    /// What stands before group F.
    pub reset: Option<Reset>,
}

/// How a billing period was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Reset {
    /// `*`: by the meter.
    Automatic,
    /// `&`: by hand.
    Manual,
}

impl Address {
    /// Reads `[A-][B:]C.D[.E][*F]`, where C and D may be the letters C, F, L and P. Anything else is no code: it is kept
    /// as the text it is.
    ///
    /// ```
    /// use ccm_iec62056::Address;
    ///
    /// let history = Address::parse(b"1.8.0*06").unwrap();
    /// assert_eq!((history.obis.a, history.obis.f), (None, Some(6)));
    /// assert!(Address::parse(b"FF").is_none());
    /// ```
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (a, text) = ended(text, b'-');
        let (b, text) = ended(text, b':');
        let (c, text) = group(text)?;
        let (d, text) = group(text.strip_prefix(b".")?)?;
        let tariff = text.strip_prefix(b".").map(|text| group(text).ok_or(()));
        let (e, text) = tariff.transpose().ok()?.map_or((None, text), |(e, text)| (Some(e), text));
        let (reset, f) = match text {
            [] => (None, None),
            [b'*', text @ ..] => (Some(Reset::Automatic), Some(last(text)?)),
            [b'&', text @ ..] => (Some(Reset::Manual), Some(last(text)?)),
            _ => return None,
        };
        Some(Self { obis: Obis { a, b, c, d, e, f }, reset })
    }
}

/// A number and the character behind it; where they are not there, nothing is taken.
fn ended(text: &[u8], end: u8) -> (Option<u8>, &[u8]) {
    match number(text) {
        Some((number, [found, rest @ ..])) if *found == end => (Some(number), rest),
        _ => (None, text),
    }
}

fn last(text: &[u8]) -> Option<u8> {
    number(text).filter(|(_, rest)| rest.is_empty()).map(|(number, _)| number)
}

fn group(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = text.split_first()?;
    number(text).or_else(|| letter(*first).map(|group| (group, rest)))
}

/// One to three digits.
fn number(text: &[u8]) -> Option<(u8, &[u8])> {
    let (mut value, mut rest) = (0_u8, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(digit.wrapping_sub(b'0'))?;
        rest = after;
    }
    (1..=3).contains(&(text.len().wrapping_sub(rest.len()))).then_some((value, rest))
}

/// The groups that have a letter (IEC 62056-61, annex A): general, error, list, profile.
fn letter(letter: u8) -> Option<u8> {
    [(b'C', 96), (b'F', 97), (b'L', 98), (b'P', 99)]
        .into_iter()
        .find_map(|(l, group)| (l == letter).then_some(group))
}
