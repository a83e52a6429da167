//! `ccmaster modbus serve`.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ccm_core::asynch::{Driver, Port};
use ccm_modbus::{Ascii, Extended, Framing, Handler, Rtu, Server};
use tokio::net::{TcpListener, TcpStream};

use super::access::{Access, Authorised, Grants, role};
use super::image::Image;
use crate::cli::Failure;
use crate::cli::args::{Place, Serve};
use crate::cli::link::Chosen;
use crate::cli::session::is_frame;
use crate::port::{Serial, Tcp, Tls, TokioTimer, Udp, tls};
use crate::server::until_stopped;

/// What is served: a unit and its registers. All clients share them, for as long as the program runs.
#[derive(Clone, Copy)]
struct Device {
    unit: u8,
    image: &'static RefCell<Extended<Image>>,
}

/// Serves an image until it is stopped.
pub(in crate::cli) async fn run(serve: Serve) -> Result<(), Failure> {
    if serve.place.tls.server_name.is_some() {
        return Err(Failure::Misuse(
            "--server-name is what a client expects; a server has its --cert".into(),
        ));
    }
    let image = RefCell::new(Extended::new(load(&serve.image)?));
    let device = Device { unit: serve.unit, image: Box::leak(Box::new(image)) };
    match serve.place.link.chosen()? {
        Chosen::Rtu(path) => serial(path, &serve.place, Rtu::new(serve.place.line()), device).await,
        Chosen::Ascii(path) => serial(path, &serve.place, Ascii::new(serve.place.line()), device).await,
        Chosen::Udp(address) => datagrams(address, device).await,
        Chosen::Tcp(address) => {
            network(address, device.unit, move |stream| plain(stream, ccm_modbus::Tcp::new(), device)).await
        }
        Chosen::RtuOverTcp(address) => {
            let line = serve.place.line();
            network(address, device.unit, move |stream| plain(stream, Rtu::over_tcp(line), device)).await
        }
        Chosen::Tls(address) => {
            let gate = Rc::new(Gate::new(&serve)?);
            network(address, device.unit, move |stream| secure(stream, Rc::clone(&gate), device)).await
        }
    }
}

fn load(path: &Path) -> Result<Image, Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Misuse(format!("cannot read {name}: {error}")))?;
    Image::parse(&text).map_err(|error| Failure::Misuse(format!("{name}: {error}")))
}

async fn serial(
    path: &Path,
    place: &Place,
    framing: impl Framing,
    Device { unit, image }: Device,
) -> Result<(), Failure> {
    let name = path.display();
    let port = Serial::open(path, place.line())
        .map_err(|error| Failure::Failed(format!("cannot open {name}: {error}")))?;
    let mut buffer = [0; 1030];
    let mut server = Server::new(framing, unit, image, &mut buffer);
    let mut driver = Driver::<_, _, 256>::new(port, TokioTimer::default());
    println!("serving unit {unit} on {name} at {}", place.line());
    let ran = until_stopped(driver.run(&mut server)).await;
    ran.map_or(Ok(()), |result| result.map_err(|error| Failure::Failed(format!("{name}: {error}"))))
}

/// One server for all: a request is answered before the next datagram is read.
async fn datagrams(address: &str, Device { unit, image }: Device) -> Result<(), Failure> {
    let port = Udp::bind(address, is_frame).await.map_err(|error| cannot_listen(address, &error))?;
    let mut buffer = [0; 520];
    let mut server = Server::new(ccm_modbus::Tcp::new(), unit, image, &mut buffer);
    announce(address, unit, port.local_addr());
    let mut driver = Driver::<_, _, 256>::new(port, TokioTimer::default());
    let ran = until_stopped(driver.run(&mut server)).await;
    ran.map_or(Ok(()), |result| result.map_err(|error| Failure::Failed(format!("{address}: {error}"))))
}

/// Takes connections until stopped, and leaves each to a `client` of its own.
async fn network<C: Future<Output = ()> + 'static>(
    address: &str,
    unit: u8,
    client: impl Fn(TcpStream) -> C,
) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    announce(address, unit, listener.local_addr());
    until_stopped(accept(listener, client)).await;
    Ok(())
}

fn cannot_listen(address: &str, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot listen on {address}: {error}"))
}

fn announce(address: &str, unit: u8, local: io::Result<std::net::SocketAddr>) {
    let local = local.map_or_else(|_| address.to_owned(), |local| local.to_string());
    println!("serving unit {unit} on {local}");
}

async fn accept<C: Future<Output = ()> + 'static>(listener: TcpListener, client: impl Fn(TcpStream) -> C) {
    let places = Arc::new(tokio::sync::Semaphore::new(MOST_CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let client = client(stream);
                tokio::task::spawn_local(async move {
                    client.await;
                    drop(place);
                });
            }
            Err(error) => tracing::warn!("a client could not connect: {error}"),
        }
    }
}

async fn plain(stream: TcpStream, framing: impl Framing, device: Device) {
    if let Ok(port) = Tcp::new(stream) {
        answer(port, framing, device.unit, device.image).await;
    }
}

async fn answer<P: Port>(port: P, framing: impl Framing, unit: u8, handler: impl Handler) {
    let mut buffer = [0; 520];
    let mut server = Server::new(framing, unit, handler, &mut buffer);
    let ended = Driver::<_, _, 256>::new(port, TokioTimer::default()).run(&mut server).await;
    tracing::debug!("a client has gone: {ended:?}");
}

/// Who comes in over TLS, and with which rights.
struct Gate {
    server: tls::Server,
    grants: Grants,
}

impl Gate {
    fn new(serve: &Serve) -> Result<Self, Failure> {
        let server = tls::Server::new(&serve.place.tls.files()?);
        let server = server.map_err(|error| Failure::Misuse(error.to_string()))?;
        Ok(Self { server, grants: Grants::new(serve.role.clone())? })
    }

    fn access(&self, port: &Tls) -> Access {
        let role = port.peer_certificate().and_then(role);
        let access = self.grants.access(role.as_deref());
        tracing::debug!("a client with role {role:?} has come; it may: {access:?}");
        access
    }
}

async fn secure(stream: TcpStream, gate: Rc<Gate>, device: Device) {
    let peer = stream.peer_addr().map_or_else(|_| "a client".into(), |peer| peer.to_string());
    match gate.server.accept(stream, HANDSHAKE).await {
        Ok(port) => {
            let image = Authorised::new(device.image, gate.access(&port));
            answer(port, ccm_modbus::Tcp::new(), device.unit, image).await;
        }
        Err(error) => tracing::warn!("{peer} is refused: {error}"),
    }
}

/// As many as gateways usually take.
const MOST_CLIENTS: usize = 32;

/// A client that has not shown who it is by then makes room for another.
const HANDSHAKE: Duration = Duration::from_secs(5);
