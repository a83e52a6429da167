//! An APDU that comes in segments.

/// What has come of an APDU. The APDU lies in the caller's buffer; here are only its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    /// V(R): the frame that is expected next.
    pub(crate) expected: u8,
    /// How many frames the other side may have on their way.
    window: u8,
    /// Bytes of the APDU, those that did not fit included.
    pub(crate) length: usize,
    within: bool,
}

/// What a frame's number says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The expected one.
    Next,
    /// One that has come before.
    Repeat,
    /// One before it is missing.
    Gap,
}

impl Incoming {
    /// Nothing has come on a link that has just been made.
    pub(crate) const fn new(window: u8) -> Self {
        Self { expected: 0, window, length: 0, within: false }
    }

    /// The next frame begins an APDU.
    pub(crate) const fn clear(&mut self) {
        (self.length, self.within) = (0, false);
    }

    /// What frame `number` is.
    pub(crate) fn turn(&self, number: u8) -> Turn {
        match self.expected.wrapping_sub(number) & 7 {
            0 => Turn::Next,
            behind if behind <= self.window => Turn::Repeat,
            _ => Turn::Gap,
        }
    }

    /// Takes the expected frame's information behind what has come; with `segmented` the APDU goes on.
    pub(crate) fn take(&mut self, information: &[u8], segmented: bool, apdu: &mut [u8]) {
        self.expected = (self.expected + 1) & 7;
        self.append(information, segmented, apdu);
    }

    /// The same for a frame without a number.
    pub(crate) fn append(&mut self, information: &[u8], segmented: bool, apdu: &mut [u8]) {
        if !self.within {
            self.length = 0;
        }
        let information = if self.within { information } else { strip(information) };
        let free = apdu.get_mut(self.length..).unwrap_or_default();
        for (slot, byte) in free.iter_mut().zip(information) {
            *slot = *byte;
        }
        self.length += information.len();
        self.within = segmented;
    }

    /// Whether an APDU has begun and not ended.
    pub(crate) const fn is_within(&self) -> bool {
        self.within
    }
}

/// An information field without its LLC header; some meters send none.
pub(crate) fn strip(information: &[u8]) -> &[u8] {
    match information {
        [0xE6, 0xE6 | 0xE7, _, apdu @ ..] => apdu,
        apdu => apdu,
    }
}

/// The LLC header of what a client sends (Green Book 8.3.2).
pub(crate) const COMMAND: [u8; 3] = [0xE6, 0xE6, 0x00];

/// The LLC header of what a server sends.
pub(crate) const RESPONSE: [u8; 3] = [0xE6, 0xE7, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_llc_header_goes_where_there_is_one() {
        assert_eq!(strip(&[0xE6, 0xE7, 0, 0xC4]), [0xC4]);
        assert_eq!(strip(&[0xE6, 0xE6, 0, 0xC4]), [0xC4]);
        assert_eq!(strip(&[0xC4, 1]), [0xC4, 1]);
    }

    #[test]
    fn segments_follow_each_other_and_what_does_not_fit_is_counted() {
        let mut apdu = [0; 4];
        let mut incoming = Incoming::new(1);
        incoming.take(&[0xE6, 0xE7, 0, 1, 2], true, &mut apdu);
        assert_eq!(
            (incoming.turn(1), incoming.turn(0), incoming.turn(2)),
            (Turn::Next, Turn::Repeat, Turn::Gap)
        );
        incoming.take(&[0xE6, 0xE7, 0], false, &mut apdu);
        assert_eq!((apdu, incoming.length), ([1, 2, 0xE6, 0xE7], 5));
        incoming.take(&[9], false, &mut apdu);
        assert_eq!((apdu[0], incoming.length), (9, 1));
    }
}
