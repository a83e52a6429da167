//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use ccm_core::{DataBits, Line, Parity};
use ccm_modbus::{Echo, Function};
use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};

use super::Failure;
use super::link::{LinkArgs, TlsArgs};
use super::modbus::access::{Access, Grant};

/// Reads electricity meters and solar inverters, works out self-consumption, and shows it on a page of its own.
#[derive(Debug, Parser)]
#[command(name = "ccmaster", version, after_help = EXIT_CODES)]
pub(super) struct Cli {
    /// Say more on standard error; twice for every step
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say only errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a hub with a simulated house: meters on a serial line, an inverter on the network
    Demo(Demo),
    /// Run the hub with real devices
    Run(Run),
    /// List the kinds of device that the hub knows
    Devices(Devices),
    /// Talk Modbus to a device, or be one
    Modbus {
        #[command(subcommand)]
        command: ModbusCommand,
    },
    /// Read meters with an optical head or a P1 port (IEC 62056-21), or be one
    D0 {
        #[command(subcommand)]
        command: super::d0::D0Command,
    },
    /// Read, hear or be a meter that speaks DLMS/COSEM
    Dlms {
        #[command(subcommand)]
        command: super::dlms::DlmsCommand,
    },
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the page listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(super) listen: String,
    /// The time of day in the house at the start
    #[arg(long, value_name = "HH:MM", default_value = "12:20", value_parser = time_of_day)]
    pub(super) time: u32,
    /// How many seconds pass in the house in one of ours
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) speed: u32,
    /// Another number, other clouds
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}

