//! One buffer for an exchange: the frame that was sent, and behind it what was heard since.

/// The caller's buffer.
#[derive(Debug)]
pub(crate) struct Window<'b> {
    bytes: &'b mut [u8],
    /// Where the frame to send ends.
    sent: usize,
    /// Where the bytes begin that are not yet understood; behind `end` where a stream is to be skipped that far.
    start: usize,
    end: usize,
}

impl<'b> Window<'b> {
    pub(crate) const fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, sent: 0, start: 0, end: 0 }
    }

    /// Forgets everything.
    pub(crate) const fn clear(&mut self) {
        (self.sent, self.start, self.end) = (0, 0, 0);
    }

    /// Forgets what was heard.
    pub(crate) const fn forget(&mut self) {
        (self.start, self.end) = (self.sent, self.sent);
    }

    /// Room for a frame to send.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// The frame to send is the first `length` bytes.
    pub(crate) const fn keep(&mut self, length: usize) {
        self.sent = length;
        self.forget();
    }

    /// What must not be forgotten of a stream when the next frame is written over it: `remainder` bytes of a frame whose
    /// header is known, or the beginning of a header.
    pub(crate) fn carry(&self, remainder: usize) -> Carry {
        let mut carry = Carry { skip: self.start.saturating_sub(self.end) + remainder, ..Carry::default() };
        if remainder == 0 {
            for (slot, byte) in carry.bytes.iter_mut().zip(self.rest()) {
                *slot = *byte;
                carry.length += 1;
            }
        }
        carry
    }

    /// Puts that back behind the frame.
    pub(crate) fn put_back(&mut self, carry: Carry) {
        self.push(carry.bytes.get(..carry.length).unwrap_or_default());
        self.skip(carry.skip);
    }

    /// Steps over what was sent, which was heard again.
    pub(crate) fn skip_echo(&mut self) {
        self.start = self.start.max(2 * self.sent);
    }

    /// Whether what was heard begins with what was sent.
    pub(crate) fn is_echoed(&self) -> bool {
        let (sent, heard) = (self.frame(), self.heard());
        sent.len() <= heard.len() && sent.iter().zip(heard).all(|(sent, heard)| sent == heard)
    }

    /// Whether nothing was heard before the bytes that are not yet understood.
    pub(crate) const fn is_first(&self) -> bool {
        self.start == self.sent
    }

    /// The frame to send.
    #[inline(never)]
    pub(crate) fn frame(&self) -> &[u8] {
        self.bytes.get(..self.sent).unwrap_or_default()
    }

    /// What was heard, understood or not.
    #[inline(never)]
    pub(crate) fn heard(&self) -> &[u8] {
        self.bytes.get(self.sent..self.end).unwrap_or_default()
    }

    /// What was heard and is not yet understood.
    #[inline(never)]
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The same, to be changed in place.
    #[inline(never)]
    pub(crate) fn rest_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// The first `length` bytes of the rest, and the room behind everything that was heard.
    pub(crate) fn split(&mut self, length: usize) -> Option<(&[u8], &mut [u8])> {
        let (heard, free) = self.bytes.split_at_mut_checked(self.end)?;
        Some((heard.get(self.start..)?.get(..length)?, free))
    }

    /// Where the room behind everything that was heard begins.
    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    /// What stands there, heard or not.
    pub(crate) fn between(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// How many bytes the caller's buffer holds.
    pub(crate) const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Whether everything that was heard is understood.
    pub(crate) const fn is_done(&self) -> bool {
        self.start >= self.end
    }

    /// Takes as many bytes as there is room for, and says how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        loop {
            if self.end == self.bytes.len() {
                self.forget_oldest();
                self.compact();
            }
            // In pieces: to look for room at each byte is most of what a call costs on a host.
            let free = self.bytes.get_mut(self.end..).unwrap_or_default();
            let mut fitting = 0;
            for (slot, byte) in free.iter_mut().zip(bytes.get(taken..).unwrap_or_default()) {
                *slot = *byte;
                fitting += 1;
            }
            (self.end, taken) = (self.end + fitting, taken + fitting);
            if fitting == 0 || taken == bytes.len() {
                return taken;
            }
        }
    }

    /// Steps over `count` bytes, those that have not come yet included.
    pub(crate) const fn skip(&mut self, count: usize) {
        self.start += count;
    }

    /// There is no room left: no frame is longer than what is kept, so the byte that goes belongs to none.
    const fn forget_oldest(&mut self) {
        if self.start == self.sent {
            self.start += 1;
        }
    }

    /// Moves what is not yet understood to the front, behind the frame that was sent.
    pub(crate) fn compact(&mut self) {
        let understood = self.start.min(self.end) - self.sent;
        if understood == 0 {
            return;
        }
        for index in self.sent + understood..self.end {
            // Byte by byte: `copy_within` would bring in `memmove`, 1.3 KB.
            let byte = self.bytes.get(index).copied().unwrap_or_default();
            if let Some(slot) = self.bytes.get_mut(index - understood) {
                *slot = byte;
            }
        }
        self.start -= understood;
        self.end -= understood;
    }
}

/// The end of what a stream held when a new exchange began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carry {
    /// Less than TCP's header up to its length.
    bytes: [u8; 5],
    length: usize,
    skip: usize,
}
