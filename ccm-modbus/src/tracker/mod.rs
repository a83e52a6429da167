//! The bus tracker: listens on an RTU line and says of each frame whether it is a request or a reply.
//!
//! # How it is used
//!
//! [`Tracker`] has no port and no clock, and never sends. It is given the bytes of all who speak on the line and the time
//! at which they came, and gives [`Event`]s: sound frames, requests that nobody answered, and noise.
//!
//! ```
//! use ccm_core::{Duration, Instant, Line};
//! use ccm_modbus::tracker::{Event, Role, Tracker};
//!
//! let mut buffer = [0; 512];
//! let mut tracker = Tracker::new(Line::new(9600), &mut buffer);
//! let mut roles = Vec::new();
//! let mut note = |event: Event<'_>| {
//!     if let Event::Frame(sighting) = event {
//!         roles.push((sighting.frame.unit, sighting.role));
//!     }
//! };
//! // A master writes a register of unit 17; the unit confirms with the very same bytes.
//! tracker.hear(Instant::from_millis(9), b"\x11\x06\x00\x01\x00\x03\x9A\x9B", &mut note);
//! tracker.hear(Instant::from_millis(30), b"\x11\x06\x00\x01\x00\x03\x9A\x9B", &mut note);
//!
//! let after = Some(Duration::from_micros(21_000 - 8 * 1042));
//! assert_eq!(roles, [(17, Role::Request), (17, Role::Reply { after })]);
//! ```
//!
//! Whoever wants to know of noise and silence in time polls again at [`deadline`](Tracker::deadline). What was seen can be
//! counted by a [`Monitor`](crate::monitor::Monitor); `ccmaster modbus sniff` is both on Linux.
//!
//! # How a frame is found
//!
//! A frame ends where its function says, as a request or as a reply, and where the checksum agrees. So two frames that an
//! adapter delivers in one lump are two, and one that it delivers in two lumps is one. Silence of 3.5 characters
//! (MB-SERIAL 2.5.1.1) ends what has no length of its own: functions that this crate does not know, longer diagnostics,
//! CANopen. After noise, a torn frame or a collision the search goes on at the next byte: the frame behind is not lost,
//! at the latest when the line falls silent behind it. What has become no frame for longer than an adapter can hold
//! bytes back ([`with_lag`](Tracker::with_lag)) is noise.
//!
//! # Whose turn it is
//!
//! | frame | what it is |
//! |---|---|
//! | answers the last request: its unit, function, length, and what of a write is repeated | [`Role::Reply`] |
//! | the same, but a request could look like that, too, and it comes late ([`with_patience`](Tracker::with_patience)) | [`Role::Request`]: the master repeats itself |
//! | can only be a reply, but answers nothing | [`Role::Stray`] |
//! | any other | [`Role::Request`] |
//!
//! A request stays open until it is answered or another one begins, and then is [`Event::Unanswered`]. Nobody answers a
//! broadcast (MB-SERIAL 2.1), nor a unit that is told to listen only (MB-APP 6.8).
//!
//! # What it cannot see
//!
//! A unit that confirms a single write with another value looks like a master that writes that value. A frame whose bytes
//! came in one lump with others has the lump's time.

mod asked;
mod buffer;
mod event;
mod shape;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use event::{Event, Role, Sighting};

use ccm_core::{Duration, Instant, Line};

use crate::Frame;
use crate::frame::rtu;
use asked::{Asked, Heard};
use buffer::Buffer;
use shape::Shape;

/// Follows the traffic on one RTU line.
#[derive(Debug)]
pub struct Tracker<'b> {
    line: Line,
    silence: Duration,
    patience: Duration,
    lag: Duration,
    buffer: Buffer<'b>,
    /// How many bytes at the front are known to begin no frame of a known length.
    scanned: usize,
    /// When the first and the last byte came that are not understood.
    first: Instant,
    last: Instant,
    /// The silence behind the last byte has been looked at.
    is_settled: bool,
    asked: Option<Asked>,
}