#[derive(Debug, Args)]
pub(super) struct Run {
    /// The settings: ports, devices, plants (TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// A folder with device files of your own
    #[arg(long, value_name = "DIR")]
    pub(super) devices: Option<PathBuf>,
    /// Where invocation counters of encrypting DLMS meters are kept; else the folder of the settings
    #[arg(long, value_name = "DIR")]
    pub(super) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Devices {
    /// List the quantities a device file can name instead
    #[arg(long)]
    pub(super) quantities: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModbusCommand {
    /// Read registers or coils
    #[command(after_help = READ_HELP)]
    Read(Read),
    /// Write registers or coils
    Write(Write),
    /// Ask a device who it is
    #[command(after_help = ID_HELP)]
    Id(Id),
    /// Send any request, byte by byte, and print the reply
    #[command(after_help = RAW_HELP)]
    Raw(Raw),
    /// Look for units that answer
    Scan(Scan),
    /// Be a device with the registers of a file
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Let programs on the network reach the devices on serial lines
    #[command(after_help = GATEWAY_HELP)]
    Gateway(super::modbus::gateway::Arguments),
    /// Listen to a serial line on which others talk, and say what they say; never send
    #[command(after_help = SNIFF_HELP)]
    Sniff(super::modbus::sniff::Arguments),
}

/// Where the device is: on a serial line or on the network.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    #[command(flatten)]
    pub(super) link: LinkArgs,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    /// Bits per second of the serial line
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    pub(super) baud: u32,
    /// Parity of the serial line
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    pub(super) parity: ParityArg,
    /// Data bits of the serial line: 8, or 7 for most ASCII lines
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(7..=8))]
    pub(super) data_bits: u8,
    /// Whether the serial adapter gives back what it sends
    #[arg(long, value_enum, default_value_t = EchoArg::Learn)]
    pub(super) echo: EchoArg,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl Place {
    /// The serial line's settings.
    pub(super) fn line(&self) -> Line {
        let parity = self.parity.into();
        let data_bits = if self.data_bits == 7 { DataBits::Seven } else { DataBits::Eight };
        Line { data_bits, ..Line::new(self.baud).with_parity(parity) }
    }

    /// Whether `unit` can be asked there.
    pub(super) fn check_unit(&self, unit: u8) -> Result<(), Failure> {
        if self.link.is_serial() && !(1..=247).contains(&unit) {
            return Err(Failure::Misuse(format!("unit {unit} cannot be read; use 1 to 247")));
        }
        Ok(())
    }

    pub(super) fn echo(&self) -> Echo {
        match self.echo {
            EchoArg::Learn => Echo::Learn,
            EchoArg::Off => Echo::Off,
            EchoArg::Drop => Echo::Drop,
            EchoArg::Verify => Echo::Verify,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ParityArg {
    None,
    Even,
    Odd,
}

impl From<ParityArg> for Parity {
    fn from(parity: ParityArg) -> Self {
        match parity {
            ParityArg::None => Self::None,
            ParityArg::Even => Self::Even,
            ParityArg::Odd => Self::Odd,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum EchoArg {
    /// Find out by reading
    Learn,
    /// It does not
    Off,
    /// It does: drop it
    Drop,
    /// It does: fail where it is not what was sent
    Verify,
}

/// How patient to be.
#[derive(Clone, Debug, Args)]
pub(super) struct Patience {
    /// How long the device may take until its answer begins
    #[arg(long, default_value = "500ms", value_parser = duration)]
    pub(super) timeout: Duration,
    /// How often to ask again
    #[arg(long, default_value_t = 0)]
    pub(super) retries: u8,
}

#[derive(Debug, Args)]
pub(super) struct Read {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// The unit: 1 to 247
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=255))]
    pub(super) unit: u8,
    /// Where to read holding registers; can be given several times, like the next three
    #[arg(long, value_name = "ADDR", value_parser = address)]
    holding: Vec<u16>,
    /// Where to read input registers
    #[arg(long, value_name = "ADDR", value_parser = address)]
    input: Vec<u16>,
    /// Where to read coils
    #[arg(long, value_name = "ADDR", value_parser = address)]
    coil: Vec<u16>,
    /// Where to read discrete inputs
    #[arg(long, value_name = "ADDR", value_parser = address)]
    discrete: Vec<u16>,
    /// Which queue to read, all of it (function 24)
    #[arg(long, value_name = "ADDR", value_parser = address)]
    fifo: Vec<u16>,
    /// Where to read a file (function 20)
    #[arg(long, value_name = "FILE:RECORD", value_parser = record)]
    file: Vec<Record>,
    /// How many from each address on
    #[arg(long, default_value_t = 1)]
    pub(super) count: u16,
}

/// Something to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) function: Function,
    /// Of the first of them; in a file its record.
    pub(super) address: u16,
    /// For function 20 only.
    pub(super) file: u16,
}

/// A register of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    file: u16,
    record: u16,
}

impl Target {
    /// The addresses of all kinds in the order in which they were typed.
    pub(super) fn in_order(matches: &ArgMatches) -> Vec<Self> {
        let mut targets: Vec<(usize, Self)> =
            KINDS.iter().flat_map(|kind| Self::of_kind(matches, kind)).collect();
        let records = matches.get_many::<Record>("file").into_iter().flatten();
        let places = matches.indices_of("file").into_iter().flatten();
        targets.extend(places.zip(records.map(|record| Self::of_file(*record))));
        targets.sort_by_key(|(place, _)| *place);
        targets.into_iter().map(|(_, target)| target).collect()
    }

    fn of_kind(matches: &ArgMatches, kind: &(&str, Function)) -> Vec<(usize, Self)> {
        let places = matches.indices_of(kind.0).into_iter().flatten();
        let addresses = matches.get_many::<u16>(kind.0).into_iter().flatten();
        places
            .zip(addresses)
            .map(|(place, address)| (place, Self { function: kind.1, address: *address, file: 0 }))
            .collect()
    }

    const fn of_file(Record { file, record }: Record) -> Self {
        Self { function: Function::ReadFileRecord, address: record, file }
    }
}

const KINDS: [(&str, Function); 5] = [
    ("holding", Function::ReadHoldingRegisters),
    ("input", Function::ReadInputRegisters),
    ("coil", Function::ReadCoils),
    ("discrete", Function::ReadDiscreteInputs),
    ("fifo", Function::ReadFifoQueue),
];

#[derive(Debug, Args)]
pub(super) struct Id {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// The unit: 1 to 247
    #[arg(long)]
    pub(super) unit: u8,
}

#[derive(Debug, Args)]
pub(super) struct Raw {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// The unit: 1 to 247
    #[arg(long)]
    pub(super) unit: u8,
    /// Function code and data, two hexadecimal digits a byte
    #[arg(value_name = "HEXPDU", value_parser = pdu)]
    pub(super) pdu: Pdu,
}

/// Function code and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pdu(pub(super) Vec<u8>);

#[derive(Debug, Args)]
pub(super) struct Write {
    #[command(flatten)]
    pub(super) place: Place,
    #[command(flatten)]
    pub(super) patience: Patience,
    /// The unit: 1 to 247, or 0 for all on a serial line
    #[arg(long)]
    pub(super) unit: u8,
    /// Registers to write: one value (function 6) or several (function 16)
    #[arg(long, value_name = "ADDR=V[,V...]", value_parser = assignment)]
    pub(super) holding: Vec<Assignment>,
    /// Coils to switch: one 0 or 1 (function 5) or several (function 15)
    #[arg(long, value_name = "ADDR=B[,B...]", value_parser = switch)]
    pub(super) coil: Vec<Assignment>,
    /// Use function 16 or 15 even for one value
    #[arg(long)]
    pub(super) multiple: bool,
}

/// Values to write from an address on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) address: u16,
    pub(super) values: Vec<u16>,
}

