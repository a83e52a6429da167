//! Keys: stored and written, but never printed.

use core::fmt;
use core::str::FromStr;

use heapless::String;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

/// A key of 128 bits as somebody wrote it: 32 hexadecimal digits, or a mistake. It goes into the file and the storage, so
/// whoever shows a form to people leaves it out; `Debug` and the problems of a draft do.
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
    /// The key; nothing where the text is none.
    pub fn bytes(&self) -> Option<[u8; 16]> {
        let is_key = self.0.len() == DIGITS && self.0.bytes().all(|digit| digit.is_ascii_hexdigit());
        u128::from_str_radix(&self.0, 16).ok().filter(|_| is_key).map(u128::to_be_bytes)
    }

    pub(crate) fn of(key: [u8; 16]) -> Self {
        let mut text = String::new();
        // 32 digits fit.
        let _ = fmt::write(&mut text, format_args!("{:032x}", u128::from_be_bytes(key)));
        Self(text)
    }
}

/// What is longer than a key stays longer.
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
        formatter.write_str("32 hexadecimal digits in quotation marks")
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

const DIGITS: usize = 32;
/// One more than a key has.
const KEPT: usize = DIGITS + 1;
const NO_TEXT: &str = "a key is written as 32 hexadecimal digits in quotation marks";
