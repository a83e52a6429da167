//! A meter for simulators: its objects and their values, by tables and formulas, so that nothing is stored but what
//! clients change.

mod image;
mod list;
mod objects;
mod profile;

pub use profile::Load;

use ccm_core::{Instant, Writer};

use super::{Caller, Named, Part, Store};
use crate::message::cosem::ScalerUnit;
use crate::message::data::{ClockStatus, Data, DateTime};
use crate::message::{ActionResult, AttributeAccess, DataAccessResult, MethodDescriptor};
use image::Image;

/// A register of the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its logical name.
    pub logical_name: [u8; 6],
    /// What it shows.
    pub value: i64,
    /// What that means.
    pub scaler_unit: ScalerUnit,
}

/// A meter with a clock, registers, a load profile, its associations, a disconnector, a place for writing, a security
/// setup and an image transfer.
#[derive(Debug)]
pub struct Meter<'a> {
    /// The logical device's name: three letters of the maker and up to 13 more bytes.
    pub device_name: &'a [u8],
    /// Its system title.
    pub system_title: [u8; 8],
    /// Seconds since 1970 when [`Instant::ZERO`] was.
    pub epoch: u32,
    /// Minutes from local time to UTC: -60 in Central Europe.
    pub deviation: i16,
    /// Energies, powers, voltages: class 3.
    pub registers: &'a mut [Entry],
    /// The load profile, 1.0.99.1.0.255.
    pub load: Load,
    /// Objects that show the associations' invocation counters, for the list of objects.
    pub counters: &'a [[u8; 6]],
    /// The value of 0.0.96.50.0.255, which clients may write: the bytes, and how many of them hold it.
    pub scratch: &'a mut [u8],
    scratch_length: usize,
    image: Image,
    is_connected: bool,
    /// Where its challenges come from.
    random: fn(&mut [u8]),
}

impl<'a> Meter<'a> {
    /// A meter that shows these registers and can keep so much of what is written to its free object. `random` makes
    /// challenges.
    pub fn new(registers: &'a mut [Entry], scratch: &'a mut [u8], random: fn(&mut [u8])) -> Self {
        Self {
            device_name: b"CCM0000000000001",
            system_title: *b"CCM\0\0\0\0\x01",
            epoch: 1_767_225_600,
            deviation: -60,
            registers,
            load: Load::DEFAULT,
            counters: &[],
            scratch,
            scratch_length: 0,
            image: Image::default(),
            is_connected: true,
            random,
        }
    }

    /// The meter's time.
    pub fn time(&self, now: Instant) -> u32 {
        let seconds = u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX);
        self.epoch.saturating_add(seconds)
    }

    /// Whether the consumer is connected.
    pub const fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Blocks of an image that have come.
    pub const fn image_blocks(&self) -> u32 {
        self.image.blocks()
    }

    fn date_time(&self, seconds: u32) -> DateTime {
        let time = DateTime::from_unix(seconds, self.deviation, ClockStatus(0));
        time.unwrap_or(DateTime::from_bytes([0xFF; 12]))
    }
}

impl Store for Meter<'_> {
    fn get(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        self.show(caller, access, part, out)
    }

    fn set(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        value: Data<'_>,
    ) -> Result<(), DataAccessResult> {
        self.take(caller, access, value)
    }

    fn invoke(
        &mut self,
        _caller: &Caller,
        method: &MethodDescriptor,
        parameters: Option<Data<'_>>,
        out: &mut Writer<'_>,
    ) -> Result<(), ActionResult> {
        self.act(method, parameters, out)
    }

    fn short_name(&self, name: u16) -> Option<Named> {
        self.named(name)
    }

    fn challenge(&mut self, challenge: &mut [u8]) {
        (self.random)(challenge);
    }
}
