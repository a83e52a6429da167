//! One client on one line or connection, for the tools.

use std::io;

use ccm_core::asynch::Driver;
use ccm_core::{Clock, DriveError};
use ccm_modbus::{Client, Error, FrameError, Reply, Request, Rtu};

use super::Failure;
use super::args::{Patience, Place};
use crate::port::{Serial, Tcp, TokioTimer};

/// A client and the port it talks through.
pub(super) enum Session {
    Rtu {
        driver: Driver<Serial, TokioTimer, 256>,
        client: Client<'static, Rtu>,
    },
    Tcp {
        driver: Driver<Tcp, TokioTimer, 256>,
        client: Client<'static, ccm_modbus::Tcp>,
        address: String,
        patience: Patience,
    },
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
        // The tools end with their process; what they leak ends with it.
        let buffer = Box::leak(Box::new([0; 520]));
        let (timeout, retries) = (patience.timeout.into(), patience.retries);
        match (&place.link.rtu, &place.link.tcp) {
            (Some(path), _) => {
                let port = Serial::open(path, place.line())
                    .map_err(|error| Failure::Failed(format!("cannot open {}: {error}", path.display())))?;
                let framing = Rtu::new(place.line()).with_echo(place.echo());
                let client = Client::new(framing, buffer).with_timeout(timeout).with_retries(retries);
                Ok(Self::Rtu { driver: Driver::new(port, TokioTimer::default()), client })
            }
            (None, Some(address)) => {
                let driver = connect(address, patience).await.map_err(Failure::Failed)?;
                let framing = ccm_modbus::Tcp::new();
                let client = Client::new(framing, buffer).with_timeout(timeout).with_retries(retries);
                Ok(Self::Tcp { driver, client, address: address.clone(), patience: patience.clone() })
            }
            (None, None) => Err(Failure::Misuse("name a port with --rtu or --tcp".into())),
        }
    }

    /// Whether an exchange on this line can be confirmed by its own echo alone, until a read has shown otherwise.
    pub(super) const fn may_echo(&self) -> bool {
        matches!(self, Self::Rtu { .. })
    }

    /// Asks `unit`, and hands what it answers to `take`.
    pub(super) async fn exchange<T>(
        &mut self,
        unit: u8,
        request: Request<'_>,
        take: impl FnOnce(Reply<'_>) -> T,
    ) -> Result<T, ExchangeError> {
        match self {
            Self::Rtu { driver, client } => {
                client.start(driver.clock().now(), unit, request).map_err(Error::from)?;
                driver.run(client).await.map_err(port_error)?;
                Ok(take(client.outcome()?))
            }
            Self::Tcp { driver, client, address, patience } => {
                client.start(driver.clock().now(), unit, request).map_err(Error::from)?;
                let ran = driver.run(client).await.map_err(port_error);
                let outcome = ran.and_then(|()| Ok(client.outcome().map(take)?));
                if matches!(
                    outcome,
                    Err(ExchangeError::Port(_) | ExchangeError::Modbus(Error::Frame(FrameError::Stream)))
                ) {
                    // The next exchange gets a connection of its own, if there is one to have.
                    if let Ok(fresh) = connect(address, patience).await {
                        *driver = fresh;
                        client.reconnect();
                    }
                }
                outcome
            }
        }
    }
}

async fn connect(address: &str, patience: &Patience) -> Result<Driver<Tcp, TokioTimer, 256>, String> {
    let port = Tcp::connect(address, patience.timeout.max(CONNECT)).await;
    let port = port.map_err(|error| format!("cannot connect to {address}: {error}"))?;
    Ok(Driver::new(port, TokioTimer::default()))
}

fn port_error(error: DriveError<io::Error>) -> ExchangeError {
    ExchangeError::Port(match error {
        DriveError::Port(error) => format!("the port failed: {error}"),
        other => other.to_string(),
    })
}

/// A connection takes longer than an answer.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(3);
