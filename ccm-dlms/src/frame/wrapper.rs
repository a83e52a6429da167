//! The wrapper, the link layer of TCP and UDP (Green Book 7.3; IEC 62056-47).

use ccm_core::{Duration, Instant, Missing, Reader};

use super::{Buffer, Event, FrameError, LinkError, Next, Order, Policy, RequestError, Serving, sealed};

/// The header before an APDU: version 1, the two ports and the APDU's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The sender's wrapper port: a client's or server's address.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// Bytes of APDU behind the header.
    pub length: u16,
}

impl Header {
    /// How many bytes it has.
    pub const LENGTH: usize = 8;

    /// Reads a header.
    ///
    /// # Errors
    /// [`FrameError::Version`] where it is of no version that there is.
    pub fn parse(bytes: [u8; Self::LENGTH]) -> Result<Self, FrameError> {
        let [v, w, a, b, c, d, e, f] = bytes;
        let (version, source) = (u16::from_be_bytes([v, w]), u16::from_be_bytes([a, b]));
        if version != VERSION {
            return Err(FrameError::Version { found: version });
        }
        let (destination, length) = (u16::from_be_bytes([c, d]), u16::from_be_bytes([e, f]));
        Ok(Self { source, destination, length })
    }

    /// The header's bytes.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        let ([v, w], [a, b]) = (VERSION.to_be_bytes(), self.source.to_be_bytes());
        let ([c, d], [e, f]) = (self.destination.to_be_bytes(), self.length.to_be_bytes());
        [v, w, a, b, c, d, e, f]
    }
}

/// An APDU and the ports it goes between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// The sender's wrapper port.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// What it carries.
    pub apdu: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a datagram: one header and one APDU that fills the rest.
    ///
    /// # Errors
    /// A [`FrameError`] that says what keeps it from being one.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, FrameError> {
        let (header, apdu) =
            datagram.split_first_chunk().ok_or(FrameError::Missing(Missing { field: "wrapper header" }))?;
        let Header { source, destination, length } = Header::parse(*header)?;
        if usize::from(length) != apdu.len() {
            return Err(FrameError::Length { announced: length.into(), found: apdu.len() });
        }
        Ok(Self { source, destination, apdu })
    }
}

/// Finds APDUs in a TCP stream, over the caller's buffer.
#[derive(Debug)]
pub struct Decoder<'b> {
    stream: Stream,
    buffer: &'b mut [u8],
}

impl<'b> Decoder<'b> {
    /// A decoder of APDUs that fit `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { stream: Stream::new(), buffer }
    }

    /// Takes bytes and says how many, and the frame that they complete. Offer the rest again.
    ///
    /// # Errors
    /// [`FrameError::Version`]: the stream is out of step for good, connect anew. [`FrameError::TooLong`] where the APDU
    /// was longer than the buffer; it is stepped over.
    pub fn push(&mut self, bytes: &[u8]) -> (usize, Result<Option<Frame<'_>>, FrameError>) {
        let (taken, found) = self.stream.take(bytes, self.buffer);
        let room = self.buffer.len();
        let frame = found.and_then(|header| header.map(|header| header.frame(self.buffer, room)).transpose());
        (taken, frame)
    }
}

impl Header {
    /// The frame of this header and the APDU that lies in the buffer.
    fn before<'a>(self, buffer: &'a mut Buffer<'_>) -> &'a [u8] {
        let (room, _) = buffer.split();
        if let Some(place) = room.first_chunk_mut() {
            *place = self.to_bytes();
        }
        buffer.whole().get(..Self::LENGTH + usize::from(self.length)).unwrap_or_default()
    }

    fn frame(self, buffer: &[u8], room: usize) -> Result<Frame<'_>, FrameError> {
        let Self { source, destination, length } = self;
        let apdu = buffer.get(..length.into()).ok_or(FrameError::TooLong { length: length.into(), room })?;
        Ok(Frame { source, destination, apdu })
    }
}

/// A stream's header and how much of its APDU has come; the APDU itself lies in a buffer lent to each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    header: [u8; Header::LENGTH],
    /// Bytes of header and APDU that have come.
    come: usize,
}

impl Stream {
    pub(crate) const fn new() -> Self {
        Self { header: [0; Header::LENGTH], come: 0 }
    }

