//! What can be typed after `ccmaster dlms`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::keys::KeyArgs;
use crate::cli::args::{ParityArg, duration};
use crate::cli::place::host_and_port;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DlmsCommand {
    /// Listen to meters that push their values by themselves
    #[command(after_help = LISTEN_HELP)]
    Listen(Box<Listen>),
    /// Read a meter, write to it, or have it act
    #[command(after_help = super::read::HELP)]
    Read(Box<super::read::Read>),
    /// Be a meter
    #[command(after_help = super::serve::help())]
    Serve(Box<super::serve::Serve>),
}

/// Where pushes come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Heard {
    /// A serial port: the meter's customer interface, through an adapter
    #[arg(long, value_name = "PATH")]
    pub(super) serial: Option<PathBuf>,
    /// Listen here for meters that connect; each connection is a stream of its own
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
    /// Connect to a device server that passes on what it hears
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) connect: Option<String>,
    /// Listen here for datagrams, one wrapper frame each
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) udp: Option<String>,
    /// A file of hexadecimal digits, one frame or APDU a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) hex: Option<PathBuf>,
    /// A file with the bytes that a line or connection has said; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

/// What APDUs come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FramingArg {
    /// Serial lines, and what device servers pass on of them
    Hdlc,
    /// TCP
    Wrapper,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Listen {
    #[command(flatten)]
    pub(super) heard: Heard,
    /// What APDUs come in: with --tcp it is the wrapper, else HDLC, unless said; --udp and --hex need none
    #[arg(long, value_enum, conflicts_with_all = ["udp", "hex"])]
    pub(super) framing: Option<FramingArg>,
    /// Bits per second of the serial port
    #[arg(long, default_value_t = 2400, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    pub(super) baud: u32,
    /// Parity of the serial port
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    pub(super) parity: ParityArg,
    #[command(flatten)]
    pub(super) keys: KeyArgs,
    /// The meter is a Kaifa with the lists `KFM_001`: a body of one number is its active power
    #[arg(long)]
    pub(super) kaifa: bool,
    /// Stop after so many pushes, those that failed included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) count: Option<u32>,
    /// Give up when nothing is pushed for so long; without it, never
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

const LISTEN_HELP: &str = "\
Examples:
  ccmaster dlms listen --serial /dev/ttyUSB0 --parity even
  ccmaster dlms listen --serial /dev/ttyUSB0 --ek-file ek --ak-file ak --json
  ccmaster dlms listen --udp 0.0.0.0:4059 --ek-file ek --ak-file ak
  ccmaster dlms listen --tcp 0.0.0.0:4059
  ccmaster dlms listen --hex - < frames.txt

--tcp listens, as meters connect by themselves; --connect is for device servers.
Lines of --hex are frames of HDLC or of the wrapper, or bare APDUs, in any order; spaces between the digits and lines that
begin with # do not count. Long pushes may be spread over several lines.

Keys come from --ek and --ak, better from --ek-file and --ak-file, or from the environment variables CCMASTER_DLMS_EK and
CCMASTER_DLMS_AK: 32 hexadecimal digits, 64 of suite 2. What a push must be protected with says --protection; without it,
that is both where --ak is given, enc where only --ek is, none without keys. A push that was heard before is refused.

With --json one object a push. \"value\" is raw x 10^scaler, exact, in the unit that the meter names: a meter that says W
is not made to say kW. Texts, times and bytes that are no text (as hexadecimal digits) are values without a unit:
  {\"ok\":true,\"time\":\"2026-03-01T12:00:00+01:00\",\"values\":[{\"obis\":\"1.0.1.7.0.255\",\"value\":\"423\",\"unit\":\"W\"}]}
\"time\" is null where the meter says none, \"obis\" where the push does not say what a value is. A push that is damaged
anywhere gives no value:
  {\"ok\":false,\"error\":\"wrong-tag\",\"message\":\"security: wrong tag: the key is wrong, or the message was changed\"}
Errors: frame, checksum, incomplete, too-long, block, message, data, unexpected (no push); wrong-tag, wrong-key, no-key,
replay, policy, title, suite, broadcast, security; hex, timeout, port.";
