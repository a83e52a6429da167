//! The bytes that are not understood yet.

/// The caller's buffer: what was heard, and how far it has been looked through.
#[derive(Debug)]
pub(super) struct Buffer<'b> {
    bytes: &'b mut [u8],
    start: usize,
    end: usize,
}

impl<'b> Buffer<'b> {
    pub(super) const fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, start: 0, end: 0 }
    }

    /// What was heard and is not understood.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The same from an offset on.
    pub(super) fn from(&self, offset: usize) -> &[u8] {
        self.rest().get(offset..).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) const fn is_full(&self) -> bool {
        self.len() == self.bytes.len()
    }

    /// Takes as many bytes as there is room for, and says how many.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        self.compact();
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let taken = room.len().min(bytes.len());
        for (slot, byte) in room.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        self.end += taken;
        taken
    }

    /// Gives the first `count` bytes; they stay until more are pushed.
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let start = self.start;
        self.start = self.end.min(start + count);
        self.bytes.get(start..self.start).unwrap_or_default()
    }

    fn compact(&mut self) {
        if self.start == 0 {
            return;
        }
        for index in self.start..self.end {
            // Byte by byte: `copy_within` would bring in `memmove`, 1.3 KB.
            let byte = self.bytes.get(index).copied().unwrap_or_default();
            if let Some(slot) = self.bytes.get_mut(index - self.start) {
                *slot = byte;
            }
        }
        (self.start, self.end) = (0, self.end - self.start);
    }
}
