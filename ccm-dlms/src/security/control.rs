//! The security control byte, and what it is made of.

use core::fmt;

use super::SecurityError;

/// A security suite (IEC 62056-5-3, clause 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Suite {
    /// AES-GCM-128.
    Zero = 0,
    /// AES-GCM-128, ECDSA and ECDH over P-256, SHA-256.
    One = 1,
    /// AES-GCM-256, ECDSA and ECDH over P-384, SHA-384.
    Two = 2,
}

impl Suite {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Bytes of its symmetric keys.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Zero | Self::One => 16,
            Self::Two => 32,
        }
    }
}

impl TryFrom<u8> for Suite {
    type Error = SecurityError;

    fn try_from(number: u8) -> Result<Self, SecurityError> {
        match number {
            0 => Ok(Self::Zero),
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err(SecurityError::Field { field: "security suite" }),
        }
    }
}

/// How a message is protected, or must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Protection {
    /// Nobody can change it unnoticed.
    pub authenticated: bool,
    /// Nobody can read it.
    pub encrypted: bool,
}

impl Protection {
    /// Anybody can read and change it.
    pub const NONE: Self = Self { authenticated: false, encrypted: false };
    /// Anybody can read it (security control 10).
    pub const AUTHENTICATED: Self = Self { authenticated: true, encrypted: false };
    /// Anybody can change it (security control 20): who knows a part of the text can put another in its place.
    pub const ENCRYPTED: Self = Self { authenticated: false, encrypted: true };
    /// Nobody can read or change it (security control 30).
    pub const BOTH: Self = Self { authenticated: true, encrypted: true };

    /// Says whether this is at least as much as `required`.
    pub const fn covers(self, required: Self) -> bool {
        (self.authenticated || !required.authenticated) && (self.encrypted || !required.encrypted)
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match (self.authenticated, self.encrypted) {
            (false, false) => "unprotected",
            (true, false) => "authenticated",
            (false, true) => "encrypted",
            (true, true) => "authenticated and encrypted",
        })
    }
}

/// The security control byte (IEC 62056-5-3, clause 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Control {
    /// The suite's number, 0 to 15; three of them have a meaning.
    pub suite: u8,
    /// How the message is protected.
    pub protection: Protection,
    /// The global broadcast key protects it.
    pub broadcast: bool,
    /// It was compressed before.
    pub compressed: bool,
}

impl Control {
    /// Takes the byte apart; every byte is one.
    pub const fn parse(byte: u8) -> Self {
        Self {
            suite: byte & SUITE,
            protection: Protection {
                authenticated: byte & AUTHENTICATED != 0,
                encrypted: byte & ENCRYPTED != 0,
            },
            broadcast: byte & BROADCAST != 0,
            compressed: byte & COMPRESSED != 0,
        }
    }

    /// The byte.
    pub const fn byte(self) -> u8 {
        let bits = [
            (self.protection.authenticated, AUTHENTICATED),
            (self.protection.encrypted, ENCRYPTED),
            (self.broadcast, BROADCAST),
            (self.compressed, COMPRESSED),
        ];
        let [a, b, c, d] = bits;
        (self.suite & SUITE) | bit(a) | bit(b) | bit(c) | bit(d)
    }
}

const fn bit((is_set, mask): (bool, u8)) -> u8 {
    if is_set { mask } else { 0 }
}

const SUITE: u8 = 0x0F;
const AUTHENTICATED: u8 = 0x10;
const ENCRYPTED: u8 = 0x20;
const BROADCAST: u8 = 0x40;
const COMPRESSED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_control_and_comes_back() {
        for byte in 0..=u8::MAX {
            assert_eq!(Control::parse(byte).byte(), byte);
        }
    }

    #[test]
    fn more_protection_covers_less_and_never_the_other_way() {
        let all = [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::BOTH];
        for protection in all {
            assert!(protection.covers(protection) && protection.covers(Protection::NONE));
            assert!(Protection::BOTH.covers(protection));
        }
        assert!(!Protection::ENCRYPTED.covers(Protection::AUTHENTICATED));
        assert!(!Protection::AUTHENTICATED.covers(Protection::ENCRYPTED));
        assert!(!Protection::AUTHENTICATED.covers(Protection::BOTH));
    }
}
