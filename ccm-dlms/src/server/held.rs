//! The request that is carried out, whole and in clear.

use core::ops::Range;

/// The request that is carried out.
#[derive(Debug, Default)]
pub(super) struct Held<'b> {
    bytes: &'b mut [u8],
    length: usize,
}

impl<'b> Held<'b> {
    pub(super) const fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }

    pub(super) const fn clear(&mut self) {
        self.length = 0;
    }

    /// Adds bytes; says whether they fit.
    pub(super) fn append(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) else { return false };
        room.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        self.length += bytes.len();
        true
    }

    /// Keeps nothing but this part, and moves it to the front.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        self.length = range.len();
        crate::frame::discard_front(self.bytes.get_mut(..range.end).unwrap_or_default(), range.start);
    }
}
