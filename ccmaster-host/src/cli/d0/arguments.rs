//! What can be typed after `ccmaster d0`.

use std::path::PathBuf;
use std::time::Duration;

use ccm_core::{Line, Obis};
use ccm_iec62056::{Address, Echo, Policy};
use clap::{Args, Subcommand, ValueEnum};

use super::times::Clock;
use crate::cli::args::duration;
use crate::cli::place::{Place, host_and_port, line};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum D0Command {
    /// Read what a meter shows, in modes A to E
    #[command(after_help = READ_HELP)]
    Read(Read),
    /// Read a load profile or a log from behind the password
    #[command(after_help = PROFILE_HELP)]
    Profile(Profile),
    /// Listen to a meter that speaks by itself: P1, and mode D
    #[command(after_help = LISTEN_HELP)]
    Listen(Listen),
    /// Be a meter
    #[command(after_help = serve_help())]
    Serve(Serve),
    /// Write down what a port says and when, or say it again
    #[command(after_help = DUMP_HELP)]
    Dump(Dump),
}

/// How the meter is talked to.
#[derive(Clone, Debug, Args)]
pub(super) struct Talk {
    /// The meter's address, where several share a line
    #[arg(long, value_name = "ADDRESS", default_value = "", value_parser = sendable)]
    pub(super) address: String,
    /// Never change the speed: for gateways and meters that know but one
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub(super) fixed_baud: Option<u32>,
    /// Choose no speed above this one, even where the meter offers it
    #[arg(long, value_name = "BAUD", default_value_t = 19_200, value_parser = clap::value_parser!(u32).range(300..=19_200))]
    max_baud: u32,
    /// The optical head gives back what is sent; readings find out by themselves, --binary does not
    #[arg(long)]
    echo: bool,
    /// Wake a battery meter up first: 2.2 s of zeros, 1.6 s of silence
    #[arg(long)]
    wake_up: bool,
    /// The port runs at 8N1 in place of 7E1
    #[arg(long)]
    eight_bits: bool,
    /// How long to wait before the change of speed, for adapters that say too early that all has left
    #[arg(long, value_name = "TIME", value_parser = duration)]
    switch_delay: Option<Duration>,
    /// How long the meter may take to begin its answer
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    timeout: Duration,
    /// Give no value of a telegram whose checksum stays wrong
    #[arg(long)]
    strict: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl Talk {
    /// The same for the crate.
    pub(super) fn policy(&self, binary: bool) -> Policy {
        Policy {
            strict: self.strict,
            eight_bits: self.eight_bits,
            fixed_baud: self.fixed_baud,
            max_baud: self.max_baud,
            wake_up: self.wake_up,
            echo: if binary && !self.echo { Echo::Off } else { Echo::Learn },
            timeout: self.timeout.into(),
            patience: self.timeout.max(Policy::DEFAULT.patience.into()).into(),
            switch_delay: self.switch_delay.map_or(Policy::DEFAULT.switch_delay, Into::into),
            ..Policy::DEFAULT
        }
    }

    /// The line on which the dialogue begins, at this speed where none is fixed.
    pub(super) fn line(&self, baud: u32) -> Line {
        line(self.fixed_baud.unwrap_or(baud), !self.eight_bits)
    }
}

/// How a meter goes on after it has said who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeArg {
    /// As it says itself
    Auto,
    /// It reads out by itself, at 300 baud
    A,
    /// It reads out by itself, at its own speed
    B,
    /// It waits to be told what to do, and how fast
    C,
    /// It speaks without having been asked, at 2400 baud or --fixed-baud
    D,
    /// As C, and it could go on in binary
    E,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Read {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) talk: Talk,
    /// How the meter goes on after it has said who it is
    #[arg(long, value_enum, default_value_t = ModeArg::Auto)]
    pub(super) mode: ModeArg,
    /// Read these only, and stop as soon as all are there
    #[arg(long, value_name = "CODE[,CODE...]", value_delimiter = ',', value_parser = code)]
    pub(super) codes: Vec<Obis>,
    /// Ask for another table of the meter: `/1!` to `/9!` in place of `/?!`
    #[arg(long, value_name = "DIGIT", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(super) table: Option<u8>,
    /// What to say in the acknowledgement in place of `00`: V and Y, such as `26`
    #[arg(long, value_name = "VY", value_parser = option)]
    pub(super) option: Option<(u8, u8)>,
    /// Go over to mode E's binary protocol, say that and at which speed, and stop there
    #[arg(long, conflicts_with_all = ["codes", "table", "option", "mode"])]
    pub(super) binary: bool,
}

