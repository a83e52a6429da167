//! Coils and discrete inputs as they lie in a message.

use super::MessageError;

/// One or more coils or discrete inputs, borrowed from a message as packed bits.
///
/// ```
/// use ccm_modbus::Coils;
///
/// let mut bytes = [0; 2];
/// let coils = Coils::pack(&[true, false, true, true], &mut bytes)?;
/// assert_eq!(coils.get(2), Some(true));
/// assert_eq!(coils.get(4), None);
/// # Ok::<(), ccm_modbus::RequestError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Coils<'a> {
    bytes: &'a [u8],
    quantity: u16,
}

impl<'a> Coils<'a> {
    /// Packs `states` into `bytes`, eight each, for a request that switches them.
    ///
    /// # Errors
    /// [`RequestError::Buffer`](crate::RequestError::Buffer) where `bytes` is too short,
    /// [`RequestError::Quantity`](crate::RequestError::Quantity) where there are more than 65 535.
    pub fn pack(states: &[bool], bytes: &'a mut [u8]) -> Result<Self, crate::RequestError> {
        let quantity = u16::try_from(states.len()).map_err(|_| crate::RequestError::Quantity {
            found: u16::MAX,
            limit: crate::Function::WriteMultipleCoils.max_quantity(),
        })?;
        let needed = states.len().div_ceil(8);
        let bytes = bytes.get_mut(..needed).ok_or(crate::RequestError::Buffer { needed })?;
        CoilsMut::new(bytes, quantity).extend(states.iter().copied());
        Ok(Self { bytes, quantity })
    }

    /// Takes packed bits as they came; `bytes` must be just as many as `quantity` coils need.
    pub(crate) fn parse(bytes: &'a [u8], quantity: u16) -> Result<Self, MessageError> {
        if bytes.is_empty() || bytes.len() != usize::from(quantity).div_ceil(8) {
            return Err(MessageError::ByteCount { found: bytes.len() });
        }
        Ok(Self { bytes, quantity })
    }

    /// How many coils there are. A reply does not say: until it is matched with its request this is a multiple of 8.
    pub const fn len(&self) -> usize {
        self.quantity as usize
    }

    /// Says whether there are none; a message always has one.
    pub const fn is_empty(&self) -> bool {
        self.quantity == 0
    }

    /// The bytes as they are on the wire, the first coil in the lowest bit of the first.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The state of the coil at `index`, counted from the first in this message.
    pub fn get(&self, index: usize) -> Option<bool> {
        let byte = self.bytes.get(index / 8).filter(|_| index < self.len())?;
        Some(byte >> (index % 8) & 1 == 1)
    }

    /// The states in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + use<'a> {
        let coils = *self;
        (0..coils.len()).map_while(move |index| coils.get(index))
    }
}

/// Coils that a server fills in for its reply, from the first to the last.
///
/// A reply that is not filled to its end is not sent, as with [`RegistersMut`](crate::RegistersMut).
#[derive(Debug)]
pub struct CoilsMut<'a> {
    bytes: &'a mut [u8],
    quantity: u16,
    filled: u16,
}

impl<'a> CoilsMut<'a> {
    /// None is filled; `bytes` holds eight coils each.
    pub(crate) const fn new(bytes: &'a mut [u8], quantity: u16) -> Self {
        Self { bytes, quantity, filled: 0 }
    }

    /// How many coils are asked for.
    pub const fn len(&self) -> usize {
        self.quantity as usize
    }

    /// Says whether none is asked for; a valid request asks for one at least.
    pub const fn is_empty(&self) -> bool {
        self.quantity == 0
    }

    /// Says whether all are filled.
    pub const fn is_complete(&self) -> bool {
        self.filled == self.quantity
    }

    /// Sets the next coil; one that was not asked for is ignored.
    pub fn push(&mut self, state: bool) {
        let index = self.filled;
        let Some(byte) = self.bytes.get_mut(usize::from(index / 8)).filter(|_| index < self.quantity) else {
            return;
        };
        // The first coil of a byte sets all of it: what stood there before was another message's.
        let before = if index.is_multiple_of(8) { 0 } else { *byte };
        *byte = before | u8::from(state) << (index % 8);
        self.filled += 1;
    }
}

impl Extend<bool> for CoilsMut<'_> {
    fn extend<T: IntoIterator<Item = bool>>(&mut self, states: T) {
        let left = self.quantity - self.filled;
        states.into_iter().take(left.into()).for_each(|state| self.push(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_coil_is_the_lowest_bit() {
        let coils = Coils::parse(&[0b0000_0101, 0b1], 9).unwrap();
        let states: std::vec::Vec<_> = coils.iter().collect();
        assert_eq!(states, [true, false, true, false, false, false, false, false, true]);
        assert_eq!(coils.get(9), None);
    }

    #[test]
    fn what_is_filled_leaves_nothing_of_what_was_there_before() {
        let mut bytes = [0xFF; 2];
        let mut coils = CoilsMut::new(&mut bytes, 9);
        coils.extend([true, false, false, false, false, false, false, true]);
        assert!(!coils.is_complete());
        coils.extend(core::iter::repeat(false));
        assert!(coils.is_complete());
        assert_eq!(bytes, [0b1000_0001, 0]);
    }

    #[test]
    fn bytes_that_do_not_fit_the_quantity_are_refused() {
        assert_eq!(Coils::parse(&[1, 2], 8), Err(MessageError::ByteCount { found: 2 }));
        assert_eq!(Coils::parse(&[], 0), Err(MessageError::ByteCount { found: 0 }));
    }
}
