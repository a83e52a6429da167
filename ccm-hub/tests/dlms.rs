//! The house's meter that speaks DLMS, read by the hub's own loops in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ccm_config::{CipherKey, Settings};
use ccm_core::asynch::{Driver, Timer};
use ccm_core::crypto::{Key, Software};
use ccm_core::{Clock, Duration, Instant, Line, Machine, Writer};
use ccm_dlms::Quirks;
use ccm_dlms::hdlc::{Address, Width};
use ccm_dlms::security::{KeyUse, SystemTitle};
use ccm_hub::sim::{End, Going, Site, TimeOfDay, Trouble, World, dlms_settings, settings};
use ccm_hub::{DlmsMeter, DlmsReader, Event, Health, Hub, Quality, Vault, VaultError, line_of, tasks};
use ccm_iec62056::{Handler, Identification};
use ccm_registry::{Invalid, Quantity, find};

type House = Hub<4, 40, 64>;

/// The places of the devices and ports in the settings of the house.
const GRID: usize = 0;
const METER: usize = 4;
const DLMS: usize = 2;

/// A vault that forgets nothing, or does not work.
#[derive(Clone, Default)]
struct Kept(Rc<Cell<u32>>, Rc<Cell<bool>>);

impl Vault for Kept {
    fn fill_random(&mut self, bytes: &mut [u8]) -> Result<(), VaultError> {
        bytes.fill(self.0.get().to_be_bytes()[3]);
        Ok(())
    }

    fn reserve(&mut self, _title: &[u8; 8], least: u32, count: u32) -> Result<u32, VaultError> {
        let first = self.0.get().max(least);
        self.0.set(first + count);
        if self.1.get() { Err(VaultError) } else { Ok(first) }
    }
}

/// A house whose DLMS meter is read in virtual time.
struct Run {
    world: World,
    hub: RefCell<House>,
    site: RefCell<Site>,
    settings: Settings,
    /// What happens to what the meter says.
    meter: Rc<Cell<Trouble>>,
    line: RefCell<Option<(End, End)>>,
    vault: Kept,
}

impl Run {
    fn new() -> Self {
        Self::with(|text| text)
    }

    fn with(change: impl Fn(String) -> String) -> Self {
        let text = settings("/dev/a", "127.0.0.1:502") + &dlms_settings("/dev/b");
        let settings = Settings::from_toml(&change(text), |model| find(model).is_some()).unwrap();
        let world = World::new();
        let line = world.line(line_of(&settings.ports()[DLMS].link).unwrap());
        Self {
            hub: RefCell::new(Hub::new(&settings, find).unwrap()),
            site: RefCell::new(Site::new(7, NOON).unwrap()),
            meter: line.1.trouble(),
            line: RefCell::new(Some(line)),
            vault: Kept::default(),
            world,
            settings,
        }
    }

    /// Lets the house live and its meter be read; `script` says what happens meanwhile.
    fn live(&self, quirks: Quirks, end_s: u64, script: impl AsyncFnOnce(&Self)) {
        let (near, far) = self.line.borrow_mut().take().unwrap();
        let meter = self.site.borrow().dlms_meter(quirks).unwrap();
        let going: Vec<Going<'_>> = vec![
            Box::pin(serve(self.world.clone(), far, meter)),
            Box::pin(self.read(near)),
            Box::pin(script(self)),
        ];
        self.go(end_s, going);
    }

    fn go<'a>(&'a self, end_s: u64, mut going: Vec<Going<'a>>) {
        going.push(Box::pin(self.day()));
        self.world.run(Instant::from_millis(end_s * 1000), &mut going);
    }

    async fn day(&self) {
        loop {
            self.site.borrow_mut().advance(self.world.now());
            self.world.wait(self.world.now() + Duration::from_millis(100)).await;
        }
    }

    async fn read(&self, end: End) {
        self.hub.borrow_mut().handle(self.world.now(), Event::PortUp { port: DLMS });
        let devices = self.settings.devices().iter().enumerate().skip(METER);
        let mut meters: Vec<_> = devices
            .map(|(place, device)| {
                let crypto = (&Software, key as fn(&CipherKey) -> Key);
                let dlms = self.settings.dlms(place);
                DlmsMeter::new((place, device), dlms, find("dlms").unwrap(), crypto).unwrap()
            })
            .collect();
        let (mut room, mut values) = ([0; 2048], [0; 1024]);
        let mut reader = DlmsReader {
            meters: &mut meters,
            vault: self.vault.clone(),
            port: &self.settings.ports()[DLMS],
            room: &mut room,
            values: &mut values,
        };
        let mut driver = Driver::new(end, self.world.clone());
        let error = tasks::read_dlms(&self.hub, DLMS, &mut driver, &mut reader).await;
        panic!("a line of this world does not fail: {error:?}");
    }

    async fn until(&self, second: u64) {
        self.world.wait(Instant::from_millis(second * 1000)).await;
    }

    fn quality(&self, quantity: Quantity) -> Quality {
        self.hub.borrow().reading(self.world.now(), METER, quantity).unwrap().quality
    }

    fn value(&self, quantity: Quantity) -> String {
        let reading = self.hub.borrow().reading(self.world.now(), METER, quantity).unwrap();
        reading.good().map_or_else(|| format!("{:?}", reading.quality), |value| value.to_string())
    }

    fn failure(&self) -> Option<String> {
        self.hub.borrow().devices()[METER].failure.map(|failure| failure.to_string())
    }

    fn counters(&self) -> (u32, u32, u32) {
        let counters = self.hub.borrow().ports()[DLMS].counters;
        (counters.answered, counters.refused, counters.failed)
    }
}

