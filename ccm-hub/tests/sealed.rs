//! A meter that encrypts its telegrams, read by the hub's own loops in virtual time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;

use ccm_config::Settings;
use ccm_core::asynch::{Driver, Timer};
use ccm_core::crypto::{Key, Software};
use ccm_core::{Clock, Instant, Line};
use ccm_hub::sim::{End, Going, World};
use ccm_hub::{Event, Hub, Opener, Quality, keys_of, policy_of, tasks};
use ccm_registry::{Quantity, find};
use embedded_io_async::Write;

type House = Hub<1, 1, 64>;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn settings(key: &str) -> Settings {
    let port = format!("[[ports]]\nid = \"a\"\np1 = \"/dev/a\"\ntimeout_ms = 12000\nkey = \"{key}\"\n");
    let device = "[[devices]]\nid = \"m\"\nport = \"a\"\nmodel = \"p1\"\n";
    Settings::from_toml(&(port + device), |_| true).unwrap()
}

/// The published encrypted telegram.
fn telegram() -> Vec<u8> {
    let path =
        format!("{}/../ccm-iec62056/tests/vectors/p1-encrypted-smarty.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// A hub with this key that lives for `end_s` seconds while a meter says these bytes, each at its second.
fn live(key: &str, end_s: u64, said: &[(u64, Vec<u8>)]) -> RefCell<House> {
    let (world, settings) = (World::new(), settings(key));
    let hub = RefCell::new(House::new(&settings, find).unwrap());
    let (near, far) = world.line(Line::new(115_200));
    let mut going: Vec<Going<'_>> = vec![
        Box::pin(speak(&world, far, said)),
        Box::pin(async {
            hub.borrow_mut().handle(world.now(), Event::PortUp { port: 0 });
            let port = &settings.ports()[0];
            let (policy, mut room) = (policy_of(port).unwrap(), [0; 4096]);
            let mut opener = Opener::new(keys_of(port, Key::Aes128).unwrap(), Software, &mut room);
            let mut driver = Driver::new(near, world.clone());
            let error = tasks::read_sealed(&hub, 0, &mut driver, &policy, &mut opener).await;
            panic!("a line of this world does not fail: {error:?}");
        }),
    ];
    world.run(Instant::from_millis(end_s * 1000), &mut going);
    drop(going);
    hub
}

async fn speak(world: &World, mut far: End, said: &[(u64, Vec<u8>)]) {
    for (second, bytes) in said {
        world.wait(Instant::from_millis(second * 1000)).await;
        far.write_all(bytes).await.unwrap();
    }
}

fn outcome(hub: &RefCell<House>) -> (Option<String>, Option<String>, (u32, u32)) {
    let hub = hub.borrow();
    let reading = hub.reading(Instant::from_millis(20_000), 0, Quantity::EImport).unwrap();
    let value = reading.value.filter(|_| reading.quality != Quality::Never).map(|value| value.to_string());
    let counters = hub.ports()[0].counters;
    let failure = hub.devices()[0].failure.map(|failure| failure.to_string());
    (value, failure, (counters.answered, counters.failed))
}

#[test]
fn an_encrypted_telegram_is_read_with_its_key() {
    let hub = live(KEY, 25, &[(5, telegram()), (15, telegram())]);
    assert_eq!(outcome(&hub), (Some(ENERGY.into()), None, (2, 0)));
}

#[test]
fn with_another_key_nothing_of_it_is_taken_and_the_reason_is_said() {
    let hub = live(&KEY.replace('A', "B"), 10, &[(5, telegram())]);
    let reason = "the telegram does not open: wrong key, or noise";
    assert_eq!(outcome(&hub), (None, Some(reason.into()), (0, 1)));
}

#[test]
fn a_telegram_that_is_cut_or_changed_costs_no_other() {
    let (whole, mut changed) = (telegram(), telegram());
    let half = whole[..whole.len() / 2].to_vec();
    changed[200] ^= 1;
    let hub = live(
        KEY,
        25,
        &[(2, half), (6, changed), (10, whole.clone()), (14, b"\xDB\x08noise".to_vec()), (18, whole)],
    );
    assert_eq!(outcome(&hub), (Some(ENERGY.into()), None, (2, 1)));
}

#[test]
fn silence_and_telegrams_in_the_clear_are_told_apart() {
    assert_eq!(outcome(&live(KEY, 13, &[])).1.as_deref(), Some("no reply"));
    let clear = b"/CCM5SIM\r\n\r\n1-0:1.8.0(1*kWh)\r\n!\r\n".to_vec();
    let (value, failure, _) = outcome(&live(KEY, 13, &[(2, clear)]));
    assert_eq!((value, failure.as_deref()), (None, Some("what comes is no telegram: wrong speed, or noise")));
}

/// `1-0:1.8.0(006545.766*kWh)`, in Wh.
const ENERGY: &str = "6545766";
