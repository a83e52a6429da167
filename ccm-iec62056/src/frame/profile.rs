//! What a meter's bytes may look like beyond the standard.

use super::Polynomial;

/// Tolerances of the [`Decoder`](super::Decoder), per meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Profile {
    /// The eighth bit is a parity bit, or noise: take it away (7E1 through a port or gateway set to 8N1).
    pub strips_parity: bool,
    /// Which CRC a telegram that has one carries.
    pub polynomial: Polynomial,
}

impl Profile {
    /// Seven bits and BCC: modes A to E.
    pub const IEC: Self = Self { strips_parity: true, polynomial: Polynomial::Arc };

    /// Eight bits and CRC: P1 from version 4 on; versions 2 and 3, which have none, are read too.
    pub const P1: Self = Self { strips_parity: false, polynomial: Polynomial::Arc };

    /// What pushes by itself and nobody knows: seven bits, either CRC or none.
    pub const PUSH: Self = Self { polynomial: Polynomial::Any, ..Self::IEC };
}

impl Default for Profile {
    fn default() -> Self {
        Self::IEC
    }
}
