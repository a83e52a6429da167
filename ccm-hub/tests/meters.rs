//! The house's meters that speak IEC 62056-21, read by the hub's own loops in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ccm_config::Settings;
use ccm_core::asynch::{Driver, Timer};
use ccm_core::{Clock, Duration, Instant, Line};
use ccm_hub::sim::{End, Going, Site, TimeOfDay, Trouble, World, meter_settings, settings};
use ccm_hub::{BuildError, Event, Health, Hub, Quality, line_of, policy_of, tasks};
use ccm_iec62056::Quirks;
use ccm_registry::{Invalid, Quantity, find};

type House = Hub<4, 40, 64>;

/// The places of the devices and ports in the settings of the house.
const GRID: usize = 0;
const FISCAL: usize = 4;
const SMART: usize = 5;
const D0: usize = 2;
const P1: usize = 3;

fn house_settings(change: impl Fn(String) -> String) -> Settings {
    let text = settings("/dev/a", "127.0.0.1:502") + &meter_settings("/dev/b", "/dev/c");
    Settings::from_toml(&change(text), |model| find(model).is_some()).unwrap()
}

/// A house whose meters are read in virtual time.
struct Run {
    world: World,
    hub: RefCell<House>,
    site: RefCell<Site>,
    settings: Settings,
    quirks: Quirks,
    /// What happens to what the fiscal meter and the smart meter say.
    fiscal: Rc<Cell<Trouble>>,
    smart: Rc<Cell<Trouble>>,
    lines: RefCell<Vec<(End, End)>>,
}

impl Run {
    fn new(time: TimeOfDay) -> Self {
        Self::with(time, Quirks::NONE, |text| text)
    }

    fn with(time: TimeOfDay, quirks: Quirks, change: impl Fn(String) -> String) -> Self {
        let (world, settings) = (World::new(), house_settings(change));
        let line = |port: usize| world.line(line_of(&settings.ports()[port].link).unwrap_or(Line::new(9600)));
        let lines = vec![line(D0), line(P1)];
        Self {
            hub: RefCell::new(Hub::new(&settings, find).unwrap()),
            site: RefCell::new(Site::new(7, time).unwrap()),
            fiscal: lines[0].1.trouble(),
            smart: lines[1].1.trouble(),
            lines: RefCell::new(lines),
            quirks,
            world,
            settings,
        }
    }

    /// Lets the house live and its meters be read; `script` says what happens meanwhile, and is given the time.
    fn live(&self, end_s: u64, script: impl AsyncFnOnce(&Self)) {
        let mut lines = self.lines.borrow_mut();
        let (smart, fiscal) = (lines.pop().unwrap(), lines.pop().unwrap());
        let site = self.site.borrow();
        let (meter, pusher) = (site.fiscal_meter(self.quirks).with_eight_bits(), site.smart_meter());
        drop(site);
        let mut going: Vec<Going<'_>> = vec![
            Box::pin(self.day()),
            Box::pin(serve(self.world.clone(), fiscal.1, meter)),
            Box::pin(serve(self.world.clone(), smart.1, pusher)),
            Box::pin(self.read(D0, fiscal.0)),
            Box::pin(self.read(P1, smart.0)),
            Box::pin(script(self)),
        ];
        self.world.run(Instant::from_millis(end_s * 1000), &mut going);
    }

    async fn day(&self) {
        loop {
            self.site.borrow_mut().advance(self.world.now());
            self.until_ms(self.world.now().as_micros() / 1000 + 100).await;
        }
    }

    async fn read(&self, port: usize, end: End) {
        self.hub.borrow_mut().handle(self.world.now(), Event::PortUp { port });
        let policy = policy_of(&self.settings.ports()[port]).unwrap();
        let mut driver = Driver::new(end, self.world.clone());
        let error = tasks::read_meters(&self.hub, port, &mut driver, &policy).await;
        panic!("a line of this world does not fail: {error:?}");
    }

    async fn until_ms(&self, millis: u64) {
        self.world.wait(Instant::from_millis(millis)).await;
    }

    async fn until(&self, second: u64) {
        self.until_ms(second * 1000).await;
    }

    fn quality(&self, device: usize, quantity: Quantity) -> Quality {
        self.hub.borrow().reading(self.world.now(), device, quantity).unwrap().quality
    }

    fn value(&self, device: usize, quantity: Quantity) -> String {
        let reading = self.hub.borrow().reading(self.world.now(), device, quantity).unwrap();
        reading.good().map_or_else(|| format!("{:?}", reading.quality), |value| value.to_string())
    }

    fn age_ms(&self, device: usize, quantity: Quantity) -> u64 {
        self.hub.borrow().reading(self.world.now(), device, quantity).unwrap().age.unwrap().as_millis()
    }

    fn failure(&self, device: usize) -> Option<String> {
        self.hub.borrow().devices()[device].failure.map(|failure| failure.to_string())
    }
}

