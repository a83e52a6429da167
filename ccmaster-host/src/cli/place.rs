//! Serial ports and device servers, as they can be typed.

use std::path::PathBuf;
use std::time::Duration;

use ccm_core::{DataBits, Line, Parity};
use clap::Args;

use super::Failure;
use crate::port::{Link, Serial, Tcp};

/// Where the meter is.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// A serial port with an optical head, or with the meter's own cable
    #[arg(long, value_name = "PATH")]
    pub(super) serial: Option<PathBuf>,
    /// A serial device server that passes bytes on as they are
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
}

impl Place {
    /// Opens the port, at `line` where it has one.
    pub(super) async fn open(&self, line: Line) -> Result<Link, Failure> {
        match (&self.serial, &self.tcp) {
            (Some(path), _) => Serial::open(path, line)
                .map(Link::Serial)
                .map_err(|error| Failure::Failed(format!("cannot open {}: {error}", path.display()))),
            (None, Some(address)) => Tcp::connect(address, CONNECT)
                .await
                .map(Link::Tcp)
                .map_err(|error| Failure::Failed(format!("cannot connect to {address}: {error}"))),
            (None, None) => Err(Failure::Misuse("name a port with --serial or --tcp".into())),
        }
    }
}

/// 7E1 or 8N1.
pub(super) const fn line(baud: u32, seven_bits: bool) -> Line {
    match seven_bits {
        true => Line { data_bits: DataBits::Seven, ..Line::new(baud).with_parity(Parity::Even) },
        false => Line::new(baud),
    }
}

/// Reads an address with a port.
pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.into()),
        _ => Err("write HOST:PORT, with a port from 0 to 65535".into()),
    }
}

/// A connection takes longer than an answer.
const CONNECT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port() {
        assert!(host_and_port("meter:8000").is_ok() && host_and_port("meter").is_err());
    }
}
