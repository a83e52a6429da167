//! `ccmaster dlms serve`.

mod arguments;

use std::io;

use ccm_core::asynch::{Driver, Port};
use ccm_core::crypto::{Key, Software};
use ccm_core::{DriveError, Line};
use ccm_dlms::hdlc::{Parameters, Station};
use ccm_dlms::message::cosem::{ScalerUnit, Unit};
use ccm_dlms::security::InvocationCounter;
use ccm_dlms::wrapper::Service;
use ccm_dlms::{
    Association, Authentication, Buffers, Entry, Meter, Quirks, Referencing, RequestError, Server, Serving,
};
use tokio::net::TcpListener;

pub(in crate::cli) use self::arguments::Serve;
pub(super) use self::arguments::help;
use super::arguments::FramingArg;
use super::credentials::{AuthArg, Credentials};
use super::read::hdlc_address;
use crate::cli::Failure;
use crate::cli::stop::{Stop, end};
use crate::port::{Follow, Paced, Pty, Serial, Tcp, TokioTimer};
use crate::server::until_stopped;

type Simulated<L> = Server<'static, L, Software, Meter<'static>>;

/// Is a meter until stopped.
pub(in crate::cli) async fn run(serve: Serve) -> Result<(), Failure> {
    end(false, attempt(&serve).await.map(|()| true))
}

async fn attempt(serve: &Serve) -> Result<(), Stop> {
    let credentials = leak(Credentials::new(&serve.credentials)?);
    let size = usize::from(serve.max_pdu) + ENVELOPE;
    if serve.framing() == FramingArg::Wrapper {
        let link = move || Service::new(room(size + WRAPPER));
        let meter = simulated(serve, credentials, link())?;
        // What a client left half said on its connection is no part of the next one's.
        return live(serve, meter, |meter| *meter.link() = link()).await;
    }
    let station = station(serve, size).map_err(|error| Stop::Misuse(error.to_string()))?;
    live(serve, simulated(serve, credentials, station)?, |_| {}).await
}

fn station(serve: &Serve, size: usize) -> Result<Station<'static>, RequestError> {
    let station = Station::new(hdlc_address(serve.server)?, room(size + FRAME));
    let station = station.with_parameters(Parameters::new(serve.max_info, serve.window)?)?;
    Ok(station.with_quirks(quirks(serve).link))
}

fn quirks(serve: &Serve) -> Quirks {
    serve.fault.unwrap_or(Quirks::NONE)
}

fn simulated<L: Serving>(
    serve: &Serve,
    credentials: &'static Credentials,
    link: L,
) -> Result<Simulated<L>, Stop> {
    let associations = leak(associations(serve, credentials)?);
    let mut meter = Meter::new(leak(registers()), room(LONGEST), random);
    meter.system_title = *serve.system_title.bytes();
    meter.load.rows = serve.rows;
    meter.epoch = jiff::Timestamp::now().as_second().try_into().unwrap_or(meter.epoch);
    meter.counters = if credentials.keys.is_some() { &[COUNTER] } else { &[] };
    let buffers = Buffers { request: room(LONGEST), pieces: room(LONGEST) };
    Ok(Server::new(link, Software, meter, associations, buffers)
        .with_dedicated_keys(import)
        .with_max_receive_pdu_size(serve.max_pdu)
        .with_quirks(quirks(serve)))
}

/// The client of the options, and the public one.
fn associations(
    serve: &Serve,
    credentials: &'static Credentials,
) -> Result<Vec<Association<'static, Key>>, Stop> {
    let is_public = credentials.auth == AuthArg::None && !credentials.needs_title();
    let client = serve.client.unwrap_or(if is_public { PUBLIC_CLIENT } else { 1 });
    let mut own = Association::new(client, authentication(credentials)?);
    own.referencing = if serve.short_names { Referencing::Short } else { Referencing::Any };
    if credentials.needs_title() {
        let context = credentials.context(serve.system_title, InvocationCounter::volatile(1))?;
        own = own.with_security(context, credentials.keys.is_some().then_some(COUNTER));
    }
    let mut all = vec![own];
    if client != PUBLIC_CLIENT && !serve.no_public {
        all.push(Association::public());
    }
    Ok(all)
}

