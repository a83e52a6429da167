//! OBIS codes: what a value is, in the numbers that all European meters share (IEC 62056-61).

use core::fmt;

/// A code `A-B:C.D.E*F`. Groups that were not said are absent, which is not the same as 0 or 255: `1.8.0` is the value
/// now, `1.8.0*255` too, and `1.8.0*01` that of the end of the last billing period.
///
/// ```
/// use ccm_core::Obis;
///
/// let now = Obis::short(1, 8, 0);
/// assert_eq!(now.to_string(), "1.8.0");
/// assert!(now.covers(Obis::new([1, 0, 1, 8, 0, 255])));
/// assert!(!now.covers(Obis::new([1, 0, 1, 8, 0, 1])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Obis {
    /// Medium: 0 abstract, 1 electricity, 7 gas.
    pub a: Option<u8>,
    /// Channel.
    pub b: Option<u8>,
    /// Quantity.
    pub c: u8,
    /// How it is measured.
    pub d: u8,
    /// Tariff.
    pub e: Option<u8>,
    /// Billing period; 255 is the present one.
    pub f: Option<u8>,
}

impl Obis {
    /// A whole code, as DLMS sends it.
    pub const fn new([a, b, c, d, e, f]: [u8; 6]) -> Self {
        Self { a: Some(a), b: Some(b), c, d, e: Some(e), f: Some(f) }
    }

    /// A code of three groups, as text readouts send it.
    pub const fn short(c: u8, d: u8, e: u8) -> Self {
        Self { a: None, b: None, c, d, e: Some(e), f: None }
    }

    /// The six bytes of DLMS, where all groups are there.
    pub fn bytes(self) -> Option<[u8; 6]> {
        Some([self.a?, self.b?, self.c, self.d, self.e?, self.f?])
    }

    /// Whether a value of the code `other` is what somebody who asked for this code wants: medium, channel and tariff may
    /// be left open here, the billing period may not: a value of the past is never the one of now.
    pub fn covers(self, other: Self) -> bool {
        let open =
            |mine: Option<u8>, theirs: Option<u8>| mine.is_none() || theirs.is_none() || mine == theirs;
        let now = |f: Option<u8>| f.filter(|f| *f != PRESENT);
        open(self.a, other.a)
            && open(self.b, other.b)
            && (self.c, self.d) == (other.c, other.d)
            && self.e.unwrap_or_default() == other.e.unwrap_or_default()
            && now(self.f) == now(other.f)
    }
}

impl fmt::Display for Obis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(a) = self.a {
            write!(formatter, "{a}-")?;
        }
        if let Some(b) = self.b {
            write!(formatter, "{b}:")?;
        }
        write!(formatter, "{}.{}", self.c, self.d)?;
        if let Some(e) = self.e {
            write!(formatter, ".{e}")?;
        }
        self.f.map_or(Ok(()), |f| write!(formatter, "*{f}"))
    }
}

/// The billing period of now.
const PRESENT: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_the_past_is_never_the_one_of_now() {
        let now = Obis::short(1, 8, 0);
        let past = |f| Obis { f: Some(f), ..now };
        assert!(now.covers(now) && now.covers(past(255)) && past(255).covers(now));
        assert!(!now.covers(past(1)) && !past(1).covers(now) && past(1).covers(past(1)));
    }

    #[test]
    fn a_tariff_is_not_the_total() {
        assert!(!Obis::short(1, 8, 0).covers(Obis::short(1, 8, 1)));
        assert!(Obis { e: None, ..Obis::short(32, 7, 0) }.covers(Obis::short(32, 7, 0)));
    }

    #[test]
    fn groups_that_are_absent_are_not_printed() {
        assert_eq!(Obis::new([1, 0, 1, 8, 0, 255]).to_string(), "1-0:1.8.0*255");
        assert_eq!(Obis { e: None, ..Obis::short(32, 7, 0) }.to_string(), "32.7");
        assert_eq!(Obis::short(1, 8, 0).bytes(), None);
    }
}
