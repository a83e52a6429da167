//! What can be typed after `ccmaster dlms read`.

use std::path::PathBuf;
use std::time::Duration;

use ccm_dlms::message::data::DateTime;
use ccm_dlms::script::Release;
use ccm_dlms::security::SystemTitle;
use clap::{Args, ValueEnum};

use super::target::{Assignment, Target, assignment, invocation, target};
use super::times;
use crate::cli::args::{ParityArg, duration};
use crate::cli::dlms::arguments::FramingArg;
use crate::cli::dlms::credentials::CredentialArgs;
use crate::cli::dlms::keys::title;
use crate::cli::place::Place;

#[derive(Debug, Args)]
pub(in crate::cli) struct Read {
    #[command(flatten)]
    pub(super) reach: Reach,
    #[command(flatten)]
    pub(super) identity: IdentityArgs,
    #[command(flatten)]
    pub(super) wanted: Wanted,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// How to get to the meter.
#[derive(Debug, Args)]
pub(super) struct Reach {
    #[command(flatten)]
    pub(super) place: Place,
    /// Sign on as IEC 62056-21 has it, at 300 baud, and go over to HDLC at the speed that the meter offers
    #[arg(long)]
    pub(super) mode_e: bool,
    /// What APDUs come in: on a serial port HDLC, over TCP the wrapper, unless said
    #[arg(long, value_enum)]
    framing: Option<FramingArg>,
    /// Our address: 16 is the public client, 1 the management
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(super) client: u16,
    /// The meter's address: the logical device, and over HDLC the physical one
    #[arg(long, value_name = "N[/PHYSICAL]", default_value = "1", value_parser = server)]
    pub(super) server: Server,
    /// Bits per second of the serial port
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    pub(super) baud: u32,
    /// Parity of the serial port
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    pub(super) parity: ParityArg,
    /// The longest information field of HDLC to propose
    #[arg(long, value_name = "BYTES", default_value_t = 128, value_parser = clap::value_parser!(u16).range(32..=2030))]
    pub(super) max_info: u16,
    /// How many frames of HDLC to propose for one turn
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
    pub(super) window: u8,
    /// How long the meter may take to begin its answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(super) timeout: Duration,
    /// How often an HDLC frame is tried again
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) retries: u8,
}

impl Reach {
    pub(super) fn framing(&self) -> FramingArg {
        let usual = if self.place.tcp.is_some() { FramingArg::Wrapper } else { FramingArg::Hdlc };
        self.framing.unwrap_or(if self.mode_e { FramingArg::Hdlc } else { usual })
    }
}

/// A meter's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::dlms) struct Server {
    pub(in crate::cli::dlms) logical: u16,
    pub(in crate::cli::dlms) physical: Option<u16>,
}

/// Who we are, and how that is shown.
#[derive(Debug, Args)]
pub(super) struct IdentityArgs {
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
    /// Our system title, 16 hexadecimal digits: with keys, hls-sha256 and hls-ecdsa
    #[arg(long, value_name = "HEX", value_parser = title)]
    pub(super) system_title: Option<SystemTitle>,
    /// The meter's system title: another one is refused; without this, the one that it says is taken
    #[arg(long, value_name = "HEX", value_parser = title)]
    pub(super) server_title: Option<SystemTitle>,
    /// What protected requests come in; answers may come in any
    #[arg(long, value_enum, default_value_t = EnvelopeArg::Glo)]
    pub(super) envelope: EnvelopeArg,
    /// Our next invocation counter
    #[arg(long, value_name = "N", conflicts_with = "counter_file")]
    pub(super) counter: Option<u32>,
    /// Where our invocation counter is kept from one call to the next
    #[arg(long, value_name = "FILE")]
    pub(super) counter_file: Option<PathBuf>,
    /// The object that tells the public client which counter the meter has seen last
    #[arg(long, value_name = "CODE[:CLASS[:ATTR]]", default_value = "0.0.43.1.0.255:1:2", value_parser = target)]
    pub(super) counter_object: Target,
    /// The association object, which takes the proof
    #[arg(long, value_name = "CODE", default_value = "0.0.40.0.0.255", value_parser = target)]
    pub(super) association: Target,
    /// Name objects by short names (SN)
    #[arg(long)]
    pub(super) short_names: bool,
    /// Propose general block transfer in place of the services' own blocks, so many blocks at once
    #[arg(long, value_name = "WINDOW", value_parser = clap::value_parser!(u8).range(1..=63))]
    pub(super) gbt: Option<u8>,
    /// The longest APDU that we want to take
    #[arg(long, value_name = "BYTES", default_value_t = u16::MAX, value_parser = clap::value_parser!(u16).range(64..))]
    pub(super) max_pdu: u16,
    /// How the association is ended
    #[arg(long, value_enum, default_value_t = ReleaseArg::Plain)]
    pub(super) release: ReleaseArg,
}

/// An envelope, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EnvelopeArg {
    /// Each service's own, with the global key
    Glo,
    /// Each service's own, with a new key for this association
    Ded,
    /// General-glo-ciphering
    GeneralGlo,
    /// General-ded-ciphering, with a new key for this association
    GeneralDed,
}

/// The end, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReleaseArg {
    /// The link ends, and it with it
    Never,
    /// RLRQ
    Plain,
    /// RLRQ with a (ciphered) initiate-request
    Initiate,
}

