//! A device as the hub knows it: its map, how it is read, and what was read.

use ccm_config::limits::{Id, Label, Model};
use ccm_core::{Duration, Instant};
use ccm_registry::{Block, Costs, DeviceKind, Holes, Invalid, Map, Point, Quantity, Turned, plan};
use ccm_solar::Role;
use heapless::{String, Vec};

use crate::reading::Slot;
use crate::{Failure, Reading};

/// A device with room for `V` values.
#[derive(Debug)]
pub struct Device<const V: usize> {
    /// Its name among the settings.
    pub id: Id,
    /// What people call it.
    pub alias: Label,
    /// Its model, as the settings say.
    pub model: Model,
    /// The place of its port.
    pub port: usize,
    /// Its Modbus unit, or its principal's.
    pub unit: u8,
    /// Which of its principal's secondaries it is, from 1.
    pub secondary: Option<u8>,
    /// What stands in its registers.
    pub map: &'static Map<'static>,
    invert: bool,
    is_serial: bool,
    costs: Costs,
    holes: Holes<16>,
    blocks: Vec<Block, 16>,
    next: usize,
    slots: Vec<Slot, V>,
    serial: String<32>,
    /// What it last failed with; nothing once it answers.
    pub failure: Option<Failure>,
}

impl<const V: usize> Device<V> {
    pub(crate) fn new(
        settings: &ccm_config::Device,
        map: &'static Map<'static>,
        line: Option<ccm_core::Line>,
    ) -> Option<Self> {
        let mut slots = Vec::new();
        slots.resize_default(map.points.len()).ok()?;
        let costs = match line {
            Some(line) => Costs::serial(line, LATENCY, map.max_registers),
            None => Costs::network(map.max_registers),
        };
        let mut device = Self {
            id: settings.id.clone(),
            alias: text(settings.label()),
            model: settings.model.clone(),
            port: settings.port,
            unit: settings.unit,
            secondary: settings.secondary,
            map,
            invert: settings.invert,
            is_serial: line.is_some(),
            costs,
            holes: Holes::new(),
            blocks: Vec::new(),
            next: 0,
            slots,
            serial: String::new(),
            failure: None,
        };
        device.replan();
        Some(device)
    }

    /// The serial number, once it was read.
    pub fn serial(&self) -> Option<&str> {
        Some(self.serial.as_str()).filter(|serial| !serial.is_empty())
    }

    /// The tag of its protocol in the manual's figures 29 and 40.
    pub fn protocol(&self) -> &'static str {
        match (self.map.is_native(), self.is_serial) {
            (true, _) => "MB_RTU_CCM",
            (false, true) => "MB_RTU_EXT",
            (false, false) => "MB_TCP_EXT",
        }
    }

    /// What is known of a quantity; nothing where the device does not have it.
    pub fn reading(&self, quantity: Quantity, now: Instant, max_age: Duration) -> Option<Reading> {
        let index = self.map.points.iter().position(|point| point.quantity == quantity)?;
        Some(self.slots.get(index)?.reading(now, max_age))
    }

    /// The quantity that is its power in a plant.
    pub fn power(&self, role: Role) -> Quantity {
        match role {
            Role::Grid if self.map.kind == DeviceKind::Inverter => Quantity::GridP,
            Role::Battery if self.map.point(Quantity::BatteryP).is_some() => Quantity::BatteryP,
            _ => Quantity::P,
        }
    }

    /// The next block to read.
    pub(crate) fn block(&self) -> Option<Block> {
        self.blocks.get(self.next).copied()
    }

    /// Takes the registers of the block that was to be read next; true once it was the last.
    pub(crate) fn store(&mut self, now: Instant, block: Block, registers: &[u8]) -> bool {
        self.failure = None;
        let offset = self.offset();
        for (index, point) in self.map.points.iter().enumerate() {
            if let Some(bytes) = block.bytes_of(point, offset, registers) {
                self.store_point(now, index, point, bytes);
            }
        }
        self.advance()
    }

    /// The device refused a block: another way of reading is tried; true once there is nothing left to read.
    pub(crate) fn refused(&mut self, now: Instant, block: Block) -> bool {
        let offset = self.offset();
        if !self.holes.refused(block, self.map.points, offset) {
            return self.advance();
        }
        for (point, slot) in self.map.points.iter().zip(&mut self.slots) {
            if self.holes.lacks(point) {
                slot.set(Err(Invalid::Unsupported), now);
            }
        }
        self.replan();
        self.next >= self.blocks.len() && self.restart()
    }

    /// Begins again with the first block.
    pub(crate) const fn restart(&mut self) -> bool {
        self.next = 0;
        true
    }

    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next >= self.blocks.len() && self.restart()
    }

    fn replan(&mut self) {
        self.blocks = plan(self.map.points, self.costs, &self.holes, self.offset()).take(16).collect();
    }

    fn store_point(&mut self, now: Instant, index: usize, point: &Point, bytes: &[u8]) {
        if let Some(serial) = point.text(bytes).filter(|_| point.quantity == Quantity::Serial) {
            self.serial = text(serial);
        }
        let value = point.decode(bytes);
        // A device mounted the wrong way round is turned here and nowhere else (H111).
        let (index, value) = match point.quantity.turned() {
            Turned::Negated if self.invert => (Some(index), value.and_then(negated)),
            Turned::Swapped(other) if self.invert => (self.index(other), value),
            _ => (Some(index), value),
        };
        if let Some(slot) = index.and_then(|index| self.slots.get_mut(index)) {
            slot.set(value, now);
        }
    }

    fn index(&self, quantity: Quantity) -> Option<usize> {
        self.map.points.iter().position(|point| point.quantity == quantity)
    }

    /// Where its registers begin: a secondary's stand in a window of its principal.
    const fn offset(&self) -> u16 {
        match self.secondary {
            None | Some(0) => 0,
            Some(secondary) => WINDOWS + WINDOW * (secondary as u16 - 1),
        }
    }
}

fn negated(value: ccm_registry::Decimal) -> Result<ccm_registry::Decimal, Invalid> {
    value.negated().ok_or(Invalid::OutOfRange)
}

/// As much of a text as fits.
fn text<const N: usize, L: heapless::LenType>(source: impl core::fmt::Display) -> String<N, L> {
    let mut text = String::new();
    // What does not fit is cut off: names are for people.
    let _ = core::fmt::write(&mut text, format_args!("{source}"));
    text
}

/// How long a device usually takes to answer, for the planner.
const LATENCY: Duration = Duration::from_millis(20);

/// The first secondary's registers in its principal, and how far apart the windows are (our own map).
const WINDOWS: u16 = 0x4000;
const WINDOW: u16 = 0x0400;
