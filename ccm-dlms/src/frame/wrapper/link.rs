//! The client's side: one APDU out, one APDU in.

use ccm_core::{Duration, Missing};

use super::{Header, Stream};
use crate::frame::{Buffer, FrameError, LinkError, Next, Order, Policy, RequestError, sealed};

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
