//! The bytes received and not yet understood.

/// A window over the caller's buffer: bytes come in behind, frames and rubbish go out in front.
#[derive(Debug)]
pub(crate) struct Decoder<'b> {
    buffer: &'b mut [u8],
    start: usize,
    end: usize,
    /// Where the frame to send begins and how long it is.
    frame: (usize, usize),
    /// Where the receiver's room ends.
    limit: usize,
    skip: usize,
    dropped: usize,
}

impl<'b> Decoder<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        let limit = buffer.len();
        Self { buffer, start: 0, end: 0, frame: (0, 0), limit, skip: 0, dropped: 0 }
    }

    /// Forgets everything that was received.
    pub(crate) const fn clear(&mut self) {
        (self.start, self.end, self.skip, self.dropped) = (0, 0, 0, 0);
    }

    /// Keeps the first `length` bytes of the [free](Self::free) room, a frame to send, where they are: nothing is
    /// received until they have left.
    pub(crate) const fn keep(&mut self, length: usize) {
        self.frame = (self.end, length);
    }

    /// Keeps them out of the receiver's way, at the end of the buffer.
    pub(crate) fn set_aside(&mut self, length: usize) {
        let length = length.min(self.free().len());
        self.limit -= length;
        self.frame = (self.limit, length);
        // Byte by byte and from the end, as the places may overlap: `copy_within` would bring in `memmove`, 1.3 KB.
        for index in (0..length).rev() {
            self.shift(self.end + index, self.limit + index);
        }
    }

    /// The frame to send.
    pub(crate) fn frame(&self) -> &[u8] {
        let (start, length) = self.frame;
        self.buffer.get(start..).and_then(|frame| frame.get(..length)).unwrap_or_default()
    }

    /// Whether there is a frame to send.
    pub(crate) const fn has_frame(&self) -> bool {
        self.frame.1 > 0
    }

    /// The frame has left: gives its room back to the receiver.
    pub(crate) const fn release(&mut self) {
        self.frame = (0, 0);
        self.limit = self.buffer.len();
    }

    /// Takes as many bytes as there is room for, after those that are to be skipped; says how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let fresh = bytes.get(skipped..).unwrap_or_default();
        if self.free().len() < fresh.len() {
            self.compact();
        }
        let mut taken = skipped;
        for byte in fresh {
            let Some(slot) = self.free().first_mut() else { break };
            *slot = *byte;
            self.end += 1;
            taken += 1;
        }
        taken
    }

    /// The bytes not yet understood.
    pub(crate) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Throws away the first `count` bytes, those that have not come yet included.
    pub(crate) fn drop_front(&mut self, count: usize) {
        let held = self.end - self.start;
        self.skip += count.saturating_sub(held);
        self.start += count.min(held);
        self.dropped = self.dropped.saturating_add(count);
    }

    /// How many bytes were thrown away since the last [`clear`](Self::clear).
    pub(crate) const fn dropped(&self) -> usize {
        self.dropped
    }

    /// Whether no more bytes fit.
    pub(crate) fn is_full(&self) -> bool {
        self.start == 0 && self.end == self.buffer.len()
    }

    /// The room behind the window.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.end..self.limit).unwrap_or_default()
    }

    /// How many bytes the caller's buffer holds.
    pub(crate) const fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Moves the window to the front of the buffer.
    pub(crate) fn compact(&mut self) {
        let held = self.end - self.start;
        for index in 0..held {
            self.shift(self.start + index, index);
        }
        (self.start, self.end) = (0, held);
    }

    fn shift(&mut self, from: usize, to: usize) {
        let byte = self.buffer.get(from).copied();
        if let (Some(slot), Some(byte)) = (self.buffer.get_mut(to), byte) {
            *slot = byte;
        }
    }
}