/// How the password is made of what the meter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Algorithm {
    /// As it is
    Plain,
    /// Elster A1500 and A1700: eight characters
    Elster,
    /// DZG: six characters
    Dzg,
    /// The meter wants none
    None,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Profile {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) talk: Talk,
    /// The beginning, in the meter's local time
    #[arg(long, value_name = "TIME", value_parser = super::times::parse)]
    pub(super) from: jiff::civil::DateTime,
    /// The end, in the meter's local time
    #[arg(long, value_name = "TIME", value_parser = super::times::parse)]
    pub(super) to: jiff::civil::DateTime,
    /// The password; others on this machine can see it, so a file or the environment are better places
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file")]
    pub(super) password: Option<String>,
    /// A file that holds the password alone
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// What the meter wants to be done with the password
    #[arg(long, value_enum, default_value_t = Algorithm::Plain)]
    pub(super) algorithm: Algorithm,
    /// Read the log (P.98) in place of the load profile (P.01)
    #[arg(long)]
    pub(super) log: bool,
    /// Give the values of these channels only
    #[arg(long, value_name = "CODE[,CODE...]", value_delimiter = ',', value_parser = code)]
    pub(super) codes: Vec<Obis>,
    /// Which read command the meter knows: R1 to R6
    #[arg(long, value_name = "DIGIT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=6))]
    pub(super) command: u8,
    /// How the meter writes times
    #[arg(long, value_enum, default_value_t = Clock::Season)]
    pub(super) clock: Clock,
    /// The meter's time zone, such as Europe/Berlin, for the season of --from and --to; else that of this machine
    #[arg(long, value_name = "ZONE", value_parser = super::times::zone)]
    pub(super) zone: Option<jiff::tz::TimeZone>,
}

/// What is listened to.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Heard {
    /// A serial port
    #[arg(long, value_name = "PATH")]
    pub(super) serial: Option<PathBuf>,
    /// A device server that passes bytes on as they are
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
    /// A file with what a meter has said; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Listen {
    #[command(flatten)]
    pub(super) heard: Heard,
    /// Bits per second: 115200 for P1 from version 4 on, 9600 before, 2400 or 9600 for mode D
    #[arg(long, default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub(super) baud: u32,
    /// 7E1 in place of 8N1; from anything but a port the eighth bit is thrown away
    #[arg(long)]
    pub(super) seven_bits: bool,
    /// Read these only
    #[arg(long, value_name = "CODE[,CODE...]", value_delimiter = ',', value_parser = code)]
    pub(super) codes: Vec<Obis>,
    /// Stop after so many telegrams
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) count: Option<u32>,
    /// How long a port may be silent
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(super) timeout: Duration,
    /// Give no value of a telegram whose checksum is wrong
    #[arg(long)]
    pub(super) strict: bool,
    /// The key of encrypted telegrams, 32 hexadecimal digits; a file is a better place for it
    #[arg(long, value_name = "HEX", conflicts_with = "key_file")]
    pub(super) key: Option<String>,
    /// A file that holds the key alone
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// The authentication key, where it is not the one that Luxembourg has published
    #[arg(long, value_name = "HEX", value_parser = super::listen::key)]
    pub(super) authentication_key: Option<super::listen::KeyBytes>,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

/// What the simulated meter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ServeMode {
    A,
    B,
    C,
    /// Speaks by itself, without a checksum
    D,
    E,
    /// Speaks by itself, with a CRC
    P1,
}

