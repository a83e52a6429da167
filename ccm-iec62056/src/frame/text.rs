//! The text of a decoder: the address of the data set, and behind it the value that is being read.

/// Places for an address and a piece of a value, or for an identification.
#[derive(Clone, Debug)]
pub(super) struct Text {
    bytes: [u8; SIZE],
    /// Where the address ends and the value begins.
    base: usize,
    length: usize,
    /// Bytes of the value that have been given away.
    spent: usize,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; SIZE], base: 0, length: 0, spent: 0 }
    }

    /// Begins an address, an identification or a command.
    pub(super) fn begin(&mut self) {
        (self.base, self.length) = (0, 0);
    }

    /// What was kept is the address; a value begins behind it.
    pub(super) fn end_address(&mut self) {
        while self.bytes.get(self.length.wrapping_sub(1)) == Some(&b' ') {
            self.length -= 1;
        }
        self.base = self.length;
    }

    /// Another value of the same address begins.
    pub(super) fn begin_value(&mut self) {
        self.length = self.base;
    }

    pub(super) fn address(&self) -> &[u8] {
        self.bytes.get(..self.base).unwrap_or_default()
    }

    /// What has come of the value, or of whatever was begun.
    pub(super) fn field(&self) -> &[u8] {
        self.bytes.get(self.base..self.length).unwrap_or_default()
    }

    pub(super) fn length(&self) -> usize {
        self.length - self.base
    }

    /// Keeps a byte; says whether there was room.
    pub(super) fn keep(&mut self, byte: u8) -> bool {
        let slot = self.bytes.get_mut(self.length);
        let fits = slot.is_some();
        if let Some(slot) = slot {
            *slot = byte;
            self.length += 1;
        }
        fits
    }

    /// Keeps what fits of the bytes as long as `is_text` says so of them; gives what it kept.
    pub(super) fn fill(&mut self, bytes: &[u8], mut is_text: impl FnMut(u8) -> Option<u8>) -> &[u8] {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        let mut count = 0;
        for (slot, byte) in free.iter_mut().zip(bytes) {
            let Some(byte) = is_text(*byte) else { break };
            *slot = byte;
            count += 1;
        }
        self.length += count;
        free.get(..count).unwrap_or_default()
    }

    /// The value's first bytes, which are given away now: all but what may be a unit or another telegram's beginning.
    pub(super) fn piece(&self) -> &[u8] {
        self.field().get(..self.spent).unwrap_or_default()
    }

    pub(super) fn spend(&mut self) {
        self.spent = self.length().saturating_sub(TAIL);
    }

    pub(super) fn drop_spent(&mut self) {
        if self.spent > 0 {
            self.shift(self.base + self.spent);
            self.spent = 0;
        }
    }

    /// Only what follows the last `/` is left, as what was begun.
    pub(super) fn keep_behind_slash(&mut self) {
        let slash = slash(self.field()).unwrap_or_default();
        let from = self.base + slash + 1;
        self.base = 0;
        self.shift(from);
    }

    /// Moves what stands at `from` and behind it to the base.
    fn shift(&mut self, from: usize) {
        let end = self.length;
        self.length = self.base;
        for at in from..end {
            let byte = self.bytes.get(at).copied().unwrap_or_default();
            self.keep(byte);
        }
    }
}

/// Where the last `/` stands.
pub(super) fn slash(text: &[u8]) -> Option<usize> {
    text.iter().rposition(|byte| *byte == b'/')
}

/// An address of 60 bytes and a piece of 192.
const SIZE: usize = 252;

/// Longer than a unit (16 characters and the asterisk), and as long as an identification.
const TAIL: usize = 65;
