//! What holds for all drafts and all bytes.

use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use crate::tests::{image, known, sealed};
use crate::{DeviceDraft, Draft, Parity, PlantDraft, PortDraft, Settings};

fn any_port() -> impl Strategy<Value = PortDraft> {
    let parity =
        prop_oneof![Just(None), Just(Some(Parity::None)), Just(Some(Parity::Even)), Just(Some(Parity::Odd))];
    let line = (proptest::option::of("[/a-z]{1,9}"), any::<Option<u32>>(), parity);
    let rest =
        (proptest::option::of("[a-z:0-9]{1,9}"), proptest::option::of(0..70_000u32), any::<Option<u32>>());
    let meter = (proptest::option::of("[/a-z:0-9]{1,9}"), proptest::option::of("[/a-z:0-9]{1,9}"));
    let of = |(id, (rtu, baud, parity), (tcp, timeout_ms, retries), (d0, p1)): Parts| PortDraft {
        id: id.parse().unwrap(),
        rtu: rtu.map(|path| path.parse().unwrap()),
        tcp: tcp.map(|address| address.parse().unwrap()),
        d0: d0.map(|place| place.parse().unwrap()),
        p1: p1.map(|place| place.parse().unwrap()),
        wake_up: baud.map(|baud| baud % 2 == 0),
        baud,
        parity,
        timeout_ms,
        retries,
        ..PortDraft::default()
    };
    ("[a-c]", line, rest, meter).prop_map(of)
}

type Parts = (
    String,
    (Option<String>, Option<u32>, Option<Parity>),
    (Option<String>, Option<u32>, Option<u32>),
    (Option<String>, Option<String>),
);

fn any_device() -> impl Strategy<Value = DeviceDraft> {
    let address = ("[a-c]", any::<u8>(), proptest::option::of(0..3u32));
    let rest = (proptest::option::of(".{0,8}"), any::<bool>(), any::<Option<u32>>());
    ("[a-f]", address, rest).prop_map(|(id, (port, unit, secondary), (alias, invert, every_ms))| {
        DeviceDraft {
            id: id.parse().unwrap(),
            port: port.parse().unwrap(),
            unit: Some(unit.into()),
            model: "ccm4".parse().unwrap(),
            alias: alias.map(|alias| alias.parse().unwrap()),
            secondary,
            invert,
            every_ms,
            ..DeviceDraft::default()
        }
    })
}

fn any_plant() -> impl Strategy<Value = PlantDraft> {
    let members = || proptest::collection::vec("[a-f]", 0..3);
    ("[a-c]", ".{0,8}", members(), members()).prop_map(|(id, name, production, grid)| PlantDraft {
        id: id.parse().unwrap(),
        name: name.parse().unwrap(),
        production: production.iter().map(|id| id.parse().unwrap()).collect(),
        grid: grid.iter().map(|id| id.parse().unwrap()).collect(),
        battery: heapless::Vec::new(),
    })
}

/// On the heap: `proptest` hands values through many functions, and a draft is long.
fn any_draft() -> impl Strategy<Value = Box<Draft>> {
    let ports = proptest::collection::vec(any_port(), 0..4);
    let devices = proptest::collection::vec(any_device(), 0..6);
    let plants = proptest::collection::vec(any_plant(), 0..3);
    (ports, devices, plants).prop_map(|(ports, devices, plants)| {
        let mut draft = Box::<Draft>::default();
        draft.ports.extend(ports);
        draft.devices.extend(devices);
        draft.plants.extend(plants);
        draft
    })
}

