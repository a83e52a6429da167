//! Encrypted telegrams: Luxembourg, some of Austria (general-glo-ciphering of DLMS around one whole telegram).

use ccm_core::Reader;
use ccm_core::crypto::{Crypto, NONCE, TAG};

use crate::FrameError;

/// Collects one encrypted telegram in the caller's buffer and opens it.
///
/// Layout: `DB 08 title[8] 82 length[2] 30 counter[4] text tag[12]`; the nonce is title and counter, and what is
/// authenticated beside the text is `30` and a key. Where it ends its length says, not `/` and `!`. Nothing of it is
/// given before all of it is known to be the meter's.
#[derive(Debug)]
pub struct Envelope<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

/// The two keys of a meter.
#[derive(Clone, Debug)]
pub struct Keys<K> {
    /// The secret one, from the grid operator.
    pub encryption: K,
    /// The one that is only authenticated.
    pub authentication: [u8; 16],
}

/// The authentication key that Luxembourg has published for all its meters.
pub const PUBLISHED_KEY: [u8; 16] = 0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF_u128.to_be_bytes();

impl<'b> Envelope<'b> {
    /// An empty one; 4 KiB hold the telegrams seen.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Forgets what has come: the line was silent, or the telegram has been read.
    pub const fn clear(&mut self) {
        self.length = 0;
    }

    /// Takes bytes and says how many; what comes before a telegram is thrown away, and none is taken after its end.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for byte in bytes {
            if self.is_whole() {
                break;
            }
            taken += 1;
            self.keep(*byte);
        }
        taken
    }

    /// The telegram has come to its end.
    pub fn is_whole(&self) -> bool {
        self.total().is_some_and(|total| self.length >= total)
    }

    /// Opens the telegram: its text, to be given to a [`Decoder`](crate::Decoder), and the meter's counter. The text
    /// takes the ciphertext's place, so a telegram opens once.
    ///
    /// # Errors
    /// [`FrameError::Envelope`] before it is whole, [`FrameError::Key`] where the tag does not fit.
    pub fn open<C: Crypto>(&mut self, crypto: &C, keys: &Keys<C::Key>) -> Result<(&[u8], u32), FrameError> {
        let total = self.total().filter(|total| self.length >= *total).ok_or(FrameError::Envelope)?;
        self.length = 0;
        let telegram = self.buffer.get_mut(..total).ok_or(FrameError::Envelope)?;
        let (head, body) = telegram.split_at_mut_checked(HEAD).ok_or(FrameError::Envelope)?;
        let end = body.len().checked_sub(TAG).ok_or(FrameError::Envelope)?;
        let (text, tag) = body.split_at_mut_checked(end).ok_or(FrameError::Envelope)?;
        let tag: &[u8; TAG] = tag.first_chunk().ok_or(FrameError::Envelope)?;
        let (control, nonce, counter) = parts(head).ok_or(FrameError::Envelope)?;
        let mut aad = [control; 17];
        aad.iter_mut().skip(1).zip(keys.authentication).for_each(|(slot, byte)| *slot = byte);
        crypto.open(&keys.encryption, &nonce, &[&aad], text, tag).map_err(|_| FrameError::Key)?;
        Ok((text, counter))
    }

    fn keep(&mut self, byte: u8) {
        let is_begin = START.get(self.length).is_none_or(|expected| *expected == byte);
        if !is_begin {
            self.length = 0;
        }
        let fits = is_begin || START.first() == Some(&byte);
        match self.buffer.get_mut(self.length) {
            Some(slot) if fits => {
                *slot = byte;
                self.length += 1;
            }
            Some(_) => {}
            None => self.length = 0,
        }
        self.refuse_what_is_too_long();
    }

    fn refuse_what_is_too_long(&mut self) {
        if self.total().is_some_and(|total| total > self.buffer.len() || total < HEAD + TAG) {
            self.length = 0;
        }
    }

    /// How long the telegram will be, once its length has come.
    fn total(&self) -> Option<usize> {
        let mut reader = Reader::new(self.buffer.get(..self.length)?);
        reader.take(START.len() + TITLE, "system title").ok()?;
        match reader.u8("length").ok()? {
            LONG => Some(START.len() + TITLE + 3 + usize::from(reader.u16("length").ok()?)),
            // Shorter forms carry no telegram.
            _ => Some(0),
        }
    }
}

/// Security control byte, nonce and counter.
fn parts(head: &[u8]) -> Option<(u8, [u8; NONCE], u32)> {
    let mut reader = Reader::new(head);
    reader.take(START.len(), "tag").ok()?;
    let title = reader.take(TITLE, "system title").ok()?;
    reader.take(3, "length").ok()?;
    let control = reader.u8("security control").ok()?;
    let counter = reader.take(4, "invocation counter").ok()?;
    let mut nonce = [0; NONCE];
    nonce.iter_mut().zip(title.iter().chain(counter)).for_each(|(slot, byte)| *slot = *byte);
    Some((control, nonce, u32::from_be_bytes(*counter.first_chunk()?)))
}

/// General-glo-ciphering, and a system title of eight bytes.
const START: [u8; 2] = [0xDB, 0x08];
const TITLE: usize = 8;
/// Two bytes of length follow.
const LONG: u8 = 0x82;
/// All before the text.
const HEAD: usize = START.len() + TITLE + 3 + 1 + 4;
