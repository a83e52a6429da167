//! The settings as somebody wrote them: well formed, but not checked.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::limits::{
    Address, Id, Label, MAX_DEVICES, MAX_DLMS, MAX_MEMBERS, MAX_PLANTS, MAX_PORTS, MeterAddress, Model,
    Place, SerialPath, Units,
};
use crate::list::bounded;
use crate::{DlmsDraft, Framing, Secret};

/// Settings as somebody wrote them, in a file, a form or the storage. [`Draft::check`] makes [`Settings`] of them.
///
/// What has a default is optional here. The order of the fields is the storage form; it changes with its version only.
///
/// [`Settings`]: crate::Settings
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The web page and its API.
    #[serde(default)]
    pub portal: PortalDraft,
    /// The lines and connections that devices hang on.
    #[serde(default, deserialize_with = "bounded")]
    pub ports: Vec<PortDraft, MAX_PORTS>,
    /// The devices that are read.
    #[serde(default, deserialize_with = "bounded")]
    pub devices: Vec<DeviceDraft, MAX_DEVICES>,
    /// The self-consumption plants.
    #[serde(default, deserialize_with = "bounded")]
    pub plants: Vec<PlantDraft, MAX_PLANTS>,
    /// How devices on ports with `dlms` are talked to.
    #[serde(default, deserialize_with = "bounded")]
    pub dlms: Vec<DlmsDraft, MAX_DLMS>,
}

/// The web page and its API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalDraft {
    /// Where it listens, as `host:port`; port 0 lets the system choose one.
    pub listen: Option<Address>,
}

/// A line or connection that devices hang on: exactly one of `rtu`, `tcp`, `d0`, `p1` and `dlms`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortDraft {
    /// Its name.
    pub id: Id,
    /// The serial port, for Modbus RTU.
    pub rtu: Option<SerialPath>,
    /// The device or gateway as `host:port`, for Modbus TCP.
    pub tcp: Option<Address>,
    /// The serial port or the gateway (`host:port`), for meters that are read out by IEC 62056-21.
    pub d0: Option<Place>,
    /// The serial port or the gateway (`host:port`), for a meter that pushes telegrams by itself: P1.
    pub p1: Option<Place>,
    /// The serial port, or the meter or gateway (`host:port`), for meters that speak DLMS/COSEM.
    pub dlms: Option<Place>,
    /// Bits per second; not with `tcp`. With `d0` the line stays there in place of what the meter offers.
    pub baud: Option<u32>,
    /// The check bit; only with `rtu`.
    pub parity: Option<Parity>,
    /// Data bits; only on a serial port. With `d0`, `p1` and `mode_e` 7 means 7E1 and 8 means 8N1.
    pub data_bits: Option<u32>,
    /// Stop bits; only with `rtu`.
    pub stop_bits: Option<u32>,
    /// How long a device may take to answer, in milliseconds; with `p1`, to push.
    pub timeout_ms: Option<u32>,
    /// How often a request without an answer is sent again; not with `p1`.
    pub retries: Option<u32>,
    /// The extra pause between two requests, in milliseconds; only with `rtu` and `tcp`.
    pub gap_ms: Option<u32>,
    /// The optical head may give back what is sent; only with `d0`.
    pub echo: Option<bool>,
    /// The meter sleeps and is woken up first; only with `d0`.
    pub wake_up: Option<bool>,
    /// The key of the meter's encrypted telegrams, 32 hexadecimal digits; only with `p1`.
    pub key: Option<Secret>,
    /// The authentication key, where it is not the published one of Luxembourg; only with `key`.
    pub authentication_key: Option<Secret>,
    /// What carries the messages; only with `dlms`. Else HDLC on serial ports, and the wrapper elsewhere.
    pub framing: Option<Framing>,
    /// The dialogue begins as one of IEC 62056-21 and goes over to HDLC; only with `dlms` on a serial port.
    pub mode_e: Option<bool>,
    /// The association stays open from one poll to the next; only with `dlms`.
    pub keep_open: Option<bool>,
}

/// The check bit of each character on a serial line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parity {
    /// No check bit.
    #[default]
    None,
    /// The number of ones is even.
    Even,
    /// The number of ones is odd.
    Odd,
}

/// A device that is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceDraft {
    /// Its name.
    pub id: Id,
    /// The name of the port it hangs on.
    pub port: Id,
    /// Its Modbus id; for a secondary, that of its principal. Only with `rtu` and `tcp`, and needed there.
    pub unit: Option<u32>,
    /// Its IEC 62056-21 address; only with `d0` and `mode_e`. With `d0` it is needed where there are several meters.
    pub address: Option<MeterAddress>,
    /// Its model, as the catalogue of devices calls it.
    pub model: Model,
    /// What people call it.
    pub alias: Option<Label>,
    /// Which of the secondaries behind the principal it is, counted from 1.
    pub secondary: Option<u32>,
    /// It is mounted the wrong way round: the signs of its powers are turned.
    #[serde(default)]
    pub invert: bool,
    /// The time from one poll to the next, in milliseconds.
    pub every_ms: Option<u32>,
    /// What its values are in where it says no unit, as in `1.8=kWh 16.7.0=W`; only with `d0` and `p1`.
    pub units: Option<Units>,
}

/// A self-consumption plant. Its members are names of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantDraft {
    /// Its name among the settings.
    pub id: Id,
    /// What people call it.
    pub name: Label,
    /// What measures production; at least one.
    #[serde(default, deserialize_with = "bounded")]
    pub production: Vec<Id, MAX_MEMBERS>,
    /// What measures the grid; at least one.
    #[serde(default, deserialize_with = "bounded")]
    pub grid: Vec<Id, MAX_MEMBERS>,
    /// What measures batteries.
    #[serde(default, deserialize_with = "bounded")]
    pub battery: Vec<Id, MAX_MEMBERS>,
}
