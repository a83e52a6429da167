//! Keys and passwords: stored and written, but never printed.

use core::fmt;
use core::str::FromStr;

use heapless::{String, Vec};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// A key or a password as somebody wrote it, or a mistake. It goes into the file and the storage, so whoever shows a form to
/// people leaves it out; `Debug` and the problems of a draft do.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String<KEPT, u8>);

/// The keys of a meter that encrypts its telegrams.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keys {
    /// The secret one, from the grid operator.
    pub encryption: [u8; 16],
    /// The one that is only authenticated; nothing where it is the one that Luxembourg has published.
    pub authentication: Option<[u8; 16]>,
}

impl Secret {
    /// The key of 128 bits; nothing where the text is none.
    pub fn bytes(&self) -> Option<[u8; 16]> {
        self.key()
    }

    /// The key of so many bytes, two hexadecimal digits each; nothing where the text is none.
    pub fn key<const N: usize>(&self) -> Option<[u8; N]> {
        let bytes = digits::<N>(&self.0)?;
        bytes.as_slice().try_into().ok()
    }

    /// The password, a text or `hex:` and hexadecimal digits; nothing where it is empty, too long or not printable.
    pub fn password(&self) -> Option<Vec<u8, 64>> {
        let bytes = match self.0.strip_prefix(HEX) {
            Some(text) => digits(text)?,
            None => Vec::from_slice(self.0.as_bytes()).ok()?,
        };
        let is_sound = self.0.starts_with(HEX) || bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        Some(bytes).filter(|bytes| is_sound && !bytes.is_empty())
    }

    /// How many characters were written.
    pub(crate) fn length(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(key: &[u8]) -> Self {
        let mut text = String::new();
        // The digits of the longest key fit.
        let _ = key.iter().try_for_each(|byte| fmt::write(&mut text, format_args!("{byte:02x}")));
        Self(text)
    }

    pub(crate) fn of_password(password: &[u8]) -> Self {
        let text = core::str::from_utf8(password).ok().and_then(|text| text.parse().ok());
        let is_same = |secret: &Self| secret.password().is_some_and(|found| found == password);
        text.filter(is_same).unwrap_or_else(|| {
            let Self(digits) = Self::of(password);
            let mut text = String::new();
            // A password that is no text was written in this way, so it fits.
            let _ = text.push_str(HEX).and_then(|()| text.push_str(&digits));
            Self(text)
        })
    }
}

/// The bytes of pairs of hexadecimal digits.
fn digits<const N: usize>(text: &str) -> Option<Vec<u8, N>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Vec::new();
    for pair in pairs {
        let pair =
            core::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|one| one.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?).ok()?;
    }
    Some(bytes).filter(|_| odd.is_empty())
}

/// What is too long stays too long.
impl FromStr for Secret {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut kept = String::new();
        let _ = text.chars().try_for_each(|letter| kept.push(letter));
        Ok(Self(kept))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

/// `serde` would print what it did not expect.
struct Text;

impl Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text in quotation marks")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom(NO_TEXT))
    }
}

/// What is written in bytes begins with this.
const HEX: &str = "hex:";
/// One more than the longest has: 32 bytes in hexadecimal digits.
const KEPT: usize = HEX.len() + 64 + 1;
const NO_TEXT: &str = "keys and passwords are written in quotation marks";
