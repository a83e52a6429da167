//! A simulated device: registers that follow from what it measures, through the same map that the hub reads it by.

use std::collections::BTreeMap;
use std::string::String;

use ccm_modbus::{Exception, Handler, RegistersMut};
use ccm_registry::{Decimal, Kind, Map, Point, Quantity, Space};

/// What a device measures.
#[derive(Clone, Debug, Default)]
pub struct Electrical {
    /// Its phases; one or three.
    pub phases: Vec<Phase>,
    /// Energy that came in, in Wh.
    pub imported: f64,
    /// Energy that went out, in Wh.
    pub exported: f64,
    /// How often it has measured.
    pub samples: u32,
}

/// What a device measures on one phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phase {
    /// Effective voltage.
    pub voltage: f64,
    /// Active power: consumption or import positive.
    pub power: f64,
    /// The share of apparent power that is active.
    pub power_factor: f64,
}

impl Phase {
    fn apparent(&self) -> f64 {
        if self.power_factor > 0.0 { self.power.abs() / self.power_factor } else { 0.0 }
    }

    fn reactive(&self) -> f64 {
        (self.apparent().powi(2) - self.power.powi(2)).max(0.0).sqrt()
    }

    pub(super) fn current(&self) -> f64 {
        if self.voltage > 0.0 { self.apparent() / self.voltage } else { 0.0 }
    }
}

impl Electrical {
    fn total(&self, value: fn(&Phase) -> f64) -> f64 {
        self.phases.iter().map(value).sum()
    }

    fn value(&self, quantity: Quantity) -> Option<f64> {
        let phase = |index: usize| self.phases.get(index);
        Some(match quantity {
            Quantity::V1 => phase(0)?.voltage,
            Quantity::V2 => phase(1)?.voltage,
            Quantity::V3 => phase(2)?.voltage,
            Quantity::I1 => phase(0)?.current(),
            Quantity::I2 => phase(1)?.current(),
            Quantity::I3 => phase(2)?.current(),
            Quantity::P1 => phase(0)?.power,
            Quantity::P2 => phase(1)?.power,
            Quantity::P3 => phase(2)?.power,
            Quantity::Q1 => phase(0)?.reactive(),
            Quantity::Q2 => phase(1)?.reactive(),
            Quantity::Q3 => phase(2)?.reactive(),
            Quantity::S1 => phase(0)?.apparent(),
            Quantity::S2 => phase(1)?.apparent(),
            Quantity::S3 => phase(2)?.apparent(),
            Quantity::Pf1 => phase(0)?.power_factor,
            Quantity::Pf2 => phase(1)?.power_factor,
            Quantity::Pf3 => phase(2)?.power_factor,
            Quantity::P => self.total(|phase| phase.power),
            Quantity::Q => self.total(Phase::reactive),
            Quantity::S => self.total(Phase::apparent),
            Quantity::Pf => phase(0)?.power_factor,
            Quantity::Frequency => 50.0 + f64::from(self.samples % 7) * 0.004 - 0.012,
            Quantity::Temperature => 31.5,
            Quantity::EImport => self.imported,
            Quantity::EExport => self.exported,
            Quantity::EProduction => self.exported,
            Quantity::EProductionDay => self.exported % 25_000.0,
            Quantity::Samples => f64::from(self.samples),
            Quantity::Mode | Quantity::State => 1.0,
            _ => return None,
        })
    }
}

/// A device of a known kind with registers of its own.
#[derive(Clone, Debug)]
pub struct SimDevice {
    map: &'static Map<'static>,
    serial: String,
    firmware: u16,
    registers: BTreeMap<(Space, u16), u16>,
    secondaries: u16,
}

impl SimDevice {
    /// A device with this map and serial number that has measured nothing yet.
    pub fn new(map: &'static Map<'static>, serial: &str, firmware: u16) -> Self {
        let mut device =
            Self { map, serial: serial.into(), firmware, registers: BTreeMap::new(), secondaries: 0 };
        device.update(&Electrical::default());
        device
    }

    /// Puts what it measures into its registers.
    pub fn update(&mut self, measured: &Electrical) {
        self.write_window(0, &self.serial.clone(), self.firmware, measured);
    }

    /// Puts what a secondary behind it measures into that one's window (H049); `secondary` counts from 1.
    pub fn update_secondary(&mut self, secondary: u16, serial: &str, firmware: u16, measured: &Electrical) {
        self.secondaries = self.secondaries.max(secondary);
        self.write_window(0x4000 + 0x0400 * (secondary - 1), serial, firmware, measured);
    }

    fn write_window(&mut self, offset: u16, serial: &str, firmware: u16, measured: &Electrical) {
        if let Some(probe) = self.map.probe {
            self.registers.insert((probe.space, probe.address + offset), probe.expected);
        }
        for point in self.map.points {
            let mut bytes = [0; 64];
            let length = match (point.kind, point.quantity) {
                (Kind::Text(_), Quantity::Serial) => text(point, serial, &mut bytes),
                (Kind::Text(_), _) => text(point, "", &mut bytes),
                (_, Quantity::Firmware) => point.encode(Some(Decimal::new(firmware.into(), 0)), &mut bytes),
                _ => encode(point, measured, &mut bytes),
            };
            let (words, _) = bytes.get(..length.unwrap_or(0)).unwrap_or_default().as_chunks();
            for (address, word) in (point.address + offset..).zip(words) {
                self.registers.insert((point.space, address), u16::from_be_bytes(*word));
            }
        }
    }

    /// A read inside a group of registers may touch gaps, which read as all ones; one outside of all is refused.
    fn read(&self, space: Space, start: u16, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        for index in 0..registers.len() {
            let address =
                u16::try_from(usize::from(start) + index).map_err(|_| Exception::IllegalDataAddress)?;
            let near = address.saturating_sub(GROUP)..=address.saturating_add(GROUP);
            let known = self.registers.range((space, *near.start())..=(space, *near.end())).next().is_some();
            let value = self.registers.get(&(space, address)).copied().or(known.then_some(0xFFFF));
            registers.push(value.ok_or(Exception::IllegalDataAddress)?);
        }
        Ok(())
    }
}

impl Handler for SimDevice {
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.read(Space::Holding, start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.read(Space::Input, start, registers)
    }
}

/// Encodes as exactly as the point can say it.
fn encode(point: &Point, measured: &Electrical, bytes: &mut [u8]) -> Option<usize> {
    // An inverter counts what it gives as positive.
    let value = measured.value(point.quantity).map(|value| value / 10_f64.powi(point.scale.into()));
    #[expect(clippy::cast_possible_truncation, reason = "a simulated value fits")]
    let raw = value.map(|value| Decimal::new(value.round() as i64, point.scale));
    match raw {
        Some(raw) => point.encode(Some(raw), bytes),
        // A device says that it does not measure something, or has no such register at all.
        None if point.not_available.is_some() || point.optional => point.encode(None, bytes),
        None => point.encode(Some(Decimal::new(0, point.scale)), bytes),
    }
}

fn text(point: &Point, text: &str, bytes: &mut [u8]) -> Option<usize> {
    let length = usize::from(point.kind.registers()) * 2;
    for (slot, byte) in bytes.get_mut(..length)?.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    Some(length)
}

/// Gaps up to this many registers belong to the group around them.
const GROUP: u16 = 16;
