//! `ccmaster demo`: a hub that reads a simulated house over a real pseudo-terminal and real TCP.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ccm_config::Settings;
use ccm_core::asynch::Driver;
use ccm_core::{Clock, Line};
use ccm_hub::sim::{Bus, Site, TimeOfDay, settings};
use ccm_modbus::Framing;
use ccm_registry::find;
use tokio::net::TcpListener;

use super::Failure;
use super::args::Demo;
use super::run::{Catalogue, open, start};
use crate::port::{Paced, Pty, Tcp, TokioTimer};

/// Runs the demo until it is stopped.
pub(super) async fn run(demo: Demo) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("the simulated house cannot be built: {error}"));
    // What can go wrong goes wrong before anything is started.
    let listener = open(&demo.listen).await?;
    let pty = Pty::new().map_err(failed)?;
    let inverter = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = inverter.local_addr().map_err(failed)?;
    let text = settings(&pty.path().to_string_lossy(), &address.to_string());
    let checked = Settings::from_toml(&text, |model| find(model).is_some())
        .map_err(|error| Failure::Failed(format!("the demo's settings: {error}")))?;
    let timer = TokioTimer::default();
    let site = Site::new(demo.seed, TimeOfDay { start_s: demo.time, speed: demo.speed })
        .ok_or_else(|| Failure::Failed("the simulated devices have no maps".into()))?;
    let site = Rc::new(RefCell::new(site));
    tokio::task::spawn_local(live(Rc::clone(&site), timer));
    tokio::task::spawn_local(meters(pty, site.borrow().native_bus(LINE), timer));
    tokio::task::spawn_local(accept(inverter, Rc::clone(&site), timer));
    tracing::info!(
        "simulated: CcM4, CcM2 and CcM1 at {LINE} on a pseudo-terminal, a GoodWe inverter at {address}"
    );
    start(&checked, &Catalogue::load(None)?, listener, timer).await
}

/// Lets the house's day go on.
async fn live(site: Rc<RefCell<Site>>, timer: TokioTimer) {
    loop {
        site.borrow_mut().advance(timer.now());
        tokio::time::sleep(STEP).await;
    }
}

/// The meters answer for as long as the program runs, whoever opens and closes their line.
async fn meters(pty: Pty, mut bus: Bus<ccm_modbus::Rtu>, timer: TokioTimer) {
    let mut driver = Driver::<_, _, 256>::new(Paced::new(pty, LINE), timer);
    loop {
        let ended = driver.run(&mut bus).await;
        tracing::warn!("the simulated line was disturbed: {ended:?}");
        tokio::time::sleep(STEP).await;
    }
}

async fn accept(listener: TcpListener, site: Rc<RefCell<Site>>, timer: TokioTimer) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(inverter(stream, site.borrow().inverter(), timer));
        }
    }
}

async fn inverter<F: Framing + 'static>(stream: tokio::net::TcpStream, mut bus: Bus<F>, timer: TokioTimer) {
    if let Ok(port) = Tcp::new(stream) {
        let ended = Driver::<_, _, 256>::new(port, timer).run(&mut bus).await;
        tracing::debug!("the inverter's connection ended: {ended:?}");
    }
}

const LINE: Line = Line::new(9600);

/// How often the house's registers change.
const STEP: Duration = Duration::from_millis(250);
