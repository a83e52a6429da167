//! System titles.

use core::fmt;

use super::SecurityError;

/// Who sends: three letters of the manufacturer and five bytes of its own (IEC 62056-5-3, clause 4). With the invocation
/// counter it is the nonce, so no two parties with one key may share a title.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SystemTitle([u8; Self::LENGTH]);

impl SystemTitle {
    /// Bytes of a title.
    pub const LENGTH: usize = 8;

    /// Takes the bytes as they are.
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl TryFrom<&[u8]> for SystemTitle {
    type Error = SecurityError;

    fn try_from(bytes: &[u8]) -> Result<Self, SecurityError> {
        bytes.try_into().map(Self).map_err(|_| SecurityError::Field { field: "system title" })
    }
}

impl fmt::Display for SystemTitle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02X}"))
    }
}

impl fmt::Debug for SystemTitle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SystemTitle({self})")
    }
}
