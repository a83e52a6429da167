//! The hub: who is read next, and what is known.

use ccm_config::{Link, Settings};
use ccm_core::{Duration, Instant};
use ccm_modbus::Exception;
use ccm_registry::{Block, Map, Quantity, Said};
use ccm_solar::{Balance, Limits, Member, Role};
use heapless::Vec;

use crate::link::reaches;
use crate::{Behind, Device, Health, Reading, Schedule};

/// A hub with room for `P` ports, `D` devices and `V` values each. It reads no clock and opens no port: it is told the
/// time and what happened, and says what to do.
#[derive(Debug)]
pub struct Hub<const P: usize, const D: usize, const V: usize> {
    ports: Vec<Port<D>, P>,
    devices: Vec<Device<V>, D>,
    plants: Vec<ccm_config::Plant, P>,
}

/// A port as the hub knows it.
#[derive(Debug)]
pub struct Port<const D: usize> {
    /// Its name among the settings.
    pub id: ccm_config::limits::Id,
    /// Whether it is open.
    pub is_up: bool,
    /// Exchanges that brought an answer, and those that did not.
    pub counters: Counters,
    schedule: Schedule<D>,
    retries: u8,
    asks: Asks,
}

/// How a port comes by its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Registers,
    Readouts,
    Nobody,
}

/// What happened on a port since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "api", derive(serde::Serialize))]
pub struct Counters {
    /// Reads that were answered, and telegrams that came.
    pub answered: u32,
    /// Reads that the device refused.
    pub refused: u32,
    /// Reads without a right answer, and telegrams that were wrong or did not come.
    pub failed: u32,
}

/// What a port should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read this, and tell what came of it.
    Read(Read),
    /// Read this meter out, and tell what came of it.
    ReadOut(ReadOut),
    /// Wait for what this meter pushes, and tell what came of it.
    Listen(Listen),
    /// Nothing before this time; nothing ever on a port without devices.
    Wait(Option<Instant>),
}

/// A read that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The place of the device.
    pub device: usize,
    /// Whom to ask.
    pub unit: u8,
    /// For what.
    pub block: Block,
    /// How often to ask again.
    pub retries: u8,
}

/// A meter that is to be read out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOut {
    /// The place of the device.
    pub device: usize,
    /// How often to ask again.
    pub retries: u8,
}

/// A meter that pushes telegrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The place of the device.
    pub device: usize,
}

/// What happened on a port.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A read was answered: the registers, two big-endian bytes each.
    Answered {
        /// What was read.
        read: Read,
        /// What came.
        registers: &'a [u8],
    },
    /// A read was refused.
    Refused {
        /// What was to be read.
        read: Read,
        /// Why the device refused.
        exception: Exception,
        /// How long it took.
        cost: Duration,
    },
    /// A read brought no answer.
    Failed {
        /// What was to be read.
        read: Read,
        /// Why.
        failure: Failure,
        /// How long it took.
        cost: Duration,
    },
    /// A telegram came whose checksum, if it has one, is right.
    Telegram {
        /// The place of the device.
        device: usize,
        /// What the meter said.
        said: &'a [Said],
        /// Its serial number, where it says one.
        serial: Option<&'a str>,
        /// What the meters behind it have counted.
        behind: &'a [Behind],
        /// Nothing of it can have been lost.
        is_whole: bool,
        /// When its values were those of the meter.
        measured: Instant,
    },
    /// No telegram came, or none that can be trusted.
    Missed {
        /// The place of the device.
        device: usize,
        /// Why.
        failure: Failure,
        /// How long it took.
        cost: Duration,
    },
    /// A port was opened.
    PortUp {
        /// Its place.
        port: usize,
    },
    /// A port was lost.
    PortDown {
        /// Its place.
        port: usize,
    },
}

