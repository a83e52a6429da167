//! Registers as they lie in a message.

use ccm_core::WordOrder;

use super::MessageError;

/// One or more 16-bit registers, borrowed from a message as big-endian bytes.
///
/// ```
/// use ccm_core::WordOrder;
/// use ccm_modbus::Registers;
///
/// let mut bytes = [0; 6];
/// let registers = Registers::pack(&[0x0001, 0x86A0, 230], &mut bytes)?;
/// assert_eq!(registers.u32(0, WordOrder::Abcd), Some(100_000));
/// assert_eq!(registers.get(2), Some(230));
/// assert_eq!(registers.iter().sum::<u16>(), 0x0001 + 0x86A0 + 230);
/// # Ok::<(), ccm_modbus::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Registers<'a> {
    bytes: &'a [u8],
}

impl<'a> Registers<'a> {
    /// Lays `values` out in `bytes`, two each, for a request that writes them.
    ///
    /// # Errors
    /// [`RequestError::Buffer`](crate::RequestError::Buffer) where `bytes` is too short.
    pub fn pack(values: &[u16], bytes: &'a mut [u8]) -> Result<Self, crate::RequestError> {
        let needed = values.len() * 2;
        let bytes = bytes.get_mut(..needed).ok_or(crate::RequestError::Buffer { needed })?;
        for (slot, value) in bytes.chunks_exact_mut(2).zip(values) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
        Ok(Self { bytes })
    }

    /// Takes big-endian bytes as they came.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
            return Err(MessageError::ByteCount { found: bytes.len() });
        }
        Ok(Self { bytes })
    }

    /// How many registers there are.
    pub const fn len(&self) -> usize {
        self.bytes.len() / 2
    }

    /// Says whether there are none; a message always has one.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes as they are on the wire, two for each register.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The register at `index`, counted from the first in this message.
    pub fn get(&self, index: usize) -> Option<u16> {
        self.array(index).map(u16::from_be_bytes)
    }

    /// The value of two registers from `index` on.
    pub fn u32(&self, index: usize, order: WordOrder) -> Option<u32> {
        self.array(index).map(|bytes| order.u32_from(bytes))
    }

    /// The value of four registers from `index` on.
    pub fn u64(&self, index: usize, order: WordOrder) -> Option<u64> {
        self.array(index).map(|bytes| order.u64_from(bytes))
    }

    /// The registers in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        let (pairs, _) = self.bytes.as_chunks();
        pairs.iter().map(|pair| u16::from_be_bytes(*pair))
    }

    fn array<const N: usize>(&self, index: usize) -> Option<[u8; N]> {
        self.bytes.get(index.checked_mul(2)?..)?.first_chunk().copied()
    }
}

/// Registers that a server fills in for its reply, from the first to the last.
///
/// A reply that is not filled to its end is not sent: the client gets [`Exception::ServerDeviceFailure`] instead of
/// registers that nobody has set.
///
/// [`Exception::ServerDeviceFailure`]: crate::Exception::ServerDeviceFailure
#[derive(Debug)]
pub struct RegistersMut<'a> {
    slots: &'a mut [[u8; 2]],
    filled: usize,
}

impl<'a> RegistersMut<'a> {
    /// None is filled; `bytes` holds two for each register.
    pub(crate) const fn new(bytes: &'a mut [u8]) -> Self {
        let (slots, _) = bytes.as_chunks_mut();
        Self { slots, filled: 0 }
    }

    /// How many registers are asked for.
    pub const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Says whether none is asked for; a valid request asks for one at least.
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Says whether all are filled.
    pub const fn is_complete(&self) -> bool {
        self.filled == self.slots.len()
    }

    /// How many bytes are filled.
    pub(crate) const fn filled(&self) -> usize {
        self.filled * 2
    }

    /// Sets the next register; one that was not asked for is ignored.
    pub fn push(&mut self, value: u16) {
        if let Some(slot) = self.slots.get_mut(self.filled) {
            *slot = value.to_be_bytes();
            self.filled += 1;
        }
    }
}

impl Extend<u16> for RegistersMut<'_> {
    fn extend<T: IntoIterator<Item = u16>>(&mut self, values: T) {
        // The free slots are found once, not once for each value; the values may have no end.
        let free = self.slots.get_mut(self.filled..).unwrap_or_default();
        for (slot, value) in free.iter_mut().zip(values) {
            *slot = u16::to_be_bytes(value);
            self.filled += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_registers_follow_the_named_order() {
        let registers = Registers::parse(&[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(registers.u32(1, WordOrder::Abcd), Some(0x0304_0506));
        assert_eq!(registers.u32(1, WordOrder::Cdab), Some(0x0506_0304));
        assert_eq!(registers.u32(1, WordOrder::Badc), Some(0x0403_0605));
        assert_eq!(registers.u32(1, WordOrder::Dcba), Some(0x0605_0403));
        assert_eq!(registers.u64(0, WordOrder::Abcd), Some(0x0102_0304_0506_0708));
        assert_eq!(registers.u32(3, WordOrder::Abcd), None);
        assert_eq!(registers.get(usize::MAX), None);
    }

    #[test]
    fn what_is_filled_ends_where_the_question_did() {
        let mut bytes = [9; 6];
        let mut registers = RegistersMut::new(&mut bytes);
        registers.push(1);
        assert!(!registers.is_complete());
        registers.extend(0xFFFE..=0xFFFF);
        registers.push(7);
        registers.extend(0xFFFF..);
        assert!(registers.is_complete());
        assert_eq!(bytes, [0, 1, 0xFF, 0xFE, 0xFF, 0xFF]);
    }

    #[test]
    fn half_a_register_is_refused() {
        assert_eq!(Registers::parse(&[1, 2, 3]), Err(MessageError::ByteCount { found: 3 }));
        assert_eq!(Registers::parse(&[]), Err(MessageError::ByteCount { found: 0 }));
    }
}
