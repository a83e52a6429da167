//! `ccmaster modbus gateway`.

mod arguments;
mod client;
mod line;
mod shared;

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use ccm_core::Line;
use ccm_modbus::gateway::{Counters, FunctionSet, Gateway, Settings};
use serde::Serialize;
use tokio::net::TcpListener;

pub(in crate::cli) use arguments::Arguments;

use crate::cli::Failure;
use crate::server::until_stopped;
use arguments::Route;
use line::SerialLine;
use shared::{HostGateway, QUEUE, Shared};

/// Passes requests on until it is stopped. Nothing is started before all ports are open.
pub(in crate::cli) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let ports = ports(&arguments.routes)?;
    let gateway = gateway(&arguments, &ports)?;
    let lines = lines(&arguments, &ports);
    let open = lines.into_iter().map(opened).collect::<Result<Vec<_>, _>>()?;
    let listener = listen(&arguments.listen).await?;
    say_start(&arguments, &ports, listener.local_addr().ok());
    let shared = Rc::new(Shared::new(gateway, ports.len(), arguments.max_clients.into()));
    for (line, port) in open {
        tokio::task::spawn_local(line.run(port, Rc::clone(&shared)));
    }
    let accept = client::accept(listener, Rc::clone(&shared), arguments.allow);
    let serve = async { tokio::join!(accept, shared.keep_deadlines()) };
    until_stopped(serve).await;
    say_end(arguments.json, shared.gateway.borrow().counters());
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let text = format!("cannot listen on {address}: {error}");
        let is_misuse = error.kind() == io::ErrorKind::InvalidInput;
        if is_misuse { Failure::Misuse(text) } else { Failure::Failed(text) }
    })
}

/// The serial ports that the routes name, each once.
fn ports(routes: &[Route]) -> Result<Vec<(PathBuf, Line)>, Failure> {
    let mut ports: Vec<(PathBuf, Line)> = Vec::new();
    for Route { path, line, .. } in routes {
        match ports.iter().find(|(known, _)| known == path) {
            Some((_, known)) if known != line => {
                let path = path.display();
                return Err(Failure::Misuse(format!(
                    "{path} is to run at {known} and at {line}; choose one"
                )));
            }
            Some(_) => {}
            None => ports.push((path.clone(), *line)),
        }
    }
    if ports.len() > MOST_PORTS {
        return Err(Failure::Misuse(format!("more than {MOST_PORTS} serial ports")));
    }
    Ok(ports)
}

fn gateway(arguments: &Arguments, ports: &[(PathBuf, Line)]) -> Result<Box<HostGateway>, Failure> {
    if arguments.deadline < arguments.timeout {
        return Err(Failure::Misuse(
            "--deadline is shorter than --timeout; no request could be answered".into(),
        ));
    }
    let mut gateway = Box::new(Gateway::new(settings(arguments)));
    for Route { units, path, .. } in &arguments.routes {
        let port = ports.iter().position(|(known, _)| known == path).unwrap_or_default();
        for (first, last) in units {
            gateway
                .route(*first, *last, port)
                .map_err(|error| Failure::Misuse(format!("--route: {error}")))?;
        }
    }
    Ok(gateway)
}

fn settings(arguments: &Arguments) -> Settings {
    let denied = arguments.deny.iter().fold(FunctionSet::EMPTY, |denied, code| denied.with(*code));
    let standard = Settings::new();
    Settings {
        deadline: arguments.deadline.into(),
        // As many as leave room for everybody else's.
        share: standard.share.min(QUEUE / usize::from(arguments.max_clients)),
        cache: arguments.cache.unwrap_or_default().into(),
        read_only: arguments.read_only,
        broadcast: arguments.broadcast,
        denied,
        ..standard
    }
}

fn lines(arguments: &Arguments, ports: &[(PathBuf, Line)]) -> Vec<SerialLine> {
    let line = |(index, (path, line)): (usize, &(PathBuf, Line))| SerialLine {
        index,
        path: path.clone(),
        line: *line,
        timeout: arguments.timeout,
        retries: arguments.retries,
        json: arguments.json,
    };
    ports.iter().enumerate().map(line).collect()
}

fn opened(line: SerialLine) -> Result<(SerialLine, crate::port::Serial), Failure> {
    match line.open() {
        Ok(port) => Ok((line, port)),
        Err(error) => Err(Failure::Failed(format!("cannot open {}: {error}", line.path.display()))),
    }
}

/// What is said with `--json` once clients can connect.
#[derive(Debug, Serialize)]
struct Started<'a> {
    event: &'static str,
    address: &'a str,
    ports: Vec<StartedPort<'a>>,
}

#[derive(Debug, Serialize)]
struct StartedPort<'a> {
    port: Cow<'a, str>,
    line: String,
}

fn say_start(arguments: &Arguments, ports: &[(PathBuf, Line)], local: Option<SocketAddr>) {
    let address = local.map_or_else(|| arguments.listen.clone(), |local| local.to_string());
    if arguments.allow.is_empty() && local.is_some_and(|local| !local.ip().is_loopback()) {
        tracing::warn!("whoever reaches {address} can talk to the devices; --allow says who may");
    }
    if arguments.json {
        let ports = ports
            .iter()
            .map(|(path, line)| StartedPort { port: path.to_string_lossy(), line: line.to_string() })
            .collect();
        return say(&Started { event: "listening", address: &address, ports });
    }
    println!("gateway on {address}");
}

/// What is said with `--json` at the end.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    event: &'static str,
    #[serde(flatten)]
    counters: &'a Counters,
}

fn say_end(json: bool, counters: &Counters) {
    if json {
        return say(&Ended { event: "stopped", counters });
    }
    let Counters { requests, answered, shared, cached, refused, failed, .. } = counters;
    tracing::info!(
        "{requests} requests: {answered} answered by devices, {shared} together with those, {cached} from the cache, \
         {refused} refused, {failed} without a valid reply"
    );
}

/// One object, one line. Whoever read them may have gone: that stops no gateway.
fn say(event: &impl Serialize) {
    let line = serde_json::to_string(event).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{line}");
}

/// More serial ports than any machine has.
const MOST_PORTS: usize = 16;

/// Clients at once.
const MOST_CLIENTS: u16 = 256;
