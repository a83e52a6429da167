//! Gas, water and heat meters behind an electricity meter: M-Bus channels 1 to 4 (P1 companion standard 5.0.2, 6.12).

use ccm_core::Decimal;
use heapless::Vec;

use crate::{Address, Field, Time, Value, decimal};

/// Collects the sub-meters of a telegram, at most `N` of them.
///
/// A channel number says nothing: when a meter is replaced the new one comes on another channel, and the dead one stays.
/// So sub-meters are known by what they measure *and* who they are, of two with one identity the newest reading wins,
/// and those that were never read are [`State::Dead`].
#[derive(Clone, Debug, Default)]
pub struct SubMeters<const N: usize> {
    channels: Vec<SubMeter, N>,
    overflow: bool,
}

/// One sub-meter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubMeter {
    /// The M-Bus channel.
    pub channel: u8,
    /// What it measures.
    pub medium: Medium,
    /// Its number as sent (hexadecimal digits); empty where it has none.
    pub identifier: Vec<u8, IDENTIFIER>,
    /// Its reading; nothing where it was never read or is no number.
    pub reading: Option<Decimal>,
    /// The reading's unit as sent.
    pub unit: Field,
    /// When it was read.
    pub time: Option<Time>,
}

/// What a sub-meter measures: the device types of M-Bus (EN 13757-3, table 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Medium {
    /// The telegram does not say.
    #[default]
    Unknown,
    /// 2
    Electricity,
    /// 3
    Gas,
    /// 4 and 12
    Heat,
    /// 6
    HotWater,
    /// 7
    Water,
    /// 10 and 11
    Cooling,
    /// Any other.
    Other(u8),
}

/// Whether a sub-meter lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// It has a reading, and a time that can be.
    Live,
    /// It was never read, or its clock never set: a meter that was taken away.
    Dead,
}

impl SubMeter {
    /// Whether it lives.
    pub fn state(&self) -> State {
        let timed = self.time.is_some_and(|time| !time.is_unset());
        if self.reading.is_some() && timed && !self.identifier.is_empty() { State::Live } else { State::Dead }
    }
}

impl Medium {
    /// What a device type means.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Unknown,
            2 => Self::Electricity,
            3 => Self::Gas,
            4 | 12 => Self::Heat,
            6 => Self::HotWater,
            7 => Self::Water,
            10 | 11 => Self::Cooling,
            other => Self::Other(other),
        }
    }
}

impl<const N: usize> SubMeters<N> {
    /// Before a telegram.
    pub const fn new() -> Self {
        Self { channels: Vec::new(), overflow: false }
    }

    /// Takes a value of the telegram; those of no sub-meter are left out.
    pub fn value(&mut self, value: &Value<'_>) {
        let Some(Address { obis, .. }) = value.code() else { return };
        let (Some(0), Some(channel @ 1..)) = (obis.a, obis.b) else { return };
        match (obis.c, obis.d, obis.e) {
            (24, 1, Some(0)) => self.edit(channel, |meter| meter.medium = medium(value.text)),
            (96, 1, _) if value.group == 0 => self.edit(channel, |meter| meter.identify(value.text)),
            // 24.2.1 the last reading, 24.2.3 uncorrected gas (Fluvius), 24.3.0 version 2 and 3.
            (24, 2 | 3, _) => self.edit(channel, |meter| meter.read(value)),
            _ => {}
        }
    }

    /// The sub-meters, each identity once, in the order of their channels.
    pub fn iter(&self) -> impl Iterator<Item = &SubMeter> {
        self.channels.iter().filter(|meter| !self.is_outdated(meter))
    }

    /// The one to show for a medium: alive, and the newest of those.
    pub fn newest(&self, medium: Medium) -> Option<&SubMeter> {
        let live = self.iter().filter(|meter| meter.medium == medium && meter.state() == State::Live);
        live.max_by_key(|meter| meter.time)
    }

    /// More channels came than `N`.
    pub const fn is_overfull(&self) -> bool {
        self.overflow
    }

    /// Another channel holds a newer reading of the same meter.
    fn is_outdated(&self, meter: &SubMeter) -> bool {
        let is_same = |other: &SubMeter| {
            (other.medium, &other.identifier) == (meter.medium, &meter.identifier)
                && !meter.identifier.is_empty()
        };
        let is_newer =
            |other: &SubMeter| (other.time, other.channel) > (meter.time, meter.channel) && is_same(other);
        self.channels.iter().any(is_newer)
    }

    fn edit(&mut self, channel: u8, edit: impl FnOnce(&mut SubMeter)) {
        let known = self.channels.iter().position(|meter| meter.channel == channel);
        if known.is_none() {
            self.overflow |= self.channels.push(SubMeter { channel, ..SubMeter::default() }).is_err();
        }
        if let Some(meter) = self.channels.iter_mut().find(|meter| meter.channel == channel) {
            edit(meter);
        }
    }
}

impl SubMeter {
    /// An identifier of nothing but zeros is none.
    fn identify(&mut self, text: &[u8]) {
        if text.iter().any(|digit| *digit != b'0') {
            self.identifier = Vec::from_slice(text).unwrap_or_default();
        }
    }

    /// Two groups, time and value; or the older form: time, five groups and the unit, and the value on a line of its own.
    fn read(&mut self, value: &Value<'_>) {
        match (value.group, value.unit) {
            (0, None) => self.time = Time::parse_p1(value.text),
            (OLD_UNIT, _) => self.unit = Field::from_slice(value.text).unwrap_or_default(),
            (OLD_VALUE, _) => self.reading = decimal(value.text),
            // Without a unit it was never read: `(700101010000W)(00000000)`.
            (_, Some(unit)) if value.group <= 1 => {
                self.reading = value.decimal();
                self.unit = Field::from_slice(unit).unwrap_or_default();
            }
            _ => {}
        }
    }
}

fn medium(text: &[u8]) -> Medium {
    let code =
        decimal(text).filter(|code| code.exponent == 0).and_then(|code| u8::try_from(code.mantissa).ok());
    code.map_or(Medium::Unknown, Medium::from_code)
}

/// Twice the 17 characters of a Dutch meter's number.
const IDENTIFIER: usize = 40;

/// `24.3.0(time)(00)(60)(1)(0-1:24.2.1)(m3)` and on the next line `(00001.001)`.
const OLD_UNIT: u16 = 5;
const OLD_VALUE: u16 = 6;
