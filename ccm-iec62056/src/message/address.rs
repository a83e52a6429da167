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
        let (mut groups, mut next, mut reset, mut rest) = ([None; 6], A, None, text);
        loop {
            let (value, after) = group(rest)?;
            let is_letter = rest.first().is_some_and(u8::is_ascii_alphabetic);
            let mark = after.first().copied();
            // What stands behind a group says which one it is.
            let here = match mark {
                Some(b'-') if next == A => A,
                Some(b':') if next <= B => B,
                None | Some(b'.' | b'*' | b'&') => next.max(C),
                _ => return None,
            };
            if is_letter && !(C..F).contains(&here) || here == F && reset.is_none() {
                return None;
            }
            *groups.get_mut(here).filter(|group| group.is_none())? = Some(value);
            next = here + 1;
            match mark {
                None => break,
                Some(b'*') => (next, reset) = (F, Some(Reset::Automatic)),
                Some(b'&') => (next, reset) = (F, Some(Reset::Manual)),
                _ => {}
            }
            rest = after.get(1..)?;
        }
        let [a, b, c, d, e, f] = groups;
        Some(Self { obis: Obis { a, b, c: c?, d: d?, e, f }, reset })
    }
}

/// One to three digits, or a letter that stands for a group (IEC 62056-61, annex A): general, error, list, profile.
fn group(text: &[u8]) -> Option<(u8, &[u8])> {
    let (mut value, mut rest) = (0_u16, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(u16::from(*digit & 0xF))?;
        rest = after;
    }
    match (text.len() - rest.len(), rest) {
        (1..=3, _) => Some((u8::try_from(value).ok()?, rest)),
        (0, [letter @ (b'C' | b'F' | b'L' | b'P'), rest @ ..]) => Some((letter_group(*letter), rest)),
        _ => None,
    }
}

const fn letter_group(letter: u8) -> u8 {
    match letter {
        b'C' => 96,
        b'F' => 97,
        b'L' => 98,
        _ => 99,
    }
}

/// Places of groups.
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const F: usize = 5;
