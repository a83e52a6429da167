use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::{PORT, device, known, problems};
use crate::{AssumedUnit, Draft, Link, Settings};

fn meter_port(key: &str, place: &str, rest: &str) -> String {
    format!("[[ports]]\nid = \"m\"\n{key} = \"{place}\"\n{rest}\n")
}

fn meter(id: &str, rest: &str) -> String {
    format!("[[devices]]\nid = \"{id}\"\nport = \"m\"\nmodel = \"p1\"\n{rest}\n")
}

fn link(text: &str) -> Link {
    Settings::from_toml(text, known).unwrap().ports()[0].link.clone()
}

#[test]
fn h056_a_meter_that_is_read_out_goes_to_the_speed_it_offers_or_stays_where_it_is_told() {
    let Link::D0 { place, baud, data_bits, echo, wake_up } = link(&meter_port("d0", "/dev/ttyS0", "")) else {
        panic!("not d0")
    };
    assert_eq!((place.path().unwrap().as_str(), baud), ("/dev/ttyS0", None));
    assert_eq!((data_bits, echo, wake_up), (7, true, false));
    let fixed = "baud = 9600\ndata_bits = 8\necho = false\nwake_up = true";
    let Link::D0 { baud, data_bits, echo, wake_up, .. } = link(&meter_port("d0", "/dev/ttyS0", fixed)) else {
        panic!("not d0")
    };
    assert_eq!((baud, data_bits, echo, wake_up), (Some(9600), 8, false, true));
    let gateway = link(&meter_port("d0", "192.0.2.7:2001", ""));
    let Link::D0 { place: crate::Place::Tcp(endpoint), baud: Some(300), .. } = gateway else {
        panic!("a gateway's line stays at 300 Bd")
    };
    assert_eq!(endpoint.port(), 2001);
}

#[test]
fn h056_a_meter_that_pushes_is_at_a_serial_port_or_behind_a_gateway() {
    let Link::P1 { baud, data_bits, .. } = link(&meter_port("p1", "/dev/ttyUSB1", "")) else {
        panic!("not p1")
    };
    assert_eq!((baud, data_bits), (115_200, 8));
    let by_path = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0";
    let Link::P1 { place, .. } = link(&meter_port("p1", by_path, "baud = 9600\ndata_bits = 7")) else {
        panic!("not p1")
    };
    assert_eq!(place.path().unwrap().as_str(), by_path, "a path may have colons");
    let Link::P1 { place, .. } = link(&meter_port("p1", "p1.lan:23", "")) else { panic!("not p1") };
    assert!(matches!(place, crate::Place::Tcp(_)));
    let settings = Settings::from_toml(&meter_port("p1", "p1.lan:23", ""), known).unwrap();
    assert_eq!((settings.ports()[0].timeout_ms, settings.ports()[0].retries), (30_000, 0));
}

#[test]
fn what_a_kind_of_port_does_not_have_is_named_with_who_has_it() {
    for (text, problem) in [
        (meter_port("p1", "/dev/x", "echo = true"), "echo: only a port with `d0` has this: remove it"),
        (
            meter_port("p1", "/dev/x", "retries = 1"),
            "retries: only a port with `rtu`, `tcp`, `d0` or `dlms` has this: remove it",
        ),
        (
            meter_port("p1", "a:1", "baud = 9600"),
            "baud: only a serial port or one with `d0` has this: remove it",
        ),
        (
            meter_port("p1", "a:1", "data_bits = 7"),
            "data_bits: only a serial port, with `dlms` one in `mode_e`, has this: remove it",
        ),
        (
            meter_port("d0", "/dev/x", "parity = \"even\""),
            "parity: only a port with `rtu` has this: remove it",
        ),
        (
            meter_port("d0", "/dev/x", "gap_ms = 1"),
            "gap_ms: only a port with `rtu` or `tcp` has this: remove it",
        ),
        (meter_port("d0", "/dev/x", "data_bits = 9"), "data_bits: 9 is out of range: give 7 to 8"),
        (meter_port("d0", "a:0", ""), "d0: 0 is out of range: give 1 to 65535"),
        (
            meter_port("d0", "", ""),
            "d0: the text is empty or not printable: write at least one letter, and no tabs or line ends",
        ),
        (PORT.to_string() + "wake_up = true\n", "wake_up: only a port with `d0` has this: remove it"),
    ] {
        assert_eq!(problems(&text), [format!("ports[0].{problem}")]);
    }
    let device = meter("a", "unit = 1\naddress = \"1\"");
    assert_eq!(
        problems(&[meter_port("p1", "/dev/x", ""), device].concat()),
        [
            "devices[0].unit: only a device on Modbus has this: remove it",
            "devices[0].address: only a device on a port with `d0` or `mode_e` has this: remove it",
        ]
    );
    let without = device_without_unit();
    assert_eq!(
        problems(&[PORT, &without].concat()),
        ["devices[0].unit: a device on Modbus needs its id: give 1 to 247"]
    );
}

fn device_without_unit() -> String {
    device("a", "nd", 1).replace("unit = 1\n", "")
}

