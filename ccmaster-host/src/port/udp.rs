//! Datagrams that carry one frame each.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{UdpSocket, lookup_host};

/// A socket for datagrams, towards one peer or, as a server's, towards whoever asked last.
///
/// What is no whole frame is dropped as it comes: the bytes of one datagram never run into those of the next.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    is_frame: fn(&[u8]) -> bool,
    peer: Peer,
    held: VecDeque<u8>,
}

/// Who hears what is written.
#[derive(Clone, Copy, Debug)]
enum Peer {
    /// The one that the socket is connected to; the system drops what others send.
    Only,
    /// The sender of the last frame, once there was one.
    Asker(Option<SocketAddr>),
}

impl Udp {
    /// A socket that talks to `host:port` and hears nobody else.
    ///
    /// # Errors
    /// What the system says. That nobody is there shows at the first read at the earliest.
    pub async fn connect(address: &str, is_frame: fn(&[u8]) -> bool) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in lookup_host(address).await? {
            match connected(address).await {
                Ok(socket) => return Ok(Self::new(socket, is_frame, Peer::Only)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A socket that takes requests at `host:port` from anybody.
    ///
    /// # Errors
    /// What the system says.
    pub async fn bind(address: &str, is_frame: fn(&[u8]) -> bool) -> io::Result<Self> {
        Ok(Self::new(UdpSocket::bind(address).await?, is_frame, Peer::Asker(None)))
    }

    const fn new(socket: UdpSocket, is_frame: fn(&[u8]) -> bool, peer: Peer) -> Self {
        Self { socket, is_frame, peer, held: VecDeque::new() }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    async fn hear(&mut self) -> io::Result<()> {
        let mut datagram = [0; LONGEST];
        let (length, sender) = self.socket.recv_from(&mut datagram).await?;
        let frame = datagram.get(..length).unwrap_or_default();
        if (self.is_frame)(frame) {
            self.held.extend(frame);
            if let Peer::Asker(asker) = &mut self.peer {
                *asker = Some(sender);
            }
        }
        Ok(())
    }

    async fn send(&self, frame: &[u8]) -> io::Result<usize> {
        match self.socket.send(frame).await {
            // The system reports an earlier datagram's refusal here and has not sent this one.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => self.socket.send(frame).await,
            sent => sent,
        }
    }
}

async fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(peer).await?;
    Ok(socket)
}

impl embedded_io::ErrorType for Udp {
    type Error = io::Error;
}

impl embedded_io_async::Read for Udp {
    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.held.is_empty() {
            self.hear().await?;
        }
        let length = self.held.len().min(bytes.len());
        for (slot, byte) in bytes.iter_mut().zip(self.held.drain(..length)) {
            *slot = byte;
        }
        Ok(length)
    }
}

impl embedded_io_async::Write for Udp {
    async fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        match self.peer {
            Peer::Only => self.send(frame).await,
            Peer::Asker(None) => Err(io::ErrorKind::NotConnected.into()),
            Peer::Asker(Some(asker)) => {
                // A reply that does not get through is its asker's loss, not the end of the server.
                if let Err(error) = self.socket.send_to(frame, asker).await {
                    tracing::debug!("no reply to {asker}: {error}");
                }
                Ok(frame.len())
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ccm_core::asynch::Port for Udp {}

/// More than any frame has, so that a datagram that was cut off is never taken for one.
const LONGEST: usize = 1500;
