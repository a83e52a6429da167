//! `ccmaster demo`: a hub that reads a simulated house over real pseudo-terminals and real TCP.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ccm_config::Settings;
use ccm_core::asynch::Driver;
use ccm_core::{Clock, Line, Machine};
use ccm_hub::sim::{Bus, Site, TimeOfDay, dlms_settings, meter_settings, settings};
use ccm_iec62056::Quirks;
use ccm_modbus::Framing;
use ccm_registry::find;
use tokio::net::TcpListener;

use super::Failure;
use super::args::Demo;
use super::run::{Catalogue, open, start};
use crate::port::{Paced, Pty, Tcp, TokioTimer};
use crate::server::FileVault;

/// Runs the demo until it is stopped.
pub(super) async fn run(demo: Demo) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("the simulated house cannot be built: {error}"));
    // What can go wrong goes wrong before anything is started.
    let listener = open(&demo.listen).await?;
    let pty = || Pty::new().map_err(failed);
    let (native, fiscal, smart, dlms) = (pty()?, pty()?, pty()?, pty()?);
    let inverter = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = inverter.local_addr().map_err(failed)?;
    let path = |pty: &Pty| pty.path().to_string_lossy().into_owned();
    let text = settings(&path(&native), &address.to_string())
        + &meter_settings(&path(&fiscal), &path(&smart))
        + &dlms_settings(&path(&dlms));
    let checked = Settings::from_toml(&text, |model| find(model).is_some())
        .map_err(|error| Failure::Failed(format!("the demo's settings: {error}")))?;
    let timer = TokioTimer::default();
    let site = Site::new(demo.seed, TimeOfDay { start_s: demo.time, speed: demo.speed })
        .ok_or_else(|| Failure::Failed("the simulated devices have no maps".into()))?;
    let site = Rc::new(RefCell::new(site));
    tokio::task::spawn_local(live(Rc::clone(&site), timer));
    tokio::task::spawn_local(answer(native, LINE, site.borrow().native_bus(LINE), timer));
    let meter = site.borrow().fiscal_meter(Quirks::NONE).with_eight_bits();
    tokio::task::spawn_local(answer(fiscal, METER, meter, timer));
    tokio::task::spawn_local(answer(smart, P1, site.borrow().smart_meter(), timer));
    let meter = site.borrow().dlms_meter(ccm_dlms::Quirks::NONE);
    let meter = meter.ok_or_else(|| Failure::Failed("the simulated DLMS meter has no keys".into()))?;
    tokio::task::spawn_local(answer(dlms, LINE, meter, timer));
    tokio::task::spawn_local(accept(inverter, Rc::clone(&site), timer));
    tracing::info!(
        "simulated: CcM4, CcM2 and CcM1 at {LINE}, two fiscal meters (IEC 62056-21 in mode C, and DLMS) and a smart \
         meter (P1) on pseudo-terminals, a GoodWe inverter at {address}"
    );
    start(&checked, &Catalogue::load(None)?, listener, (timer, FileVault::volatile())).await
}

/// Lets the house's day go on.
async fn live(site: Rc<RefCell<Site>>, timer: TokioTimer) {
    loop {
        site.borrow_mut().advance(timer.now());
        tokio::time::sleep(STEP).await;
    }
}

/// Meters answer, or push, for as long as the program runs, whoever opens and closes their line.
async fn answer(pty: Pty, line: Line, mut meters: impl Machine, timer: TokioTimer) {
    let mut driver = Driver::<_, _, 256>::new(Paced::new(pty, line), timer);
    loop {
        let ended = driver.run(&mut meters).await;
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

/// Where the fiscal meter's dialogues begin; it changes the line itself.
const METER: Line = Line::new(300);

const P1: Line = Line::new(115_200);

/// How often the house's registers change.
const STEP: Duration = Duration::from_millis(250);