async fn serve(world: World, end: End, mut meter: ccm_iec62056::Server<'static, ccm_hub::sim::SimMeter>) {
    let _ = Driver::<_, _, 64>::new(end, world).run(&mut meter).await;
}

/// What the house's own grid meter measures, read over Modbus at the same moment.
fn grid(run: &Run, quantity: Quantity) -> String {
    let mut wire = ccm_hub::sim::Wire::new(
        Line::new(9600),
        ccm_modbus::Rtu::new(Line::new(9600)),
        Duration::from_millis(500),
        0,
    );
    let mut hub: House = Hub::new(&run.settings, find).unwrap();
    let mut bus = run.site.borrow().native_bus(Line::new(9600));
    wire.run(&mut hub, &mut bus, Instant::from_millis(3000), |_| {});
    hub.reading(wire.now(), GRID, quantity).unwrap().good().unwrap().to_string()
}

/// A day that stands still, so that all meters can be compared.
const NOON: TimeOfDay = TimeOfDay { start_s: 46_800, speed: 0 };

#[test]
fn h056_h108_both_meters_say_what_the_grid_meter_measures() {
    for start_s in [46_800, 10_800] {
        let run = Run::new(TimeOfDay { start_s, speed: 0 });
        run.live(30, async |_| {});
        for quantity in [Quantity::P, Quantity::P2, Quantity::EImport, Quantity::EExport] {
            let expected = grid(&run, quantity);
            assert_eq!(run.value(FISCAL, quantity), expected, "{quantity:?} at {start_s}");
            assert_eq!(run.value(SMART, quantity), expected, "{quantity:?} at {start_s}");
        }
        let exports = run.value(SMART, Quantity::P).starts_with('-');
        assert_eq!(exports, start_s == 46_800, "the sun shines at one and not at three");
        let tariffs = [Quantity::EImportT1, Quantity::EImportT2].map(|tariff| run.value(FISCAL, tariff));
        let sum: u64 = tariffs.iter().map(|tariff| tariff.parse::<u64>().unwrap()).sum();
        assert_eq!(sum.to_string(), run.value(SMART, Quantity::EImport));
    }
}

#[test]
fn h097_h099_meters_have_serial_numbers_and_protocols_of_their_own() {
    let run = Run::new(NOON);
    run.live(20, async |_| {});
    let views = run.hub.borrow().device_views(run.world.now());
    let of = |place: usize| (views[place].protocol, views[place].serial.as_deref(), views[place].health);
    assert_eq!(of(FISCAL), ("IEC_62056_21", Some("63355730"), Health::Ok));
    assert_eq!(of(SMART), ("P1", Some("CCMP1-0000000042"), Health::Ok));
    assert_eq!(views[FISCAL].unit, 0, "a meter is not on Modbus");
}

