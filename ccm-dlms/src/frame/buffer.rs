//! One buffer of the caller's for frames and APDUs.

/// The caller's buffer: in front the room for frames, behind it the APDU.
#[derive(Debug)]
pub struct Buffer<'b> {
    bytes: &'b mut [u8],
    room: usize,
}

impl<'b> Buffer<'b> {
    pub(crate) const fn new(bytes: &'b mut [u8], room: usize) -> Self {
        Self { bytes, room }
    }

    /// Makes the room for frames larger or smaller.
    pub(crate) const fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    /// How many bytes an APDU can have.
    pub(crate) const fn capacity(&self) -> usize {
        self.bytes.len().saturating_sub(self.room)
    }

    /// How many bytes it must have for an APDU of so many.
    pub(crate) const fn needed(&self, apdu: usize) -> usize {
        self.room + apdu
    }

    /// The room for frames and that for the APDU.
    pub(crate) fn split(&mut self) -> (&mut [u8], &mut [u8]) {
        self.bytes.split_at_mut_checked(self.room).unwrap_or_default()
    }

    pub(crate) fn apdu(&self) -> &[u8] {
        self.bytes.get(self.room..).unwrap_or_default()
    }

    pub(crate) fn apdu_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.room..).unwrap_or_default()
    }

    /// Both together: a header in the room's end and the APDU behind it are one frame.
    pub(crate) fn whole(&mut self) -> &mut [u8] {
        self.bytes
    }
}

/// Moves what follows the first `count` bytes to the front.
pub(crate) fn discard_front(bytes: &mut [u8], count: usize) {
    if count == 0 {
        return;
    }
    for index in count..bytes.len() {
        // Byte by byte: `copy_within` would bring in `memmove`, 1.3 KB.
        let byte = bytes.get(index).copied().unwrap_or_default();
        if let Some(slot) = bytes.get_mut(index - count) {
            *slot = byte;
        }
    }
}
