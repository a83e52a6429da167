//! What the hub tells the portal: the JSON of `/api/v1`, the same on a host and on a microcontroller.
//!
//! Fields are added, never renamed or removed. Times are ages in milliseconds, so that no clock need be right.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use ccm_core::Instant;
use ccm_registry::{Decimal, Quantity};
use ccm_solar::Balance;
use serde::Serialize;

use crate::{Counters, Device, Health, Hub, Quality};

/// `GET /api/v1/info`: what this hub is (H065).
#[derive(Clone, Debug, Serialize)]
pub struct Info {
    /// The product's model.
    pub model: &'static str,
    /// The hub's own serial number.
    pub serial: String,
    /// The version of the software.
    pub version: &'static str,
    /// Since the start, in seconds.
    pub uptime_s: u64,
    /// The ports and what happened on them.
    pub ports: Vec<PortView>,
}

/// A port in [`Info`].
#[derive(Clone, Debug, Serialize)]
pub struct PortView {
    /// Its name.
    pub id: String,
    /// `up` or `down`.
    pub state: &'static str,
    /// What happened on it since the start.
    #[serde(flatten)]
    pub counters: Counters,
}

/// An entry of `GET /api/v1/devices` (H097, H099).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceView {
    /// Its name in the API.
    pub id: String,
    /// What people call it.
    pub alias: String,
    /// Who makes it.
    pub maker: &'static str,
    /// Its model.
    pub model: String,
    /// `MB_RTU_CCM`, `MB_RTU_EXT`, `MB_TCP_EXT`, `IEC_62056_21`, `P1` or `DLMS`.
    pub protocol: &'static str,
    /// Its port.
    pub port: String,
    /// Its Modbus unit, or its principal's; 0, which no device has, where it is not on Modbus.
    pub unit: u8,
    /// Which secondary of its principal it is, from 1.
    pub secondary: Option<u8>,
    /// Its serial number, once read.
    pub serial: Option<String>,
    /// Its firmware as the manual prints it: `0X2C06`.
    pub firmware: Option<String>,
    /// Whether it answers.
    pub health: Health,
    /// What it last failed with.
    pub failure: Option<String>,
}

/// `GET /api/v1/devices/{id}/values` (H098).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValuesView {
    /// The device.
    pub id: String,
    /// Its values, in the order of the manual's figure 28.
    pub values: Vec<ValueView>,
}

/// A value in [`ValuesView`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueView {
    /// The key of the quantity.
    pub quantity: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The value, as far as it can be trusted or could when it was young; null where there is none.
    pub value: Option<f64>,
    /// The same, exactly as measured.
    pub text: Option<String>,
    /// The symbol of its unit.
    pub unit: &'static str,
    /// How long ago it was measured; null where it never was.
    pub age_ms: Option<u64>,
    /// `good`, `stale`, `invalid` or `never`.
    pub quality: &'static str,
    /// Why it is invalid.
    pub reason: Option<String>,
}

/// `GET /api/v1/plants/{id}/power` (H107).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PowerView {
    /// The plant.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The balance; what depends on a missing member is null.
    #[serde(flatten)]
    pub balance: Balance,
    /// What the devices are called whose power is missing.
    pub missing_devices: Vec<String>,
}

impl<const P: usize, const D: usize, const V: usize> Hub<P, D, V> {
    /// The ports, for [`Info`].
    pub fn port_views(&self) -> Vec<PortView> {
        let view = |port: &crate::Port<D>| PortView {
            id: port.id.to_string(),
            state: if port.is_up { "up" } else { "down" },
            counters: port.counters,
        };
        self.ports().iter().map(view).collect()
    }

    /// All devices.
    pub fn device_views(&self, now: Instant) -> Vec<DeviceView> {
        (0..self.devices().len()).filter_map(|place| self.device_view(now, place)).collect()
    }

    /// The values of the device at this place: identity and what it cannot have are left out.
    pub fn values_view(&self, now: Instant, place: usize) -> Option<ValuesView> {
        let device = self.devices().get(place)?;
        let values =
            Quantity::ALL.iter().filter_map(|quantity| self.value_view(now, place, device, *quantity));
        Some(ValuesView { id: device.id.to_string(), values: values.collect() })
    }

    /// The balance of a plant.
    pub fn power_view(&self, now: Instant, plant: &ccm_config::Plant) -> PowerView {
        let alias = |place| self.devices().get(place).map(|device: &Device<V>| device.alias.to_string());
        PowerView {
            id: plant.id.to_string(),
            name: plant.name.to_string(),
            balance: self.balance(now, plant),
            missing_devices: self.missing(now, plant).filter_map(alias).collect(),
        }
    }

    fn device_view(&self, now: Instant, place: usize) -> Option<DeviceView> {
        let device = self.devices().get(place)?;
        let port = self.ports().get(device.port)?;
        let firmware = self.reading(now, place, Quantity::Firmware);
        let firmware = firmware.and_then(|reading| reading.value?.scaled_to(0));
        Some(DeviceView {
            id: device.id.to_string(),
            alias: device.alias.to_string(),
            maker: device.map.maker,
            model: device.model.to_string(),
            protocol: device.protocol(),
            port: port.id.to_string(),
            unit: device.unit,
            secondary: device.secondary,
            serial: device.serial().map(ToString::to_string),
            firmware: firmware.map(|firmware| format!("0X{firmware:04X}")),
            health: self.health(place),
            failure: device.failure.map(|failure| failure.to_string()),
        })
    }

    fn value_view(
        &self,
        now: Instant,
        place: usize,
        device: &Device<V>,
        quantity: Quantity,
    ) -> Option<ValueView> {
        let reading = self.reading(now, place, quantity)?;
        let reason = match reading.quality {
            Quality::Invalid(ccm_registry::Invalid::Unsupported | ccm_registry::Invalid::NotAvailable) => {
                return None;
            }
            Quality::Invalid(reason) => Some(reason.to_string()),
            _ => None,
        };
        if device.map.is_text(quantity) || quantity == Quantity::Firmware {
            return None;
        }
        Some(ValueView {
            quantity: quantity.key(),
            name: quantity.name(),
            value: reading.value.map(number),
            text: reading.value.as_ref().map(ToString::to_string),
            unit: quantity.unit().symbol(),
            age_ms: reading.age.map(ccm_core::Duration::as_millis),
            quality: reading.quality.key(),
            reason,
        })
    }
}

/// A JSON number is a double to whoever reads it; the exact digits go beside it as text.
#[expect(clippy::cast_precision_loss, reason = "the exact digits go beside it")]
fn number(value: Decimal) -> f64 {
    let magnitude = 10_f64.powi(i32::from(value.exponent.unsigned_abs()));
    if value.exponent < 0 { value.mantissa as f64 / magnitude } else { value.mantissa as f64 * magnitude }
}
