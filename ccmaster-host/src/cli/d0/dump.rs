//! `ccmaster d0 dump`.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use embedded_io_async::{Read, Write as _};

use super::arguments::Dump;
use crate::cli::Failure;
use crate::cli::place::{Place, line};
use crate::cli::stop::{Stop, end};
use crate::port::Link;
use crate::server::until_stopped;

/// Writes a dump, or says one again.
pub(in crate::cli) async fn run(dump: Dump) -> Result<(), Failure> {
    let result = match &dump.replay {
        Some(path) => until_stopped(replay(&dump, path)).await.unwrap_or(Ok(true)),
        None => record(&dump).await,
    };
    end(false, result)
}

async fn open(dump: &Dump) -> Result<Option<Link>, Stop> {
    if dump.serial.is_none() && dump.tcp.is_none() {
        return Ok(None);
    }
    let place = Place { serial: dump.serial.clone(), tcp: dump.tcp.clone() };
    Ok(Some(place.open(line(dump.baud, dump.seven_bits)).await?))
}

async fn record(dump: &Dump) -> Result<bool, Stop> {
    let link = open(dump).await?;
    let mut link = link.ok_or_else(|| Stop::Misuse("name a port with --serial or --tcp".into()))?;
    let mut out = output(dump.out.as_deref())?;
    eprintln!("listening; Ctrl-C ends it");
    let duration = dump.duration.unwrap_or(FOR_EVER);
    let ended = until_stopped(tokio::time::timeout(duration, copy(&mut link, &mut out))).await;
    match ended {
        Some(Ok(result)) => result.map(|()| true),
        _ => Ok(true),
    }
}

fn output(path: Option<&Path>) -> Result<Box<dyn Write>, Stop> {
    let Some(path) = path else { return Ok(Box::new(io::stdout())) };
    let cannot = |error| Stop::failed("port", format!("cannot write {}: {error}", path.display()));
    std::fs::File::create(path).map(|file| Box::new(BufWriter::new(file)) as Box<dyn Write>).map_err(cannot)
}

/// A line for each lump that comes.
async fn copy(link: &mut Link, out: &mut dyn Write) -> Result<(), Stop> {
    let begin = Instant::now();
    let mut bytes = [0; LUMP];
    loop {
        let count = link.read(&mut bytes).await.map_err(|error| Stop::failed("port", error))?;
        let lump = bytes.get(..count).filter(|lump| !lump.is_empty());
        let lump = lump.ok_or_else(|| Stop::failed("port", "the port was closed"))?;
        writeln!(out, "{}", entry(begin.elapsed(), lump)).and_then(|()| out.flush()).map_err(unwritten)?;
    }
}

fn unwritten(error: io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Stop::Unheard,
        _ => Stop::failed("port", format!("cannot write the dump: {error}")),
    }
}

fn entry(time: Duration, lump: &[u8]) -> String {
    let mut line = format!("{:>4}.{:06} ", time.as_secs(), time.subsec_micros());
    for byte in lump {
        let _ = write!(line, "{byte:02X}");
    }
    line.push_str(" |");
    line.extend(lump.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' }));
    line
}

fn parse(line: &str) -> Option<(Duration, Vec<u8>)> {
    let mut words = line.split('|').next()?.split_whitespace();
    let (time, digits) = (words.next()?, words.next()?);
    let (seconds, fraction) = time.split_once('.').filter(|(_, fraction)| fraction.len() == 6)?;
    let time = Duration::new(seconds.parse().ok()?, fraction.parse::<u32>().ok()?.checked_mul(1000)?);
    let is_hex = digits.len() % 2 == 0 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    is_hex.then_some((time, bytes))
}

async fn replay(dump: &Dump, path: &Path) -> Result<bool, Stop> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Stop::Misuse(format!("cannot read {name}: {error}")))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let lumps = lines
        .map(|(number, line)| parse(line).ok_or(number + 1))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|number| Stop::Misuse(format!("{name}: line {number} is not of a dump")))?;
    let mut link = open(dump).await?;
    let begin = tokio::time::Instant::now();
    for (time, lump) in &lumps {
        if !dump.fast {
            tokio::time::sleep_until(begin + *time).await;
        }
        put(link.as_mut(), lump).await?;
    }
    Ok(true)
}

async fn put(link: Option<&mut Link>, lump: &[u8]) -> Result<(), Stop> {
    let Some(link) = link else {
        let mut out = io::stdout().lock();
        return out.write_all(lump).and_then(|()| out.flush()).map_err(unwritten);
    };
    link.write_all(lump).await.map_err(|error| Stop::failed("port", error))?;
    link.flush().await.map_err(|error| Stop::failed("port", error))
}

/// Bytes that come at once are one line.
const LUMP: usize = 512;

/// Longer than anybody listens.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let line = entry(Duration::from_micros(12_345_678), b"/CCM5|SIM\r\n\xFF");
        assert_eq!(line, "  12.345678 2F43434D357C53494D0D0AFF |/CCM5|SIM...");
        assert_eq!(parse(&line), Some((Duration::from_micros(12_345_678), b"/CCM5|SIM\r\n\xFF".to_vec())));
        for line in ["", "1.5 2F", "1.000000", "1.000000 2", "1.000000 2G", "x.000000 2F"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
