//! What an association can do.

use bitflags::bitflags;

/// The conformance block: 24 bits, the first of the standard's the highest (Green Book 9.4.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Conformance(u32);

bitflags! {
    impl Conformance: u32 {
        /// General protection: general-glo-, general-ded-, general-ciphering.
        const GENERAL_PROTECTION = 0x40_0000;
        /// General block transfer.
        const GENERAL_BLOCK_TRANSFER = 0x20_0000;
        /// READ by short name.
        const READ = 0x10_0000;
        /// WRITE by short name.
        const WRITE = 0x08_0000;
        /// WRITE by short name without an answer.
        const UNCONFIRMED_WRITE = 0x04_0000;
        /// Delta types.
        const DELTA_VALUE_ENCODING = 0x02_0000;
        /// SET of attribute 0, which is all of them.
        const ATTRIBUTE_0_WITH_SET = 0x00_8000;
        /// Priorities are heeded.
        const PRIORITY_MANAGEMENT = 0x00_4000;
        /// GET of attribute 0, which is all of them.
        const ATTRIBUTE_0_WITH_GET = 0x00_2000;
        /// Long values are read in blocks.
        const BLOCK_TRANSFER_WITH_GET_OR_READ = 0x00_1000;
        /// Long values are written in blocks.
        const BLOCK_TRANSFER_WITH_SET_OR_WRITE = 0x00_0800;
        /// Long parameters and answers of methods come in blocks.
        const BLOCK_TRANSFER_WITH_ACTION = 0x00_0400;
        /// Several attributes in one request.
        const MULTIPLE_REFERENCES = 0x00_0200;
        /// The server reports by short name.
        const INFORMATION_REPORT = 0x00_0100;
        /// The server pushes.
        const DATA_NOTIFICATION = 0x00_0080;
        /// ACCESS.
        const ACCESS = 0x00_0040;
        /// Selection by short name.
        const PARAMETERIZED_ACCESS = 0x00_0020;
        /// GET by logical name.
        const GET = 0x00_0010;
        /// SET by logical name.
        const SET = 0x00_0008;
        /// Selection by range and entry.
        const SELECTIVE_ACCESS = 0x00_0004;
        /// The server notifies by logical name.
        const EVENT_NOTIFICATION = 0x00_0002;
        /// ACTION by logical name.
        const ACTION = 0x00_0001;
    }
}

impl Conformance {
    /// From the three bytes on the wire; bits that the standard reserves are kept.
    pub const fn from_bytes([high, middle, low]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, high, middle, low]))
    }

    /// The three bytes on the wire.
    pub const fn to_bytes(self) -> [u8; 3] {
        let [_, high, middle, low] = self.0.to_be_bytes();
        [high, middle, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_of_the_standard_but_two_has_a_name() {
        assert_eq!(Conformance::all().to_bytes(), [0x7E, 0xFF, 0xFF]);
    }

    #[test]
    fn reserved_bits_are_kept() {
        assert_eq!(Conformance::from_bytes([0x81, 0, 0x10]).to_bytes(), [0x81, 0, 0x10]);
        assert!(Conformance::from_bytes([0x81, 0, 0x10]).contains(Conformance::GET));
    }
}
