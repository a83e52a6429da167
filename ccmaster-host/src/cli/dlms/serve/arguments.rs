//! What can be typed after `ccmaster dlms serve`.

use std::path::PathBuf;

use ccm_dlms::Quirks;
use ccm_dlms::security::SystemTitle;
use clap::Args;

use crate::cli::args::ParityArg;
use crate::cli::dlms::arguments::FramingArg;
use crate::cli::dlms::credentials::CredentialArgs;
use crate::cli::dlms::keys::title;
use crate::cli::dlms::read::{Server, server};
use crate::cli::place::host_and_port;

#[derive(Debug, Args)]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    pub(super) site: Site,
    /// What APDUs come in: with --tcp the wrapper, else HDLC, unless said
    #[arg(long, value_enum)]
    framing: Option<FramingArg>,
    /// The address of the client that is let in: 1 where anything is proved or protected, unless said; the public
    /// client, 16, may read everything in clear as well
    #[arg(long, value_name = "N")]
    pub(super) client: Option<u16>,
    /// Keep the public client out
    #[arg(long)]
    pub(super) no_public: bool,
    /// Our address: the logical device, and over HDLC the physical one
    #[arg(long, value_name = "N[/PHYSICAL]", default_value = "1", value_parser = server)]
    pub(super) server: Server,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
    /// Our system title, 16 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = title, default_value = "43434D0000000001")]
    pub(super) system_title: SystemTitle,
    /// Objects have short names only
    #[arg(long)]
    pub(super) short_names: bool,
    /// Rows of the load profile
    #[arg(long, value_name = "N", default_value_t = 96, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(super) rows: u32,
    /// The longest information field of HDLC
    #[arg(long, value_name = "BYTES", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=2030))]
    pub(super) max_info: u16,
    /// How many frames of HDLC go in one turn
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub(super) window: u8,
    /// The longest APDU
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u16).range(64..))]
    pub(super) max_pdu: u16,
    /// What is wrong with this meter
    #[arg(long, value_name = "NAME", value_parser = fault)]
    pub(super) fault: Option<Quirks>,
    /// Bits per second of the serial port
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    pub(super) baud: u32,
    /// Parity of the serial port
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    pub(super) parity: ParityArg,
}

impl Serve {
    pub(super) fn framing(&self) -> FramingArg {
        let usual = if self.site.tcp.is_some() { FramingArg::Wrapper } else { FramingArg::Hdlc };
        self.framing.unwrap_or(usual)
    }
}

/// Where the simulated meter is found.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Site {
    /// A serial port
    #[arg(long, value_name = "PATH")]
    pub(super) serial: Option<PathBuf>,
    /// Where to listen for connections; one after another has the meter for itself
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
    /// A new pseudo-terminal, whose path is said
    #[arg(long)]
    pty: bool,
}

fn fault(text: &str) -> Result<Quirks, String> {
    Quirks::named(text).ok_or_else(|| "this meter has no such fault (--help lists them)".into())
}

pub(in crate::cli::dlms) fn help() -> String {
    let names: Vec<&str> = Quirks::NAMED.iter().map(|(name, _)| *name).collect();
    format!("{HELP}{}.", names.join(", "))
}

const HELP: &str = "\
Examples:
  ccmaster dlms serve --tcp 127.0.0.1:4059                            # then: ccmaster dlms read --tcp …
  ccmaster dlms serve --pty --auth lls --password-file secret
  ccmaster dlms serve --tcp 127.0.0.1:4059 --auth hls-gmac --ek-file ek --ak-file ak --fault bad-tag

The meter has a clock, registers, a load profile of quarters of an hour from 2026-01-01 on, a breaker and a place to write
to, 0.0.96.50.0.255; `dlms read --list` names all. It answers in the envelope that it was asked in. Its protection is the least
that a request must have. The public client reads the last counter of the other client at 0.0.43.1.0.255. Secrets come from
where those of `dlms read` come from.

Faults: ";
