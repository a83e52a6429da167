//! `ccmaster modbus sniff`.

mod arguments;
mod decoded;
mod pcap;
mod summary;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ccm_core::asynch::Timer;
use ccm_core::{Clock, Instant};
use ccm_modbus::monitor::Monitor;
use ccm_modbus::tracker::{Event, Role, Sighting, Tracker};
use embedded_io_async::Read;
use serde::Serialize;

pub(in crate::cli) use arguments::Arguments;

use crate::cli::Failure;
use crate::port::{Serial, TokioTimer};
use crate::server::until_stopped;
use decoded::{Decoded, hex};
use pcap::Pcap;

/// Room for every unit there can be.
type UnitMonitor = Monitor<256>;

/// Listens until it is stopped or its time is over, then says what was heard.
pub(in crate::cli) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let to_stdout = arguments.pcap.as_deref() == Some(Path::new("-"));
    if to_stdout && arguments.json {
        return Err(Failure::Misuse("--pcap - and --json both want standard output; choose one".into()));
    }
    let name = arguments.rtu.display();
    let mut port = Serial::open(&arguments.rtu, arguments.line())
        .map_err(|error| Failure::Failed(format!("cannot open {name}: {error}")))?;
    let pcap = arguments.pcap.as_deref().map(open).transpose()?;
    eprintln!("listening on {name} at {}; Ctrl-C ends it", arguments.line());
    let mut sniffer = Sniffer::new(&arguments, pcap, !to_stdout && !arguments.stats);
    let mut buffer = [0; 520];
    let mut tracker = Tracker::new(arguments.line(), &mut buffer).with_patience(arguments.timeout.into());
    let heard = listen(&mut port, &mut tracker, &mut sniffer);
    let ended = until_stopped(tokio::time::timeout(arguments.duration.unwrap_or(FOR_EVER), heard)).await;
    let now = sniffer.timer.now();
    while let Some(event) = tracker.finish(now) {
        sniffer.note(&event);
    }
    sniffer.summarise(now, to_stdout).or_else(is_gone)?;
    match ended {
        Some(Ok(Err(error))) => is_gone(error),
        _ => Ok(()),
    }
}

/// Who read what we print may have gone: that is no mistake.
fn is_gone(error: io::Error) -> Result<(), Failure> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(Failure::Failed(error.to_string())),
    }
}

fn open(path: &Path) -> Result<Pcap<Box<dyn Write>>, Failure> {
    let out: io::Result<Box<dyn Write>> = match path.to_str() {
        Some("-") => Ok(Box::new(io::stdout())),
        _ => File::create(path).map(|file| Box::new(file) as Box<dyn Write>),
    };
    let pcap = out.and_then(Pcap::new);
    pcap.map_err(|error| Failure::Failed(format!("cannot write {}: {error}", path.display())))
}

/// Hands on what comes, until the port or whoever reads our output is gone.
async fn listen(port: &mut Serial, tracker: &mut Tracker<'_>, sniffer: &mut Sniffer) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        let deadline = tracker.deadline();
        let silence = async {
            match deadline {
                Some(deadline) => sniffer.timer.wait(deadline).await,
                None => std::future::pending().await,
            }
        };
        let count = tokio::select! {
            read = port.read(&mut bytes) => match read? {
                0 => return Err(io::Error::other("the port is gone")),
                count => count,
            },
            () = silence => 0,
        };
        let now = sniffer.timer.now();
        tracker.hear(now, bytes.get(..count).unwrap_or_default(), |event| sniffer.note(&event));
        std::mem::replace(&mut sniffer.written, Ok(()))?;
    }
}

/// What is done with what is heard.
struct Sniffer {
    timer: TokioTimer,
    /// When the timer's epoch was, in microseconds since 1970.
    epoch: u64,
    monitor: Box<UnitMonitor>,
    pcap: Option<Pcap<Box<dyn Write>>>,
    /// The last request, as its reply repeats no address.
    request: Vec<u8>,
    prints: bool,
    json: bool,
    written: io::Result<()>,
}

