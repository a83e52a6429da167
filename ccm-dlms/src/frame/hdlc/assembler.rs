//! APDUs that a meter pushes, in one frame or in several.

use super::incoming::Incoming;
use super::{Address, Control, Frame, Unnumbered};
use crate::frame::FrameError;

/// Puts pushed APDUs together, over the caller's buffer.
///
/// Pushes come as UI frames; a long one in segments, whose format fields have the segmentation bit set in all but the
/// last, and whose first alone has an LLC header. Some meters push in I frames without a link. Nobody can ask for a
/// segment again, and UI frames have no numbers: tell [`lost`](Self::lost) of each bad frame, else a segment might be
/// missing unnoticed.
#[derive(Debug)]
pub struct Assembler<'b> {
    apdu: &'b mut [u8],
    incoming: Incoming,
    stations: Option<(Address, Address)>,
    /// A segment was bad: those of the same APDU that follow are worth nothing.
    skips: bool,
}

/// A pushed APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Push<'a> {
    /// Whom it is for: a client, or all.
    pub destination: Address,
    /// Who sends it.
    pub source: Address,
    /// The APDU without its LLC header.
    pub apdu: &'a [u8],
}

impl<'b> Assembler<'b> {
    /// An assembler of APDUs that fit `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { apdu: buffer, incoming: Incoming::new(1), stations: None, skips: false }
    }

    /// Takes a frame and gives the APDU that it ends; nothing for frames that push nothing.
    ///
    /// # Errors
    /// [`FrameError::Incomplete`] where a first segment shows that the APDU before has no end: that is gone, but this
    /// segment is taken. [`FrameError::TooLong`] where the APDU is longer than the buffer.
    pub fn take(&mut self, frame: &Frame<'_>) -> Result<Option<Push<'_>>, FrameError> {
        let Some(length) = self.take_length(frame)? else { return Ok(None) };
        let apdu = self.apdu.get(..length).unwrap_or_default();
        Ok(Some(Push { destination: frame.destination, source: frame.source, apdu }))
    }

    /// The same; the APDU is the first so many bytes of [`apdu_mut`](Self::apdu_mut).
    pub(crate) fn take_length(&mut self, frame: &Frame<'_>) -> Result<Option<usize>, FrameError> {
        if !pushes(frame.control) || frame.information.is_empty() {
            return Ok(None);
        }
        if self.skips && !starts_with_llc(frame.information) {
            self.skips = frame.segmented;
            return Ok(None);
        }
        self.skips = false;
        let stations = Some((frame.destination, frame.source));
        let begins_anew = starts_with_llc(frame.information) || stations != self.stations;
        let torn = self.incoming.is_within() && begins_anew;
        if begins_anew {
            self.incoming.clear();
        }
        self.stations = stations;
        self.incoming.append(frame.information, frame.segmented, self.apdu);
        match self.incoming.length {
            _ if torn && frame.segmented => Err(FrameError::Incomplete),
            _ if frame.segmented => Ok(None),
            length if length > self.apdu.len() => Err(FrameError::TooLong { length, room: self.apdu.len() }),
            length => Ok(Some(length)),
        }
    }

    /// The buffer.
    pub(crate) const fn apdu_mut(&mut self) -> &mut [u8] {
        self.apdu
    }

    /// Whether an APDU has begun and not ended.
    pub(crate) const fn is_within(&self) -> bool {
        self.incoming.is_within()
    }

    /// A frame was bad: if it was a segment, what came before it and what follows up to the APDU's end is worth nothing.
    /// Says whether something had come before it.
    pub fn lost(&mut self) -> bool {
        let torn = self.incoming.is_within();
        self.incoming.clear();
        self.stations = None;
        self.skips = true;
        torn
    }
}

const fn pushes(control: Control) -> bool {
    matches!(control, Control::Unnumbered { kind: Unnumbered::Information, .. } | Control::Information { .. })
}

/// A segment in the middle of an APDU can begin like that too, by chance of one in four million.
fn starts_with_llc(information: &[u8]) -> bool {
    matches!(information, [0xE6, 0xE6 | 0xE7, 0, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(control: u8, segmented: bool, information: &[u8]) -> Frame<'_> {
        Frame {
            destination: Address::new(0x67, 0x7F, super::super::Width::Two).unwrap(),
            source: Address::client(1),
            control: Control::from_byte(control),
            segmented,
            information,
        }
    }

    #[test]
    fn segments_make_one_apdu() {
        let mut buffer = [0; 16];
        let mut assembler = Assembler::new(&mut buffer);
        assert_eq!(assembler.take(&frame(0x03, true, &[0xE6, 0xE7, 0, 1, 2])), Ok(None));
        assert_eq!(assembler.take(&frame(0x03, true, &[3, 4])), Ok(None));
        let push = assembler.take(&frame(0x13, false, &[5])).unwrap().unwrap();
        assert_eq!(push.apdu, [1, 2, 3, 4, 5]);
        let alone = assembler.take(&frame(0x10, false, &[6])).unwrap().unwrap();
        assert_eq!(alone.apdu, [6]);
    }

    #[test]
    fn an_apdu_without_its_end_is_thrown_away_and_the_next_is_whole() {
        let mut buffer = [0; 16];
        let mut assembler = Assembler::new(&mut buffer);
        let first = frame(0x03, true, &[0xE6, 0xE7, 0, 1]);
        assert_eq!(assembler.take(&first), Ok(None));
        assert_eq!(assembler.take(&first), Err(FrameError::Incomplete));
        assert_eq!(assembler.take(&frame(0x13, false, &[2])).unwrap().unwrap().apdu, [1, 2]);
        assert_eq!(assembler.take(&first), Ok(None));
        assert!(assembler.lost() && !assembler.lost());
        assert_eq!(assembler.take(&frame(0x13, false, &[2])), Ok(None));
        assert_eq!(assembler.take(&frame(0x13, false, &[3])).unwrap().unwrap().apdu, [3]);
    }

    #[test]
    fn an_apdu_longer_than_the_buffer_is_a_named_error() {
        let mut buffer = [0; 4];
        let mut assembler = Assembler::new(&mut buffer);
        assert_eq!(assembler.take(&frame(0x03, true, &[1, 2, 3])), Ok(None));
        let error = assembler.take(&frame(0x13, false, &[4, 5]));
        assert_eq!(error, Err(FrameError::TooLong { length: 5, room: 4 }));
    }

    #[test]
    fn what_is_no_push_gives_nothing() {
        let mut buffer = [0; 4];
        assert_eq!(Assembler::new(&mut buffer).take(&frame(0x73, false, &[1])), Ok(None));
    }
}
