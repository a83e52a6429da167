//! Lists with a capacity.

use core::{fmt, marker::PhantomData};

use heapless::Vec;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Reads a list. `heapless` would say "expected a sequence" of a list that is too long; this says how long it may be.
pub(crate) fn bounded<'de, D, T, const N: usize>(deserializer: D) -> Result<Vec<T, N>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Bounded(PhantomData))
}

/// Gathers as many `items` as fit: for lists whose capacity is that of the list they come from.
pub(crate) fn gather<T, const N: usize>(items: impl IntoIterator<Item = T>) -> Vec<T, N> {
    let mut list = Vec::new();
    for item in items {
        if list.push(item).is_err() {
            break;
        }
    }
    list
}

struct Bounded<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Bounded<T, N> {
    type Value = Vec<T, N>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {N}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item).map_err(|_| A::Error::invalid_length(N.saturating_add(1), &self))?;
        }
        Ok(list)
    }
}
