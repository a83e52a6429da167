//! One client on one line or connection, for the tools.

use std::io;
use std::path::PathBuf;

use ccm_core::asynch::Driver;
use ccm_core::{Clock, DriveError, Duration, Line};
use ccm_modbus::{Ascii, Client, Error, FrameError, Framing, Reply, Request, Rtu};

use super::Failure;
use super::args::{EchoArg, Patience, Place};
use super::link::Chosen;
use crate::port::{Link, Serial, Tcp, TokioTimer, Udp, tls};

/// A client and the port it talks through.
pub(super) struct Session {
    driver: Driver<Link, TokioTimer, 256>,
    client: Framed,
    dial: Dial,
}

/// A client, by the frames it sends.
enum Framed {
    Rtu(Client<'static, Rtu>),
    Ascii(Client<'static, Ascii>),
    Mbap(Client<'static, ccm_modbus::Tcp>),
}

/// What it takes to get the port, and to get it again.
enum Dial {
    Serial(PathBuf, Line),
    Tcp(String, std::time::Duration),
    Udp(String),
    Tls(String, std::time::Duration, tls::Client),
}

/// Why an exchange of a tool brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error(transparent)]
    Modbus(#[from] Error),
    #[error("{0}")]
    Port(String),
}

impl ExchangeError {
    /// The tag in the JSON output.
    pub(super) const fn tag(&self) -> &'static str {
        match self {
            Self::Modbus(Error::Timeout) => "timeout",
            Self::Modbus(Error::Frame(_)) => "frame",
            Self::Modbus(Error::Message(_)) => "message",
            Self::Modbus(Error::Exception(_)) => "exception",
            Self::Modbus(Error::Busy) => "busy",
            Self::Modbus(Error::Suspect) => "suspect",
            Self::Modbus(_) => "request",
            Self::Port(_) => "port",
        }
    }

    /// The exception's code, where the device gave one.
    pub(super) const fn exception(&self) -> Option<u8> {
        match self {
            Self::Modbus(Error::Exception(exception)) => Some(exception.code()),
            _ => None,
        }
    }
}

impl Session {
    /// Opens the port or connects.
    pub(super) async fn open(place: &Place, patience: &Patience) -> Result<Self, Failure> {
        let dial = Dial::new(place, patience)?;
        let link = dial.link().await.map_err(Failure::Failed)?;
        let driver = Driver::new(link, TokioTimer::default());
        Ok(Self { client: Framed::new(place, patience), driver, dial })
    }

    /// Whether an exchange on this line can be confirmed by its own echo alone, until a read has shown otherwise.
    pub(super) const fn may_echo(&self) -> bool {
        matches!(self.client, Framed::Rtu(_) | Framed::Ascii(_))
    }

    /// Finds out whether the line echoes, where nobody has said it: by a read. What that brings, or whether it brings
    /// anything, does not matter.
    pub(super) async fn learn_echo(&mut self, place: &Place, unit: u8) {
        if self.may_echo() && matches!(place.echo, EchoArg::Learn) {
            let _ =
                self.exchange(unit, Request::ReadHoldingRegisters { start: 0, quantity: 1 }, |_| ()).await;
        }
    }

    /// Asks `unit`, and hands what it answers to `take`.
    pub(super) async fn exchange<T>(
        &mut self,
        unit: u8,
        request: Request<'_>,
        take: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, ExchangeError> {
        let outcome = match &mut self.client {
            Framed::Rtu(client) => exchange(&mut self.driver, client, unit, request, take).await,
            Framed::Ascii(client) => exchange(&mut self.driver, client, unit, request, take).await,
            Framed::Mbap(client) => exchange(&mut self.driver, client, unit, request, take).await,
        };
        if let Err(ExchangeError::Port(_) | ExchangeError::Modbus(Error::Frame(FrameError::Stream))) = outcome
        {
            self.reconnect().await;
        }
        outcome
    }

    /// How long the unit took to answer the last exchange, where it did.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        match &self.client {
            Framed::Rtu(client) => client.round_trip(),
            Framed::Ascii(client) => client.round_trip(),
            Framed::Mbap(client) => client.round_trip(),
        }
    }

    /// The next exchange gets a connection of its own, if there is one to have. A serial port stays open.
    async fn reconnect(&mut self) {
        if matches!(self.dial, Dial::Serial(..)) {
            return;
        }
        let Ok(link) = self.dial.link().await else { return };
        // The same clock: the client remembers when the line was in use.
        self.driver = Driver::new(link, *self.driver.clock());
        // An RTU client is told nothing: what a unit behind a device server still owes comes over any connection.
        if let Framed::Mbap(client) = &mut self.client {
            client.reconnect();
        }
    }
}

async fn exchange<F: Framing, T>(
    driver: &mut Driver<Link, TokioTimer, 256>,
    client: &mut Client<'static, F>,
    unit: u8,
    request: Request<'_>,
    take: impl FnOnce(Reply<'_>) -> T,
) -> Result<T, ExchangeError> {
    client.start(driver.clock().now(), unit, request).map_err(Error::from)?;
    driver.run(client).await.map_err(port_error)?;
    Ok(take(client.outcome()?))
}

impl Framed {
    fn new(place: &Place, patience: &Patience) -> Self {
        let line = place.line();
        let (echo, link) = (place.echo(), &place.link);
        if link.ascii.is_some() {
            return Self::Ascii(client(Ascii::new(line).with_echo(echo), patience));
        }
        match (&link.rtu, &link.rtu_over_tcp) {
            (Some(_), _) => Self::Rtu(client(Rtu::new(line).with_echo(echo), patience)),
            (_, Some(_)) => Self::Rtu(client(Rtu::over_tcp(line), patience)),
            _ => Self::Mbap(client(ccm_modbus::Tcp::new(), patience)),
        }
    }
}

fn client<F: Framing>(framing: F, patience: &Patience) -> Client<'static, F> {
    // The tools end with their process; what they leak ends with it.
    let buffer = Box::leak(Box::new([0; 1030]));
    Client::new(framing, buffer).with_timeout(patience.timeout.into()).with_retries(patience.retries)
}

impl Dial {
    /// Finds what can never work before anything is opened.
    fn new(place: &Place, patience: &Patience) -> Result<Self, Failure> {
        let limit = patience.timeout.max(CONNECT);
        Ok(match place.link.chosen()? {
            Chosen::Rtu(path) | Chosen::Ascii(path) => Self::Serial(path.into(), place.line()),
            Chosen::Tcp(address) | Chosen::RtuOverTcp(address) => Self::Tcp(address.into(), limit),
            Chosen::Udp(address) => Self::Udp(address.into()),
            Chosen::Tls(address) => {
                let name = place.tls.expected_name(address)?;
                let client = tls::Client::new(&place.tls.files()?, name);
                let client = client.map_err(|error| Failure::Misuse(error.to_string()))?;
                Self::Tls(address.into(), limit, client)
            }
        })
    }

    async fn link(&self) -> Result<Link, String> {
        match self {
            Self::Serial(path, line) => Serial::open(path, *line)
                .map(Link::Serial)
                .map_err(|error| format!("cannot open {}: {error}", path.display())),
            Self::Tcp(address, limit) => said(address, Tcp::connect(address, *limit).await.map(Link::Tcp)),
            Self::Udp(address) => said(address, Udp::connect(address, is_frame).await.map(Link::Udp)),
            Self::Tls(address, limit, client) => {
                said(address, client.connect(address, *limit).await.map(Link::Tls))
            }
        }
    }
}

fn said<T>(address: &str, connected: io::Result<T>) -> Result<T, String> {
    connected.map_err(|error| format!("cannot connect to {address}: {error}"))
}

/// Whether a datagram is one whole frame.
pub(super) fn is_frame(datagram: &[u8]) -> bool {
    ccm_modbus::tcp::parse(datagram).is_ok()
}

fn port_error(error: DriveError<io::Error>) -> ExchangeError {
    ExchangeError::Port(match error {
        DriveError::Port(error) => format!("the port failed: {error}"),
        other => other.to_string(),
    })
}

/// A connection takes longer than an answer.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(3);