/// Any draft, repaired where its parts contradict each other.
fn valid_draft() -> impl Strategy<Value = Box<Draft>> {
    any_draft().prop_map(|mut draft| {
        for (place, port) in draft.ports.iter_mut().enumerate() {
            repair_port(place, port);
        }
        let ports: Vec<_> = draft.ports.iter().map(|port| port.id.clone()).collect();
        draft.devices.truncate(if ports.is_empty() { 0 } else { 6 });
        for (place, device) in draft.devices.iter_mut().enumerate() {
            let unit = device.unit.unwrap();
            device.id = format!("d{place}").parse().unwrap();
            device.port = ports[unit as usize % ports.len()].clone();
            device.unit = Some(1 + u32::try_from(place).unwrap());
            device.alias = device
                .alias
                .take()
                .filter(|alias| !alias.trim().is_empty() && !alias.contains(char::is_control));
            device.secondary = device.secondary.filter(|number| *number > 0);
            device.every_ms = device.every_ms.map(|period| 100 + period % 3_599_901);
        }
        let meter = crate::PortDraft { id: "m".parse().unwrap(), ..PortDraft::default() };
        let (d0, p1) = (Some("/dev/d0".parse().unwrap()), Some("p1.lan:23".parse().unwrap()));
        let dlms = Some("/dev/dlms".parse().unwrap());
        let ports = [
            PortDraft { d0, ..meter.clone() },
            PortDraft { p1, id: "n".parse().unwrap(), ..meter.clone() },
            PortDraft { dlms, id: "o".parse().unwrap(), ..meter },
        ];
        draft.ports.extend(ports);
        for (id, port) in [("da", "m"), ("db", "n"), ("dc", "o")] {
            let (id, port, model) = (id.parse().unwrap(), port.parse().unwrap(), "p1".parse().unwrap());
            draft.devices.push(DeviceDraft { id, port, model, ..DeviceDraft::default() }).unwrap();
        }
        draft.plants.truncate(if draft.devices.len() < 5 { 0 } else { 3 });
        for (place, plant) in draft.plants.iter_mut().enumerate() {
            plant.id = format!("p{place}").parse().unwrap();
            plant.name = "Home".parse().unwrap();
            plant.production = ["d1".parse().unwrap()].into_iter().collect();
            plant.grid = ["d0".parse().unwrap()].into_iter().collect();
        }
        draft
    })
}

fn repair_port(place: usize, port: &mut PortDraft) {
    (port.d0, port.p1, port.wake_up) = (None, None, None);
    port.id = format!("n{place}").parse().unwrap();
    port.timeout_ms = port.timeout_ms.map(|timeout| 10 + timeout % 59_991);
    port.retries = port.retries.map(|retries| retries % 6);
    if port.rtu.is_some() {
        port.rtu = Some(format!("/dev/tty{place}").parse().unwrap());
        port.tcp = None;
        port.baud = port.baud.map(|baud| 300 + baud % 999_701);
    } else {
        port.tcp = Some(format!("host{place}:502").parse().unwrap());
        (port.baud, port.parity) = (None, None);
    }
}

proptest! {
    #[test]
    fn any_draft_survives_toml_and_storage(draft in any_draft()) {
        prop_assert_eq!(&Draft::from_toml(&draft.to_toml().unwrap()).unwrap(), &*draft);
        prop_assert_eq!(&Draft::from_image(&image(&draft)).unwrap(), &*draft);
    }

    #[test]
    fn any_draft_is_either_settings_or_problems(draft in any_draft()) {
        if let Err(problems) = draft.check(known) {
            prop_assert!(!problems.listed().is_empty());
        }
    }

    #[test]
    fn settings_are_what_their_own_draft_says(draft in valid_draft()) {
        let settings = draft.check(known).unwrap();
        prop_assert_eq!(settings.devices().len(), draft.devices.len());
        prop_assert!(settings.devices().iter().all(|device| device.port < settings.ports().len()));
        prop_assert_eq!(settings.draft().check(known).unwrap(), settings.clone());
        prop_assert_eq!(Settings::from_toml(&settings.to_toml().unwrap(), known).unwrap(), settings);
    }

    #[test]
    fn no_bytes_panic_as_an_image(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Draft::from_image(&bytes);
        let _ = Draft::from_image(&sealed(1, &bytes));
        let _ = Draft::from_image(&sealed(2, &bytes));
        let _ = Draft::from_image(&sealed(3, &bytes));
        let _ = Draft::from_image(&sealed(4, &bytes));
    }

    #[test]
    fn no_text_panics_as_toml(text in "[\\[\\]a-z0-9=\"\n .\u{e9}]{0,60}") {
        let _ = Draft::from_toml(&text);
    }

    #[test]
    fn a_flipped_bit_is_noticed(draft in any_draft(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut image = image(&draft);
        let place = place.index(image.len());
        image[place] ^= 1 << bit;
        prop_assert!(Draft::from_image(&image).is_err());
    }
}
