//! Addresses: OBIS codes long and short, as text.

use ccm_core::Obis;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n};
use nom::character::complete::one_of;
use nom::combinator::{all_consuming, map_opt, opt};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

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
        let (_, (a, b, c, d, e, f)) = all_consuming(code).parse(text).ok()?;
        let (reset, f) = f.unzip();
        Some(Self { obis: Obis { a, b, c, d, e, f }, reset })
    }
}

type Groups = (Option<u8>, Option<u8>, u8, u8, Option<u8>, Option<(Reset, u8)>);

fn code(text: &[u8]) -> IResult<&[u8], Groups> {
    let medium = opt(terminated(number, tag("-")));
    let channel = opt(terminated(number, tag(":")));
    let tariff = opt(preceded(tag("."), group));
    (medium, channel, group, preceded(tag("."), group), tariff, opt((reset, number))).parse(text)
}

fn group(text: &[u8]) -> IResult<&[u8], u8> {
    alt((number, map_opt(one_of("CFLP"), letter))).parse(text)
}

fn number(text: &[u8]) -> IResult<&[u8], u8> {
    map_opt(take_while_m_n(1, 3, |byte: u8| byte.is_ascii_digit()), |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u8, |value, digit| value.checked_mul(10)?.checked_add(digit.wrapping_sub(b'0')))
    })
    .parse(text)
}

/// The groups that have a letter (IEC 62056-61, annex A): general, error, list, profile.
fn letter(letter: char) -> Option<u8> {
    [('C', 96), ('F', 97), ('L', 98), ('P', 99)]
        .into_iter()
        .find_map(|(l, group)| (l == letter).then_some(group))
}

fn reset(text: &[u8]) -> IResult<&[u8], Reset> {
    alt((tag("*").map(|_| Reset::Automatic), tag("&").map(|_| Reset::Manual))).parse(text)
}
