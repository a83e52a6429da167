//! What can be typed after `ccmaster modbus gateway`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ccm_core::{Line, Parity};
use clap::Args;

use crate::cli::args::duration;

/// Lets programs on the network reach the devices on serial lines.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Where clients connect; 127.0.0.1 is this machine alone, 0.0.0.0 everybody
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) listen: String,
    /// Which units are on which serial port; can be given several times
    #[arg(long = "route", value_name = "UNITS=PATH[@BAUD[,PARITY]]", required = true)]
    pub(super) routes: Vec<Route>,
    /// How long a device may take until its answer begins
    #[arg(long, default_value = "500ms", value_parser = duration)]
    pub(super) timeout: Duration,
    /// How often a read without an answer is repeated; writes never are
    #[arg(long, default_value_t = 0)]
    pub(super) retries: u8,
    /// How long a request may wait for its turn; then it is answered 0B and not sent
    #[arg(long, default_value = "3s", value_parser = duration)]
    pub(super) deadline: Duration,
    /// Pass only functions that change nothing; others are answered 01
    #[arg(long)]
    pub(super) read_only: bool,
    /// Functions that do not pass and are answered 01, such as 8,0x2B
    #[arg(long, value_name = "FC,...", value_delimiter = ',', value_parser = function)]
    pub(super) deny: Vec<u8>,
    /// Who may connect: an address or a network such as 192.0.2.0/24; can be given several times; else everybody
    #[arg(long, value_name = "IP[/BITS]")]
    pub(super) allow: Vec<Network>,
    /// Answer identical reads from memory as long as the value is not older than this
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) cache: Option<Duration>,
    /// How many clients at once; at the limit one that has been idle for a minute makes room
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=i64::from(super::MOST_CLIENTS)))]
    pub(super) max_clients: u16,
    /// Send writes to unit 0 to all units; the answer then only says that they were sent
    #[arg(long)]
    pub(super) broadcast: bool,
    /// Say what happens on standard output, one JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// Units and the serial port they are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// First and last of each range.
    pub(super) units: Vec<(u8, u8)>,
    pub(super) path: PathBuf,
    pub(super) line: Line,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (units, place) = text.split_once('=').ok_or("write UNITS=PATH, as in 1-32=/dev/ttyUSB0")?;
        let units = units.split(',').map(range).collect::<Result<_, _>>()?;
        let (path, line) = match place.rsplit_once('@') {
            Some((path, settings)) => (path, line(settings)?),
            None => (place, Line::new(9600)),
        };
        if path.is_empty() {
            return Err("write the serial port's path after the `=`".into());
        }
        Ok(Self { units, path: path.into(), line })
    }
}

fn range(text: &str) -> Result<(u8, u8), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let unit = |text: &str| text.parse::<u8>().ok().filter(|unit| (1..=247).contains(unit));
    match (unit(first), unit(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("`{text}` is no range of units; write 5 or 1-32, from 1 to 247")),
    }
}

fn line(text: &str) -> Result<Line, String> {
    let (baud, parity) = text.split_once(',').unwrap_or((text, "none"));
    let baud = baud.parse().ok().filter(|baud| (300..=1_000_000).contains(baud));
    let parity = match parity {
        "none" => Some(Parity::None),
        "even" => Some(Parity::Even),
        "odd" => Some(Parity::Odd),
        _ => None,
    };
    match (baud, parity) {
        (Some(baud), Some(parity)) => Ok(Line::new(baud).with_parity(parity)),
        _ => Err(format!(
            "`{text}` is no line; write 9600 or 19200,even: 300 to 1000000 baud, then none, even or odd"
        )),
    }
}

fn function(text: &str) -> Result<u8, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let code = parsed.ok().filter(|code| (1..=127).contains(code));
    code.ok_or_else(|| format!("`{text}` is no function code; write 1 to 127, or 0x2B"))
}

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `address` is in it. An IPv4 address may come dressed as one of IPv6.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.bits.into()
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= self.bits.into()
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address or network; write 192.0.2.7 or 192.0.2.0/24");
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        text.parse().unwrap()
    }

    #[test]
    fn a_route_names_units_a_port_and_its_line() {
        let plain = Route { units: vec![(1, 32)], path: "/dev/ttyUSB0".into(), line: Line::new(9600) };
        assert_eq!(route("1-32=/dev/ttyUSB0"), plain);
        let fast = route("7,9-12=/dev/serial/by-id/a=b@19200,even");
        assert_eq!(fast.units, [(7, 7), (9, 12)]);
        assert_eq!(fast.path, PathBuf::from("/dev/serial/by-id/a=b"));
        assert_eq!(fast.line, Line::new(19_200).with_parity(Parity::Even));
        for wrong in [
            "/dev/ttyUSB0",
            "0=/dev/a",
            "9-3=/dev/a",
            "1-248=/dev/a",
            "1=",
            "1=/dev/a@fast",
            "1=/dev/a@9600,mark",
        ] {
            assert!(wrong.parse::<Route>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let table = [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "::ffff:192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "192.0.2.1", false),
        ];
        for (network, address, held) in table {
            assert_eq!(
                network.parse::<Network>().unwrap().contains(address.parse().unwrap()),
                held,
                "{network}"
            );
        }
        for wrong in ["192.0.2.0/33", "192.0.2", "localhost", "192.0.2.0/", "::1/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn function_codes_are_read_in_both_bases() {
        assert_eq!((function("8"), function("0x2B")), (Ok(8), Ok(0x2B)));
        assert!(function("0").is_err() && function("128").is_err() && function("x").is_err());
    }
}