async fn serve(world: World, end: End, mut meter: impl Machine) {
    let _ = Driver::<_, _, 64>::new(end, world).run(&mut meter).await;
}

fn key(key: &CipherKey) -> Key {
    match key {
        CipherKey::Short(key) => Key::Aes128(*key),
        CipherKey::Long(key) => Key::Aes256(*key),
    }
}

/// What the house's own grid meter measures, read over Modbus at the same moment.
fn grid(run: &Run, quantity: Quantity) -> String {
    let line = Line::new(9600);
    let mut wire = ccm_hub::sim::Wire::new(line, ccm_modbus::Rtu::new(line), Duration::from_millis(500), 0);
    let mut hub: House = Hub::new(&run.settings, find).unwrap();
    let mut bus = run.site.borrow().native_bus(line);
    wire.run(&mut hub, &mut bus, Instant::from_millis(3000), |_| {});
    hub.reading(wire.now(), GRID, quantity).unwrap().good().unwrap().to_string()
}

/// A day that stands still, so that both meters can be compared.
const NOON: TimeOfDay = TimeOfDay { start_s: 46_800, speed: 0 };

#[test]
fn h056_a_dlms_meter_says_what_the_grid_meter_measures() {
    let run = Run::new();
    run.live(Quirks::NONE, 30, async |_| {});
    assert_eq!(run.failure(), None);
    for quantity in [Quantity::P, Quantity::P2, Quantity::EImport, Quantity::EExport] {
        assert_eq!(run.value(quantity), grid(&run, quantity), "{quantity:?}");
    }
    let tariffs = [Quantity::EImportT1, Quantity::EImportT2].map(|tariff| run.value(tariff));
    let sum: u64 = tariffs.iter().map(|tariff| tariff.parse::<u64>().unwrap()).sum();
    assert_eq!(sum.to_string(), run.value(Quantity::EImport));
    assert_eq!(run.value(Quantity::Frequency), "50.00");
    assert_eq!(run.quality(Quantity::EImportT3), Quality::Invalid(Invalid::Unsupported));
    let (answered, refused, failed) = run.counters();
    assert!((5..=6).contains(&answered) && refused == 0 && failed == 0, "{:?}", run.counters());
}

#[test]
fn h097_h098_it_has_a_serial_number_a_protocol_and_units_in_the_api() {
    let run = Run::new();
    run.live(Quirks::NONE, 12, async |_| {});
    let views = run.hub.borrow().device_views(run.world.now());
    let view = &views[METER];
    assert_eq!((view.protocol, view.serial.as_deref()), ("DLMS", Some("CCM62056DLMS0001")));
    assert_eq!((view.health, view.unit), (Health::Ok, 0));
    let values = run.hub.borrow().values_view(run.world.now(), METER).unwrap().values;
    let keys: Vec<_> = values.iter().map(|value| (value.quantity, value.unit, value.quality)).collect();
    assert!(keys.contains(&("e_import", "Wh", "good")) && keys.contains(&("i2", "A", "good")), "{keys:?}");
    assert!(!keys.iter().any(|(key, ..)| *key == "e_import_t3" || *key == "serial"), "{keys:?}");
}

