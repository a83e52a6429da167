//! The house's meters that speak IEC 62056-21: the fiscal one, which is read out, and a smart one, which pushes P1.

use std::boxed::Box;
use std::cell::RefCell;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use ccm_core::Writer;
use ccm_iec62056::{Handler, Identification, Quirks, Server};

use super::Electrical;

/// What both meters count and measure: the house's grid connection. It lives as long as the program.
pub(crate) type Dials = &'static RefCell<Dial>;

/// The grid connection at a second of the day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dial {
    pub(crate) measured: Electrical,
    pub(crate) second: f64,
}

/// A simulated meter that shows the house's grid connection.
#[derive(Debug)]
pub struct SimMeter {
    kind: Kind,
    dials: Dials,
    /// A readout is of one moment, however long it takes.
    shown: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fiscal,
    Smart,
}

impl SimMeter {
    /// A meter that is read out in mode C.
    pub(crate) fn fiscal(dials: Dials, quirks: Quirks) -> Server<'static, Self> {
        serve(Self { kind: Kind::Fiscal, dials, shown: Vec::new() }, quirks)
    }

    /// A meter that pushes P1 telegrams, version 5, once a second.
    pub(crate) fn smart(dials: Dials, quirks: Quirks) -> Server<'static, Self> {
        serve(Self { kind: Kind::Smart, dials, shown: Vec::new() }, quirks).with_eight_bits()
    }

    fn lines(&self) -> Vec<String> {
        let dial = self.dials.borrow();
        match self.kind {
            Kind::Fiscal => fiscal(&dial.measured),
            Kind::Smart => smart(&dial),
        }
    }
}

impl Handler for SimMeter {
    fn identification(&self) -> Identification<'_> {
        let (escapes, model): (&[u8], &[u8]) = match self.kind {
            Kind::Fiscal => (b"", b"SIM-62056"),
            Kind::Smart => (b"\\2", b"SIM-P1"),
        };
        Identification { flag: *b"CCM", speed: b'5', escapes, model }
    }

    fn line(&mut self, _table: u8, index: u32, out: &mut Writer<'_>) -> bool {
        if index == 0 {
            self.shown = self.lines();
        }
        let line = usize::try_from(index).ok().and_then(|index| self.shown.get(index));
        line.is_some_and(|line| out.slice(line.as_bytes()).is_ok())
    }
}

fn serve(meter: SimMeter, quirks: Quirks) -> Server<'static, SimMeter> {
    let (input, output) = (Box::leak(Box::new([0; 160])), Box::leak(Box::new([0; 1200])));
    Server::new(meter, quirks, input, output)
}

fn fiscal(measured: &Electrical) -> Vec<String> {
    let mut lines = vec!["F.F(00000000)".into(), format!("0.0.0({FISCAL})"), format!("C.1.0({FISCAL})")];
    for (direction, energy) in [(1, measured.imported), (2, measured.exported)] {
        let (first, second) = tariffs(energy);
        lines.push(format!("{direction}.8.0({})", kwh(first + second)));
        lines.push(format!("{direction}.8.1({})", kwh(first)));
        lines.push(format!("{direction}.8.2({})", kwh(second)));
        // What stood there at the end of last month is not the energy of now.
        lines.push(format!("{direction}.8.0*01({})", kwh((first + second) / 2)));
    }
    lines.extend(powers(measured, ""));
    lines.push("14.7.0(50.00*Hz)".into());
    lines
}

fn smart(dial: &Dial) -> Vec<String> {
    let serial: String = SMART.bytes().map(|byte| format!("{byte:02X}")).collect();
    let mut lines = vec![
        "1-3:0.2.8(50)".into(),
        format!("0-0:1.0.0(250621{}S)", clock(dial.second)),
        format!("0-0:96.1.1({serial})"),
    ];
    for (direction, energy) in [(1, dial.measured.imported), (2, dial.measured.exported)] {
        let (first, second) = tariffs(energy);
        lines.push(format!("1-0:{direction}.8.1({})", kwh(first)));
        lines.push(format!("1-0:{direction}.8.2({})", kwh(second)));
    }
    lines.push("0-0:96.14.0(0002)".into());
    lines.extend(powers(&dial.measured, "1-0:"));
    lines.push("0-0:96.13.0()".into());
    lines.extend(gas(dial.second));
    lines
}

/// The gas meter behind the smart one, which is read at each full hour.
fn gas(second: f64) -> [String; 3] {
    let hour = second - second.rem_euclid(3600.0);
    ["24.1.0(003)".into(), format!("96.1.0({GAS})"), format!("24.2.1(250621{}S)(00523.112*m3)", clock(hour))]
        .map(|line| format!("0-1:{line}"))
}

/// Powers, voltages and currents; import and export apart, as meters have it.
fn powers(measured: &Electrical, medium: &str) -> Vec<String> {
    let total = measured.phases.iter().map(|phase| phase.power).sum::<f64>();
    let mut lines: Vec<String> =
        [(1, total), (2, -total)].map(|(code, power)| format!("{medium}{code}.7.0({})", kw(power))).into();
    for (code, phase) in (20..).step_by(20).zip(&measured.phases) {
        lines.push(format!("{medium}{}.7.0({})", code + 1, kw(phase.power)));
        lines.push(format!("{medium}{}.7.0({})", code + 2, kw(-phase.power)));
        lines.push(format!("{medium}{}.7.0({:06.2}*A)", code + 11, phase.current()));
        lines.push(format!("{medium}{}.7.0({:05.1}*V)", code + 12, phase.voltage));
    }
    lines
}

/// Two tariffs that make up the whole, in Wh.
pub(super) fn tariffs(energy: f64) -> (u64, u64) {
    let whole = watts(energy);
    (whole * 2 / 5, whole - whole * 2 / 5)
}

fn kwh(energy: u64) -> String {
    format!("{:07}.{:03}*kWh", energy / 1000, energy % 1000)
}

fn kw(power: f64) -> String {
    let power = watts(power);
    format!("{:02}.{:03}*kW", power / 1000, power % 1000)
}

/// What counts in this direction; nothing of the other.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and a house's")]
pub(super) fn watts(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

/// A second of the day as six digits.
fn clock(second: f64) -> String {
    let second = watts(second.floor()) % 86_400;
    format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

const FISCAL: &str = "63355730";
const GAS: &str = "4730303339303031";
const SMART: &str = "CCMP1-0000000042";
