//! Where a device is, as it can be typed.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Failure;
use crate::port::tls::Files;

/// One way to a device.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct LinkArgs {
    /// A serial port, for Modbus RTU
    #[arg(long, value_name = "PATH")]
    pub(super) rtu: Option<PathBuf>,
    /// A serial port, for Modbus ASCII; most devices want --data-bits 7 --parity even
    #[arg(long, value_name = "PATH")]
    pub(super) ascii: Option<PathBuf>,
    /// A device or gateway, for Modbus TCP; port 502 if none is given
    #[arg(long, value_name = "HOST[:PORT]", value_parser = at_502)]
    pub(super) tcp: Option<String>,
    /// The same in UDP datagrams, one frame each; port 502 if none is given
    #[arg(long, value_name = "HOST[:PORT]", value_parser = at_502)]
    pub(super) udp: Option<String>,
    /// Modbus Security: Modbus TCP inside TLS, where both sides show a certificate; port 802 if none is given
    #[arg(long, value_name = "HOST[:PORT]", value_parser = at_802, requires_all = ["ca", "cert", "key"])]
    pub(super) tls: Option<String>,
    /// A serial device server that passes RTU frames on as they are; port 502 if none is given
    #[arg(long, value_name = "HOST[:PORT]", value_parser = at_502)]
    pub(super) rtu_over_tcp: Option<String>,
}

/// Who is trusted over TLS, and who we are.
#[derive(Clone, Debug, Args)]
pub(super) struct TlsArgs {
    /// With --tls: the certificates (PEM) that vouch for the other side
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// With --tls: our certificate (PEM), and behind it those that lead to one the other side trusts
    #[arg(long, value_name = "FILE", requires = "tls")]
    cert: Option<PathBuf>,
    /// With --tls: the private key of our certificate (PEM, without a password)
    #[arg(long, value_name = "FILE", requires = "tls")]
    key: Option<PathBuf>,
    /// With --tls, as a client: the name in the server's certificate, where that is not HOST
    #[arg(long, value_name = "NAME", requires = "tls")]
    pub(super) server_name: Option<String>,
}

/// The way that was chosen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chosen<'a> {
    Rtu(&'a Path),
    Ascii(&'a Path),
    Tcp(&'a str),
    Udp(&'a str),
    Tls(&'a str),
    RtuOverTcp(&'a str),
}

impl LinkArgs {
    /// The one that was typed.
    pub(super) fn chosen(&self) -> Result<Chosen<'_>, Failure> {
        let ways = [
            self.rtu.as_deref().map(Chosen::Rtu),
            self.ascii.as_deref().map(Chosen::Ascii),
            self.tcp.as_deref().map(Chosen::Tcp),
            self.udp.as_deref().map(Chosen::Udp),
            self.tls.as_deref().map(Chosen::Tls),
            self.rtu_over_tcp.as_deref().map(Chosen::RtuOverTcp),
        ];
        let chosen = ways.into_iter().flatten().next();
        chosen.ok_or_else(|| Failure::Misuse("name a port with --rtu, --tcp or another of their kind".into()))
    }

    /// Whether there is a serial line at the end, with its limits.
    pub(super) const fn is_serial(&self) -> bool {
        self.rtu.is_some() || self.ascii.is_some() || self.rtu_over_tcp.is_some()
    }
}

impl TlsArgs {
    /// The three files.
    pub(super) fn files(&self) -> Result<Files, Failure> {
        match (&self.ca, &self.cert, &self.key) {
            (Some(ca), Some(cert), Some(key)) => {
                Ok(Files { ca: ca.clone(), cert: cert.clone(), key: key.clone() })
            }
            _ => Err(Failure::Misuse("--tls needs --ca, --cert and --key".into())),
        }
    }

    /// The name to expect of the server at `host:port`.
    pub(super) fn expected_name(&self, address: &str) -> Result<ServerName<'static>, Failure> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let name = self.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']);
        ServerName::try_from(name.to_owned())
            .map_err(|_| Failure::Misuse(format!("`{name}` is no name that a certificate could have")))
    }
}

fn at_502(text: &str) -> Result<String, String> {
    address(text, 502)
}

fn at_802(text: &str) -> Result<String, String> {
    address(text, 802)
}

/// `HOST:PORT`, with `port` where none is given. An IPv6 address with a port wants brackets.
fn address(text: &str, port: u16) -> Result<String, String> {
    let bare = text.parse::<std::net::Ipv6Addr>().is_ok();
    match text.rsplit_once(':') {
        _ if bare => Ok(format!("[{text}]:{port}")),
        Some((host, _)) if host.starts_with('[') && text.ends_with(']') => Ok(format!("{text}:{port}")),
        Some((host, given)) if !host.is_empty() && given.parse::<u16>().is_ok() => Ok(text.into()),
        None if !text.is_empty() => Ok(format!("{text}:{port}")),
        _ => Err("write HOST or HOST:PORT, with a port from 0 to 65535".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_added_where_none_was_typed() {
        let table = [
            ("meter.example", "meter.example:802"),
            ("192.0.2.1", "192.0.2.1:802"),
            ("192.0.2.1:1802", "192.0.2.1:1802"),
            ("::1", "[::1]:802"),
            ("[::1]", "[::1]:802"),
            ("[::1]:1802", "[::1]:1802"),
        ];
        for (typed, meant) in table {
            assert_eq!(address(typed, 802).as_deref(), Ok(meant));
        }
        for typed in ["", ":802", "host:", "host:port", "host:65536"] {
            assert!(address(typed, 802).is_err(), "{typed}");
        }
    }

    #[test]
    fn the_name_to_expect_is_the_host_unless_another_is_given() {
        let name = |given: Option<&str>, address: &str| {
            let name = given.map(Into::into);
            TlsArgs { ca: None, cert: None, key: None, server_name: name }.expected_name(address)
        };
        let expect = |text: &str| Ok(ServerName::try_from(text.to_owned()).unwrap());
        assert_eq!(name(None, "meter.example:802"), expect("meter.example"));
        assert_eq!(name(None, "[::1]:802"), expect("::1"));
        assert_eq!(name(Some("inverter.example"), "192.0.2.1:802"), expect("inverter.example"));
        assert!(name(Some("not a name"), "192.0.2.1:802").is_err());
    }
}
