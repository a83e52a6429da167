//! What is listened to: one line or file, or whoever connects or sends datagrams.

use std::net::SocketAddr;
use std::sync::Arc;

use embedded_io_async::Read;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};

use crate::cli::dlms::arguments::Listen;
use crate::cli::place::Place;
use crate::cli::source::{PIECE, Source};
use crate::cli::stop::Stop;
use crate::port::Tcp;
use ccm_core::Line;

/// Who speaks, where there can be several.
pub(super) type From = Option<SocketAddr>;

/// What somebody said; nothing where he has ended.
pub(super) struct Piece {
    pub(super) from: From,
    pub(super) bytes: Vec<u8>,
}

impl Piece {
    pub(super) const fn is_end(&self) -> bool {
        self.bytes.is_empty()
    }
}

pub(super) enum Heard {
    One(Source),
    Connections(mpsc::Receiver<Piece>),
    Datagrams(UdpSocket),
}

impl Heard {
    pub(super) async fn open(listen: &Listen) -> Result<Self, Stop> {
        let heard = &listen.heard;
        let cannot = |address: &str| {
            let text = format!("cannot listen on {address}: ");
            move |error| Stop::failed("port", format!("{text}{error}"))
        };
        if let Some(path) = heard.hex.as_ref().or(heard.file.as_ref()) {
            return Source::file(path).map(Self::One);
        }
        if let Some(address) = &heard.udp {
            let socket = UdpSocket::bind(address).await.map_err(cannot(address))?;
            say_where(socket.local_addr());
            return Ok(Self::Datagrams(socket));
        }
        if let Some(address) = &heard.tcp {
            let listener = TcpListener::bind(address).await.map_err(cannot(address))?;
            say_where(listener.local_addr());
            let (sender, receiver) = mpsc::channel(16);
            tokio::task::spawn_local(accept(listener, sender));
            return Ok(Self::Connections(receiver));
        }
        let place = Place { serial: heard.serial.clone(), tcp: heard.connect.clone() };
        let line = Line::new(listen.baud).with_parity(listen.parity.into());
        Ok(Self::One(Source::Link(place.open(line).await?)))
    }

    pub(super) async fn next(&mut self) -> Result<Piece, Stop> {
        match self {
            Self::One(source) => {
                let mut bytes = vec![0; PIECE];
                let failed = |error| Stop::failed("port", format!("the port failed: {error}"));
                let count = source.read(&mut bytes).await.map_err(failed)?;
                bytes.truncate(count);
                Ok(Piece { from: None, bytes })
            }
            Self::Connections(pieces) => {
                pieces.recv().await.ok_or_else(|| Stop::failed("port", "nobody can connect any more"))
            }
            Self::Datagrams(socket) => datagram(socket).await,
        }
    }

    /// Whether it is a file, whose end is no failure.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::One(source) if source.is_file())
    }
}

/// On standard error: standard output is for pushes.
fn say_where(address: std::io::Result<SocketAddr>) {
    if let Ok(address) = address {
        tracing::info!("listening on {address}");
    }
}

/// The next datagram that is not empty.
async fn datagram(socket: &UdpSocket) -> Result<Piece, Stop> {
    let mut bytes = vec![0; LONGEST];
    loop {
        let failed = |error| Stop::failed("port", format!("the socket failed: {error}"));
        let (length, from) = socket.recv_from(&mut bytes).await.map_err(failed)?;
        if length > 0 {
            bytes.truncate(length);
            return Ok(Piece { from: Some(from), bytes });
        }
    }
}

async fn accept(listener: TcpListener, sender: mpsc::Sender<Piece>) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let sender = sender.clone();
                tokio::task::spawn_local(async move {
                    read(stream, from, &sender).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("a connection failed: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Passes on what one meter says, and that it has ended.
async fn read(stream: TcpStream, from: SocketAddr, sender: &mpsc::Sender<Piece>) {
    let Ok(mut port) = Tcp::new(stream) else { return };
    loop {
        let mut bytes = vec![0; PIECE];
        let count = port.read(&mut bytes).await.unwrap_or(0);
        bytes.truncate(count);
        if sender.send(Piece { from: Some(from), bytes }).await.is_err() || count == 0 {
            return;
        }
    }
}

/// More than any datagram has.
const LONGEST: usize = 65_536;

/// Connections at once; others wait.
const MOST: usize = 64;
