//! The settings as the hub uses them: whatever exists is valid.

use core::fmt;

use heapless::Vec;

use crate::limits::{
    self, Id, Label, MAX_DEVICES, MAX_DLMS, MAX_MEMBERS, MAX_PLANTS, MAX_PORTS, MeterAddress, Model,
    SerialPath, Units,
};
use crate::list::gather;
use crate::{
    DeviceDraft, Dlms, Draft, Endpoint, Framing, Keys, Parity, PlantDraft, PortDraft, PortalDraft, Secret,
};

/// Checked settings. They come from [`Draft::check`] only, so every name in them leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) portal: Portal,
    pub(crate) ports: Vec<Port, MAX_PORTS>,
    pub(crate) devices: Vec<Device, MAX_DEVICES>,
    pub(crate) plants: Vec<Plant, MAX_PLANTS>,
    /// By the place of the device.
    pub(crate) dlms: Vec<(usize, Dlms), MAX_DLMS>,
}

impl Settings {
    /// The web page and its API.
    pub const fn portal(&self) -> &Portal {
        &self.portal
    }

    /// The lines and connections that devices hang on.
    pub fn ports(&self) -> &[Port] {
        &self.ports
    }

    /// The devices that are read.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The self-consumption plants.
    pub fn plants(&self) -> &[Plant] {
        &self.plants
    }

    /// How the device at this place is talked to, where it is on a port with [`Link::Dlms`]: by the public client where
    /// nothing else is said.
    pub fn dlms(&self, device: usize) -> &Dlms {
        const PUBLIC: &Dlms = &Dlms::PUBLIC;
        self.dlms.iter().find(|(place, _)| *place == device).map_or(PUBLIC, |(_, dlms)| dlms)
    }

    /// The same settings as a form to be shown, changed, written or stored, with all defaults said.
    pub fn draft(&self) -> Draft {
        Draft {
            portal: self.portal.draft(),
            ports: gather(self.ports.iter().map(Port::draft)),
            devices: gather(self.devices.iter().map(|device| device.draft(self))),
            plants: gather(self.plants.iter().map(|plant| plant.draft(self))),
            dlms: gather(self.dlms.iter().map(|(place, dlms)| dlms.draft(self.device_id(*place)))),
        }
    }

    fn device_id(&self, place: usize) -> Id {
        self.devices.get(place).map(|device| device.id.clone()).unwrap_or_default()
    }

    fn device_ids(&self, places: &[usize]) -> Vec<Id, MAX_MEMBERS> {
        gather(places.iter().filter_map(|place| self.devices.get(*place)).map(|device| device.id.clone()))
    }
}

/// The web page and its API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Portal {
    /// Where it listens; port 0 lets the system choose one.
    pub listen: Endpoint,
}

impl Portal {
    fn draft(&self) -> PortalDraft {
        PortalDraft { listen: Some(self.listen.text().clone()) }
    }
}

/// A line or connection that devices hang on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// Its name; no two ports share it.
    pub id: Id,
    /// What it is; no two ports share it.
    pub link: Link,
    /// How long a device may take to answer, or to push, in milliseconds.
    pub timeout_ms: u32,
    /// How often a request without an answer is sent again; 0 where nothing is asked.
    pub retries: u8,
    /// The extra pause between two Modbus requests, in milliseconds.
    pub gap_ms: u32,
}

impl Port {
    fn draft(&self) -> PortDraft {
        let port = PortDraft {
            id: self.id.clone(),
            timeout_ms: Some(self.timeout_ms),
            retries: Some(self.retries.into()),
            ..PortDraft::default()
        };
        match &self.link {
            Link::Rtu { path, line } => PortDraft {
                rtu: Some(path.clone()),
                baud: Some(line.baud),
                parity: Some(line.parity),
                data_bits: Some(line.data_bits.into()),
                stop_bits: Some(line.stop_bits.into()),
                gap_ms: Some(self.gap_ms),
                ..port
            },
            Link::Tcp { endpoint } => {
                PortDraft { tcp: Some(endpoint.text().clone()), gap_ms: Some(self.gap_ms), ..port }
            }
            Link::D0 { place, baud, data_bits, echo, wake_up } => PortDraft {
                d0: Some(place.text()),
                baud: *baud,
                data_bits: place.data_bits(*data_bits),
                echo: Some(*echo),
                wake_up: Some(*wake_up),
                ..port
            },
            Link::P1 { place, baud, data_bits, keys } => PortDraft {
                p1: Some(place.text()),
                baud: place.path().map(|_| *baud),
                data_bits: place.data_bits(*data_bits),
                retries: None,
                key: keys.as_ref().map(|keys| Secret::of(&keys.encryption)),
                authentication_key: keys
                    .as_ref()
                    .and_then(|keys| keys.authentication)
                    .map(|key| Secret::of(&key)),
                ..port
            },
            Link::Dlms { place, framing, baud, data_bits, mode_e, keep_open } => PortDraft {
                dlms: Some(place.text()),
                baud: *baud,
                data_bits: mode_e.then_some((*data_bits).into()),
                framing: Some(*framing),
                mode_e: place.path().map(|_| *mode_e),
                keep_open: Some(*keep_open),
                ..port
            },
        }
    }
}