fn authentication(credentials: &'static Credentials) -> Result<Authentication<'static, Key>, Stop> {
    let Credentials { password, key, peer_key, .. } = credentials;
    let key = || key.clone().ok_or_else(|| Stop::Misuse("there is no key".into()));
    Ok(match credentials.auth {
        AuthArg::None => Authentication::None,
        AuthArg::Lls => Authentication::Low(password),
        AuthArg::Hls => Authentication::Vendor(key()?),
        AuthArg::HlsMd5 => Authentication::Md5(password),
        AuthArg::HlsSha1 => Authentication::Sha1(password),
        AuthArg::HlsGmac => Authentication::Gmac,
        AuthArg::HlsSha256 => Authentication::Sha256(password),
        AuthArg::HlsEcdsa => Authentication::Ecdsa { key: key()?, client: peer_key },
    })
}

fn registers() -> Vec<Entry> {
    let entry = |logical_name, value, scaler, unit| Entry {
        logical_name,
        value,
        scaler_unit: ScalerUnit::new(scaler, unit),
    };
    vec![
        entry([1, 0, 1, 8, 0, 255], 1_234_567, 0, Unit::WATT_HOUR),
        entry([1, 0, 2, 8, 0, 255], 42, 0, Unit::WATT_HOUR),
        entry([1, 0, 16, 7, 0, 255], -4200, -1, Unit::WATT),
        entry([1, 0, 32, 7, 0, 255], 2305, -1, Unit::VOLT),
    ]
}

/// A meter's challenges; without random bytes it makes none that anybody believes.
fn random(bytes: &mut [u8]) {
    if rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty()) != Ok(bytes.len()) {
        bytes.fill(0);
    }
}

fn import(bytes: &[u8]) -> Option<Key> {
    match bytes.len() {
        16 => bytes.try_into().ok().map(Key::Aes128),
        32 => bytes.try_into().ok().map(Key::Aes256),
        _ => None,
    }
}

async fn live<L: Serving>(
    serve: &Serve,
    mut meter: Simulated<L>,
    renew: impl Fn(&mut Simulated<L>),
) -> Result<(), Stop> {
    let line = Line::new(serve.baud).with_parity(serve.parity.into());
    match (&serve.site.serial, &serve.site.tcp) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let port = Serial::open(path, line)
                .map_err(|error| Stop::failed("port", format!("cannot open {name}: {error}")))?;
            say(&format!("a meter at {line} on {name}"));
            ended(&name, until_stopped(talk(&mut meter, port)).await)
        }
        (None, Some(address)) => {
            let cannot =
                |error: io::Error| Stop::failed("port", format!("cannot listen on {address}: {error}"));
            let listener = TcpListener::bind(address).await.map_err(cannot)?;
            say(&format!("a meter on {}", listener.local_addr().map_err(cannot)?));
            until_stopped(accept(listener, meter, renew)).await;
            Ok(())
        }
        (None, None) => {
            let pty =
                Pty::new().map_err(|error| Stop::failed("port", format!("no pseudo-terminal: {error}")))?;
            let name = pty.path().display().to_string();
            say(&format!("a meter at {line} on {name}"));
            ended(&name, until_stopped(talk(&mut meter, Paced::new(pty, line))).await)
        }
    }
}

/// Says where the meter is, and goes on whether anybody hears it or not.
fn say(line: &str) {
    let _ = crate::cli::stop::say(line);
}

/// One connection after another; objects and counters stay.
async fn accept<L: Serving>(
    listener: TcpListener,
    mut meter: Simulated<L>,
    renew: impl Fn(&mut Simulated<L>),
) {
    loop {
        match listener.accept().await.and_then(|(stream, _)| Tcp::new(stream)) {
            Ok(port) => {
                let ended = talk(&mut meter, port).await;
                tracing::debug!("a client has gone: {ended}");
                meter.disconnect();
                renew(&mut meter);
            }
            Err(error) => tracing::warn!("a client could not connect: {error}"),
        }
    }
}

async fn talk<L: Serving, P: Port<Error = io::Error>>(
    meter: &mut Simulated<L>,
    port: P,
) -> DriveError<io::Error> {
    let mut driver = Driver::<_, _, 2048>::new(Follow::new(port), TokioTimer::default());
    loop {
        if let Err(error) = driver.run(meter).await {
            return error;
        }
    }
}

fn ended(name: &str, error: Option<DriveError<io::Error>>) -> Result<(), Stop> {
    error.map_or(Ok(()), |error| Err(Stop::failed("port", format!("{name}: {error}"))))
}

/// The tool ends with its process; what it leaks ends with it.
fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn room(size: usize) -> &'static mut [u8] {
    Vec::leak(vec![0; size])
}

/// Shows the public client the last counter of the other one.
const COUNTER: [u8; 6] = [0, 0, 43, 1, 0, 255];
const PUBLIC_CLIENT: u16 = 16;
/// More than protection adds to an APDU.
const ENVELOPE: usize = 128;
const WRAPPER: usize = 8;
const FRAME: usize = 2_100;
/// The longest value that is written, and the longest answer in general blocks.
const LONGEST: usize = 0xFFFF;