/// Why a device gave no answer, in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing came in time.
    NoReply,
    /// Something came, but not the answer: noise, a collision, or two devices with one number.
    BadFrame,
    /// Somebody else keeps the line busy.
    LineBusy,
    /// The device refused.
    Refused(Exception),
    /// A telegram came, but its checksum is wrong.
    Checksum,
    /// Something came, but no telegram.
    BadTelegram,
    /// A telegram came, but the key of the settings does not open it.
    Key,
    /// The meter does not do what it is asked.
    Unwilling,
    /// What a DLMS meter says is not to be believed, or it refuses.
    Dlms(ccm_dlms::Error),
    /// There are no invocation counters, or no challenge: what keeps them does not work.
    Vault,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoReply => formatter.write_str("no reply"),
            Self::BadFrame => formatter.write_str("garbled replies: noise, or two devices with one number"),
            Self::LineBusy => formatter.write_str("the line is never silent: is there a second master?"),
            Self::Refused(exception) => write!(formatter, "the device refuses: {exception}"),
            Self::Checksum => {
                formatter.write_str("the telegram's checksum is wrong: noise, or a loose optical head")
            }
            Self::BadTelegram => formatter.write_str("what comes is no telegram: wrong speed, or noise"),
            Self::Key => formatter.write_str("the telegram does not open: wrong key, or noise"),
            Self::Dlms(error) => write!(formatter, "{error}"),
            Self::Vault => formatter.write_str("the invocation counter cannot be stored, so nothing is sent"),
            Self::Unwilling => formatter.write_str("the meter breaks the dialogue off"),
        }
    }
}

impl<const P: usize, const D: usize, const V: usize> Hub<P, D, V> {
    /// A hub for these settings; `find` gives the map of a model.
    ///
    /// # Errors
    /// What does not fit, or a model that nobody knows.
    pub fn new(
        settings: &Settings,
        find: impl Fn(&str) -> Option<&'static Map<'static>>,
    ) -> Result<Self, BuildError> {
        let mut hub = Self { ports: Vec::new(), devices: Vec::new(), plants: Vec::new() };
        for port in settings.ports() {
            let port = Port {
                id: port.id.clone(),
                is_up: false,
                counters: Counters::default(),
                schedule: Schedule::new(),
                retries: port.retries,
                asks: match port.link {
                    Link::D0 { .. } | Link::Dlms { .. } => Asks::Readouts,
                    Link::P1 { .. } => Asks::Nobody,
                    _ => Asks::Registers,
                },
            };
            hub.ports.push(port).map_err(|_| BuildError::Ports { most: P })?;
        }
        for (place, device) in settings.devices().iter().enumerate() {
            let map = find(&device.model).ok_or(BuildError::Model { device: place })?;
            let port = settings.ports().get(device.port).filter(|port| reaches(&port.link, map));
            let port = port.ok_or(BuildError::Link { device: place })?;
            hub.add(device, map, &port.link)?;
        }
        for plant in settings.plants() {
            hub.plants.push(plant.clone()).map_err(|_| BuildError::Plants { most: P })?;
        }
        Ok(hub)
    }

    fn add(
        &mut self,
        settings: &ccm_config::Device,
        map: &'static Map<'static>,
        link: &Link,
    ) -> Result<(), BuildError> {
        let place = self.devices.len();
        let device = Device::new(settings, map, link).ok_or(BuildError::Values { most: V })?;
        self.devices.push(device).map_err(|_| BuildError::Devices { most: D })?;
        if let Some(port) = self.ports.get_mut(settings.port) {
            port.schedule.add(place, Duration::from_millis(settings.every_ms.into()));
        }
        Ok(())
    }

    /// The devices, in the order of the settings.
    pub fn devices(&self) -> &[Device<V>] {
        &self.devices
    }

    /// The ports, in the order of the settings.
    pub fn ports(&self) -> &[Port<D>] {
        &self.ports
    }

    /// The plants, in the order of the settings.
    pub fn plants(&self) -> &[ccm_config::Plant] {
        &self.plants
    }