/// How a port reaches its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// Modbus RTU on a serial port.
    Rtu {
        /// The name that the system gives the serial port.
        path: SerialPath,
        /// How the line is set.
        line: Line,
    },
    /// Modbus TCP.
    Tcp {
        /// The device, or the gateway it is behind.
        endpoint: Endpoint,
    },
    /// IEC 62056-21: meters that are read out.
    D0 {
        /// Where they are.
        place: Place,
        /// The line stays at this speed; nothing where it goes to what the meter offers, from 300 Bd on.
        baud: Option<u32>,
        /// 7 is 7E1, 8 is 8N1 with the parity bit in the eighth; of no account behind a gateway.
        data_bits: u8,
        /// What is sent may come back.
        echo: bool,
        /// The meter is woken up first.
        wake_up: bool,
    },
    /// P1: a meter that pushes telegrams.
    P1 {
        /// Where it is.
        place: Place,
        /// Bits per second; of no account behind a gateway.
        baud: u32,
        /// 7 is 7E1, 8 is 8N1; of no account behind a gateway.
        data_bits: u8,
        /// It encrypts its telegrams.
        keys: Option<Keys>,
    },
    /// DLMS/COSEM: meters that are asked.
    Dlms {
        /// Where they are.
        place: Place,
        /// What carries the messages.
        framing: Framing,
        /// Bits per second of a serial port. With `mode_e` the line stays there; nothing where it goes to what the meter
        /// offers. Nothing behind a gateway.
        baud: Option<u32>,
        /// Where a dialogue in mode E begins: 7 is 7E1, 8 is 8N1. HDLC has 8N1.
        data_bits: u8,
        /// The dialogue begins as one of IEC 62056-21 (mode E).
        mode_e: bool,
        /// The association stays open from one poll to the next.
        keep_open: bool,
    },
}

impl Link {
    /// Whether its devices speak Modbus.
    pub const fn is_modbus(&self) -> bool {
        matches!(self, Self::Rtu { .. } | Self::Tcp { .. })
    }
}

/// Where a meter's line is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// At a serial port of this name.
    Serial(SerialPath),
    /// Behind a gateway that passes on what it hears.
    Tcp(Endpoint),
}

impl Place {
    /// The name of the serial port.
    pub const fn path(&self) -> Option<&SerialPath> {
        match self {
            Self::Serial(path) => Some(path),
            Self::Tcp(_) => None,
        }
    }

    fn text(&self) -> limits::Place {
        let text: &str = match self {
            Self::Serial(path) => path,
            Self::Tcp(endpoint) => endpoint.text(),
        };
        // Either came from a text as long as this, so it fits.
        limits::Place::try_from(text).unwrap_or_default()
    }

    fn data_bits(&self, data_bits: u8) -> Option<u32> {
        self.path().map(|_| data_bits.into())
    }
}

/// How a serial line is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Bits per second.
    pub baud: u32,
    /// The check bit of each character.
    pub parity: Parity,
    /// Data bits of each character: 8.
    pub data_bits: u8,
    /// Stop bits after each character: 1 or 2.
    pub stop_bits: u8,
}

/// A device that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Its name; no two devices share it.
    pub id: Id,
    /// The place of its port in [`Settings::ports`].
    pub port: usize,
    /// Its Modbus id, 1 to 247; for a secondary, that of its principal. 0, which no device has, where it is not on Modbus.
    pub unit: u8,
    /// Its IEC 62056-21 address; empty where it is the only one on its line, or has none.
    pub address: MeterAddress,
    /// Its model, as the catalogue of devices calls it.
    pub model: Model,
    /// What people call it, if they gave it a name: see [`Device::label`].
    pub alias: Option<Label>,
    /// Which of the secondaries behind the principal it is, counted from 1.
    pub secondary: Option<u8>,
    /// It is mounted the wrong way round: the signs of its powers are turned.
    pub invert: bool,
    /// The time from one poll to the next, in milliseconds.
    pub every_ms: u32,
    /// What its values are in where it says no unit, for [`AssumedUnit::all`](crate::AssumedUnit::all). Where it says one, that
    /// one holds.
    pub units: Units,
}

impl Device {
    /// What to call it: its alias, else model and Modbus id as in `ccm4 001`, `ccm1 002-1` for a secondary, or model and
    /// name as in `p1 house` where it has no id.
    pub fn label(&self) -> impl fmt::Display {
        fmt::from_fn(move |formatter| match (&self.alias, self.secondary) {
            (Some(alias), _) => formatter.write_str(alias),
            _ if self.unit == 0 => write!(formatter, "{} {}", self.model, self.id),
            (None, Some(secondary)) => write!(formatter, "{} {:03}-{secondary}", self.model, self.unit),
            (None, None) => write!(formatter, "{} {:03}", self.model, self.unit),
        })
    }

    fn draft(&self, settings: &Settings) -> DeviceDraft {
        DeviceDraft {
            id: self.id.clone(),
            port: settings.ports.get(self.port).map(|port| port.id.clone()).unwrap_or_default(),
            unit: Some(self.unit.into()).filter(|unit| *unit > 0),
            address: Some(self.address.clone()).filter(|address| !address.is_empty()),
            model: self.model.clone(),
            alias: self.alias.clone(),
            secondary: self.secondary.map(u32::from),
            invert: self.invert,
            every_ms: Some(self.every_ms),
            units: Some(self.units.clone()).filter(|units| !units.is_empty()),
        }
    }
}

/// A self-consumption plant. Its members are places in [`Settings::devices`]; no device has two roles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plant {
    /// Its name among the settings; no two plants share it.
    pub id: Id,
    /// What people call it.
    pub name: Label,
    /// What measures production; at least one.
    pub production: Vec<usize, MAX_MEMBERS>,
    /// What measures the grid; at least one.
    pub grid: Vec<usize, MAX_MEMBERS>,
    /// What measures batteries.
    pub battery: Vec<usize, MAX_MEMBERS>,
}

impl Plant {
    fn draft(&self, settings: &Settings) -> PlantDraft {
        PlantDraft {
            id: self.id.clone(),
            name: self.name.clone(),
            production: settings.device_ids(&self.production),
            grid: settings.device_ids(&self.grid),
            battery: settings.device_ids(&self.battery),
        }
    }
}
