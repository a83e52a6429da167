//! Finds frames in a stream of bytes.

use super::frame::{self, FLAG, Frame};
use crate::frame::{FrameError, discard_front};

/// Finds frames in what comes from a line, over the caller's buffer.
///
/// A frame ends where its length field says, for one in 256 has an end flag's value in its check sequence. After a wrong
/// checksum the search goes on behind the flag that the bad frame began with, so nothing behind it is lost. Flags may be
/// shared or doubled, and garbage may stand between them.
///
/// ```
/// use ccm_dlms::hdlc::Decoder;
///
/// let mut buffer = [0; 160];
/// let mut decoder = Decoder::new(&mut buffer);
/// let line = [0xFF, 0x7E, 0x7E, 0xA0, 0x07, 0x21, 0x03, 0x73, 0x01, 0x40, 0x7E];
/// assert_eq!(decoder.push(&line), line.len());
/// let frame = decoder.next_frame().unwrap()?;
/// assert_eq!(frame.control.byte(), 0x73);
/// assert!(decoder.next_frame().is_none());
/// # Ok::<(), ccm_dlms::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Decoder<'b> {
    window: Window,
    buffer: &'b mut [u8],
}

impl<'b> Decoder<'b> {
    /// A decoder for frames that fit `buffer` with their opening flag.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { window: Window::new(), buffer }
    }

    /// Takes bytes and says how many: all, or as many as there is room for. At least one once
    /// [`next_frame`](Self::next_frame) has given nothing, if the buffer has eight bytes.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.window.push(bytes, self.buffer)
    }

    /// The next frame of the bytes taken, or what was wrong with one; nothing until more bytes come.
    pub fn next_frame(&mut self) -> Option<Result<Frame<'_>, FrameError>> {
        self.window.next_frame(self.buffer, false)
    }

    /// The same, when no more bytes will come: what looked like the beginning of a frame is none.
    pub fn last_frame(&mut self) -> Option<Result<Frame<'_>, FrameError>> {
        self.window.next_frame(self.buffer, true)
    }
}

/// A decoder without its buffer, which is lent to each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// How much of the buffer's front is the frame given last.
    given: usize,
    end: usize,
    /// Something else than flags was skipped since the frame before: noise, or what was a frame.
    noise: bool,
}

impl Window {
    pub(crate) const fn new() -> Self {
        Self { given: 0, end: 0, noise: false }
    }

    /// Whether noise came before the frame, or the bad one, that was given last.
    pub(crate) const fn take_noise(&mut self) -> bool {
        core::mem::replace(&mut self.noise, false)
    }

    /// Whether bytes wait that may begin a frame; a flag alone does not count.
    pub(crate) const fn is_reading(&self) -> bool {
        self.end > self.given + 1
    }

    pub(crate) fn push(&mut self, bytes: &[u8], buffer: &mut [u8]) -> usize {
        self.forget(0, buffer);
        let free = buffer.get_mut(self.end..).unwrap_or_default();
        let mut taken = 0;
        for (slot, byte) in free.iter_mut().zip(bytes) {
            *slot = *byte;
            taken += 1;
        }
        self.end += taken;
        taken
    }

    pub(crate) fn next_frame<'a>(
        &mut self,
        buffer: &'a mut [u8],
        last: bool,
    ) -> Option<Result<Frame<'a>, FrameError>> {
        let mut start = self.given;
        let found = loop {
            let window = buffer.get(start..self.end).unwrap_or_default();
            match scan(window, buffer.len(), last) {
                Scan::Skip(count) => {
                    self.noise |= window.first() != Some(&FLAG);
                    start += count;
                }
                found => break found,
            }
        };
        self.given = 0;
        self.forget(start, buffer);
        match found {
            Scan::Whole(length) => {
                let frame = Frame::parse(buffer.get(1..=length).unwrap_or_default());
                self.given = if frame.is_ok() { 1 + length } else { 1 };
                Some(frame)
            }
            Scan::Bad(error) => {
                self.given = 1;
                Some(Err(error))
            }
            Scan::Skip(_) | Scan::More => None,
        }
    }

    fn forget(&mut self, count: usize, buffer: &mut [u8]) {
        let count = count + self.given;
        discard_front(buffer.get_mut(..self.end).unwrap_or_default(), count);
        self.given = 0;
        self.end = self.end.saturating_sub(count);
    }
}

/// What stands at the front of the bytes.
enum Scan {
    /// So many bytes are noise, or a flag before another.
    Skip(usize),
    /// Behind the flag all bytes of a frame, so many, if it is one.
    Whole(usize),
    /// Behind the flag what should have been a frame.
    Bad(FrameError),
    /// More bytes are needed to tell.
    More,
}

fn scan(window: &[u8], capacity: usize, last: bool) -> Scan {
    let Some((FLAG, rest)) = window.split_first().map(|(flag, rest)| (*flag, rest)) else {
        return hunt(window);
    };
    match rest {
        [FLAG, ..] => return Scan::Skip(1),
        [first, ..] if first & 0xF0 != 0xA0 => return Scan::Skip(1), // No frame of type 3 begins here.
        [_, _, ..] => {}
        _ if last && !window.is_empty() => return Scan::Skip(1),
        _ => return Scan::More,
    }
    let Ok(length) = frame::length(rest) else { return Scan::Skip(1) };
    if length >= capacity {
        return Scan::Bad(FrameError::TooLong { length, room: capacity.saturating_sub(1) });
    }
    if rest.len() >= length {
        return Scan::Whole(length);
    }
    match frame::may_start(rest, length) {
        Ok(()) if last => Scan::Bad(FrameError::Length { announced: length, found: rest.len() }),
        Ok(()) => Scan::More,
        Err(error) => Scan::Bad(error),
    }
}

fn hunt(window: &[u8]) -> Scan {
    match window.iter().take_while(|byte| **byte != FLAG).count() {
        0 => Scan::More,
        noise => Scan::Skip(noise),
    }
}
