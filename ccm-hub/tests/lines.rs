//! Lines of meters as they are found: an optical head that echoes, a meter that sleeps, several on one line, a gateway.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;

use ccm_config::Settings;
use ccm_core::asynch::Driver;
use ccm_core::{Clock, Instant, Line, Writer};
use ccm_hub::sim::{End, Going, World};
use ccm_hub::{Event, Health, Hub, Quality, line_of, policy_of, tasks};
use ccm_iec62056::{Handler, Identification, Quirks, Server};
use ccm_registry::{Quantity, find};

type House = Hub<1, 3, 64>;

/// A meter that shows its address and one energy.
struct Meter {
    address: &'static str,
    kwh: u32,
}

impl Handler for Meter {
    fn identification(&self) -> Identification<'_> {
        Identification { flag: *b"CCM", speed: b'5', escapes: b"", model: b"SIM" }
    }

    fn address(&self) -> &[u8] {
        self.address.as_bytes()
    }

    fn line(&mut self, _table: u8, index: u32, out: &mut Writer<'_>) -> bool {
        let line = match index {
            0 => format!("0.0.0({})", self.address),
            1 => format!("1.8.0({}*kWh)", self.kwh),
            _ => return false,
        };
        out.slice(line.as_bytes()).is_ok()
    }
}

async fn serve(world: World, end: End, meter: Meter, quirks: Quirks) {
    let (mut input, mut output) = ([0; 160], [0; 400]);
    let mut server = Server::new(meter, quirks, &mut input, &mut output);
    let _ = Driver::<_, _, 64>::new(end, world).run(&mut server).await;
}

/// A hub that reads these meters for so long; `port` are the settings of its port, `addresses` those of its devices.
fn live(port: &str, addresses: &[&str], meters: Vec<Meter>, quirks: Quirks, end_s: u64) -> House {
    let devices = addresses.iter().enumerate().map(|(place, address)| {
        let address = if address.is_empty() { String::new() } else { format!("address = \"{address}\"\n") };
        format!("[[devices]]\nid = \"m{place}\"\nport = \"a\"\nmodel = \"iec62056-21\"\n{address}")
    });
    let text = format!("[[ports]]\nid = \"a\"\n{port}\n{}", devices.collect::<String>());
    let settings = Settings::from_toml(&text, |_| true).unwrap();
    let hub = RefCell::new(House::new(&settings, find).unwrap());
    let world = World::new();
    let policy = policy_of(&settings.ports()[0]).unwrap();
    let gateway = Line::new(policy.fixed_baud.unwrap_or(300));
    let start = line_of(&settings.ports()[0].link).unwrap_or(gateway);
    let mut ends = world.shared_line(start, 1 + meters.len());
    let own = ends.remove(0);
    let mut going: Vec<Going<'_>> = vec![Box::pin(async {
        hub.borrow_mut().handle(world.now(), Event::PortUp { port: 0 });
        let error = tasks::read_meters(&hub, 0, &mut Driver::new(own, world.clone()), &policy).await;
        panic!("a line of this world does not fail: {error:?}");
    })];
    for (end, meter) in ends.into_iter().zip(meters) {
        going.push(Box::pin(serve(world.clone(), end, meter, quirks)));
    }
    world.run(Instant::from_millis(end_s * 1000), &mut going);
    drop(going);
    hub.into_inner()
}

/// What stands in the hub for a device: energy, serial number, failure.
fn known(hub: &House, device: usize) -> (Option<String>, Option<&str>, Option<String>) {
    let reading = hub.reading(Instant::ZERO, device, Quantity::EImport).unwrap();
    let failure = hub.devices()[device].failure.map(|failure| failure.to_string());
    (reading.value.map(|value| value.to_string()), hub.devices()[device].serial(), failure)
}

fn one() -> Vec<Meter> {
    vec![Meter { address: "4711", kwh: 5 }]
}

fn is_read(hub: &House) {
    assert_eq!(known(hub, 0), (Some("5000".into()), Some("4711"), None));
    assert_eq!((hub.health(0), hub.ports()[0].counters.failed), (Health::Ok, 0));
}

#[test]
fn an_optical_head_that_echoes_is_read_as_one_that_does_not() {
    for echoes in [true, false] {
        let quirks = Quirks { echoes, ..Quirks::NONE };
        is_read(&live("d0 = \"/dev/a\"", &[""], one(), quirks, 30));
        // A readout does without: the echo is no answer. A binary protocol would need to know.
        is_read(&live("d0 = \"/dev/a\"\necho = false", &[""], one(), quirks, 30));
    }
}

#[test]
fn a_meter_that_sleeps_is_woken_up_each_time() {
    let sleeping = Quirks { sleeps: true, ..Quirks::NONE };
    let hub = live("d0 = \"/dev/a\"\nwake_up = true", &[""], one(), sleeping, 60);
    is_read(&hub);
    assert!(hub.ports()[0].counters.answered >= 3, "{:?}", hub.ports()[0].counters);
    let hub = live("d0 = \"/dev/a\"", &[""], one(), sleeping, 60);
    assert_eq!(known(&hub, 0), (None, None, Some("no reply".into())));
}

#[test]
fn a_line_that_a_gateway_keeps_at_one_speed_is_read_at_that() {
    is_read(&live("d0 = \"192.0.2.7:2001\"", &[""], one(), Quirks::NONE, 30));
    let (value, _, failure) =
        known(&live("d0 = \"192.0.2.7:2001\"\nbaud = 9600", &[""], one(), Quirks::NONE, 30), 0);
    assert_eq!((value, failure.as_deref()), (None, Some("no reply")), "this meter begins at 300 Bd");
}

#[test]
fn meters_on_one_line_are_told_apart_by_their_addresses() {
    let three = || {
        let meter = |address, kwh| Meter { address, kwh };
        vec![meter("4711", 5), meter("00815", 6), meter("00004712", 7)]
    };
    let hub = live("d0 = \"/dev/a\"", &["4711", "815", "4712"], three(), Quirks::NONE, 120);
    let read = |hub: &House, device: usize| known(hub, device).0;
    assert_eq!(
        [0, 1, 2].map(|device| known(&hub, device)),
        [("5000", "4711"), ("6000", "00815"), ("7000", "00004712")].map(|(energy, serial)| (
            Some(energy.into()),
            Some(serial),
            None
        ))
    );
    assert_eq!(hub.ports()[0].counters.failed, 0, "what one says is no noise to the others");
    // One of them is gone, and nothing of the others stands in its place.
    let hub = live("d0 = \"/dev/a\"", &["4711", "999", "4712"], three(), Quirks::NONE, 120);
    assert_eq!([0, 1, 2].map(|device| read(&hub, device)), [Some("5000".into()), None, Some("7000".into())]);
    assert_eq!(known(&hub, 1).2.as_deref(), Some("no reply"));
    let quality = hub.reading(Instant::ZERO, 1, Quantity::EImport).unwrap().quality;
    assert_eq!(quality, Quality::Never);
}