/// Where the simulated meter is found.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Site {
    /// A serial port
    #[arg(long, value_name = "PATH")]
    pub(super) serial: Option<PathBuf>,
    /// Where to listen for connections; each has the meter for itself
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
    /// A new pseudo-terminal, whose path is said
    #[arg(long)]
    pty: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Serve {
    #[command(flatten)]
    pub(super) site: Site,
    /// What kind of meter, where the file does not say it
    #[arg(long, value_enum, default_value_t = ServeMode::C)]
    pub(super) mode: ServeMode,
    /// The values (TOML); without it an example is served
    #[arg(long, value_name = "FILE")]
    pub(super) image: Option<PathBuf>,
    /// In what way the meter is strange; can be given several times, a maker's name first
    #[arg(long, value_name = "NAME")]
    pub(super) quirk: Vec<String>,
    /// Modes D and P1: how often it speaks
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) every: Option<Duration>,
    /// Modes D and P1: how fast
    #[arg(long, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub(super) baud: Option<u32>,
    /// The port runs at 8N1 in place of 7E1; P1 does so anyway
    #[arg(long)]
    pub(super) eight_bits: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Dump {
    /// A serial port
    #[arg(long, value_name = "PATH", conflicts_with = "tcp")]
    pub(super) serial: Option<PathBuf>,
    /// A device server that passes bytes on as they are
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(super) tcp: Option<String>,
    /// Bits per second
    #[arg(long, default_value_t = 115_200, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub(super) baud: u32,
    /// 7E1 in place of 8N1
    #[arg(long)]
    pub(super) seven_bits: bool,
    /// Where to write it; standard output where nothing is said
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(super) out: Option<PathBuf>,
    /// Stop by itself after this time; else at Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "replay")]
    pub(super) duration: Option<Duration>,
    /// Say what such a file holds, at its own pace, to the port, or to standard output where none is named
    #[arg(long, value_name = "FILE")]
    pub(super) replay: Option<PathBuf>,
    /// Without the pauses
    #[arg(long, requires = "replay")]
    pub(super) fast: bool,
}

fn serve_help() -> String {
    format!("{SERVE_HELP}{}.", super::image::quirk_names().collect::<Vec<_>>().join(", "))
}

fn sendable(text: &str) -> Result<String, String> {
    let fits = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'!');
    if fits { Ok(text.into()) } else { Err("an address has up to 32 letters and digits".into()) }
}

fn code(text: &str) -> Result<Obis, String> {
    let address = Address::parse(text.trim().as_bytes());
    address.map(|address| address.obis).ok_or_else(|| "write codes such as 1.8.0 or 1-0:1.8.0*255".into())
}

fn option(text: &str) -> Result<(u8, u8), String> {
    match text.as_bytes() {
        [protocol, option] if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok((*protocol, *option))
        }
        _ => Err("write two characters such as 26".into()),
    }
}

const READ_HELP: &str = "\
Examples:
  ccmaster d0 read --serial /dev/ttyUSB0
  ccmaster d0 read --serial /dev/ttyUSB0 --codes 1.8.0,2.8.0 --json
  ccmaster d0 read --serial /dev/ttyUSB0 --wake-up                    # heat meters on batteries

A dialogue begins at 300 baud, 7E1, and goes on at the speed that the meter offers. Over TCP the speed is the far side's
to change; where it cannot, name the one it has with --fixed-baud.