#[test]
fn every_fault_has_its_name_and_brings_no_value() {
    for (quirk, words) in [
        ("bad-tag", "security: wrong tag: the key is wrong, or the message was changed"),
        ("stale-counter", "security: invocation counter"),
        (
            "missing-protection",
            "security: the message is unprotected, and must be authenticated and encrypted",
        ),
        ("broadcast-bit", "security: the message is protected by the broadcast key"),
        ("wrong-invoke-id", "the answer is to request"),
        ("silence", "no reply"),
    ] {
        let run = Run::new();
        run.live(Quirks::named(quirk).unwrap(), 60, async |_| {});
        assert_eq!(run.quality(Quantity::EImport), Quality::Never, "{quirk}");
        let said = run.failure().unwrap_or_default();
        assert!(said.starts_with(words), "{quirk}: {said}");
        assert_eq!(run.counters().0, 0, "{quirk}");
    }
}

#[test]
fn what_can_be_made_good_is() {
    for quirk in [
        "bad-fcs",
        "lost-frame",
        "doubled-frame",
        "two-byte-address",
        "no-llc",
        "empty-ua",
        "small-pdu",
        "general-envelope",
    ] {
        let run = Run::with(|text| text.replace("dlms = \"/dev/b\"", "dlms = \"/dev/b\"\nretries = 3"));
        run.live(Quirks::named(quirk).unwrap(), 100, async |_| {});
        assert_eq!(
            run.value(Quantity::EImport),
            grid(&run, Quantity::EImport),
            "{quirk}: {:?}",
            run.failure()
        );
    }
}

#[test]
fn a_wrong_key_or_password_is_refused_by_name() {
    let run = Run::with(|text| text.replace("key = \"0001", "key = \"FF01"));
    run.live(Quirks::NONE, 30, async |_| {});
    let said = run.failure().unwrap();
    assert_eq!((run.quality(Quantity::P), run.counters().0), (Quality::Never, 0), "{said}");
    assert!(!said.contains("FF01"), "{said}");
    // Client 1 must prove who it is.
    let run = Run::with(|text| text.replace("hls-gmac", "none"));
    run.live(Quirks::NONE, 30, async |_| {});
    let said = run.failure().unwrap();
    assert!(said.starts_with("association rejected"), "{said}");
}

#[test]
fn an_association_that_stays_open_saves_its_exchanges_and_recovers_when_the_meter_ends_it() {
    let open = Run::with(|text| text.replace("dlms = \"/dev/b\"", "dlms = \"/dev/b\"\nkeep_open = true"));
    open.live(Quirks::NONE, 200, async |run| {
        run.until(60).await;
        // Longer than the meter's own patience of 120 s.
        run.meter.set(Trouble::Silence);
        run.until(61).await;
        run.meter.set(Trouble::None);
    });
    assert_eq!(open.value(Quantity::EImport), grid(&open, Quantity::EImport));
    let released = Run::new();
    released.live(Quirks::NONE, 200, async |_| {});
    assert!(open.vault.0.get() < released.vault.0.get(), "{} {}", open.vault.0.get(), released.vault.0.get());
}

#[test]
fn nothing_is_sent_before_its_invocation_counter_is_kept() {
    let run = Run::new();
    run.vault.1.set(true);
    run.live(Quirks::NONE, 20, async |_| {});
    let said = "the invocation counter cannot be stored, so nothing is sent";
    assert_eq!((run.failure().as_deref(), run.quality(Quantity::P)), (Some(said), Quality::Never));
}

#[test]
fn h053_silence_turns_values_stale_and_the_meter_comes_back() {
    let run = Run::new();
    run.live(Quirks::NONE, 700, async |run| {
        run.until(30).await;
        assert_eq!(run.quality(Quantity::EImport), Quality::Good);
        run.meter.set(Trouble::Silence);
        run.until(300).await;
        assert_eq!(
            (run.quality(Quantity::EImport), run.failure().as_deref()),
            (Quality::Stale, Some("no reply"))
        );
        assert_eq!(run.hub.borrow().health(METER), Health::Dead);
        run.meter.set(Trouble::None);
    });
    assert_eq!((run.quality(Quantity::P), run.failure()), (Quality::Good, None));
}

