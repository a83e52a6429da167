//! `ccmaster modbus sniff`.

mod arguments;
mod decoded;
mod pcap;
mod report;
mod summary;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use ccm_core::Clock;
use ccm_core::asynch::Timer;
use ccm_modbus::monitor::Monitor;
use ccm_modbus::tracker::Tracker;
use embedded_io_async::Read;

pub(in crate::cli) use arguments::Arguments;

use crate::cli::Failure;
use crate::port::Serial;
use crate::server::until_stopped;
use pcap::Pcap;
use report::Sniffer;

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

/// Hands on what comes, until the port or whoever reads our output is gone. A port that can only be read cannot be
/// written to by mistake.
async fn listen(
    port: &mut impl Read<Error = io::Error>,
    tracker: &mut Tracker<'_>,
    sniffer: &mut Sniffer,
) -> io::Result<()> {
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

/// Longer than anybody listens.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
