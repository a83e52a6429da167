//! The meter's side.

use ccm_core::Instant;

use super::{Header, Stream};
use crate::frame::{Buffer, Event, Serving};

/// A TCP connection or a UDP socket, as a meter knows it. Serves every wrapper port: its owner refuses those that it
/// has no logical device for.
#[derive(Debug)]
pub struct Service<'b> {
    buffer: Buffer<'b>,
    stream: Stream,
    state: State,
    /// Bytes of the frame that was sent last.
    sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Listen,
    /// A request has come.
    Heard(Header),
    /// It waits for its answer.
    Asked(Header),
    /// The answer is to be sent.
    Answered(Header),
    /// The stream is out of step, and nothing in it can be trusted any more.
    Lost,
}

impl<'b> Service<'b> {
    /// Keeps header and APDU in `buffer`: 8 bytes more than the longest APDU.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        let buffer = Buffer::new(buffer, Header::LENGTH);
        Self { buffer, stream: Stream::new(), state: State::Listen, sent: 0 }
    }

    /// Whether the stream carries something else: close the connection.
    pub fn is_lost(&self) -> bool {
        self.state == State::Lost
    }
}

impl Serving for Service<'_> {
    fn receive(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        match self.state {
            State::Lost => return bytes.len(),
            State::Listen => {}
            _ => return 0, // The request lies where the next one would go.
        }
        let (taken, found) = self.stream.take(bytes, self.buffer.apdu_mut());
        match found {
            Ok(Some(header)) if usize::from(header.length) <= self.buffer.capacity() && header.length > 0 => {
                self.state = State::Heard(header);
            }
            Ok(_) => {}
            Err(_) => self.state = State::Lost,
        }
        taken
    }

    fn poll(&mut self, _now: Instant) -> Event<'_> {
        match self.state {
            State::Heard(header) => {
                self.state = State::Asked(header);
                let Header { source: client, destination: server, length } = header;
                Event::Request { client, server, length: length.into() }
            }
            State::Answered(header) => {
                self.state = State::Listen;
                let frame = header.before(&mut self.buffer);
                self.sent = frame.len();
                Event::Send(frame)
            }
            _ => Event::Wait(None),
        }
    }

    fn sent(&mut self) -> &[u8] {
        self.buffer.whole().get(..self.sent).unwrap_or_default()
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.buffer.apdu_mut()
    }

    fn answer(&mut self, length: usize) {
        let State::Asked(Header { source, destination, .. }) = self.state else { return };
        let length = u16::try_from(length).unwrap_or_default();
        let header = Header { source: destination, destination: source, length };
        self.state = if length == 0 { State::Listen } else { State::Answered(header) };
    }

    fn may_push(&self) -> bool {
        self.state == State::Listen && !self.stream.is_within()
    }

    fn push(&mut self, client: u16, server: u16, length: usize) {
        let length = u16::try_from(length).unwrap_or_default();
        if self.may_push() && length > 0 {
            self.state = State::Answered(Header { source: server, destination: client, length });
        }
    }
}
