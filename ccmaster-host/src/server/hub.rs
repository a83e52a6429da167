//! The ports of a hub: opened, read, and opened again when they come back.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use ccm_config::limits::{MAX_DEVICES, MAX_PORTS};
use ccm_config::{CipherKey, Dlms, Framing as Carried, Link, Place, Settings};
use ccm_core::asynch::{Driver, Port};
use ccm_core::crypto::{Key, Software};
use ccm_core::{Clock, DriveError};
use ccm_hub::{DlmsMeter, DlmsReader, Event, Hub, Opener, keys_of, line_of, policy_of, tasks};
use ccm_modbus::{Client, Framing, Policy, Rtu, Tcp};
use ccm_registry::Map;

use super::FileVault;
use crate::port::{self, TokioTimer};

/// A hub as large as the settings can be.
pub type HostHub = Hub<MAX_PORTS, MAX_DEVICES, MOST_VALUES>;

/// Starts a task for each port of the settings. A port that is lost is opened again every half second. `vault` keeps what
/// DLMS meters need kept.
pub fn read_ports(hub: &Rc<RefCell<HostHub>>, settings: &Settings, timer: TokioTimer, vault: &FileVault) {
    for (place, port) in settings.ports().iter().enumerate() {
        let meters = dlms_meters(hub, settings, place);
        let (hub, vault) = (Rc::clone(hub), vault.clone());
        let task = PortTask { hub, place, settings: port.clone(), timer, meters, vault };
        tokio::task::spawn_local(task.run());
    }
}

/// The meters of a port that speak DLMS, and how they are talked to.
fn dlms_meters(hub: &RefCell<HostHub>, settings: &Settings, port: usize) -> Vec<KnownMeter> {
    let hub = hub.borrow();
    let devices = settings.devices().iter().zip(hub.devices()).enumerate();
    let here = devices.filter(|(_, (device, _))| {
        let link = settings.ports().get(device.port).map(|port| &port.link);
        device.port == port && matches!(link, Some(Link::Dlms { .. }))
    });
    here.map(|(place, (device, known))| (place, device.clone(), settings.dlms(place).clone(), known.map))
        .collect()
}

/// A device by its place, how it is talked to, and what is to be read.
type KnownMeter = (usize, ccm_config::Device, Dlms, &'static Map<'static>);

struct PortTask {
    hub: Rc<RefCell<HostHub>>,
    place: usize,
    settings: ccm_config::Port,
    timer: TokioTimer,
    meters: Vec<KnownMeter>,
    vault: FileVault,
}

impl PortTask {
    async fn run(self) {
        match self.settings.link.clone() {
            Link::Rtu { path, .. } => {
                let line = self.line();
                let open = || async { port::Serial::open(Path::new(path.as_str()), line) };
                self.keep_reading(Rtu::new(line), open).await;
            }
            Link::Tcp { endpoint } => {
                let open = || async { port::Tcp::connect(endpoint.text(), CONNECT).await };
                self.keep_reading(Tcp::new(), open).await;
            }
            Link::D0 { place: Place::Serial(path), .. } | Link::P1 { place: Place::Serial(path), .. } => {
                let line = self.line();
                self.keep_reading_meters(|| async { port::Serial::open(Path::new(path.as_str()), line) })
                    .await;
            }
            Link::D0 { place: Place::Tcp(endpoint), baud, .. } => {
                let line = ccm_core::Line::new(baud.unwrap_or(START));
                let connect = || async { port::Tcp::connect(endpoint.text(), CONNECT).await };
                self.keep_reading_meters(|| async { Ok(port::Follow::paced(connect().await?, line)) }).await;
            }
            Link::P1 { place: Place::Tcp(endpoint), .. } => {
                let open = || async { port::Tcp::connect(endpoint.text(), CONNECT).await };
                self.keep_reading_meters(open).await;
            }
            Link::Dlms { place: Place::Serial(path), .. } => {
                let line = self.line();
                self.keep_asking(|| async { port::Serial::open(Path::new(path.as_str()), line) }).await;
            }
            Link::Dlms { place: Place::Tcp(endpoint), .. } => {
                self.keep_asking(|| async { port::Tcp::connect(endpoint.text(), CONNECT).await }).await;
            }
            _ => tracing::error!("port {}: this kind of port is not known here", self.settings.id),
        }
    }

    fn line(&self) -> ccm_core::Line {
        line_of(&self.settings.link).unwrap_or(ccm_core::Line::new(9600))
    }

