//! What a server has to say, piece by piece, with its checksums.

use ccm_core::Writer;

use super::{Ending, Quirks};
use crate::Polynomial;
use crate::frame::{EOT, ETX, STX, Sums};

/// The piece on the line, and the checksums of all before it.
#[derive(Debug)]
pub(super) struct Output<'b> {
    buffer: &'b mut [u8],
    length: usize,
    sums: Sums,
    /// The checksums before the piece.
    before: Sums,
}

impl<'b> Output<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0, sums: Sums::new(Polynomial::Any), before: Sums::new(Polynomial::Any) }
    }

    /// The piece, its parity bits set where the meter does that.
    pub(super) fn ready(&mut self, quirks: &Quirks) -> &[u8] {
        let piece = self.buffer.get_mut(..self.length).unwrap_or_default();
        if quirks.parity {
            piece.iter_mut().for_each(|byte| *byte = even(*byte));
        }
        piece
    }

    /// A piece that stands for itself; what does not fit is not sent.
    pub(super) fn set(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let mut writer = Writer::new(self.buffer);
        write(&mut writer);
        self.length = writer.finish();
    }

    /// The first piece of a telegram that is pushed.
    pub(super) fn begin_push(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        self.sums.begin_telegram();
        self.set(write);
        self.sum();
    }

    /// STX, and what comes before it.
    pub(super) fn begin_block(&mut self, before: &[u8]) {
        self.set(|out| {
            let _ = out.slice(before).and_then(|()| out.u8(STX));
        });
        self.sums.begin_block(0);
    }

    /// A piece of a block or telegram. Gives what `write` answers.
    pub(super) fn line<T>(&mut self, write: impl FnOnce(&mut Writer<'_>) -> T) -> T {
        self.before = self.sums;
        let mut writer = Writer::new(self.buffer);
        let answer = write(&mut writer);
        self.length = writer.finish();
        self.sum();
        answer
    }

    /// The piece last written does not count.
    pub(super) const fn take_back(&mut self) {
        self.sums = self.before;
    }

    /// Ends the piece behind the first characters of its value.
    pub(super) fn break_off(&mut self) {
        let piece = self.buffer.get(..self.length).unwrap_or_default();
        self.length = piece.iter().position(|byte| *byte == b'(').map_or(0, |at| at + 3).min(self.length);
    }

    /// Takes bytes out of the piece, without anybody's checksum noticing.
    pub(super) fn lose(&mut self, from: usize, to: usize) {
        let to = to.min(self.length);
        if from < to {
            self.buffer.copy_within(to..self.length, from);
            self.length -= to - from;
        }
    }

    /// `!`, ETX or EOT and the check character.
    pub(super) fn end_block(&mut self, quirks: &Quirks, mark: bool, last: bool, wrong: bool) {
        self.set(|out| {
            let _ =
                if mark { out.slice(quirks.before_end).and_then(|()| out.slice(b"!\r\n")) } else { Ok(()) };
            let _ = if quirks.omits_etx { Ok(()) } else { out.u8(if last { ETX } else { EOT }) };
        });
        self.sum();
        let check = self.sums.bcc() ^ u8::from(wrong);
        if !quirks.omits_etx {
            self.append(&[check]);
        }
        self.append(quirks.trail);
    }

    /// `!` and what the telegram carries behind it.
    pub(super) fn end_push(&mut self, quirks: &Quirks) {
        self.set(|out| {
            let _ = out.slice(quirks.before_end).and_then(|()| out.u8(b'!'));
        });
        self.sum();
        let (crc, shortest) = match quirks.ending {
            Ending::Bare => (0, None),
            Ending::Crc(Polynomial::X25) => (self.sums.x25(), Some(4)),
            Ending::Crc(_) => (self.sums.arc(), Some(4)),
            Ending::Unpadded => (self.sums.arc(), Some(1)),
        };
        if let Some(shortest) = shortest {
            self.append_hex(crc, shortest);
        }
        self.append(b"\r\n");
        self.append(quirks.trail);
    }

    fn append_hex(&mut self, crc: u16, shortest: u32) {
        for place in (0..4_u32).rev() {
            let digit = u32::from(crc >> (4 * place) & 0xF);
            let is_needed = place < shortest || crc >> (4 * place) != 0;
            if let (true, Some(digit)) = (is_needed, char::from_digit(digit, 16)) {
                self.append(&[u8::try_from(digit.to_ascii_uppercase()).unwrap_or(b'0')]);
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        let mut writer = Writer::new(self.buffer.get_mut(self.length..).unwrap_or_default());
        let _ = writer.slice(bytes);
        self.length += writer.finish();
    }

    fn sum(&mut self) {
        self.sums.extend(self.buffer.get(..self.length).unwrap_or_default());
    }
}

/// The byte with its eighth bit set so that the number of ones is even.
const fn even(byte: u8) -> u8 {
    let seven = byte & 0x7F;
    if seven.count_ones() % 2 == 1 { seven | 0x80 } else { seven }
}