#[test]
fn secrets_are_in_no_view() {
    let run = Run::new();
    run.live(Quirks::NONE, 12, async |_| {});
    let hub = run.hub.borrow();
    let views = format!(
        "{:?}{:?}{hub:?}",
        hub.device_views(run.world.now()),
        hub.values_view(run.world.now(), METER)
    );
    assert!(
        !views.contains("D0D1D2D3") && !views.contains("208, 209, 210") && !views.contains("0, 1, 2, 3, 4")
    );
}

#[test]
fn several_meters_on_one_line_are_told_apart_and_share_no_counter() {
    let second = "[[devices]]\nid = \"second\"\nport = \"dlms\"\nmodel = \"dlms\"\n";
    let run = Run::with(|text| {
        let entry = text.split_once("[[dlms]]").unwrap().1.replace("\"reference\"", "\"second\"");
        text.replace("device = \"reference\"", "device = \"reference\"\nphysical = 17")
            + &format!("{second}[[dlms]]{entry}physical = 18\n")
    });
    let mut ends = run.world.shared_line(Line::new(9600), 3);
    let mut going: Vec<Going<'_>> = vec![Box::pin(run.read(ends.remove(0)))];
    for physical in [17, 18] {
        let address = Address::new(1, physical, Width::Two).unwrap();
        let meter = run.site.borrow().dlms_meter_at(address, Quirks::NONE).unwrap();
        going.push(Box::pin(serve(run.world.clone(), ends.remove(0), meter)));
    }
    run.go(60, going);
    let hub = run.hub.borrow();
    for device in [METER, METER + 1] {
        let energy = hub.reading(run.world.now(), device, Quantity::EImport).unwrap();
        let failure = hub.devices()[device].failure;
        assert_eq!(energy.good().map(|value| value.to_string()).as_deref(), Some("4211300"), "{failure:?}");
    }
    assert_eq!(run.counters().2, 0, "{:?}", run.counters());
}

/// A meter that offers nothing but mode E, and 9600 Bd.
struct SignOn;

impl Handler for SignOn {
    fn identification(&self) -> Identification<'_> {
        Identification { flag: *b"CCM", speed: b'5', escapes: b"\\2", model: b"SIM-DLMS" }
    }

    fn line(&mut self, _table: u8, _index: u32, _out: &mut Writer<'_>) -> bool {
        false
    }
}

#[test]
fn h056_a_dialogue_in_mode_e_goes_over_to_hdlc() {
    let mode_e = "dlms = \"/dev/b\"\nmode_e = true\ndata_bits = 8\nkeep_open = true";
    let run = Run::with(|text| text.replace("dlms = \"/dev/b\"", mode_e));
    let (near, far) = run.line.borrow_mut().take().unwrap();
    let mut meter = run.site.borrow().dlms_meter(Quirks::NONE).unwrap();
    let meter = async {
        let mut driver = Driver::<_, _, 64>::new(far, run.world.clone());
        let (mut input, mut output) = ([0; 64], [0; 64]);
        let quirks = ccm_iec62056::Quirks::NONE;
        let mut sign_on =
            ccm_iec62056::Server::new(SignOn, quirks, &mut input, &mut output).with_eight_bits();
        driver.run(&mut sign_on).await.unwrap();
        driver.run(&mut meter).await.unwrap();
    };
    run.go(40, vec![Box::pin(meter), Box::pin(run.read(near))]);
    assert_eq!(run.value(Quantity::EImport), "4211300", "{:?}", run.failure());
    assert_eq!(run.counters().2, 0, "{:?}", run.counters());
}

#[test]
fn a_meter_that_has_seen_more_than_the_hub_remembers_says_so_and_is_read() {
    let run = Run::new();
    let (near, far) = run.line.borrow_mut().take().unwrap();
    let mut meter = run.site.borrow().dlms_meter(Quirks::NONE).unwrap();
    let security = meter.associations()[0].security.as_mut().unwrap();
    security.set_peer(SystemTitle::new(*b"CCC\0\0\0\0\x01"));
    security.receive_after(KeyUse::Global, 5000);
    run.go(60, vec![Box::pin(serve(run.world.clone(), far, meter)), Box::pin(run.read(near))]);
    assert_eq!(run.value(Quantity::EImport), "4211300", "{:?}", run.failure());
    assert!(run.vault.0.get() > 5000);
}
