//! What can be typed after `ccmaster modbus sniff`.

use std::path::PathBuf;
use std::time::Duration;

use ccm_core::{Line, Parity};
use clap::Args;

use crate::cli::args::{ParityArg, duration};

/// Listens to what others say on a serial line.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The serial port to listen on; nothing is ever sent to it
    #[arg(long, value_name = "PATH")]
    pub(super) rtu: PathBuf,
    /// Bits per second of the serial line
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    baud: u32,
    /// Parity of the serial line
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    parity: ParityArg,
    /// Data bits of the serial line: Modbus RTU always has 8
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(8..=8))]
    data_bits: u8,
    /// How long the master waits for a confirmation: a write that is seen again later is a repetition
    #[arg(long, default_value = "400ms", value_parser = duration)]
    pub(super) timeout: Duration,
    /// Stop by itself after this time, such as 30s, 10m or 2h; else listen until Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(super) duration: Option<Duration>,
    /// Print no frames, only the summary at the end
    #[arg(long)]
    pub(super) stats: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(super) json: bool,
    /// Also write all frames to a file for Wireshark or tshark; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,
}

impl Arguments {
    /// The serial line's settings.
    pub(super) const fn line(&self) -> Line {
        let parity = match self.parity {
            ParityArg::None => Parity::None,
            ParityArg::Even => Parity::Even,
            ParityArg::Odd => Parity::Odd,
        };
        Line::new(self.baud).with_parity(parity)
    }
}

/// A time to listen: `30s`, `10m`, `2h`.
fn span(text: &str) -> Result<Duration, String> {
    let unit = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit);
    let factor = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let millis = factor.and_then(|factor| digits.parse::<u64>().ok()?.checked_mul(factor));
    let span = millis.filter(|millis| (1..=MOST_MILLIS).contains(millis)).map(Duration::from_millis);
    span.ok_or_else(|| "write a time such as 500ms, 30s, 10m or 2h, up to a year".into())
}

const MOST_MILLIS: u64 = 366 * 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_listen_are_read_as_people_write_them() {
        let table = [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000)];
        for (typed, millis) in table {
            assert_eq!(span(typed), Ok(Duration::from_millis(millis)));
        }
        for typed in ["", "30", "0s", "-1s", "2d", "99999999999999999h", "9000h"] {
            assert!(span(typed).is_err(), "{typed}");
        }
    }
}
