use std::format;
use std::string::String;

use super::{known, problems};
use crate::{Auth, CipherKey, Draft, Framing, Link, Protection, Settings};

const KEY: &str = "0123456789abcdef0123456789ABCDEF";
const TITLE: &str = "4343430000000001";

fn port(place: &str, rest: &str) -> String {
    format!("[[ports]]\nid = \"m\"\ndlms = \"{place}\"\n{rest}\n")
}

fn meter(id: &str, rest: &str) -> String {
    format!(
        "[[devices]]\nid = \"{id}\"\nport = \"m\"\nmodel = \"dlms\"\n[[dlms]]\ndevice = \"{id}\"\n{rest}\n"
    )
}

fn with(rest: &str) -> String {
    port("/dev/x", "") + &meter("a", rest)
}

fn settings(text: &str) -> Settings {
    Settings::from_toml(text, known).unwrap()
}

#[test]
fn a_serial_port_has_hdlc_and_a_network_the_wrapper_until_it_is_said_otherwise() {
    for (text, expected) in [
        (port("/dev/x", ""), (Framing::Hdlc, Some(9600), false, false)),
        (port("/dev/x", "baud = 19200\nkeep_open = true"), (Framing::Hdlc, Some(19_200), false, true)),
        (port("/dev/x", "mode_e = true"), (Framing::Hdlc, None, true, false)),
        (port("meter.lan:4059", ""), (Framing::Wrapper, None, false, false)),
        (port("meter.lan:4059", "framing = \"hdlc\""), (Framing::Hdlc, None, false, false)),
    ] {
        let settings = settings(&text);
        let Link::Dlms { framing, baud, mode_e, keep_open, .. } = settings.ports()[0].link else {
            panic!("not dlms")
        };
        assert_eq!((framing, baud, mode_e, keep_open), expected, "{text}");
        assert_eq!(settings.draft().check(known).as_ref(), Ok(&settings));
    }
}

#[test]
fn a_meter_of_which_nothing_is_said_is_asked_by_the_public_client() {
    let text = port("/dev/x", "") + meter("a", "").split_once("[[dlms]]").unwrap().0;
    let dlms = settings(&text).dlms(0).clone();
    assert_eq!((dlms.client, dlms.server, dlms.physical, dlms.auth), (16, 1, None, Auth::None));
    assert_eq!((dlms.password, dlms.system_title, dlms.security), (None, None, None));
}

fn secured(rest: &str) -> String {
    format!("key = \"{KEY}\"\nauthentication_key = \"{KEY}\"\nsystem_title = \"{TITLE}\"\n{rest}")
}

#[test]
fn keys_have_the_length_of_their_suite_and_protect_all_until_it_is_said_otherwise() {
    let settings = settings(&with(&secured("client = 1\nauth = \"hls-gmac\"")));
    let dlms = settings.dlms(0);
    let security = dlms.security.as_ref().unwrap();
    assert_eq!((dlms.client, dlms.auth, security.suite), (1, Auth::HlsGmac, 0));
    assert_eq!((security.protection, dlms.system_title), (Protection::Both, Some(*b"CCC\0\0\0\0\x01")));
    let CipherKey::Short(key) = security.encryption else { panic!("not short") };
    assert_eq!(key[..2], [0x01, 0x23]);
    assert_eq!(settings.draft().check(known).as_ref(), Ok(&settings));

    let long = secured("protection = \"none\"").replace(KEY, &KEY.repeat(2));
    let long = self::settings(&with(&long));
    let security = long.dlms(0).security.as_ref().unwrap();
    assert_eq!((security.suite, security.protection), (2, Protection::None));
    assert!(matches!(security.authentication, CipherKey::Long(_)));
    assert_eq!(long.draft().check(known).as_ref(), Ok(&long));
}

#[test]
fn passwords_are_texts_or_bytes() {
    for (written, bytes) in [("12345678", &b"12345678"[..]), ("hex:00ff", &[0, 0xFF]), ("hex:41", b"A")] {
        let settings = settings(&with(&format!("auth = \"lls\"\npassword = \"{written}\"")));
        let dlms = settings.dlms(0);
        assert_eq!(dlms.password.as_ref().unwrap().bytes(), bytes);
        assert_eq!(settings.draft().check(known).as_ref(), Ok(&settings), "{written}");
    }
}

