//! Where something listens on a network.

use core::{fmt, net, str::FromStr};

use crate::limits::Address;

/// A host and a TCP port: `192.0.2.10:502`, `inverter.lan:502` or `[2001:db8::1]:502`.
///
/// ```
/// use ccm_config::Endpoint;
///
/// let endpoint: Endpoint = "[2001:db8::1]:502".parse()?;
/// assert_eq!((endpoint.host(), endpoint.port()), ("2001:db8::1", 502));
/// assert_eq!(endpoint.to_string(), "[2001:db8::1]:502");
/// # Ok::<(), ccm_config::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    text: Address,
    port: u16,
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It does not end in a colon and a number.
    #[error("no port from 0 to 65535 at the end: write host:port, as in 192.0.2.10:502")]
    Port,
    /// What stands before the port is no address and no name.
    #[error("no address or name before the port: write host:port, as in 192.0.2.10:502 or [2001:db8::1]:502")]
    Host,
    /// It is too long.
    #[error("the address is longer than 80 bytes: shorten the name")]
    Length,
}

impl Endpoint {
    /// The name or address, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let host = self.text.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The whole as it was written.
    pub const fn text(&self) -> &Address {
        &self.text
    }

    /// The TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let (host, port) = text.rsplit_once(':').ok_or(EndpointError::Port)?;
        // `parse` would take a plus sign.
        let digits = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = digits.and_then(|digits| digits.parse().ok()).ok_or(EndpointError::Port)?;
        let text = text.parse().map_err(|_| EndpointError::Length)?;
        if is_host(host) { Ok(Self { text, port }) } else { Err(EndpointError::Host) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<net::Ipv6Addr>().is_ok());
    }
    // A name of digits alone is an IPv4 address with a mistake in it.
    let is_number = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number { host.parse::<net::Ipv4Addr>().is_ok() } else { host.split('.').all(is_label) }
}

fn is_label(label: &str) -> bool {
    // Underscores are not DNS, but container and Windows hosts have them.
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