impl From<ReleaseArg> for Release {
    fn from(release: ReleaseArg) -> Self {
        match release {
            ReleaseArg::Never => Self::Never,
            ReleaseArg::Plain => Self::Plain,
            ReleaseArg::Initiate => Self::WithInitiate,
        }
    }
}

/// What to do, in the order of these options.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct Wanted {
    /// Write an attribute; can be given several times, like the next two
    #[arg(long, value_name = "CODE:CLASS:ATTR=TYPE:VALUE", value_parser = assignment)]
    pub(super) set: Vec<Assignment>,
    /// Invoke a method
    #[arg(long, value_name = "CODE:CLASS:METHOD[=TYPE:VALUE]", value_parser = invocation)]
    pub(super) action: Vec<Assignment>,
    /// Read an attribute: without a class that which the code has as a rule, without an attribute the second
    #[arg(long, value_name = "CODE[:CLASS[:ATTR]]", value_parser = target)]
    pub(super) obis: Vec<Target>,
    /// Read all that --obis names in one request
    #[arg(long, requires = "obis")]
    pub(super) with_list: bool,
    /// List the objects that the meter shows us
    #[arg(long)]
    pub(super) list: bool,
    /// Read the rows of a profile
    #[arg(long, value_name = "CODE", value_parser = target)]
    pub(super) profile: Option<Target>,
    /// From when on
    #[arg(long, value_name = "TIME", value_parser = times::parse, requires = "to", requires = "profile")]
    pub(super) from: Option<DateTime>,
    /// Until when, this time included
    #[arg(long, value_name = "TIME", value_parser = times::parse, requires = "from")]
    pub(super) to: Option<DateTime>,
    /// Which rows, by their numbers from 1, both included
    #[arg(long, value_name = "A-B", value_parser = entries, conflicts_with = "from", requires = "profile")]
    pub(super) entries: Option<(u32, u32)>,
}

pub(in crate::cli::dlms) fn server(text: &str) -> Result<Server, String> {
    let (logical, physical) = match text.split_once('/') {
        Some((logical, physical)) => (logical, Some(physical)),
        None => (text, None),
    };
    let wrong = |_| "write an address such as 1 or 1/17".to_string();
    let physical = physical.map(str::parse).transpose().map_err(wrong)?;
    Ok(Server { logical: logical.parse().map_err(wrong)?, physical })
}

fn entries(text: &str) -> Result<(u32, u32), String> {
    let ends = text.split_once('-').and_then(|(from, to)| from.parse().ok().zip(to.parse().ok()));
    let ends = ends.filter(|(from, to)| *from > 0 && from <= to);
    ends.ok_or_else(|| "write numbers such as 1-96".into())
}

pub(in crate::cli::dlms) const HELP: &str = "\
Examples:
  ccmaster dlms read --tcp 192.0.2.7:4059 --obis 1.0.1.8.0.255 --obis 0.0.1.0.0.255
  ccmaster dlms read --serial /dev/ttyUSB0 --mode-e --client 1 --auth lls --password-file secret --list
  ccmaster dlms read --serial /dev/ttyUSB0 --server 1/17 --client 1 --auth hls-gmac --system-title 43434D0000000001 \\
      --ek-file ek --ak-file ak --counter-file counter --profile 1.0.99.1.0.255 --entries 1-96 --json
  ccmaster dlms read --tcp 192.0.2.7:4059 --client 1 --auth lls --set 0.0.96.1.0.255:1:2=text:12345678

Secrets come from files (--password-file, --ek-file, --ak-file), from the environment (CCMASTER_DLMS_PASSWORD,
CCMASTER_DLMS_EK, CCMASTER_DLMS_AK), or from the options, which everybody on the machine can read. None is ever printed.

A number that is used twice with one key breaks the key. Where is ours from: with --counter-file from there, where a number
above all that may have been used is stored first; else, and where the file is not there yet, from the meter's own
--counter-object, which it shows to the public client; or from --counter.

Types of --set and --action: null, bool, i8 to i64, u8 to u64, enum, text, utf8, octets (hex), time, data (any, encoded, in
hex). Times without an offset are the meter's local ones.

With --json one object a line. \"value\" is raw x 10^scaler, exact, in the meter's unit:
  {\"ok\":true,\"obis\":\"1.0.1.8.0.255\",\"class\":3,\"attribute\":2,\"value\":\"1234567\",\"unit\":\"Wh\",\"raw\":1234567,\"scaler\":0}
  {\"ok\":true,\"row\":0,\"time\":\"2026-01-01T00:00:00+01:00\",\"values\":[\"2026-01-01T00:00:00+01:00\",\"1000000\"],\"units\":[null,\"Wh\"]}
  {\"ok\":false,\"error\":\"wrong-tag\",\"message\":\"security: wrong tag: the key is wrong, or the message was changed\"}
A failure of one object says which, and the others are read all the same.
Errors: wrong-tag, wrong-key, no-key, replay, policy, title, suite, broadcast, security, counter; authentication, refused,
version, not-negotiated, exception, service-error, the names of results such as object-undefined and read-write-denied;
block, truncated, invoke-id, unexpected, message, data; timeout, checksum, incomplete, sequence, address, too-long, frame,
busy, disconnected, rejected, closed, port; with --mode-e also those of `d0 read`.";
