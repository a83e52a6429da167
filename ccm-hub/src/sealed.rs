//! Meters that encrypt their telegrams.

use ccm_core::crypto::Crypto;
use ccm_core::{Duration, Instant, Machine, Step};
use ccm_iec62056::p1::{Envelope, Keys};
use ccm_iec62056::{
    Check, Decoder, Event as Piece, Fault, FrameError, Identification, Polynomial, Profile, Sink,
};

use crate::Telegram;

/// What opens a meter's telegrams: keys, cipher, and room for one telegram.
#[derive(Debug)]
pub struct Opener<'b, C: Crypto> {
    keys: Keys<C::Key>,
    cipher: C,
    envelope: Envelope<'b>,
}

impl<'b, C: Crypto> Opener<'b, C> {
    /// With these keys: [`keys_of`](crate::keys_of) the port. 4 KiB hold the telegrams seen.
    pub const fn new(keys: Keys<C::Key>, cipher: C, room: &'b mut [u8]) -> Self {
        Self { keys, cipher, envelope: Envelope::new(room) }
    }

    /// A machine that is done when a telegram is there or `until` has come.
    pub(crate) const fn hear(&mut self, until: Instant) -> Ear<'_, 'b> {
        Ear { envelope: &mut self.envelope, until, silent: None, heard: false }
    }

    /// Opens the telegram that has come and keeps what the map wants; gives its check and the number of its faults.
    pub(crate) fn read(&mut self, telegram: &mut Telegram) -> Result<(Check, u32), FrameError> {
        let (mut text, _) = self.envelope.open(&self.cipher, &self.keys)?;
        let (mut decoder, mut faults) = (Decoder::new(PROFILE), 0);
        loop {
            let piece = if text.is_empty() { decoder.finish() } else { decoder.decode(&mut text) };
            match piece {
                None if text.is_empty() => return Err(FrameError::Truncated),
                None => {}
                Some(Piece::Fault(Fault::Truncated)) => return Err(FrameError::Truncated),
                Some(Piece::Fault(_)) => faults += 1,
                Some(Piece::End(check)) if check.is_wrong() => return Err(FrameError::Checksum(check)),
                Some(Piece::End(check)) => return Ok((check, faults)),
                Some(piece) => keep(telegram, &piece),
            }
        }
    }
}

fn keep(telegram: &mut Telegram, piece: &Piece<'_>) {
    match piece {
        Piece::Value(value) => {
            let _ = telegram.value(value);
        }
        Piece::Identification(line) => {
            if let Some(identification) = Identification::parse(line) {
                telegram.identification(&identification);
            }
        }
        _ => {}
    }
}

/// Collects one telegram.
#[derive(Debug)]
pub(crate) struct Ear<'e, 'b> {
    envelope: &'e mut Envelope<'b>,
    until: Instant,
    /// When a pause is too long to be one within a telegram.
    silent: Option<Instant>,
    heard: bool,
}

impl Ear<'_, '_> {
    pub(crate) fn is_whole(&self) -> bool {
        self.envelope.is_whole()
    }

    /// Anything came at all.
    pub(crate) const fn has_heard(&self) -> bool {
        self.heard
    }
}

impl Machine for Ear<'_, '_> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.heard |= !bytes.is_empty();
        self.silent = Some(now + SILENCE);
        self.envelope.push(bytes)
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        if self.is_whole() || now >= self.until {
            return Step::Done;
        }
        if self.silent.is_some_and(|silent| now >= silent) {
            self.envelope.clear();
            self.silent = None;
        }
        Step::Wait(Some(self.silent.map_or(self.until, |silent| silent.min(self.until))))
    }
}

/// The text has eight bits, and the CRC of its country.
const PROFILE: Profile = Profile { polynomial: Polynomial::Any, ..Profile::P1 };

/// A meter does not pause longer within a telegram.
const SILENCE: Duration = Duration::from_millis(1500);
