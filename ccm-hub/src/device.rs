//! A device as the hub knows it: its map, how it is read, and what was read.

use ccm_config::Link;
use ccm_config::limits::{Id, Label, MeterAddress, Model, Units};
use ccm_core::{Duration, Instant};
use ccm_iec62056::Time;
use ccm_registry::{
    Block, Costs, Decimal, DeviceKind, Form, Holes, Invalid, Map, Point, Quantity, Said, Turned, plan,
};
use ccm_solar::Role;
use heapless::{String, Vec};

use crate::behind::FRESH;
use crate::reading::Slot;
use crate::telegram::MOST_BEHIND;
use crate::{Behind, Failure, Reading, Telegram, line_of};

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
    /// Its Modbus unit, or its principal's; 0 where it is not on Modbus.
    pub unit: u8,
    /// Its IEC 62056-21 address; empty where it is the only one on its line.
    pub address: MeterAddress,
    /// Which of its principal's secondaries it is, from 1.
    pub secondary: Option<u8>,
    /// What stands in its registers, or which codes say it.
    pub map: &'static Map<'static>,
    invert: bool,
    units: Units,
    protocol: &'static str,
    costs: Costs,
    holes: Holes<16>,
    blocks: Vec<Block, 16>,
    next: usize,
    slots: Vec<Slot, V>,
    serial: String<32>,
    /// When the meters behind it were read last.
    read: Vec<(Quantity, Time), MOST_BEHIND>,
    /// What it last failed with; nothing once it answers.
    pub failure: Option<Failure>,
}

impl<const V: usize> Device<V> {
    pub(crate) fn new(
        settings: &ccm_config::Device,
        map: &'static Map<'static>,
        link: &Link,
    ) -> Option<Self> {
        let mut slots = Vec::new();
        slots.resize_default(map.quantities().count()).ok()?;
        let costs = match line_of(link) {
            Some(line) => Costs::serial(line, LATENCY, map.max_registers),
            None => Costs::network(map.max_registers),
        };
        let mut device = Self {
            id: settings.id.clone(),
            alias: text(settings.label()),
            model: settings.model.clone(),
            port: settings.port,
            unit: settings.unit,
            address: settings.address.clone(),
            secondary: settings.secondary,
            map,
            invert: settings.invert,
            units: settings.units.clone(),
            protocol: protocol(link, map),
            costs,
            holes: Holes::new(),
            blocks: Vec::new(),
            next: 0,
            slots,
            serial: String::new(),
            read: Vec::new(),
            failure: None,
        };
        device.replan();
        Some(device)
    }

    /// The serial number, once it was read.
    pub fn serial(&self) -> Option<&str> {
        Some(self.serial.as_str()).filter(|serial| !serial.is_empty())
    }

    /// The tag of its protocol in the manual's figures 29 and 40, or one like them.
    pub const fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// What is known of a quantity; nothing where the device does not have it.
    pub fn reading(&self, quantity: Quantity, now: Instant, max_age: Duration) -> Option<Reading> {
        let index = self.index(quantity)?;
        let max_age = if self.is_behind(quantity) { max_age.max(FRESH) } else { max_age };
        Some(self.slots.get(index)?.reading(now, max_age))
    }

    /// What its next telegram is kept in.
    pub fn telegram(&self) -> Telegram {
        Telegram::new(self.map).with_units(self.units.clone())
    }

