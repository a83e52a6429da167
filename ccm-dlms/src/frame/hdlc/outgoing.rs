//! An APDU on its way out in numbered segments, until the other side has all of it.

/// What has been sent and what of it has come. The APDU lies in the caller's buffer; here are only its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// The APDU and its LLC header; 0 when there is nothing to send.
    length: usize,
    /// How much of it the other side has.
    acknowledged: usize,
    /// V(A): the oldest frame that is not acknowledged.
    oldest: u8,
    /// V(S): the frame that is sent next.
    next: u8,
    /// The first frame that was never sent: what was sent before a rewind may still come, and be acknowledged.
    unsent: u8,
    /// The longest information field, and how many frames may be on their way.
    pub(crate) max_information: usize,
    pub(crate) window: u8,
}

/// One frame's part of the APDU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// N(S).
    pub(crate) number: u8,
    /// Where in LLC header and APDU it begins and ends.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The APDU goes on behind it.
    pub(crate) segmented: bool,
    /// No frame follows before the other side has spoken.
    pub(crate) last: bool,
}

impl Outgoing {
    /// Nothing to send on a link that has just been made.
    pub(crate) const fn new(max_information: u16, window: u8) -> Self {
        Self {
            length: 0,
            acknowledged: 0,
            oldest: 0,
            next: 0,
            unsent: 0,
            max_information: max_information as usize,
            window,
        }
    }

    /// Takes up an APDU with its header, `length` bytes; nobody wants what was on its way any more.
    pub(crate) const fn load(&mut self, length: usize) {
        self.length = length;
        self.acknowledged = 0;
        self.rewind();
        self.unsent = self.oldest;
    }

    /// Frames that are on their way.
    const fn outstanding(&self) -> u8 {
        self.next.wrapping_sub(self.oldest) & 7
    }

    /// The other side has all before frame `receive`: says whether that is news, or nothing where it cannot be.
    pub(crate) fn acknowledge(&mut self, receive: u8) -> Option<bool> {
        let come = receive.wrapping_sub(self.oldest) & 7;
        if come > self.unsent.wrapping_sub(self.oldest) & 7 {
            return None;
        }
        if come > self.outstanding() {
            self.next = receive;
        }
        self.oldest = receive;
        self.acknowledged = self.length.min(self.acknowledged + usize::from(come) * self.max_information);
        Some(come > 0)
    }

    /// What is not acknowledged is sent again.
    pub(crate) const fn rewind(&mut self) {
        self.next = self.oldest;
    }

    /// Whether the other side has everything.
    pub(crate) const fn is_done(&self) -> bool {
        self.acknowledged == self.length
    }

    /// Whether more than one frame is on its way.
    pub(crate) const fn is_several(&self) -> bool {
        self.outstanding() > 1
    }

    /// Whether a frame may be sent now.
    pub(crate) fn has_next(&self) -> bool {
        self.start() < self.length && self.outstanding() < self.window
    }

    /// The next frame, which counts as sent.
    pub(crate) fn take(&mut self) -> Option<Segment> {
        if !self.has_next() {
            return None;
        }
        let (number, start) = (self.next, self.start());
        let end = self.length.min(start + self.max_information);
        if self.next == self.unsent {
            self.unsent = (self.next + 1) & 7;
        }
        self.next = (self.next + 1) & 7;
        Some(Segment { number, start, end, segmented: end < self.length, last: !self.has_next() })
    }

    fn start(&self) -> usize {
        self.acknowledged + usize::from(self.outstanding()) * self.max_information
    }
}

impl Segment {
    /// The segment's bytes: those of the `header`, then those of the APDU behind it.
    pub(crate) fn parts<'a>(&self, header: &'a [u8], apdu: &'a [u8]) -> [&'a [u8]; 2] {
        let of_header = self.start.min(header.len())..self.end.min(header.len());
        let of_apdu = self.start.saturating_sub(header.len())..self.end.saturating_sub(header.len());
        [header.get(of_header).unwrap_or_default(), apdu.get(of_apdu).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_goes_out_and_what_was_lost_of_it_goes_again() {
        let mut outgoing = Outgoing::new(10, 3);
        outgoing.load(35);
        let numbers = |outgoing: &mut Outgoing| {
            core::iter::from_fn(|| outgoing.take()).map(|s| (s.number, s.start, s.last)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&mut outgoing), [(0, 0, false), (1, 10, false), (2, 20, true)]);
        assert_eq!(outgoing.acknowledge(4), None);
        assert_eq!(outgoing.acknowledge(1), Some(true));
        outgoing.rewind();
        assert_eq!(numbers(&mut outgoing), [(1, 10, false), (2, 20, false), (3, 30, true)]);
        assert!(!outgoing.is_done());
        assert_eq!(outgoing.acknowledge(4), Some(true));
        assert!(outgoing.is_done() && !outgoing.has_next());
    }

    #[test]
    fn what_was_sent_before_a_rewind_may_still_have_come() {
        let mut outgoing = Outgoing::new(10, 2);
        outgoing.load(20);
        assert!(outgoing.take().is_some() && outgoing.take().is_some());
        outgoing.rewind();
        assert_eq!(outgoing.acknowledge(1), Some(true));
        assert_eq!(outgoing.acknowledge(3), None);
        assert_eq!(outgoing.take().unwrap().number, 1);
        outgoing.rewind();
        assert_eq!(outgoing.acknowledge(2), Some(true));
        assert!(outgoing.is_done());
    }

    #[test]
    fn a_segment_takes_from_the_header_first() {
        let segment = |start, end| Segment { number: 0, start, end, segmented: false, last: true };
        assert_eq!(segment(0, 5).parts(b"LLC", b"apdu"), [&b"LLC"[..], b"ap"]);
        assert_eq!(segment(5, 7).parts(b"LLC", b"apdu"), [&b""[..], b"du"]);
        assert_eq!(segment(0, 2).parts(b"LLC", b"apdu"), [&b"LL"[..], b""]);
    }
}