    /// Takes bytes up to the end of a frame, whose header it then gives. What does not fit is stepped over.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        apdu: &mut [u8],
    ) -> (usize, Result<Option<Header>, FrameError>) {
        let mut reader = Reader::new(bytes);
        let outcome = self.read(&mut reader, apdu);
        (bytes.len() - reader.rest().len(), outcome)
    }

    fn read(&mut self, reader: &mut Reader<'_>, apdu: &mut [u8]) -> Result<Option<Header>, FrameError> {
        while let Some(slot) = self.header.get_mut(self.come) {
            let Ok(byte) = reader.u8("wrapper header") else { return Ok(None) };
            *slot = byte;
            self.come += 1;
        }
        let header = Header::parse(self.header).inspect_err(|_| self.come = 0)?;
        let position = self.come - Header::LENGTH;
        let left = usize::from(header.length).saturating_sub(position);
        let part = reader.take(left.min(reader.rest().len()), "APDU").unwrap_or_default();
        for (slot, byte) in apdu.get_mut(position..).unwrap_or_default().iter_mut().zip(part) {
            *slot = *byte;
        }
        self.come += part.len();
        if part.len() < left {
            return Ok(None);
        }
        self.come = 0;
        Ok(Some(header))
    }

    const fn is_within(&self) -> bool {
        self.come > 0
    }
}

/// A TCP connection or a UDP socket, as a client knows it.
///
/// It needs no link of its own: connecting and disconnecting send nothing. An answer that came too late would look like
/// the next one's, so after a time-out the link counts as lost: connect the socket anew, and then this.
#[derive(Clone, Debug)]
pub struct Wrapper {
    client: u16,
    server: u16,
    datagrams: bool,
    connected: bool,
    /// Bytes of the frame to send, until it has left.
    length: u16,
    stream: Stream,
    /// The APDU's length, or why there is none, as far as it is known.
    outcome: Result<usize, LinkError>,
}

impl Wrapper {
    /// A TCP connection between these wrapper ports: the addresses of client and logical device.
    pub const fn tcp(client: u16, server: u16) -> Self {
        Self {
            client,
            server,
            datagrams: false,
            connected: false,
            length: 0,
            stream: Stream::new(),
            outcome: Err(LinkError::Unfinished),
        }
    }

    /// A UDP socket: each piece offered to the machine is a datagram, and one that is no frame is dropped. An answer that
    /// comes after its time-out can only be told from the next one's by its invoke id.
    pub const fn udp(client: u16, server: u16) -> Self {
        Self { datagrams: true, ..Self::tcp(client, server) }
    }

    fn header(&self) -> Header {
        Header { source: self.client, destination: self.server, length: self.length }
    }

    fn fail(&mut self, error: LinkError) -> Next {
        self.connected = false;
        self.over(Err(error))
    }

    fn over(&mut self, outcome: Result<usize, LinkError>) -> Next {
        self.outcome = outcome;
        Next::Over
    }

    /// A whole frame has come.
    fn accept(&mut self, header: Header, room: usize) -> Next {
        let Header { source, destination, length } = header;
        if (source, destination) != (self.server, self.client) {
            let (server, client) = (self.server, self.client);
            let error =
                FrameError::Port { source_port: source, destination_port: destination, server, client };
            self.outcome = Err(error.into());
            return Next::Hear;
        }
        let needed = usize::from(length);
        match needed {
            0 => Next::Hear, // No APDU is empty.
            _ if needed > room => self.over(Err(LinkError::Overflow { needed, room })),
            _ => self.over(Ok(needed)),
        }
    }

    fn spoilt(&mut self, error: FrameError) -> Next {
        if !self.datagrams {
            return self.fail(error.into());
        }
        self.outcome = Err(error.into());
        self.stream = Stream::new();
        Next::Hear
    }
}

impl sealed::Framing for Wrapper {
    fn room(&self) -> usize {
        Header::LENGTH
    }

    fn begin(
        &mut self,
        order: Order,
        _policy: &Policy,
        buffer: &mut Buffer<'_>,
    ) -> Result<Next, RequestError> {
        self.outcome = Err(LinkError::Timeout);
        match order {
            Order::Connect => (self.connected, self.stream) = (true, Stream::new()),
            Order::Disconnect => self.connected = false,
            Order::Exchange(_) | Order::Listen if !self.connected => return Err(RequestError::NotConnected),
            Order::Exchange(found) => {
                self.length = u16::try_from(found).map_err(|_| RequestError::Length { found })?;
                return Ok(Next::Send);
            }
            Order::Listen => return Ok(Next::Hear),
        }
        let needed = buffer.needed(1);
        if buffer.capacity() == 0 { Err(RequestError::Buffer { needed }) } else { Ok(self.over(Ok(0))) }
    }