    /// Whether a meter behind it counts that.
    fn is_behind(&self, quantity: Quantity) -> bool {
        let mut codes = self.map.codes.iter().filter(|code| code.quantity == quantity);
        codes.any(|code| code.form == Form::SubMeter)
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

    /// Takes what a telegram says. What a meter does not have is known once a whole telegram was without it; what is
    /// missing now and then grows old.
    pub(crate) fn store_telegram(
        &mut self,
        measured: Instant,
        said: &[Said],
        serial: Option<&str>,
        is_whole: bool,
    ) {
        self.failure = None;
        if let Some(serial) = serial {
            self.serial = text(serial);
        }
        let numbers = self.map.codes.iter().enumerate().filter(|(_, code)| code.form == Form::Number);
        for (index, code) in numbers {
            match code.value(said, is_whole) {
                Some(value) => self.put(measured, index, code.quantity, value),
                None if code.optional && is_whole => self.lack(measured, index, code.quantity),
                None => {}
            }
        }
    }

    /// Takes what the meters behind it say. Which there are is known once a whole telegram has said it.
    pub(crate) fn store_behind(&mut self, now: Instant, behind: &[Behind], is_whole: bool) {
        let codes = self.map.codes.iter().enumerate().filter(|(_, code)| code.form == Form::SubMeter);
        for (index, code) in codes {
            match behind.iter().find(|behind| behind.quantity == code.quantity) {
                Some(found) => self.put_behind(now, index, found),
                None if is_whole => self.lack(now, index, code.quantity),
                None => {}
            }
        }
    }

    /// Where the telegram has no time, a reading's age is known from the moment on when another takes its place.
    fn put_behind(&mut self, now: Instant, index: usize, found: &Behind) {
        let before = self.note_read(found);
        let (value, older) = match (found.older, before) {
            (Some(older), _) => (found.value, older),
            (None, None) => (Err(Invalid::NotAvailable), Duration::ZERO),
            (None, Some(before)) if before != found.time || found.value.is_err() => {
                (found.value, Duration::ZERO)
            }
            (None, Some(_)) => return,
        };
        if let Some(slot) = self.slots.get_mut(index) {
            slot.set_older(value, now, older);
        }
    }

    /// Notes when it was read, and gives when it was before.
    fn note_read(&mut self, found: &Behind) -> Option<Time> {
        if let Some((_, time)) = self.read.iter_mut().find(|(quantity, _)| *quantity == found.quantity) {
            return Some(core::mem::replace(time, found.time));
        }
        // There is room for all quantities.
        let _ = self.read.push((found.quantity, found.time));
        None
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
        self.put(now, index, point.quantity, point.decode(bytes));
    }

    /// Stores the value of the quantity at this place of the map. A device mounted the wrong way round is turned here and
    /// nowhere else (H111).
    fn put(&mut self, now: Instant, index: usize, quantity: Quantity, value: Result<Decimal, Invalid>) {
        let is_negated = self.invert && quantity.turned() == Turned::Negated;
        let value = if is_negated { value.and_then(negated) } else { value };
        if let Some(slot) = self.turned(index, quantity).and_then(|index| self.slots.get_mut(index)) {
            slot.set(value, now);
        }
    }

    /// Stores that the device does not have the quantity, unless it had it once.
    fn lack(&mut self, now: Instant, index: usize, quantity: Quantity) {
        let slot = self.turned(index, quantity).and_then(|index| self.slots.get_mut(index));
        if let Some(slot) = slot.filter(|slot| slot.is_empty()) {
            slot.set(Err(Invalid::Unsupported), now);
        }
    }

    /// Where the value of the quantity at this place goes.
    fn turned(&self, index: usize, quantity: Quantity) -> Option<usize> {
        match quantity.turned() {
            Turned::Swapped(other) if self.invert => self.index(other),
            _ => Some(index),
        }
    }

    fn index(&self, quantity: Quantity) -> Option<usize> {
        self.map.quantities().position(|known| known == quantity)
    }

    /// Where its registers begin: a secondary's stand in a window of its principal.
    const fn offset(&self) -> u16 {
        match self.secondary {
            None | Some(0) => 0,
            Some(secondary) => WINDOWS + WINDOW * (secondary as u16 - 1),
        }
    }
}

fn protocol(link: &Link, map: &Map<'_>) -> &'static str {
    match link {
        Link::D0 { .. } => "IEC_62056_21",
        Link::P1 { .. } => "P1",
        Link::Dlms { .. } => "DLMS",
        _ if map.is_native() => "MB_RTU_CCM",
        Link::Rtu { .. } => "MB_RTU_EXT",
        _ => "MB_TCP_EXT",
    }
}

fn negated(value: Decimal) -> Result<Decimal, Invalid> {
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