#[test]
fn h098_values_have_units_and_what_a_meter_does_not_send_is_not_shown() {
    let run = Run::new(NOON);
    run.live(20, async |_| {});
    assert_eq!(run.quality(SMART, Quantity::EImportT3), Quality::Invalid(Invalid::Unsupported));
    let view = run.hub.borrow().values_view(run.world.now(), SMART).unwrap();
    let keys: Vec<_> = view.values.iter().map(|value| (value.quantity, value.unit, value.quality)).collect();
    assert!(keys.contains(&("e_import", "Wh", "good")) && keys.contains(&("v1", "V", "good")), "{keys:?}");
    assert!(
        keys.contains(&("gas", "m³", "good")) && run.age_ms(SMART, Quantity::Gas) < 3_600_000,
        "{keys:?}"
    );
    assert!(!keys.iter().any(|(key, ..)| *key == "e_import_t3" || *key == "serial"), "{keys:?}");
}

#[test]
fn a_pushed_value_is_as_old_as_its_telegram_and_a_readout_as_old_as_its_beginning() {
    let run = Run::new(TimeOfDay { start_s: 46_800, speed: 1 });
    run.live(40, async |_| {});
    assert!(run.age_ms(SMART, Quantity::P) <= 1200, "{}", run.age_ms(SMART, Quantity::P));
    let age = run.age_ms(FISCAL, Quantity::P);
    assert!((500..8000).contains(&age), "{age}");
    let counters = run.hub.borrow().ports()[P1].counters;
    assert!((37..=40).contains(&counters.answered) && counters.failed == 0, "{counters:?}");
}

#[test]
fn a_slow_meter_is_good_from_its_first_readout_on() {
    let slow = |text: String| text.replace("data_bits = 8", "data_bits = 8\nbaud = 300");
    let run = Run::with(NOON, Quirks::NONE, slow);
    run.live(100, async |run| {
        while run.hub.borrow().ports()[D0].counters.answered == 0 {
            run.until_ms(run.world.now().as_micros() / 1000 + 10).await;
        }
        let age = run.age_ms(FISCAL, Quantity::P);
        assert!(age > 15_000, "three periods have passed since it began: {age}");
        assert_eq!(run.quality(FISCAL, Quantity::P), Quality::Good);
    });
    assert_eq!(run.quality(FISCAL, Quantity::P), Quality::Good);
}

#[test]
fn a_wrong_check_character_is_repaired_and_one_that_stays_costs_that_readout_only() {
    let wrong = |wrong_checks| Quirks { wrong_checks, ..Quirks::NONE };
    let run = Run::with(NOON, wrong(1), |text| text);
    run.live(20, async |_| {});
    assert_eq!((run.failure(FISCAL), run.hub.borrow().ports()[D0].counters.failed), (None, 0));
    // Four times wrong: the first and its three repeats.
    let run = Run::with(NOON, wrong(4), |text| text);
    run.live(60, async |run| {
        while run.hub.borrow().ports()[D0].counters.failed == 0 {
            run.until_ms(run.world.now().as_micros() / 1000 + 50).await;
        }
        assert_eq!(run.quality(FISCAL, Quantity::P), Quality::Never, "nothing of it is taken");
        let said = run.failure(FISCAL).unwrap();
        assert!(said.starts_with("the telegram's checksum is wrong"), "{said}");
    });
    assert_eq!(run.value(FISCAL, Quantity::EImport), grid(&run, Quantity::EImport));
    assert_eq!(run.failure(FISCAL), None);
    assert_eq!(run.hub.borrow().ports()[D0].counters.failed, 1);
}

#[test]
fn a_bit_that_falls_over_costs_that_telegram_only() {
    let run = Run::new(NOON);
    run.live(30, async |run| {
        run.until(10).await;
        for place in 0..10 {
            run.smart.set(Trouble::Flip(place * 60));
            run.until(11 + u64::from(place)).await;
        }
    });
    let counters = run.hub.borrow().ports()[P1].counters;
    assert!((5..=10).contains(&counters.failed) && counters.answered >= 18, "{counters:?}");
    assert_eq!(run.value(SMART, Quantity::P), grid(&run, Quantity::P));
    assert_eq!(run.failure(SMART), None);
}

