//! A hub and a whole house in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cell::RefCell;

use ccm_config::Settings;
use ccm_core::testing::Peer;
use ccm_core::{Duration, Instant, Line};
use ccm_hub::sim::{Electrical, Phase, SimDevice, Site, TimeOfDay, Wire, settings};
use ccm_hub::{Health, Hub, Quality};
use ccm_modbus::{Echo, Rtu, Server, Tcp};
use ccm_registry::{Quantity, find};

type House = Hub<4, 40, 64>;

const LINE: Line = Line::new(9600);

fn house() -> House {
    house_of(&settings("/dev/null", "127.0.0.1:502"))
}

fn house_of(settings: &str) -> House {
    let settings = Settings::from_toml(settings, |model| find(model).is_some()).unwrap();
    Hub::new(&settings, find).unwrap()
}

fn rtu() -> Rtu {
    Rtu::new(LINE).with_echo(Echo::Off)
}

fn value(hub: &House, now: Instant, device: usize, quantity: Quantity) -> i64 {
    let reading = hub.reading(now, device, quantity).unwrap();
    assert_eq!(reading.quality, Quality::Good, "{quantity:?} of {device}");
    reading.value.unwrap().scaled_to(0).unwrap()
}

/// Both ports for a while, one after the other: they do not share a line.
fn run(hub: &mut House, site: &mut Site, wires: &mut (Wire<Rtu>, Wire<Tcp>), end: Instant) {
    let (mut native, mut inverter) = (site.native_bus(LINE), site.inverter());
    wires.0.run(hub, &mut native, end, |now| site.advance(now));
    wires.1.run(hub, &mut inverter, end, |_| {});
}

fn wires() -> (Wire<Rtu>, Wire<Tcp>) {
    let timeout = Duration::from_millis(500);
    (Wire::new(LINE, rtu(), timeout, 0), Wire::new(Line::new(1_000_000), Tcp::new(), timeout, 1))
}

#[test]
fn h107_h108_the_balance_is_what_the_house_really_does() {
    let mut hub = house();
    for (hour, exports) in [(13, true), (3, false), (20, false)] {
        let mut site = Site::new(7, TimeOfDay { start_s: hour * 3600, speed: 1 }).unwrap();
        let mut wires = wires();
        hub = house();
        let end = Instant::from_millis(10_000);
        run(&mut hub, &mut site, &mut wires, end);
        let (balance, truth) = (hub.balance(end, &hub.plants()[0]), site.moment(end));
        let near = |found: Option<i64>, expected: f64| (found.unwrap() as f64 - expected).abs() < 60.0;
        assert!(near(balance.production_w, truth.sun), "{balance:?} {truth:?}");
        assert!(near(balance.consumption_w, truth.consumption()), "{balance:?} {truth:?}");
        assert_eq!(balance.consumption_w.unwrap(), balance.production_w.unwrap() + balance.grid_w.unwrap());
        assert_eq!(balance.grid_w.unwrap() < 0, exports, "at {hour} o'clock");
    }
    assert_eq!(hub.devices()[0].serial(), Some("0420020081"));
}

#[test]
fn h049_h097_secondaries_are_listed_with_their_own_serial_under_their_principals_number() {
    let (mut hub, mut site) = (house(), Site::new(1, TimeOfDay { start_s: 43_200, speed: 1 }).unwrap());
    let end = Instant::from_millis(5000);
    run(&mut hub, &mut site, &mut wires(), end);
    let list: Vec<_> =
        hub.device_views(end).into_iter().map(|view| (view.unit, view.secondary, view.serial)).collect();
    assert_eq!(hub.device_views(end)[2].firmware.as_deref(), Some("0X2823"));
    let text = |serial: &str| Some(serial.to_string());
    assert_eq!(list[1], (2, None, text("0220060041")));
    assert_eq!(list[2], (2, Some(1), text("0119060072")));
    assert_eq!(list[3], (247, None, text("5010KDTU21800042")));
}

#[test]
fn h053_a_silent_device_keeps_its_values_and_its_age_and_nothing_becomes_zero() {
    let (mut hub, mut site) = (house(), Site::new(1, TimeOfDay { start_s: 43_200, speed: 1 }).unwrap());
    let mut wires = wires();
    run(&mut hub, &mut site, &mut wires, Instant::from_millis(5000));
    let before = hub.reading(Instant::from_millis(5000), 0, Quantity::P).unwrap();
    let end = Instant::from_millis(15_000);
    wires.0.run(&mut hub, &mut |_: &[u8]| Vec::new(), end, |_| {});
    let after = hub.reading(end, 0, Quantity::P).unwrap();
    assert_eq!((after.value, after.quality), (before.value, Quality::Stale));
    assert!(after.age.unwrap() >= Duration::from_secs(9));
    assert_eq!(hub.health(0), Health::Dead);
    let balance = hub.balance(end, &hub.plants()[0]);
    assert_eq!((balance.grid_w, balance.consumption_w), (None, None), "unknown, not smaller");
    assert_eq!(hub.power_view(end, &hub.plants()[0]).missing_devices, ["Roof", "Grid connection"]);
}

