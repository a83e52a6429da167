//! A house with its devices: a CcM4 at the grid, a CcM2 in the kitchen with a CcM1 at the heat pump behind it, a GoodWe
//! inverter; and at the grid too the fiscal meter, read out by IEC 62056-21, a smart meter that pushes P1, and another
//! fiscal meter that is asked by DLMS/COSEM.

use std::cell::RefCell;
use std::string::String;
use std::vec::Vec;

use ccm_core::{Instant, Line};
use ccm_dlms::hdlc::{Address, Station};
use ccm_dlms::wrapper::Service;
use ccm_iec62056::{Quirks, Server};
use ccm_modbus::{Rtu, Tcp};
use ccm_registry::{Map, find};

use super::bus::Shared;
use super::meter::{Dial, Dials};
use super::{Bus, Electrical, Household, Moment, Phase, SimDevice, SimDlms, SimMeter, SimObjects};

/// The simulated site.
#[derive(Debug)]
pub struct Site {
    household: Household,
    time: TimeOfDay,
    grid: Measuring,
    kitchen: Measuring,
    heat_pump: Electrical,
    inverter: Measuring,
    dials: Dials,
    advanced: Option<Instant>,
}

/// How the site's clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// The second of the day at the start.
    pub start_s: u32,
    /// How many of the site's seconds pass in one of ours.
    pub speed: u32,
}

#[derive(Debug)]
struct Measuring {
    device: Shared,
    electrical: Electrical,
}

impl Site {
    /// A site whose day follows from `seed`; nothing where the maps of its devices are missing.
    pub fn new(seed: u64, time: TimeOfDay) -> Option<Self> {
        let (ccm, goodwe) = (find("ccm")?, find("goodwe-dt")?);
        let mut site = Self {
            household: Household::new(seed),
            time,
            grid: Measuring::new(ccm, "0420020081", 0x2C06, 4_211_300.0),
            kitchen: Measuring::new(ccm, "0220060041", 0x3504, 812_450.0),
            heat_pump: Electrical { imported: 1_530_900.0, ..Electrical::default() },
            inverter: Measuring::new(goodwe, "5010KDTU21800042", 0, 0.0),
            dials: Box::leak(Box::default()),
            advanced: None,
        };
        site.inverter.electrical.exported = 9_876_500.0;
        site.grid.electrical.exported = 2_904_100.0;
        site.advance(Instant::ZERO);
        Some(site)
    }

    /// Lets the day go on until `now`.
    pub fn advance(&mut self, now: Instant) {
        let elapsed = now.since(self.advanced.unwrap_or(now));
        let hours = seconds(elapsed.as_micros()) * f64::from(self.time.speed) / 3600.0;
        self.advanced = Some(now);
        let moment = self.moment(now);
        self.measure(now, &moment, hours);
    }

    /// What the house really does at `now`, to compare with what the hub says.
    pub fn moment(&self, now: Instant) -> Moment {
        self.household.at(self.second(now))
    }

    /// The native bus: the CcM4 at unit 1, the CcM2 with its CcM1 at unit 2.
    pub fn native_bus(&self, line: Line) -> Bus<Rtu> {
        let framing = Rtu::new(line).with_silence(TURNAROUND);
        Bus::new(&framing, TURNAROUND, [(1, self.grid.device), (2, self.kitchen.device)])
    }

    /// The inverter's network connection, unit 247.
    pub fn inverter(&self) -> Bus<Tcp> {
        Bus::new(&Tcp::new(), ccm_core::Duration::ZERO, [(247, self.inverter.device)])
    }