With --json one object a line: who it is, then each value, then the end:
  {\"ident\":{\"flag\":\"CCM\",\"mode\":\"C\",\"baud\":9600,\"model\":\"SIM-62056\"}}
  {\"code\":\"1.8.0\",\"value\":\"12345.678\",\"unit\":\"kWh\",\"text\":\"0012345.678*kWh\"}
  {\"end\":{\"check\":\"ok\",\"sets\":22}}
\"text\" is as sent; \"value\" is exact, and absent where it is no number. \"check\" is ok, wrong, or none where there is no
checksum or the reading stopped early. A wrong one makes the exit code 1; with --strict no value is given. Failures:
  {\"ok\":false,\"error\":\"timeout\",\"message\":\"no reply\"}
Errors: timeout, checksum, frame, refused, nak, break, unexpected, request, key, port.";

const PROFILE_HELP: &str = "\
Examples:
  ccmaster d0 profile --serial /dev/ttyUSB0 --password-file secret --from 2026-03-01 --to 2026-03-02
  ccmaster d0 profile --serial /dev/ttyUSB0 --algorithm elster --log --from 2026-01-01 --to 2026-02-01T12:00

The password comes from --password-file, from --password, or from the environment variable CCMASTER_D0_PASSWORD.

With --json one object a line for each value, between who it is and the end, whose \"sets\" counts the records:
  {\"time\":\"2026-03-01T00:15:00\",\"season\":\"winter\",\"status\":\"00\",\"code\":\"1.5.0\",\"value\":\"0.25\",\"unit\":\"kW\",\"text\":\"0.250\"}
Times are the meter's local ones. Errors are those of `d0 read`; a wrong password is `break` or `refused`.";

const LISTEN_HELP: &str = "\
Examples:
  ccmaster d0 listen --serial /dev/ttyUSB0                            # P1 from version 4 on
  ccmaster d0 listen --serial /dev/ttyUSB0 --baud 9600 --seven-bits   # older, and mode D
  ccmaster d0 listen --file telegrams.txt --json
  ccmaster d0 listen --serial /dev/ttyUSB0 --key-file key             # Luxembourg, parts of Austria

With --json each telegram is as in `d0 read`, and before its end has a line for each meter behind this one:
  {\"submeter\":{\"channel\":1,\"medium\":\"gas\",\"id\":\"4730…\",\"state\":\"live\",\"value\":\"12.345\",\"unit\":\"m3\",\"time\":\"2026-03-01T12:00:00\",\"season\":\"winter\"}}
A meter that was replaced stays on its channel: \"state\" says dead where it was never read.";

const SERVE_HELP: &str = "\
Examples:
  ccmaster d0 serve --pty                                             # then: ccmaster d0 read --serial PATH
  ccmaster d0 serve --tcp 127.0.0.1:8000 --mode p1 --every 1s
  ccmaster d0 serve --serial /dev/ttyUSB0 --image meter.toml --quirk iskra-mt17x

The file:
  identification = \"CCM5SIM-62056\"       # without it --mode says it
  address = \"12345678\"                   # without it everybody is answered
  password = \"00000000\"                  # without it any is right
  seed = \"\"                              # what the meter says when it asks for the password
  lines = [\"F.F(00)\", \"1.8.0(0012345.678*kWh)\"]
  log = [\"P.98(1260301000000)(00)()(0)()()\"]
  [profile]                              # P.01; records are `minutes` apart
  start = \"2026-03-01T00:15\"
  minutes = 15
  channels = [[\"1.5.0\", \"kW\"], [\"2.5.0\", \"kW\"]]
  records = [[\"0.250\", \"0.000\"], [\"0.500\", \"0.000\"]]
  block = 4                              # lines in a partial block, R6

Strange meters: ";

const DUMP_HELP: &str = "\
Examples:
  ccmaster d0 dump --serial /dev/ttyUSB0 --out p1.dump --duration 60s
  ccmaster d0 dump --replay p1.dump | ccmaster d0 listen --file -
  ccmaster d0 dump --replay p1.dump --serial /dev/ttyUSB1

Each line is the time in seconds since the beginning, the bytes in hexadecimal digits, and behind `|` how they read.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_options_are_read_as_people_write_them() {
        assert_eq!(code("1.8.0"), Ok(Obis::short(1, 8, 0)));
        assert_eq!(code("1-0:1.8.0*255"), Ok(Obis::new([1, 0, 1, 8, 0, 255])));
        assert!(code("").is_err() && code("energy").is_err());
        assert_eq!(option("26"), Ok((b'2', b'6')));
        assert!(option("2").is_err() && option("266").is_err() && option("(6").is_err());
        assert!(sendable("12345678").is_ok() && sendable("1!").is_err() && sendable("a b").is_err());
    }
}