#[test]
fn what_is_wrong_with_a_meter_is_told_without_its_secrets() {
    for (rest, expected) in [
        ("client = 0".into(), "client: 0 is out of range: give 1 to 127"),
        ("server = 16383".into(), "server: 16383 is out of range: give 1 to 16382"),
        ("auth = \"lls\"".into(), "password: `auth` needs this: give it"),
        ("auth = \"hls-sha256\"\npassword = \"x\"".into(), "system_title: `auth` needs this: give it"),
        (
            "password = \"x\"".into(),
            "password: only `auth` lls, hls-md5, hls-sha1 or hls-sha256 has this: remove it",
        ),
        (
            "auth = \"lls\"\npassword = \"hex:123\"".into(),
            "password: a password is 1 to 64 printable characters, or `hex:` and up to 64 hexadecimal digits",
        ),
        (format!("auth = \"hls-gmac\"\nsystem_title = \"{TITLE}\""), "key: `auth` needs this: give it"),
        (
            secured("").replace(&format!("authentication_key = \"{KEY}\""), ""),
            "authentication_key: `key` needs this: give it",
        ),
        (secured("suite = 3"), "suite: 3 is out of range: give 0 to 2"),
        (secured("").replace(TITLE, "43434"), "system_title: a system title is 16 hexadecimal digits"),
        ("protection = \"both\"".into(), "protection: only a device with `key` has this: remove it"),
    ] {
        assert_eq!(problems(&with(&rest)), [format!("dlms[0].{expected}")], "{rest}");
    }
    let wrong = problems(&with(&secured("suite = 2")));
    let said = "a key is 32 hexadecimal digits, and 64 in suite 2";
    assert_eq!(wrong, ["key", "authentication_key"].map(|key| format!("dlms[0].{key}: {said}")));
}

#[test]
fn what_only_other_kinds_of_port_have_is_named() {
    for (text, problem) in [
        (
            port("/dev/x", "framing = \"wrapper\""),
            "framing: a serial port has no wrapper: give \"hdlc\", or nothing",
        ),
        (port("a:1", "mode_e = true"), "mode_e: only a serial port with `dlms` has this: remove it"),
        (port("a:1", "baud = 9600"), "baud: only a serial port or one with `d0` has this: remove it"),
        (
            port("/dev/x", "data_bits = 7"),
            "data_bits: only a serial port, with `dlms` one in `mode_e`, has this: remove it",
        ),
        (
            port("/dev/x", "").replace("dlms", "d0") + "keep_open = true",
            "keep_open: only a port with `dlms` has this: remove it",
        ),
    ] {
        assert_eq!(problems(&text), [format!("ports[0].{problem}")]);
    }
    let elsewhere = port("/dev/x", "").replace("dlms", "p1") + &meter("a", "client = 1");
    assert_eq!(
        problems(&elsewhere),
        ["dlms[0].device: only a device on a port with `dlms` has this: remove it"]
    );
    let wrapped = port("a:1", "") + &meter("a", "physical = 17");
    assert_eq!(
        problems(&wrapped),
        ["dlms[0].physical: only a device on a port with HDLC has this: remove it"]
    );
}

#[test]
fn h044_two_devices_are_never_one_meter() {
    let port = port("/dev/x", "");
    let two = |one: &str, other: &str| problems(&[port.clone(), meter("a", one), meter("b", other)].concat());
    assert_eq!(two("physical = 17", "physical = 18"), [""; 0]);
    assert_eq!(two("server = 1", "server = 2"), [""; 0]);
    assert_eq!(
        two("client = 1", "client = 16"),
        [
            "devices[1].port: devices[0].port leads to this meter already: give each device a `server` or `physical` of its own"
        ]
    );
}

#[test]
fn what_is_said_of_a_meter_is_said_once_and_of_a_device_that_exists() {
    let text = with("") + "[[dlms]]\ndevice = \"a\"\n[[dlms]]\ndevice = \"b\"\n";
    assert_eq!(
        problems(&text),
        [
            "dlms[1].device: \"a\" is already the name of dlms[0].device: choose another",
            "dlms[2].device: no device is called \"b\"; known: a",
        ]
    );
}

#[test]
fn secrets_are_never_printed() {
    let password = "auth = \"hls-md5\"\npassword = \"open sesame\"\n";
    let draft = Draft::from_toml(&with(&secured(password))).unwrap();
    let settings = draft.check(known).unwrap();
    let shown = format!("{draft:?}{settings:?}").to_lowercase();
    assert!(
        shown.contains("secret(..)") && shown.contains("cipherkey(..)") && shown.contains("password(..)")
    );
    assert!(
        !shown.contains("0123456789abcdef") && !shown.contains("35, 69") && !shown.contains("sesame"),
        "{shown}"
    );
}