#[test]
fn h053_silence_turns_values_stale_and_the_meters_come_back() {
    let run = Run::new(TimeOfDay { start_s: 46_800, speed: 1 });
    run.live(400, async |run| {
        run.until(60).await;
        let known = [FISCAL, SMART].map(|device| {
            assert_eq!(run.quality(device, Quantity::EImport), Quality::Good);
            run.hub.borrow().reading(run.world.now(), device, Quantity::EImport).unwrap().value
        });
        run.fiscal.set(Trouble::Silence);
        run.smart.set(Trouble::Silence);
        run.until(66).await;
        assert_eq!(run.quality(SMART, Quantity::P), Quality::Stale, "no push for three periods");
        run.until(220).await;
        for (device, known) in [FISCAL, SMART].into_iter().zip(known) {
            let reading = run.hub.borrow().reading(run.world.now(), device, Quantity::EImport).unwrap();
            assert_eq!((reading.quality, reading.value.is_some()), (Quality::Stale, known.is_some()));
            assert_eq!(run.hub.borrow().health(device), Health::Dead);
            assert_eq!(run.failure(device).as_deref(), Some("no reply"));
        }
        run.fiscal.set(Trouble::None);
        run.smart.set(Trouble::None);
        run.until(223).await;
        assert_eq!(run.quality(SMART, Quantity::P), Quality::Good, "the next push is enough");
    });
    assert_eq!((run.quality(FISCAL, Quantity::P), run.failure(FISCAL)), (Quality::Good, None));
    assert_eq!([FISCAL, SMART].map(|device| run.hub.borrow().health(device)), [Health::Ok; 2]);
}

#[test]
fn h111_a_meter_the_wrong_way_round_is_turned_once() {
    let turn = |text: String| text.replace("model = \"DSMR\"", "model = \"DSMR\"\ninvert = true");
    let run = Run::with(NOON, Quirks::NONE, turn);
    run.live(5, async |_| {});
    assert_eq!(format!("-{}", run.value(SMART, Quantity::P)), grid(&run, Quantity::P));
    assert_eq!(run.value(SMART, Quantity::EImport), grid(&run, Quantity::EExport));
    assert_eq!(run.value(SMART, Quantity::EExport), grid(&run, Quantity::EImport));
}

#[test]
fn a_smart_meter_can_be_the_grid_meter_of_a_plant() {
    let run = Run::with(NOON, Quirks::NONE, |text| text.replace("grid = [\"grid\"]", "grid = [\"smart\"]"));
    run.live(5, async |_| {});
    let hub = run.hub.borrow();
    let balance = hub.balance(run.world.now(), &hub.plants()[0]);
    assert_eq!(balance.grid_w.map(|watts| watts.to_string()), Some(grid(&run, Quantity::P)));
    assert_eq!(balance.consumption_w, None, "the inverter has not been read here");
}

#[test]
fn a_model_that_does_not_speak_what_its_port_does_is_refused() {
    for (from, to, device) in [
        ("model = \"DSMR\"", "model = \"SDM630-Modbus V2\"", SMART),
        ("model = \"iec62056-21\"", "model = \"DSMR\"", FISCAL),
        ("model = \"CcM4\"", "model = \"DSMR\"", GRID),
    ] {
        let settings = house_settings(|text| text.replace(from, to));
        assert_eq!(House::new(&settings, find).err(), Some(BuildError::Link { device }));
    }
}

#[test]
fn a_garbled_unit_is_no_value() {
    let mut hub: House = Hub::new(&house_settings(|text| text), find).unwrap();
    let map = find("DSMR").unwrap();
    let mut telegram = ccm_hub::Telegram::new(map);
    let value = |text: &'static str, unit: &'static str| ccm_iec62056::Value {
        address: b"1-0:32.7.0",
        group: 0,
        text: text.as_bytes(),
        unit: Some(unit.as_bytes()),
        continues: false,
        more: false,
    };
    let _ = ccm_iec62056::Sink::value(&mut telegram, &value("230.1", "A"));
    let (now, said) = (Instant::ZERO, telegram.said());
    hub.handle(
        now,
        Event::Telegram { device: SMART, said, serial: None, behind: &[], is_whole: true, measured: now },
    );
    assert_eq!(hub.reading(now, SMART, Quantity::V1).unwrap().quality, Quality::Invalid(Invalid::Unit));
}