    /// The fiscal meter, in mode C: it begins at 300 Bd and offers 9600.
    pub fn fiscal_meter(&self, quirks: Quirks) -> Server<'static, SimMeter> {
        SimMeter::fiscal(self.dials, quirks)
    }

    /// The smart meter: P1 version 5, once a second at 115200 Bd.
    pub fn smart_meter(&self) -> Server<'static, SimMeter> {
        SimMeter::smart(self.dials, Quirks::named("p1-v5").unwrap_or_default())
    }

    /// The meter that speaks DLMS over HDLC at 9600 Bd; nothing where its keys are wrong, which they are not.
    pub fn dlms_meter(&self, quirks: ccm_dlms::Quirks) -> Option<SimDlms<Station<'static>>> {
        self.dlms_meter_at(Address::client(1), quirks)
    }

    /// The same at another address, for lines with several.
    pub fn dlms_meter_at(
        &self,
        address: Address,
        quirks: ccm_dlms::Quirks,
    ) -> Option<SimDlms<Station<'static>>> {
        SimObjects::over_hdlc(self.dials, address, quirks)
    }

    /// The same over TCP, for one connection.
    pub fn dlms_meter_on_tcp(&self) -> Option<SimDlms<Service<'static>>> {
        SimObjects::over_tcp(self.dials)
    }

    fn second(&self, now: Instant) -> f64 {
        let passed = seconds(now.as_micros()) * f64::from(self.time.speed);
        (f64::from(self.time.start_s) + passed).rem_euclid(86_400.0)
    }

    fn measure(&mut self, now: Instant, moment: &Moment, hours: f64) {
        let voltage = |phase: f64| 230.4 + 1.7 * (seconds(now.as_micros()) / 37.0 + phase).sin();
        let phase =
            |index: f64, power: f64, power_factor| Phase { voltage: voltage(index), power, power_factor };
        let third = moment.sun / 3.0;
        self.grid.measure(
            hours,
            vec![
                phase(0.0, moment.base - third, 0.96),
                phase(2.1, moment.kitchen - third, 0.99),
                phase(4.2, moment.heat_pump - third, 0.93),
            ],
        );
        *self.dials.borrow_mut() = Dial { measured: self.grid.electrical.clone(), second: self.second(now) };
        self.kitchen.electrical.integrate(hours, vec![phase(2.1, moment.kitchen, 0.99)]);
        self.heat_pump.integrate(hours, vec![phase(4.2, moment.heat_pump, 0.93)]);
        let mut kitchen = self.kitchen.device.borrow_mut();
        kitchen.update(&self.kitchen.electrical);
        kitchen.update_secondary(1, "0119060072", 0x2823, &self.heat_pump);
        drop(kitchen);
        self.inverter.produce(hours, [0.0, 2.1, 4.2].map(|index| phase(index, third, 0.999)).to_vec());
    }
}

impl Measuring {
    fn new(map: &'static Map<'static>, serial: &str, firmware: u16, imported: f64) -> Self {
        let device = Box::leak(Box::new(RefCell::new(SimDevice::new(map, serial, firmware))));
        Self { device, electrical: Electrical { imported, ..Electrical::default() } }
    }

    fn measure(&mut self, hours: f64, phases: Vec<Phase>) {
        self.electrical.integrate(hours, phases);
        self.device.borrow_mut().update(&self.electrical);
    }

    /// An inverter counts what it gives.
    fn produce(&mut self, hours: f64, phases: Vec<Phase>) {
        self.electrical.exported += phases.iter().map(|phase| phase.power).sum::<f64>() * hours;
        self.electrical.integrate(0.0, phases);
        self.device.borrow_mut().update(&self.electrical);
    }
}

impl Electrical {
    /// Takes over new powers after the old ones have lasted for `hours`; the phases' sum decides the direction.
    fn integrate(&mut self, hours: f64, phases: Vec<Phase>) {
        let energy = phases.iter().map(|phase| phase.power).sum::<f64>() * hours;
        self.imported += energy.max(0.0);
        self.exported += (-energy).max(0.0);
        self.samples = self.samples.wrapping_add(1);
        self.phases = phases;
    }
}

/// The settings a person would write for this house: its meters at the serial port `line`, its inverter at the network
/// address `inverter`.
pub fn settings(line: &str, inverter: &str) -> String {
    SETTINGS.replace("LINE", line).replace("INVERTER", inverter)
}

/// What he would add for its fiscal meter and its smart meter at these serial ports.
pub fn meter_settings(fiscal: &str, smart: &str) -> String {
    METERS.replace("FISCAL", fiscal).replace("SMART", smart)
}

#[expect(clippy::cast_precision_loss, reason = "a simulation of days, in microseconds")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// How long a simulated meter takes to answer.
const TURNAROUND: ccm_core::Duration = ccm_core::Duration::from_millis(5);

const SETTINGS: &str = r#"
[[ports]]
id = "native"
rtu = "LINE"

[[ports]]
id = "lan"
tcp = "INVERTER"

[[devices]]
id = "grid"
alias = "Grid connection"
port = "native"
unit = 1
model = "CcM4"

[[devices]]
id = "kitchen"
alias = "Kitchen"
port = "native"
unit = 2
model = "CcM2"

[[devices]]
id = "heat-pump"
alias = "Heat pump"
port = "native"
unit = 2
secondary = 1
model = "CcM1"

[[devices]]
id = "pv"
alias = "Roof"
port = "lan"
unit = 247
model = "goodwe-dt"

[[plants]]
id = "home"
name = "Home"
production = ["pv"]
grid = ["grid"]
"#;

// Ports that are no more than pseudo-terminals know 8N1 only.
const METERS: &str = r#"
[[ports]]
id = "d0"
d0 = "FISCAL"
data_bits = 8

[[ports]]
id = "p1"
p1 = "SMART"

[[devices]]
id = "fiscal"
alias = "Fiscal meter"
port = "d0"
model = "iec62056-21"
every_ms = 5000

[[devices]]
id = "smart"
alias = "Smart meter"
port = "p1"
model = "DSMR"
every_ms = 1000
"#;