#[test]
fn h111_a_device_mounted_the_wrong_way_round_is_turned_once() {
    let turned = settings("/dev/null", "127.0.0.1:502").replace("\"CcM4\"", "\"CcM4\"\ninvert = true");
    let (mut hub, mut straight) = (house_of(&turned), house());
    let end = Instant::from_millis(3000);
    for hub in [&mut hub, &mut straight] {
        let mut site = Site::new(1, TimeOfDay { start_s: 43_200, speed: 0 }).unwrap();
        run(hub, &mut site, &mut wires(), end);
    }
    assert_eq!(value(&hub, end, 0, Quantity::P), -value(&straight, end, 0, Quantity::P));
    assert_eq!(value(&hub, end, 0, Quantity::EImport), value(&straight, end, 0, Quantity::EExport));
    assert_eq!(value(&hub, end, 0, Quantity::V1), value(&straight, end, 0, Quantity::V1));
}

/// A line with 32 meters; those in `dead` do not answer.
struct Meters {
    devices: Vec<RefCell<SimDevice>>,
    dead: usize,
}

impl Meters {
    fn new(dead: usize) -> Self {
        let meter = |n: usize| {
            let mut meter = SimDevice::new(find("ccm").unwrap(), &format!("04200200{n:02}"), 0x2C06);
            let phases = vec![Phase { voltage: 230.0, power: 100.0 * n as f64, power_factor: 1.0 }; 3];
            meter.update(&Electrical { phases, ..Electrical::default() });
            RefCell::new(meter)
        };
        Self { devices: (1..=32).map(meter).collect(), dead }
    }
}

impl Peer for Meters {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let unit = usize::from(request[0]);
        let device = self.devices.get(unit - 1).filter(|_| unit > self.dead);
        let Some(device) = device else { return Vec::new() };
        let mut buffer = [0; 264];
        let mut server = Server::new(rtu(), request[0], device, &mut buffer);
        ccm_core::Machine::receive(&mut server, Instant::ZERO, request);
        match ccm_core::Machine::poll(&mut server, Instant::from_millis(100)) {
            ccm_core::Step::Send(reply) => vec![(Duration::from_millis(5), reply.to_vec())],
            _ => Vec::new(),
        }
    }
}

/// 32 meters whose map is one block of 58 registers.
fn thirty_two_meters() -> House {
    let mut settings = String::from("[[ports]]\nid = \"native\"\nrtu = \"/dev/null\"\n");
    for unit in 1..=32 {
        settings += &format!(
            "[[devices]]\nid = \"m{unit}\"\nport = \"native\"\nunit = {unit}\nmodel = \"ccm\"\nevery_ms = 100\n"
        );
    }
    let settings = Settings::from_toml(&settings, |_| true).unwrap();
    let ccm = find("ccm").unwrap();
    let points = ccm.points.iter().filter(|point| (0x0100..0x0200).contains(&point.address)).copied();
    let block = ccm_registry::Map { points: points.collect::<Vec<_>>().leak(), ..*ccm };
    let block: &'static ccm_registry::Map<'static> = Box::leak(Box::new(block));
    Hub::new(&settings, |_| Some(block)).unwrap()
}

/// How many reads of a living meter end in the second half of ten minutes.
fn reads(dead: usize) -> u32 {
    let mut hub = thirty_two_meters();
    let mut wire = Wire::new(LINE, rtu(), Duration::from_millis(500), 0);
    let mut meters = Meters::new(dead);
    wire.run(&mut hub, &mut meters, Instant::from_millis(300_000), |_| {});
    let before = hub.ports()[0].counters.answered;
    wire.run(&mut hub, &mut meters, Instant::from_millis(600_000), |_| {});
    for (place, device) in hub.devices().iter().enumerate().skip(dead) {
        let power = value(&hub, wire.now(), place, Quantity::P);
        assert_eq!(power, 300 * i64::from(device.unit), "a value of another meter");
    }
    (hub.ports()[0].counters.answered - before) / (32 - u32::try_from(dead).unwrap())
}

#[test]
fn h047_a_cycle_over_32_meters_ends_within_five_percent_of_the_wires_bound() {
    // 8 characters of request, 5 ms, 121 characters of reply, and 3.5 characters of 10 bits of silence.
    let bound = LINE.characters(8 + 121) + Duration::from_millis(5) + Duration::from_micros(3646);
    let bound_cycles = 300_000_000 / (bound.as_micros() * 32);
    let cycles = reads(0);
    println!("{cycles} cycles in 5 minutes of {bound_cycles} possible");
    assert!(u64::from(cycles) * 100 >= bound_cycles * 95);
}

#[test]
fn three_dead_meters_of_32_slow_the_living_by_five_percent_at_most() {
    // Of 32 places three cost nothing but their share; per living meter the cycle must not grow.
    let (all, living) = (reads(0), reads(3));
    println!("{all} cycles with 32 alive, {living} with 3 dead");
    assert!(living * 100 >= all * 95);
    // Nor against 29 meters alone on the line: the dead get less than a twentieth.
    assert!(u64::from(living) * 100 >= u64::from(all) * 95 * 32 / 29);
}
