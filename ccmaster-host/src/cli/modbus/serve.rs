//! `ccmaster modbus serve`.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use ccm_core::asynch::Driver;
use ccm_modbus::{Rtu, Server};
use tokio::net::{TcpListener, TcpStream};

use super::image::Image;
use crate::cli::Failure;
use crate::cli::args::{Place, Serve};
use crate::port::{Serial, Tcp, TokioTimer};
use crate::server::until_stopped;

/// Serves an image until it is stopped.
pub(in crate::cli) async fn run(serve: Serve) -> Result<(), Failure> {
    let path = serve.image.display();
    let text = std::fs::read_to_string(&serve.image)
        .map_err(|error| Failure::Misuse(format!("cannot read {path}: {error}")))?;
    let image = Image::parse(&text).map_err(|error| Failure::Misuse(format!("{path}: {error}")))?;
    // All clients share one image, for as long as the program runs.
    let image: &'static _ = Box::leak(Box::new(RefCell::new(image)));
    match (&serve.place.link.rtu, &serve.place.link.tcp) {
        (Some(path), _) => serial(path, &serve.place, serve.unit, image).await,
        (None, Some(address)) => network(address, serve.unit, image).await,
        (None, None) => Err(Failure::Misuse("name a port with --rtu or --tcp".into())),
    }
}

async fn serial(path: &Path, place: &Place, unit: u8, image: &'static RefCell<Image>) -> Result<(), Failure> {
    let name = path.display();
    let port = Serial::open(path, place.line())
        .map_err(|error| Failure::Failed(format!("cannot open {name}: {error}")))?;
    let mut buffer = [0; 256];
    let mut server = Server::new(Rtu::new(place.line()), unit, image, &mut buffer);
    let mut driver = Driver::<_, _, 256>::new(port, TokioTimer::default());
    println!("serving unit {unit} on {name} at {}", place.line());
    let ran = until_stopped(driver.run(&mut server)).await;
    ran.map_or(Ok(()), |result| result.map_err(|error| Failure::Failed(format!("{name}: {error}"))))
}

async fn network(address: &str, unit: u8, image: &'static RefCell<Image>) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.map_err(|error| Failure::Failed(format!("cannot listen on {address}: {error}")))?;
    let local = listener.local_addr().map_or_else(|_| address.to_owned(), |local| local.to_string());
    println!("serving unit {unit} on {local}");
    until_stopped(accept(listener, unit, image)).await;
    Ok(())
}

async fn accept(listener: TcpListener, unit: u8, image: &'static RefCell<Image>) {
    let places = Arc::new(tokio::sync::Semaphore::new(MOST_CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::task::spawn_local(async move {
                    client(stream, unit, image).await;
                    drop(place);
                });
            }
            Err(error) => tracing::warn!("a client could not connect: {error}"),
        }
    }
}

async fn client(stream: TcpStream, unit: u8, image: &'static RefCell<Image>) {
    let Ok(port) = Tcp::new(stream) else { return };
    let mut buffer = [0; 520];
    let mut server = Server::new(ccm_modbus::Tcp::new(), unit, image, &mut buffer);
    let ended = Driver::<_, _, 256>::new(port, TokioTimer::default()).run(&mut server).await;
    tracing::debug!("a client has gone: {ended:?}");
}

/// As many as gateways usually take.
const MOST_CLIENTS: usize = 32;