    fn emit<'a>(&mut self, buffer: &'a mut Buffer<'_>) -> &'a [u8] {
        self.header().before(buffer)
    }

    fn sent(&mut self) -> Next {
        Next::Hear
    }

    fn longest(&self) -> Duration {
        Duration::ZERO
    }

    /// A stream is followed, or its frames could not be found any more; what it brings answers nothing.
    fn discard(&mut self, bytes: &[u8]) -> usize {
        if self.datagrams {
            return bytes.len();
        }
        match self.stream.take(bytes, &mut []) {
            (taken, Ok(_)) => taken,
            (taken, Err(_)) => {
                self.connected = false;
                taken
            }
        }
    }

    fn receive(&mut self, bytes: &[u8], buffer: &mut Buffer<'_>) -> (usize, Next) {
        let (taken, found) = self.stream.take(bytes, buffer.apdu_mut());
        let next = match found {
            Ok(Some(header)) => self.accept(header, buffer.capacity()),
            Ok(None) if self.datagrams && self.stream.is_within() => {
                self.spoilt(FrameError::Missing(Missing { field: "APDU" }))
            }
            Ok(None) => Next::Hear,
            Err(error) => self.spoilt(error),
        };
        let dropped = self.datagrams && next == Next::Hear;
        (if dropped { bytes.len() } else { taken }, next)
    }

    fn expire(&mut self, _buffer: &mut Buffer<'_>) -> Next {
        self.connected = false;
        Next::Over
    }

    fn outcome(&self) -> Result<usize, LinkError> {
        self.outcome
    }

    fn abandon(&mut self) {
        self.connected = false;
    }
}

/// A TCP connection or a UDP socket, as a meter knows it. Serves every wrapper port: its owner refuses those that it
/// has no logical device for.
#[derive(Debug)]
pub struct Service<'b> {
    buffer: Buffer<'b>,
    stream: Stream,
    state: State,
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
        Self { buffer, stream: Stream::new(), state: State::Listen }
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
                Event::Send(header.before(&mut self.buffer))
            }
            _ => Event::Wait(None),
        }
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
}

const VERSION: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_may_split_and_join_frames() {
        let stream = [&[0, 1, 0, 16, 0, 1, 0, 2, 7, 8][..], &[0, 1, 0, 16, 0, 1, 0, 1, 9]].concat();
        for step in 1..=stream.len() {
            let mut buffer = [0; 4];
            let mut decoder = Decoder::new(&mut buffer);
            let mut apdus = Vec::new();
            for mut piece in stream.chunks(step) {
                while !piece.is_empty() {
                    let (taken, frame) = decoder.push(piece);
                    apdus.extend(frame.unwrap().map(|frame| frame.apdu.to_vec()));
                    piece = &piece[taken..];
                }
            }
            assert_eq!(apdus, [vec![7, 8], vec![9]], "in pieces of {step}");
        }
    }

    #[test]
    fn an_apdu_longer_than_the_buffer_is_stepped_over() {
        let mut buffer = [0; 1];
        let mut decoder = Decoder::new(&mut buffer);
        let (taken, frame) = decoder.push(&[0, 1, 0, 16, 0, 1, 0, 2, 7, 8, 0]);
        assert_eq!((taken, frame), (10, Err(FrameError::TooLong { length: 2, room: 1 })));
        let (_, frame) = decoder.push(&[0, 1, 0, 16, 0, 1, 0, 1, 9]);
        assert_eq!(frame.unwrap().unwrap().apdu, [9]);
    }

    #[test]
    fn a_datagram_is_one_frame() {
        let datagram = [0, 1, 0, 16, 0, 1, 0, 1, 9];
        assert_eq!(Frame::parse(&datagram), Ok(Frame { source: 16, destination: 1, apdu: &[9] }));
        assert!(matches!(Frame::parse(&datagram[..8]), Err(FrameError::Length { announced: 1, found: 0 })));
        assert!(matches!(Frame::parse(&datagram[..7]), Err(FrameError::Missing(_))));
        assert_eq!(Frame::parse(&[0, 2, 0, 16, 0, 1, 0, 1, 9]), Err(FrameError::Version { found: 2 }));
    }
}