#[derive(Debug, Args)]
pub(super) struct Scan {
    #[command(flatten)]
    pub(super) place: Place,
    /// Which units to look for
    #[arg(long, value_name = "FIRST-LAST", default_value = "1-247", value_parser = units)]
    pub(super) units: (u8, u8),
    /// How long each may take
    #[arg(long, default_value = "200ms", value_parser = duration)]
    pub(super) timeout: Duration,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) place: Place,
    /// The unit to be: 1 to 247
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=247))]
    pub(super) unit: u8,
    /// The registers (TOML)
    #[arg(long, value_name = "FILE")]
    pub(super) image: PathBuf,
    /// With --tls: what clients with this role may do, all others nothing; can be given several times
    #[arg(long, value_name = "ROLE=read|write", value_parser = grant, requires = "tls")]
    pub(super) role: Vec<Grant>,
}

fn number(text: &str) -> Result<u16, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no number from 0 to 65535"))
}

fn address(text: &str) -> Result<u16, String> {
    number(text)
}

fn record(text: &str) -> Result<Record, String> {
    let (file, record) = text.split_once(':').ok_or("write FILE:RECORD, as in 4:1")?;
    Ok(Record { file: number(file)?, record: number(record)? })
}

/// Digits with or without spaces or colons between the bytes.
fn pdu(text: &str) -> Result<Pdu, String> {
    let digits: Vec<char> = text.chars().filter(|character| !matches!(character, ' ' | ':')).collect();
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok()?),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes
        .filter(|bytes| (1..=253).contains(&bytes.len()))
        .map(Pdu)
        .ok_or_else(|| "write 1 to 253 bytes in hexadecimal, as in 03006B0003 or \"03 00 6B 00 03\"".into())
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let (address, values) = text.split_once('=').ok_or("write ADDR=VALUE")?;
    Ok(Assignment {
        address: number(address)?,
        values: values.split(',').map(number).collect::<Result<_, _>>()?,
    })
}

fn switch(text: &str) -> Result<Assignment, String> {
    let assignment = assignment(text)?;
    match assignment.values.iter().find(|value| **value > 1) {
        Some(value) => Err(format!("a coil is 0 or 1, not {value}")),
        None => Ok(assignment),
    }
}

fn units(text: &str) -> Result<(u8, u8), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let unit = |text: &str| text.parse::<u8>().ok().filter(|unit| (1..=247).contains(unit));
    match (unit(first), unit(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err("write FIRST-LAST with units from 1 to 247".into()),
    }
}

