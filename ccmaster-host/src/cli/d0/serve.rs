//! `ccmaster d0 serve`.

use std::io;
use std::path::Path;
use std::time::Duration;

use ccm_core::asynch::{Driver, Port};
use ccm_core::{DriveError, Line};
use ccm_iec62056::{Ending, Polynomial, Quirks, Server};
use tokio::net::TcpListener;

use super::arguments::{Serve, ServeMode};
use super::image::{LONGEST_LINE, Meter, quirks};
use crate::cli::Failure;
use crate::cli::place::line;
use crate::port::{Follow, Paced, Pty, Serial, Tcp, TokioTimer};
use crate::server::until_stopped;

/// Is a meter until stopped.
pub(in crate::cli) async fn run(serve: Serve) -> Result<(), Failure> {
    let simulated = Simulated::new(&serve)?;
    match (&serve.site.serial, &serve.site.tcp) {
        (Some(path), _) => serial(path, simulated).await,
        (None, Some(address)) => network(address, simulated).await,
        (None, None) => terminal(simulated).await,
    }
}

/// A meter and how it behaves.
#[derive(Clone)]
struct Simulated {
    meter: Meter,
    quirks: Quirks,
    eight_bits: bool,
}

impl Simulated {
    fn new(serve: &Serve) -> Result<Self, Failure> {
        let meter = match &serve.image {
            Some(path) => load(path, serve.mode),
            None => Meter::example(serve.mode),
        };
        let named = quirks(&serve.quirk).map_err(Failure::Misuse)?;
        let quirks = Quirks { push: push(serve, &named), ending: ending(serve, &named), ..named };
        let is_pushed = serve.every.is_some() || serve.baud.is_some();
        if is_pushed && quirks.push.is_none() {
            return Err(Failure::Misuse("--every and --baud belong to --mode d and --mode p1".into()));
        }
        let eight_bits = serve.eight_bits || quirks.ending != Ending::Bare;
        Ok(Self { meter: meter.map_err(Failure::Misuse)?, quirks, eight_bits })
    }

    fn line(&self) -> Line {
        line(self.quirks.push.map_or(300, |(_, baud)| baud), !self.eight_bits)
    }

    /// Talks on a port until it fails; after mode E's hand-over begins anew.
    async fn live<P: Port<Error = io::Error>>(self, port: P) -> DriveError<io::Error> {
        let mut driver = Driver::<_, _, 256>::new(Follow::new(port), TokioTimer::default());
        loop {
            let (mut input, mut output) = ([0; 256], [0; LONGEST_LINE + 96]);
            let server = Server::new(self.meter.clone(), self.quirks, &mut input, &mut output);
            let mut server = if self.eight_bits { server.with_eight_bits() } else { server };
            if let Err(error) = driver.run(&mut server).await {
                return error;
            }
            tracing::info!("handed over to mode E, which the simulated meter does not speak");
            tokio::time::sleep(BINARY).await;
        }
    }
}

fn load(path: &Path, mode: ServeMode) -> Result<Meter, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    Meter::parse(&text, mode).map_err(|error| format!("{name}: {error}"))
}

/// How often the meter speaks by itself, and how fast.
fn push(serve: &Serve, named: &Quirks) -> Option<(ccm_core::Duration, u32)> {
    let usual = match serve.mode {
        ServeMode::D => Some((Duration::from_secs(2).into(), 2400)),
        ServeMode::P1 => Some((Duration::from_secs(1).into(), 115_200)),
        _ => None,
    };
    let (every, baud) = named.push.or(usual)?;
    Some((serve.every.map_or(every, Into::into), serve.baud.unwrap_or(baud)))
}

fn ending(serve: &Serve, named: &Quirks) -> Ending {
    match (serve.mode, named.push) {
        (ServeMode::P1, None) => Ending::Crc(Polynomial::Arc),
        _ => named.ending,
    }
}

async fn serial(path: &Path, simulated: Simulated) -> Result<(), Failure> {
    let name = path.display();
    let line = simulated.line();
    let port =
        Serial::open(path, line).map_err(|error| Failure::Failed(format!("cannot open {name}: {error}")))?;
    println!("a meter at {line} on {name}");
    ended(&name.to_string(), until_stopped(simulated.live(port)).await)
}

async fn terminal(simulated: Simulated) -> Result<(), Failure> {
    let line = simulated.line();
    let pty = Pty::new().map_err(|error| Failure::Failed(format!("no pseudo-terminal: {error}")))?;
    let name = pty.path().display().to_string();
    println!("a meter at {line} on {name}");
    ended(&name, until_stopped(simulated.live(Paced::new(pty, line))).await)
}

fn ended(name: &str, error: Option<DriveError<io::Error>>) -> Result<(), Failure> {
    error.map_or(Ok(()), |error| Err(Failure::Failed(format!("{name}: {error}"))))
}

async fn network(address: &str, simulated: Simulated) -> Result<(), Failure> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Failed(format!("cannot listen on {address}: {error}")))?;
    let local = listener.local_addr().map_or_else(|_| address.to_owned(), |local| local.to_string());
    println!("a meter on {local}");
    until_stopped(accept(listener, simulated)).await;
    Ok(())
}

async fn accept(listener: TcpListener, simulated: Simulated) {
    loop {
        match listener.accept().await.and_then(|(stream, _)| Tcp::new(stream)) {
            Ok(port) => {
                let meter = simulated.clone();
                tokio::task::spawn_local(async move {
                    let ended = meter.live(port).await;
                    tracing::debug!("a reader has gone: {ended}");
                });
            }
            Err(error) => tracing::warn!("a reader could not connect: {error}"),
        }
    }
}

/// How long a reader may try its binary protocol before the meter is one of text again.
const BINARY: Duration = Duration::from_secs(2);