/// An event with `--json`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    event: &'static str,
    /// Since 1970.
    time_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<u8>,
    #[serde(flatten)]
    decoded: Option<&'a Decoded>,
    /// From the end of the request to the beginning of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl Sniffer {
    fn new(arguments: &Arguments, pcap: Option<Pcap<Box<dyn Write>>>, prints: bool) -> Self {
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

    fn note(&mut self, event: &Event<'_>) {
        self.monitor.record(event);
        let written = self.keep(event).and_then(|()| if self.prints { self.print(event) } else { Ok(()) });
        if written.is_err() {
            self.written = written;
        }
        if let Event::Frame(Sighting { frame, role: Role::Request, .. }) = event {
            self.request = frame.pdu.to_vec();
        }
    }

    /// Writes it to the file. Noise shorter than any frame is left out; the rest shows as a wrong checksum there.
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
        let line = match event {
            Event::Frame(sighting) => self.frame(sighting),
            Event::Unanswered { unit, function, asked } => {
                let code = function.code();
                let name = function.name();
                if self.json {
                    let decoded = Decoded { function: code, name, ..Decoded::default() };
                    self.object("unanswered", *asked, Some(*unit), Some(&decoded), None, None)
                } else {
                    self.line(*asked, "no reply", Some(*unit), &format!("{name} ({code})"))
                }
            }
            Event::Noise { at, bytes, waited_for } if self.json => {
                self.object("noise", *at, *waited_for, None, None, Some(hex(bytes)))
            }
            Event::Noise { at, bytes, waited_for } => {
                let text = format!("{} bytes that are no frame: {}", bytes.len(), hex(bytes));
                self.line(*at, "noise", *waited_for, &text)
            }
        };
        writeln!(io::stdout(), "{line}")
    }

    fn frame(&self, sighting: &Sighting<'_>) -> String {
        let pdu = sighting.frame.pdu;
        let (role, after, decoded) = match sighting.role {
            Role::Request => ("request", None, Decoded::request(pdu)),
            Role::Reply { after } => ("reply", after, Decoded::reply(pdu, Some(&self.request))),
            Role::Stray => ("stray", None, Decoded::reply(pdu, None)),
        };
        let unit = Some(sighting.frame.unit);
        if self.json {
            let after = after.map(ccm_core::Duration::as_micros);
            let bytes = Some(hex(sighting.bytes));
            return self.object(role, sighting.at, unit, Some(&decoded), after, bytes);
        }
        let after = after.map(|after| format!("  [{} ms]", summary::millis(after))).unwrap_or_default();
        self.line(sighting.at, role, unit, &format!("{decoded}{after}"))
    }

    fn line(&self, at: Instant, what: &str, unit: Option<u8>, text: &str) -> String {
        let (seconds, millis) = (at.as_micros() / 1_000_000, at.as_micros() / 1000 % 1000);
        let unit = match unit {
            Some(0) => "all".into(),
            Some(unit) => unit.to_string(),
            None => String::new(),
        };
        format!("{seconds:>6}.{millis:03}  {what:<8} {unit:>3}  {text}")
    }

    fn object(
        &self,
        event: &'static str,
        at: Instant,
        unit: Option<u8>,
        decoded: Option<&Decoded>,
        after_us: Option<u64>,
        bytes: Option<String>,
    ) -> String {
        let line = Line { event, time_us: self.since_1970(at), unit, decoded, after_us, bytes };
        serde_json::to_string(&line).unwrap_or_default()
    }

    fn summarise(&self, now: Instant, to_stderr: bool) -> io::Result<()> {
        match (self.json, to_stderr) {
            (true, _) => summary::json(&self.monitor, now, &mut io::stdout()),
            (false, true) => summary::table(&self.monitor, now, &mut io::stderr()),
            (false, false) => summary::table(&self.monitor, now, &mut io::stdout()),
        }
    }

    const fn since_1970(&self, at: Instant) -> u64 {
        self.epoch + at.as_micros()
    }
}

/// Longer than anybody listens.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