fn grant(text: &str) -> Result<Grant, String> {
    let access = |text| match text {
        "read" => Some(Access::Read),
        "write" => Some(Access::Write),
        _ => None,
    };
    let parts = text.rsplit_once('=').filter(|(role, _)| !role.is_empty());
    let grant = parts.and_then(|(role, text)| Some(Grant { role: role.into(), access: access(text)? }));
    grant.ok_or_else(|| "write ROLE=read or ROLE=write".into())
}

/// A number with a unit: `500ms`, `2s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit);
    let count = digits.parse::<u64>().ok().filter(|count| *count > 0);
    match (count, unit) {
        (Some(count), "ms") if count <= 600_000 => Ok(Duration::from_millis(count)),
        (Some(count), "s") if count <= 600 => Ok(Duration::from_secs(count)),
        _ => Err("write a time such as 500ms or 2s, up to 600s".into()),
    }
}

fn time_of_day(text: &str) -> Result<u32, String> {
    let part = |text: &str, limit: u32| text.parse::<u32>().ok().filter(|part| *part < limit);
    let parsed =
        text.split_once(':').and_then(|(hour, minute)| Some(part(hour, 24)? * 3600 + part(minute, 60)? * 60));
    parsed.ok_or_else(|| "write a time of day such as 12:20".into())
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all went well
  1  something failed: a device did not answer, a port was not there
  2  what was typed, or a file that was named, makes no sense; nothing was started";

const READ_HELP: &str = "\
Examples:
  ccmaster modbus read --rtu /dev/ttyUSB0 --unit 1 --input 0x0100 --count 58
  ccmaster modbus read --tls meter.example --ca ca.pem --cert me.pem --key me.key --unit 1 --holding 0
  ccmaster modbus read --tcp 192.0.2.10 --unit 1 --fifo 0x04DE --file 4:1 --count 2

With --json one object a line:
  {\"ok\":true,\"unit\":1,\"function\":3,\"address\":5,\"values\":[5,6]}
  {\"ok\":false,\"unit\":1,\"function\":3,\"address\":5,\"error\":\"timeout\",\"message\":\"no reply\"}
Errors: timeout, frame, message, exception (with its code as \"exception\"), busy, suspect, request, port.";

const ID_HELP: &str = "\
Asks for the device's identification (function 43, interface 14), all of it; a device that refuses is asked for its
server ID (function 17).

Example:
  ccmaster modbus id --tcp 192.0.2.10 --unit 1
   0x00  vendor_name            Maker
   0x01  product_code           EM-3
   0x02  revision               1.0

With --json one object a line; `value` is there where it is text, `name` where the standard has one:
  {\"unit\":1,\"object\":0,\"name\":\"vendor_name\",\"value\":\"Maker\",\"hex\":\"4d616b6572\"}
  {\"unit\":1,\"name\":\"server_id\",\"hex\":\"2aff\"}
On a serial line whose --echo is not named, a register is read first, to see whether it echoes.";

const RAW_HELP: &str = "\
Examples:
  ccmaster modbus raw --tcp 192.0.2.10 --unit 1 03006B0003        # read three holding registers
  ccmaster modbus raw --rtu /dev/ttyUSB0 --unit 1 \"08 0000 A537\"  # is the line sound?

Unit, length and checksum are added. A request that makes no sense is sent all the same; its reply then ends where the
line is silent. Function codes are 1 to 127.
On a serial line whose --echo is not named, a register is read first, to see whether it echoes.";

const SERVE_HELP: &str = "\
The file has arrays of tables `holding`, `input`, `coils` and `discrete`:
  holding = [{ address = 0, values = [1, 2, 3] }]
  coils = [{ address = 0, values = [1, 0] }]
Addresses outside answer exception 2. Writes change what is served, not the file.
What is beside them, all of it optional; what is not there is an illegal function:
  exception_status = 0x6D                                         # function 7
  server_id = [0x2A, 0xFF, 0x31]                                  # function 17: bytes, or a text
  fifo = [{ address = 0x04DE, values = [440, 4740] }]             # function 24
  file = [{ number = 4, records = [1, 2, 3] }]                    # functions 20 and 21
  [id]                                                            # function 43, interface 14
  vendor_name = \"Maker\"
  product_code = \"EM-3\"
  revision = \"1.0\"
  0x80 = \"one of its own\"
Functions 8, 11 and 12 count and log what happens from the start on.

Over TLS, for clients with a certificate only; those of role \"operator\" may write, those of \"viewer\" read:
  ccmaster modbus serve --tls 0.0.0.0 --ca ca.pem --cert server.pem --key server.key \\
    --role operator=write --role viewer=read --unit 1 --image registers.toml
The role is an extension of the client's certificate (1.3.6.1.4.1.50316.802.1, a UTF8String); without any --role
every client whose certificate is good may read and write.";

const GATEWAY_HELP: &str = "\
Examples:
  ccmaster modbus gateway --listen 127.0.0.1:1502 --route 1-32=/dev/ttyUSB0
  ccmaster modbus gateway --listen 0.0.0.0:502 --allow 192.0.2.0/24 --read-only \\
      --route 1-32=/dev/ttyUSB0@9600 --route 100,200-210=/dev/ttyUSB1@19200,even

What clients are told, besides what the device itself answers:
  01  the function may not pass
  01, 02, 03  the request breaks the standard's limits; it was not sent
  06  too many requests wait; ask again later
  0A  no route leads to this unit
  0B  no valid reply, or not in time; or the serial port is gone
A device that is silent three times in a row is asked only every 15 s.";

const SNIFF_HELP: &str = "\
Examples:
  ccmaster modbus sniff --rtu /dev/ttyUSB0                           # watch; Ctrl-C ends it with a summary
  ccmaster modbus sniff --rtu /dev/ttyUSB0 --baud 19200 --parity even --duration 10m --stats
  ccmaster modbus sniff --rtu /dev/ttyUSB0 --pcap bus.pcap           # then open bus.pcap in Wireshark
  ccmaster modbus sniff --rtu /dev/ttyUSB0 --pcap - | wireshark -k -i -

Connect the adapter's A and B to those of the bus; with the right --baud and --parity you see, a line each:
  request   the master asks a unit (`all` is every unit)
  reply     the unit answers, with the time from the end of the question to the beginning of the answer
  no reply  nothing valid came before the master went on; the time is that of the question
  stray     an answer to no question that was heard: too late, or to something else
  noise     bytes that are no frame: a wrong checksum, two who spoke at once, a loose wire, the wrong --baud
Only noise means that --baud or --parity are wrong.

In Wireshark and tshark these settings show directions and check sums:
  tshark -r bus.pcap -o mbrtu.tcp.port:502 -o mbrtu.crc_verification:TRUE
They show messages to all units, and those of four bytes, as plain bytes.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_numbers_are_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert!(duration("2").is_err() && duration("0ms").is_err() && duration("-1s").is_err());
        assert_eq!(pdu("03 00:6b"), Ok(Pdu(vec![3, 0, 0x6B])));
        assert!(
            pdu("").is_err()
                && pdu("030").is_err()
                && pdu("0x03").is_err()
                && pdu(&"00".repeat(254)).is_err()
        );
        assert_eq!(record("4:0x10"), Ok(Record { file: 4, record: 16 }));
        assert_eq!(number("0x0100"), Ok(256));
        assert!(number("65536").is_err());
        assert_eq!(units("3-9"), Ok((3, 9)));
        assert!(units("9-3").is_err() && units("0-3").is_err());
        assert_eq!(grant("a=b=read"), Ok(Grant { role: "a=b".into(), access: Access::Read }));
        assert!(grant("viewer").is_err() && grant("=read").is_err() && grant("viewer=all").is_err());
        assert_eq!(time_of_day("12:20"), Ok(44_400));
        assert!(time_of_day("24:00").is_err());
    }
}