/// What comes next at the front of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Frame(usize),
    Noise(usize),
}

impl<'b> Tracker<'b> {
    /// A tracker that keeps in `buffer` what it does not understand yet: 256 bytes hold any frame, and twice as many hold
    /// one behind noise of the same length. Waits 200 ms for the rest of a frame and 400 ms for the confirmation of a
    /// write.
    pub const fn new(line: Line, buffer: &'b mut [u8]) -> Self {
        Self {
            line,
            silence: line.frame_silence(),
            patience: Duration::from_millis(400),
            lag: Duration::from_millis(200),
            buffer: Buffer::new(buffer),
            scanned: 0,
            first: Instant::ZERO,
            last: Instant::ZERO,
            is_settled: true,
            asked: None,
        }
    }

    /// How long the line is silent between two frames, where that is not 3.5 characters.
    pub const fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// How long an adapter may hold back the rest of a frame.
    pub const fn with_lag(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    /// After which time a write that is seen again is the master's repetition and not the unit's confirmation. Few masters
    /// repeat themselves within 400 ms, and few units take as long.
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Takes bytes that came until `now`, and says how many: fewer than there are while [`poll`](Self::poll) has something
    /// to tell. So poll until there is nothing, then give the rest.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        if bytes.is_empty() || !self.buffer.is_empty() && self.is_due(now) {
            return 0;
        }
        if self.buffer.is_empty() {
            self.first = now;
        }
        self.last = now;
        self.is_settled = false;
        self.buffer.push(bytes)
    }

    /// Says what has been seen by `now`, one event at a time.
    pub fn poll(&mut self, now: Instant) -> Option<Event<'_>> {
        let next = self.next(now)?;
        self.tell(next)
    }

    /// Takes all bytes and hands each event on: [`receive`](Self::receive) and [`poll`](Self::poll) in one.
    pub fn hear(&mut self, now: Instant, mut bytes: &[u8], mut each: impl FnMut(Event<'_>)) {
        loop {
            let mut is_news = false;
            while let Some(event) = self.poll(now) {
                is_news = true;
                each(event);
            }
            let taken = self.receive(now, bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if taken == 0 && !is_news {
                return;
            }
        }
    }

    /// Nothing more will come: says what is left, one event at a time. A request that may still be answered is none of
    /// it.
    pub fn finish(&mut self, now: Instant) -> Option<Event<'_>> {
        if !self.buffer.is_empty() {
            let next = self.front().or_else(|| self.behind_noise(true));
            return self.tell(next.unwrap_or(Next::Noise(self.buffer.len())));
        }
        let asked = self.asked.take().filter(|asked| now.since(asked.at) > self.patience && !asked.is_told);
        asked.map(|asked| Self::unanswered(&asked))
    }

    /// When [`poll`](Self::poll) may have something new to tell, though no byte comes.
    pub fn deadline(&self) -> Option<Instant> {
        let rest = if self.is_settled { self.lag } else { self.silence };
        (!self.buffer.is_empty()).then(|| self.last + rest)
    }

    /// Whether the time has come to look at the buffer again before more bytes are added.
    fn is_due(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    fn next(&mut self, now: Instant) -> Option<Next> {
        let found = self.front();
        if found.is_some() || self.buffer.is_empty() || now < self.last + self.silence {
            return found;
        }
        self.is_settled = true;
        let over = self.last + self.lag <= now;
        let found = self.behind_noise(over);
        if over { found.or(Some(Next::Noise(self.buffer.len()))) } else { found }
    }

    /// Looks for a frame whose length is known as soon as that is there. Noise stays, as it may still turn out to be
    /// part of a frame that silence ends, unless its room is needed.
    fn front(&mut self) -> Option<Next> {
        loop {
            let is_head = self.scanned == 0;
            let waits = match Shape::of(self.buffer.from(self.scanned), self.asked.as_ref(), false) {
                Shape::Frame(length) if is_head => return Some(Next::Frame(length)),
                Shape::Frame(_) => return Some(Next::Noise(self.scanned)),
                Shape::More => true,
                Shape::Silence => is_head,
                Shape::Never => false,
            };
            if waits && !self.buffer.is_full() || self.buffer.is_empty() {
                return None;
            }
            if waits && !is_head {
                return Some(Next::Noise(self.scanned));
            }
            self.scanned += 1;
        }
    }

    /// The line is silent, so the frame that ends here is the surest. What is before it is looked through on its own, as
    /// is everything where there is none. An adapter's pause is no silence: in a frame that may go on no function without
    /// a length is looked for before it is `over`, as any few bytes can look like one.
    fn behind_noise(&self, over: bool) -> Option<Next> {
        let rest = self.buffer.rest();
        let is_noise = over || self.scanned > 0;
        let is_last = |start: &usize| shape::is_frame(self.buffer.from(*start), is_noise || *start == 0);
        let last = (0..rest.len()).find(is_last);
        let before = rest.get(..last.unwrap_or(rest.len())).unwrap_or_default();
        let inside = |start: usize| Some((start, self.sound(before, start, over || last.is_some())?));
        let found = (0..before.len()).find_map(inside);
        let end = found.map(|(start, _)| start).or(last);
        let hidden = end.and_then(|end| ending(rest.get(..end)?));
        let found = if hidden.is_some() { None } else { found }.or_else(|| {
            let start = hidden.or(last)?;
            Some((start, shape::shortest(self.buffer.from(start))?))
        });
        found.map(|(start, length)| if start == 0 { Next::Frame(length) } else { Next::Noise(start) })
    }

    /// The length of the sound frame at `start`; of a function without a length only where nothing is before it and more
    /// is not to come.
    fn sound(&self, bytes: &[u8], start: usize, over: bool) -> Option<usize> {
        let window = bytes.get(start..)?;
        match Shape::of(window, self.asked.as_ref(), true) {
            Shape::Frame(length) => Some(length),
            Shape::Silence if start == 0 && over => shape::shortest(window),
            _ => None,
        }
    }

    fn tell(&mut self, next: Next) -> Option<Event<'_>> {
        match next {
            Next::Frame(length) => self.frame(length),
            Next::Noise(count) => Some(self.noise(count)),
        }
    }

    /// A new request first closes the one before it; the next poll gives itself.
    fn frame(&mut self, length: usize) -> Option<Event<'_>> {
        let frame = rtu::parse(self.buffer.rest().get(..length)?).ok()?;
        let characters = u32::try_from(length).unwrap_or(u32::MAX);
        let heard = Heard { at: self.last, lasted: self.line.characters(characters) };
        let role = asked::role(&frame, heard, self.asked.as_ref(), self.patience);
        if let (Role::Request, Some(asked)) = (role, self.asked.as_mut().filter(|asked| !asked.is_told)) {
            asked.is_told = true;
            return Some(Self::unanswered(asked));
        }
        match role {
            Role::Request => self.asked = Asked::of(&frame, heard.at),
            Role::Reply { .. } => self.asked = None,
            Role::Stray => {}
        }
        let bytes = self.take(length);
        let (unit, pdu) = bytes.get(..length - 2)?.split_first()?;
        Some(Event::Frame(Sighting { at: heard.at, bytes, frame: Frame { unit: *unit, pdu }, role }))
    }

    fn noise(&mut self, count: usize) -> Event<'_> {
        let waited_for = self.asked.filter(|asked| !asked.is_told).map(|asked| asked.unit);
        let at = self.first;
        Event::Noise { at, bytes: self.take(count), waited_for }
    }

    fn take(&mut self, count: usize) -> &[u8] {
        self.scanned = 0;
        self.first = self.last;
        self.buffer.take(count)
    }

    const fn unanswered(asked: &Asked) -> Event<'static> {
        Event::Unanswered { unit: asked.unit, function: asked.function(), asked: asked.at }
    }
}

/// Where the frame begins that fills the end of `bytes`, of whatever function.
fn ending(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len()).find(|start| bytes.get(*start..).is_some_and(|window| shape::is_frame(window, true)))
}