#[test]
fn a_line_has_one_master_whatever_it_speaks() {
    assert_eq!(
        problems(&[PORT, &meter_port("d0", "/dev/ttyUSB0", "")].concat()),
        ["ports[1].d0: ports[0].rtu uses this already: put the devices of both on one port"]
    );
}

#[test]
fn h044_two_meters_that_would_answer_together_are_reported() {
    let port = meter_port("d0", "/dev/x", "");
    let (one, same, other) = ("address = \"123\"", "address = \"00123\"", "address = \"124\"");
    assert_eq!(
        problems(&[&port, &meter("a", one), &meter("b", other)].map(String::as_str).concat()),
        [""; 0]
    );
    for second in [same, ""] {
        assert_eq!(
            problems(&[&port, &meter("a", one), &meter("b", second)].map(String::as_str).concat()),
            [
                "devices[1].address: devices[0].address may answer to the same call: give each meter of the port its own \
              `address`"
            ]
        );
    }
    let blank = meter("a", "address = \"1 2\"");
    assert_eq!(
        problems(&[port, blank].concat()),
        ["devices[0].address: an address is 1 to 32 letters, digits and signs, without blanks, `/` and `!`"]
    );
    let port = meter_port("p1", "/dev/x", "");
    assert_eq!(
        problems(&[port, meter("a", ""), meter("b", "")].concat()),
        [
            "devices[1].port: devices[0].port has this port already, and one meter pushes there: give the other a port of \
          its own"
        ]
    );
}

#[test]
fn units_are_those_that_somebody_says() {
    let port = meter_port("d0", "/dev/x", "");
    let with = |units: &str| [port.clone(), meter("a", &format!("units = \"{units}\""))].concat();
    let settings = Settings::from_toml(&with("1.8=kWh, 1-0:16.7.0=W"), known).unwrap();
    let units: Vec<_> =
        AssumedUnit::all(&settings.devices()[0].units).map(|one| (one.code, one.unit)).collect();
    assert_eq!(units, [("1.8", "kWh"), ("1-0:16.7.0", "W")]);
    assert_eq!(settings.draft().devices[0].units.as_deref(), Some("1.8=kWh, 1-0:16.7.0=W"));
    for wrong in [
        "",
        " ",
        "1.8",
        "1.8=",
        "1.8=kwh",
        "kWh=1.8",
        "1=kWh",
        "1.8.0*1=kWh",
        "1.8.0.1=W",
        "256.8=W",
        "+1.8=W",
    ] {
        let found = problems(&with(wrong));
        let expected = "devices[0].units: write codes and units, such as `1.8=kWh 16.7.0=W`; there are Wh, kWh, MWh, W, kW, \
                        MW, V, A, Hz, var";
        assert_eq!(found, [expected], "{wrong:?}");
    }
    let elsewhere = [PORT.to_string(), device("a", "nd", 1), "units = \"1.8=kWh\"\n".into()].concat();
    assert_eq!(
        problems(&elsewhere),
        ["devices[0].units: only a device on a port with `d0` or `p1` has this: remove it"]
    );
}

const KEY: &str = "0123456789abcdef0123456789ABCDEF";

#[test]
fn a_key_is_kept_and_never_printed() {
    let text = meter_port("p1", "/dev/x", &format!("key = \"{KEY}\""));
    let draft = Draft::from_toml(&text).unwrap();
    let settings = draft.check(known).unwrap();
    let Link::P1 { keys: Some(keys), .. } = &settings.ports()[0].link else { panic!("no keys") };
    assert_eq!((keys.encryption[1], keys.authentication), (0x23, None));
    assert_eq!(settings.draft().ports[0].key.as_ref().unwrap().bytes(), Some(keys.encryption));
    let shown = format!("{draft:?}{settings:?}{keys:?}").to_lowercase();
    assert!(shown.contains("secret(..)") && !shown.contains("0123456789abcdef") && !shown.contains("35, 69"));
}

#[test]
fn a_wrong_key_is_told_without_it() {
    for wrong in ["", "0123", "0123456789abcdef0123456789ABCDEFG", "+123456789abcdef0123456789ABCDEF"] {
        let text = meter_port("p1", "/dev/x", &format!("key = \"{wrong}\""));
        assert_eq!(problems(&text), ["ports[0].key: a key is 32 hexadecimal digits"], "{wrong}");
    }
    for wrong in ["1234", "12.5"] {
        let said = Draft::from_toml(&meter_port("p1", "/dev/x", &format!("key = {wrong}"))).unwrap_err();
        assert!(!said.to_string().contains(wrong), "{said}");
    }
    let alone = meter_port("p1", "/dev/x", &format!("authentication_key = \"{KEY}\""));
    assert_eq!(problems(&alone), ["ports[0].authentication_key: only a port with `key` has this: remove it"]);
    let d0 = meter_port("d0", "/dev/x", &format!("key = \"{KEY}\""));
    assert_eq!(problems(&d0), ["ports[0].key: only a port with `p1` has this: remove it"]);
}
