//! What is done with what is heard: it is counted, kept, printed.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use ccm_core::{Clock, Duration, Instant};
use ccm_modbus::monitor::Monitor;
use ccm_modbus::tracker::{Event, Role, Sighting};
use serde::Serialize;

use super::decoded::{Decoded, hex};
use super::pcap::Pcap;
use super::summary::{self, millis};
use super::{Arguments, UnitMonitor};
use crate::port::TokioTimer;

/// Notes one event after the other.
pub(super) struct Sniffer {
    pub(super) timer: TokioTimer,
    /// When the timer's epoch was, in microseconds since 1970.
    epoch: u64,
    monitor: Box<UnitMonitor>,
    pcap: Option<Pcap<Box<dyn Write>>>,
    /// The last request, as its reply repeats no address.
    request: Vec<u8>,
    prints: bool,
    json: bool,
    /// The first output that failed.
    pub(super) written: io::Result<()>,
}

/// An event as it is printed.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    event: &'static str,
    /// Since 1970.
    time_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u8>,
    #[serde(flatten)]
    decoded: Option<Decoded>,
    /// From the end of the request to the beginning of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    /// For people only.
    #[serde(skip)]
    at: Instant,
    #[serde(skip)]
    raw: &'a [u8],
}

impl Sniffer {
    pub(super) fn new(arguments: &Arguments, pcap: Option<Pcap<Box<dyn Write>>>, prints: bool) -> Self {
        let timer = TokioTimer::default();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            timer,
            epoch: u64::try_from(since_1970.as_micros()).unwrap_or_default(),
            monitor: Box::new(Monitor::new(arguments.line(), timer.now())),
            pcap,
            request: Vec::new(),
            prints,
            json: arguments.json,
            written: Ok(()),
        }
    }

    /// Counts an event, writes it to the file, prints it.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        self.monitor.record(event);
        let kept = self.keep(event);
        let written = kept.and_then(|()| if self.prints { self.print(event) } else { Ok(()) });
        if self.written.is_ok() {
            self.written = written;
        }
        if let Event::Frame(Sighting { frame, role: Role::Request, .. }) = event {
            self.request = frame.pdu.to_vec();
        }
    }

    /// Says what has been counted.
    pub(super) fn summarise(&self, now: Instant, to_stderr: bool) -> io::Result<()> {
        match (self.json, to_stderr) {
            (true, _) => summary::json(&self.monitor, now, &mut io::stdout()),
            (false, true) => summary::table(&self.monitor, now, &mut io::stderr()),
            (false, false) => summary::table(&self.monitor, now, &mut io::stdout()),
        }
    }

    /// Noise shorter than any frame is left out of the file; the rest shows as a wrong checksum there.
    fn keep(&mut self, event: &Event<'_>) -> io::Result<()> {
        let (at, bytes, from_unit) = match event {
            Event::Frame(sighting) => (sighting.at, sighting.bytes, sighting.role != Role::Request),
            Event::Noise { at, bytes, waited_for } if bytes.len() >= 4 => (*at, *bytes, waited_for.is_some()),
            _ => return Ok(()),
        };
        let time = self.since_1970(at);
        self.pcap.as_mut().map_or(Ok(()), |pcap| pcap.write(time, bytes, from_unit))
    }

    fn print(&self, event: &Event<'_>) -> io::Result<()> {
        let line = self.line(event);
        let text = if self.json { serde_json::to_string(&line)? } else { line.to_string() };
        writeln!(io::stdout(), "{text}")
    }

    fn line<'a>(&self, event: &Event<'a>) -> Line<'a> {
        let line = match *event {
            Event::Frame(sighting) => self.frame(&sighting),
            Event::Unanswered { unit, function, asked } => {
                let decoded =
                    Decoded { function: function.code(), name: function.name(), ..Decoded::default() };
                Line {
                    event: "unanswered",
                    unit: Some(unit),
                    decoded: Some(decoded),
                    at: asked,
                    ..Line::default()
                }
            }
            Event::Noise { at, bytes, waited_for } => {
                Line { event: "noise", unit: waited_for, raw: bytes, at, ..Line::default() }
            }
        };
        let bytes = (!line.raw.is_empty()).then(|| hex(line.raw));
        Line { time_us: self.since_1970(line.at), bytes, ..line }
    }

    fn frame<'a>(&self, sighting: &Sighting<'a>) -> Line<'a> {
        let pdu = sighting.frame.pdu;
        let (event, after, decoded) = match sighting.role {
            Role::Request => ("request", None, Decoded::request(pdu)),
            Role::Reply { after } => ("reply", after, Decoded::reply(pdu, Some(&self.request))),
            Role::Stray => ("stray", None, Decoded::reply(pdu, None)),
        };
        Line {
            event,
            unit: Some(sighting.frame.unit),
            decoded: Some(decoded),
            after_us: after.map(Duration::as_micros),
            at: sighting.at,
            raw: sighting.bytes,
            ..Line::default()
        }
    }

    const fn since_1970(&self, at: Instant) -> u64 {
        self.epoch + at.as_micros()
    }
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, fraction) = (self.at.as_micros() / 1_000_000, self.at.as_micros() / 1000 % 1000);
        let event = if self.event == "unanswered" { "no reply" } else { self.event };
        let unit = match self.unit {
            Some(0) => "all".into(),
            Some(unit) => unit.to_string(),
            None => String::new(),
        };
        write!(formatter, "{seconds:>6}.{fraction:03}  {event:<8} {unit:>3}  ")?;
        match &self.decoded {
            Some(decoded) => write!(formatter, "{decoded}")?,
            None => write!(formatter, "{} bytes that are no frame: {}", self.raw.len(), hex(self.raw))?,
        }
        let after = self.after_us.map(Duration::from_micros);
        after.map_or(Ok(()), |after| write!(formatter, "  [{} ms]", millis(after)))
    }
}