    async fn keep_reading<P, F, O>(&self, framing: F, open: impl Fn() -> O)
    where
        P: Port<Error = io::Error>,
        F: Framing,
        O: Future<Output = io::Result<P>>,
    {
        let mut buffer = [0; 520];
        let settings = &self.settings;
        let policy = Policy {
            timeout: ccm_core::Duration::from_millis(settings.timeout_ms.into()),
            gap: ccm_core::Duration::from_millis(settings.gap_ms.into()),
            ..Policy::DEFAULT
        };
        let mut client = Client::new(framing, &mut buffer).with_policy(policy);
        self.keep_open(open, async |driver| {
            client.reconnect();
            tasks::read_port(&self.hub, self.place, driver, &mut client).await
        })
        .await;
    }

    async fn keep_reading_meters<P, O>(&self, open: impl Fn() -> O)
    where
        P: Port<Error = io::Error>,
        O: Future<Output = io::Result<P>>,
    {
        // A port of meters has a policy: the caller has looked.
        let policy = policy_of(&self.settings).unwrap_or_default();
        let (hub, place, mut room) = (&self.hub, self.place, [0; TELEGRAM]);
        let mut opener =
            keys_of(&self.settings, Key::Aes128).map(|keys| Opener::new(keys, Software, &mut room));
        self.keep_open(open, async |driver| match &mut opener {
            Some(opener) => tasks::read_sealed(hub, place, driver, &policy, opener).await,
            None => tasks::read_meters(hub, place, driver, &policy).await,
        })
        .await;
    }

    async fn keep_asking<P, O>(&self, open: impl Fn() -> O)
    where
        P: Port<Error = io::Error>,
        O: Future<Output = io::Result<P>>,
    {
        let mut meters = Vec::new();
        for (place, device, dlms, map) in &self.meters {
            // Checked settings have keys of the right length.
            match DlmsMeter::new((*place, device), dlms, map, (&Software, handle)) {
                Ok(meter) => meters.push(meter),
                Err(error) => tracing::error!("device {}: {error}", device.id),
            }
        }
        let (mut room, mut values) = (vec![0; APDU], vec![0; APDU]);
        let mut reader = DlmsReader {
            meters: &mut meters,
            vault: self.vault.clone(),
            port: &self.settings,
            room: &mut room,
            values: &mut values,
        };
        let is_wrapped = matches!(self.settings.link, Link::Dlms { framing: Carried::Wrapper, .. });
        self.keep_open(open, async |driver| {
            if is_wrapped {
                tasks::read_wrapped(&self.hub, self.place, driver, &mut reader).await
            } else {
                tasks::read_dlms(&self.hub, self.place, driver, &mut reader).await
            }
        })
        .await;
    }

    /// Opens the port, reads for as long as it works, and opens it again.
    async fn keep_open<P, O>(
        &self,
        open: impl Fn() -> O,
        mut read: impl AsyncFnMut(&mut Driver<P, TokioTimer>) -> DriveError<io::Error>,
    ) where
        P: Port<Error = io::Error>,
        O: Future<Output = io::Result<P>>,
    {
        let mut said = String::new();
        loop {
            let lost = match open().await {
                Ok(port) => {
                    said.clear();
                    tracing::info!("port {}: open", self.settings.id);
                    let mut driver = Driver::new(port, self.timer);
                    self.tell(Event::PortUp { port: self.place });
                    let lost = read(&mut driver).await;
                    self.tell(Event::PortDown { port: self.place });
                    lost
                }
                Err(error) => DriveError::Port(error),
            };
            self.say(&lost, &mut said);
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn tell(&self, event: Event<'_>) {
        self.hub.borrow_mut().handle(self.timer.now(), event);
    }

    /// The same trouble is said once, not twice a second.
    fn say(&self, lost: &DriveError<io::Error>, said: &mut String) {
        let text = match lost {
            DriveError::Port(error) => error.to_string(),
            other => other.to_string(),
        };
        if text != *said {
            tracing::warn!("port {}: {text}; trying again", self.settings.id);
            *said = text;
        }
    }
}

fn handle(key: &CipherKey) -> Key {
    match key {
        CipherKey::Short(key) => Key::Aes128(*key),
        CipherKey::Long(key) => Key::Aes256(*key),
    }
}

/// Longer than what meters give in one piece.
const APDU: usize = 8192;

/// The most values of any map.
const MOST_VALUES: usize = 64;

/// As long as an encrypted telegram.
const TELEGRAM: usize = 8192;

/// Where every dialogue of IEC 62056-21 begins.
const START: u32 = 300;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a lost port is left alone.
const AGAIN: Duration = Duration::from_millis(500);