    /// What the port at this place should do now. The answer changes with the time and after each
    /// [`handle`](Self::handle).
    pub fn poll(&mut self, now: Instant, port: usize) -> Action {
        let Some(known) = self.ports.get(port) else { return Action::Wait(None) };
        if known.asks == Asks::Nobody {
            let device = self.devices.iter().position(|device| device.port == port);
            return device.map_or(Action::Wait(None), |device| Action::Listen(Listen { device }));
        }
        let Some(turn) = known.schedule.turn(now) else { return Action::Wait(known.schedule.next_due()) };
        let (device, retries) = (turn.device, if turn.patient { known.retries } else { 0 });
        if known.asks == Asks::Readouts {
            return Action::ReadOut(ReadOut { device, retries });
        }
        let known = self.devices.get(device);
        match known.and_then(|device| device.block().map(|block| (device.unit, block))) {
            Some((unit, block)) => Action::Read(Read { device, unit, block, retries }),
            // A device that has refused everything is asked nothing more.
            None => {
                self.finish(now, device);
                Action::Wait(Some(now))
            }
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, event: Event<'_>) {
        match event {
            Event::Answered { read, registers } => self.answered(now, read, registers),
            Event::Refused { read, exception, cost } => self.refused(now, read, exception, cost),
            Event::Failed { read, failure, cost } => self.failed(now, read, failure, cost),
            Event::Telegram { device, said, serial, behind, is_whole, measured } => {
                if let Some(known) = self.devices.get_mut(device) {
                    known.store_behind(measured, behind, is_whole);
                    known.store_telegram(measured, said, serial, is_whole);
                }
                self.count(device, |counters| counters.answered = counters.answered.saturating_add(1));
                self.finish(now, device);
                if let Some(port) = self.port_of(device) {
                    port.schedule.lasted(device, now.since(measured));
                }
            }
            Event::Missed { device, failure, cost } => self.missed(now, device, failure, cost),
            Event::PortUp { port } => self.port_up(now, port),
            Event::PortDown { port } => {
                if let Some(port) = self.ports.get_mut(port) {
                    port.is_up = false;
                }
            }
        }
    }

    /// What is known of a quantity of the device at this place.
    pub fn reading(&self, now: Instant, device: usize, quantity: Quantity) -> Option<Reading> {
        let known = self.devices.get(device)?;
        let max_age = self.ports.get(known.port)?.schedule.max_age(device);
        known.reading(quantity, now, max_age)
    }

    /// Whether the device at this place answers.
    pub fn health(&self, device: usize) -> Health {
        let port = self.devices.get(device).and_then(|device| self.ports.get(device.port));
        port.map_or(Health::Unknown, |port| match port.schedule.health(device) {
            Health::Ok if !port.is_up => Health::Suspect,
            health => health,
        })
    }

    /// The balance of a plant: unknown where a member's power is missing or old (manual 7.1).
    pub fn balance(&self, now: Instant, plant: &ccm_config::Plant) -> Balance {
        let limits = Limits { max_age_ms: u32::MAX, max_skew_ms: MAX_SKEW_MS };
        Balance::of(self.members(now, plant).map(|(_, member)| member), limits)
    }

    /// The devices of a plant that have no power to add: their places.
    pub fn missing(&self, now: Instant, plant: &ccm_config::Plant) -> impl Iterator<Item = usize> {
        self.members(now, plant).filter(|(_, member)| member.reading.is_none()).map(|(device, _)| device)
    }

    fn members(&self, now: Instant, plant: &ccm_config::Plant) -> impl Iterator<Item = (usize, Member)> {
        let roles = [
            (Role::Production, &plant.production),
            (Role::Grid, &plant.grid),
            (Role::Battery, &plant.battery),
        ];
        let places = roles.map(|(role, devices)| (role, devices.clone()));
        let members = places
            .into_iter()
            .flat_map(|(role, devices)| devices.into_iter().map(move |place| (place, role)));
        members.map(move |(place, role)| (place, Member::new(role, self.power(now, place, role))))
    }

    /// A device's power in a plant, where it is good: staleness is judged here, by the port's own pace.
    fn power(&self, now: Instant, place: usize, role: Role) -> Option<ccm_solar::Reading> {
        let quantity = self.devices.get(place)?.power(role);
        let reading = self.reading(now, place, quantity)?;
        let power_w = i32::try_from(reading.good()?.scaled_to(0)?).ok()?;
        let age_ms = u32::try_from(reading.age?.as_millis()).unwrap_or(u32::MAX);
        Some(ccm_solar::Reading::new(power_w, age_ms))
    }

    fn answered(&mut self, now: Instant, read: Read, registers: &[u8]) {
        let Some(device) = self.devices.get_mut(read.device) else { return };
        let is_last = device.store(now, read.block, registers);
        self.count(read.device, |counters| counters.answered = counters.answered.saturating_add(1));
        if is_last {
            self.finish(now, read.device);
        }
    }

    fn refused(&mut self, now: Instant, read: Read, exception: Exception, cost: Duration) {
        self.count(read.device, |counters| counters.refused = counters.refused.saturating_add(1));
        let Some(device) = self.devices.get_mut(read.device) else { return };
        match exception {
            // The device is there and says what it does not have.
            Exception::IllegalDataAddress | Exception::IllegalDataValue => {
                if device.refused(now, read.block) {
                    self.finish(now, read.device);
                }
            }
            _ => self.give_up(now, read.device, Failure::Refused(exception), cost),
        }
    }

    fn failed(&mut self, now: Instant, read: Read, failure: Failure, cost: Duration) {
        self.count(read.device, |counters| counters.failed = counters.failed.saturating_add(1));
        self.give_up(now, read.device, failure, cost);
    }

    fn missed(&mut self, now: Instant, device: usize, failure: Failure, cost: Duration) {
        self.count(device, |counters| {
            let is_refusal =
                matches!(failure, Failure::Unwilling | Failure::Dlms(ccm_dlms::Error::Session(_)));
            let counter = if is_refusal { &mut counters.refused } else { &mut counters.failed };
            *counter = counter.saturating_add(1);
        });
        self.give_up(now, device, failure, cost);
    }

    fn give_up(&mut self, now: Instant, place: usize, failure: Failure, cost: Duration) {
        let Some(device) = self.devices.get_mut(place) else { return };
        device.failure = Some(failure);
        device.restart();
        if let Some(port) = self.ports.get_mut(device.port) {
            port.schedule.failed(now, place, cost);
        }
    }

    fn finish(&mut self, now: Instant, device: usize) {
        if let Some(port) = self.port_of(device) {
            port.schedule.succeeded(now, device);
        }
    }

    fn port_up(&mut self, now: Instant, port: usize) {
        if let Some(port) = self.ports.get_mut(port) {
            port.is_up = true;
            port.schedule.revive(now);
        }
    }

    fn count(&mut self, device: usize, change: impl FnOnce(&mut Counters)) {
        if let Some(port) = self.port_of(device) {
            change(&mut port.counters);
        }
    }

    fn port_of(&mut self, device: usize) -> Option<&mut Port<D>> {
        let port = self.devices.get(device)?.port;
        self.ports.get_mut(port)
    }
}

/// Settings that this hub cannot carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// There are more ports than this.
    Ports {
        /// How many there can be.
        most: usize,
    },
    /// There are more devices than this.
    Devices {
        /// How many there can be.
        most: usize,
    },
    /// There are more plants than this.
    Plants {
        /// How many there can be.
        most: usize,
    },
    /// A map has more values than this.
    Values {
        /// How many there can be.
        most: usize,
    },
    /// Nobody knows the model of the device at this place.
    Model {
        /// The place among the settings' devices.
        device: usize,
    },
    /// The model of the device at this place does not speak what its port does.
    Link {
        /// The place among the settings' devices.
        device: usize,
    },
}

/// Powers measured further apart than this belong to different moments.
const MAX_SKEW_MS: u32 = 5000;
