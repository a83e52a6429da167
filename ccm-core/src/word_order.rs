//! How values wider than a byte are laid out in 16-bit registers.

/// The order of the bytes A (most significant) to D of a value, as they come over the wire.
///
/// The four letters are the only names that two vendors understand alike; "big endian with swapped words" is
/// [`Cdab`](Self::Cdab). For 64 bits the same rule goes on: words reversed, bytes in each word swapped, or both.
///
/// ```
/// use ccm_core::WordOrder;
///
/// assert_eq!(WordOrder::Abcd.u32_from([0x01, 0x02, 0x03, 0x04]), 0x0102_0304);
/// assert_eq!(WordOrder::Cdab.u32_from([0x03, 0x04, 0x01, 0x02]), 0x0102_0304);
/// assert_eq!(WordOrder::Badc.u32_from([0x02, 0x01, 0x04, 0x03]), 0x0102_0304);
/// assert_eq!(WordOrder::Dcba.u32_from([0x04, 0x03, 0x02, 0x01]), 0x0102_0304);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "UPPERCASE"))]
pub enum WordOrder {
    /// High word first, high byte first: what the standard's registers suggest.
    #[default]
    Abcd,
    /// Low word first, high byte first.
    Cdab,
    /// High word first, low byte first.
    Badc,
    /// Low word first, low byte first.
    Dcba,
}

impl WordOrder {
    /// Reads the two bytes of one register.
    pub const fn u16_from(self, bytes: [u8; 2]) -> u16 {
        let value = u16::from_be_bytes(bytes);
        if self.swaps_bytes() { value.swap_bytes() } else { value }
    }

    /// Reads the four bytes of two registers.
    pub const fn u32_from(self, [a, b, c, d]: [u8; 4]) -> u32 {
        let (high, low) = (self.u16_from([a, b]) as u32, self.u16_from([c, d]) as u32);
        if self.swaps_words() { low << 16 | high } else { high << 16 | low }
    }

    /// Reads the eight bytes of four registers.
    pub const fn u64_from(self, [a, b, c, d, e, f, g, h]: [u8; 8]) -> u64 {
        let (high, low) = (self.u32_from([a, b, c, d]) as u64, self.u32_from([e, f, g, h]) as u64);
        if self.swaps_words() { low << 32 | high } else { high << 32 | low }
    }

    /// Lays out one register; the inverse of [`u16_from`](Self::u16_from).
    pub const fn u16_to(self, value: u16) -> [u8; 2] {
        self.u16_from(value.to_be_bytes()).to_be_bytes()
    }

    /// Lays out two registers; the inverse of [`u32_from`](Self::u32_from).
    pub const fn u32_to(self, value: u32) -> [u8; 4] {
        self.u32_from(value.to_be_bytes()).to_be_bytes()
    }

    /// Lays out four registers; the inverse of [`u64_from`](Self::u64_from).
    pub const fn u64_to(self, value: u64) -> [u8; 8] {
        self.u64_from(value.to_be_bytes()).to_be_bytes()
    }

    const fn swaps_words(self) -> bool {
        matches!(self, Self::Cdab | Self::Dcba)
    }

    const fn swaps_bytes(self) -> bool {
        matches!(self, Self::Badc | Self::Dcba)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [WordOrder; 4] = [WordOrder::Abcd, WordOrder::Cdab, WordOrder::Badc, WordOrder::Dcba];

    #[test]
    fn every_order_is_its_own_inverse() {
        for order in ALL {
            assert_eq!(order.u16_from(order.u16_to(0x0102)), 0x0102);
            assert_eq!(order.u32_from(order.u32_to(0x0102_0304)), 0x0102_0304);
            assert_eq!(order.u64_from(order.u64_to(0x0102_0304_0506_0708)), 0x0102_0304_0506_0708);
        }
    }

    #[test]
    fn sixty_four_bits_follow_the_rule_of_thirty_two() {
        assert_eq!(WordOrder::Cdab.u64_to(0x0102_0304_0506_0708), [7, 8, 5, 6, 3, 4, 1, 2]);
        assert_eq!(WordOrder::Badc.u64_to(0x0102_0304_0506_0708), [2, 1, 4, 3, 6, 5, 8, 7]);
        assert_eq!(WordOrder::Dcba.u64_to(0x0102_0304_0506_0708), [8, 7, 6, 5, 4, 3, 2, 1]);
    }
}
