mod dlms;
mod meters;

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::limits::{Id, MAX_DEVICES, MAX_PROBLEMS};
use crate::{
    DeviceDraft, Draft, Endpoint, EndpointError, Fault, Link, Parity, PortDraft, Problems, Settings,
    StorageError, TomlError,
};

pub(crate) fn known(model: &str) -> bool {
    ["ccm4", "ccm1", "goodwe-dt", "iec62056-21", "p1", "dlms"].contains(&model)
}

fn problems(text: &str) -> Vec<String> {
    let found = Draft::from_toml(text).unwrap().check(known).err().unwrap_or_default();
    found.listed().iter().map(ToString::to_string).collect()
}

fn syntax(text: &str) -> String {
    Draft::from_toml(text).unwrap_err().to_string()
}

/// The first block of TOML in the README.
fn readme() -> &'static str {
    let text = include_str!("../README.md").split_once("```toml\n").unwrap().1;
    text.split_once("```").unwrap().0
}

const PORT: &str = "[[ports]]\nid = \"nd\"\nrtu = \"/dev/ttyUSB0\"\n";
const TCP: &str = "[[ports]]\nid = \"lan\"\ntcp = \"192.0.2.10:502\"\n";

fn device(id: &str, port: &str, unit: u32) -> String {
    format!("[[devices]]\nid = \"{id}\"\nport = \"{port}\"\nunit = {unit}\nmodel = \"ccm4\"\n")
}

fn plant(id: &str, members: &str) -> String {
    format!("[[plants]]\nid = \"{id}\"\nname = \"Home\"\n{members}\n")
}

fn two_devices() -> String {
    [PORT, &device("pv", "nd", 2), &device("grid", "nd", 1)].concat()
}

#[test]
fn the_example_of_the_readme_is_valid_and_shows_the_defaults() {
    let settings = Settings::from_toml(readme(), known).unwrap();
    let spelled_out = readme().replace("\n# ", "\n");
    assert_eq!(Settings::from_toml(&spelled_out, known).unwrap(), settings);
}

#[test]
fn nothing_said_is_a_hub_without_devices() {
    let settings = Settings::from_toml("", known).unwrap();
    assert_eq!((settings.portal().listen.host(), settings.portal().listen.port()), ("127.0.0.1", 8080));
    assert!(settings.ports().is_empty() && settings.devices().is_empty() && settings.plants().is_empty());
}

#[test]
fn names_lead_to_places() {
    let settings = Settings::from_toml(readme(), known).unwrap();
    let plant = &settings.plants()[0];
    let inverter = &settings.devices()[plant.production[0]];
    assert_eq!((inverter.id.as_str(), inverter.unit), ("pv", 247));
    let Link::Tcp { endpoint } = &settings.ports()[inverter.port].link else { panic!("not TCP") };
    assert_eq!((endpoint.host(), endpoint.port()), ("192.0.2.10", 502));
    let Link::Rtu { line, .. } = &settings.ports()[0].link else { panic!("not RTU") };
    assert_eq!((line.baud, line.parity, line.data_bits, line.stop_bits), (9600, Parity::None, 8, 1));
}

#[test]
fn a10_a_device_without_alias_is_called_by_model_and_id() {
    let settings = Settings::from_toml(readme(), known).unwrap();
    let labels: Vec<_> = settings.devices().iter().map(|device| device.label().to_string()).collect();
    assert_eq!(
        labels,
        [
            "House connection",
            "ccm1 001-1",
            "goodwe-dt 247",
            "iec62056-21 fiscal",
            "p1 smart",
            "dlms reference"
        ]
    );
}

#[test]
fn h078_all_problems_are_told_at_once_with_their_fields() {
    let text = r#"
        [portal]
        listen = "8080"
        [[ports]]
        id = "ND"
        rtu = ""
        timeout_ms = 5
        [[ports]]
        id = "lan"
        tcp = "192.0.2.10"
        baud = 9600
        [[devices]]
        id = "grid"
        port = "x"
        unit = 300
        model = "ccm9"
        alias = " "
        [[plants]]
        id = "home"
        name = "Home"
        production = ["pv"]
    "#;
    assert_eq!(
        problems(text),
        [
            "portal.listen: no port from 0 to 65535 at the end: write host:port, as in 192.0.2.10:502",
            "ports[0].id: \"ND\" is no name: use 1 to 16 of a-z, 0-9 and -",
            "ports[0].rtu: the text is empty or not printable: write at least one letter, and no tabs or line ends",
            "ports[0].timeout_ms: 5 is out of range: give 10 to 60000",
            "ports[1].baud: only a serial port or one with `d0` has this: remove it",
            "ports[1].tcp: no port from 0 to 65535 at the end: write host:port, as in 192.0.2.10:502",
            "devices[0].port: no port is called \"x\"; known: ND, lan",
            "devices[0].unit: 300 is out of range: give 1 to 247",
            "devices[0].model: the catalogue has no model \"ccm9\": choose one that it has, or add a file for it",
            "devices[0].alias: the text is empty or not printable: write at least one letter, and no tabs or line ends",
            "plants[0].grid: a plant needs at least one device here: name one",
            "plants[0].production[0]: no device is called \"pv\"; known: grid",
        ]
    );
}

#[test]
fn a_port_is_a_line_or_a_connection() {
    assert_eq!(
        problems("[[ports]]\nid = \"nd\"\n"),
        [
            "ports[0].rtu: the port leads nowhere: give `rtu` (a serial port), `tcp` (host:port), `d0`, `p1` or `dlms` (either)"
        ]
    );
    assert_eq!(
        problems(&[PORT, "tcp = \"a:1\"\n"].concat()),
        ["ports[0].tcp: a port is one of `rtu`, `tcp`, `d0`, `p1` and `dlms`: remove the others"]
    );
}

#[test]
fn numbers_have_limits_on_both_sides() {
    for (key, least, most) in
        [("baud", 300, 1_000_000), ("timeout_ms", 10, 60_000), ("retries", 0, 5), ("stop_bits", 1, 2)]
    {
        for allowed in [least, most] {
            assert_eq!(problems(&format!("{PORT}{key} = {allowed}\n")), [""; 0]);
        }
        let too_much = problems(&format!("{PORT}{key} = {}\n", most + 1));
        assert_eq!(
            too_much,
            [format!("ports[0].{key}: {} is out of range: give {least} to {most}", most + 1)]
        );
    }
    assert_eq!(
        problems(&[PORT, "data_bits = 7\n"].concat()),
        ["ports[0].data_bits: 7 is out of range: give 8"]
    );
    assert_eq!(
        problems(&[PORT, &device("a", "nd", 1), "every_ms = 99\n"].concat()),
        ["devices[0].every_ms: 99 is out of range: give 100 to 3600000"]
    );
    assert_eq!(
        problems("[[ports]]\nid = \"lan\"\ntcp = \"a:0\"\n"),
        ["ports[0].tcp: 0 is out of range: give 1 to 65535"]
    );
}

#[test]
fn two_ports_do_not_share_a_name_or_a_line() {
    assert_eq!(
        problems(&[PORT, PORT].concat()),
        [
            "ports[1].id: \"nd\" is already the name of ports[0].id: choose another",
            "ports[1].rtu: ports[0].rtu uses this already: put the devices of both on one port",
        ]
    );
}

#[test]
fn h044_two_devices_with_one_id_on_a_port_are_reported() {
    assert_eq!(
        problems(&[PORT, &device("a", "nd", 7), &device("b", "nd", 7)].concat()),
        [
            "devices[1].unit: devices[0].unit has this Modbus id on the same port: change the id of one device, or say \
          which `secondary` it is"
        ]
    );
    assert_eq!(problems(&[PORT, TCP, &device("a", "nd", 7), &device("b", "lan", 7)].concat()), [""; 0]);
}

#[test]
fn h049_secondaries_share_the_id_of_their_principal() {
    let secondary = |id, number| format!("{}secondary = {number}\n", device(id, "nd", 2));
    let sound = [PORT, &device("a", "nd", 2), &secondary("b", 1), &secondary("c", 2)].concat();
    assert_eq!(problems(&sound), [""; 0]);
    let doubled = [sound.as_str(), &secondary("d", 2)].concat();
    assert!(
        problems(&doubled)[0].starts_with("devices[3].secondary: devices[2].secondary has this Modbus id")
    );
    assert!(
        problems(&[PORT, &secondary("a", 0)].concat())[0]
            .starts_with("devices[0].secondary: 0 is out of range")
    );
}

fn devices(port: &str, count: u32) -> String {
    (1..=count).map(|unit| device(&format!("d{unit}"), port, unit)).collect()
}

#[test]
fn h047_the_33rd_unit_on_a_line_is_refused_with_a_message() {
    assert_eq!(problems(&[PORT, &devices("nd", 32)].concat()), [""; 0]);
    assert_eq!(
        problems(&[PORT, &devices("nd", 34)].concat()),
        ["devices[32].port: a line carries 32 devices and this is one more: move it to another port"]
    );
}

#[test]
fn h047_secondaries_load_no_line_and_connections_have_no_load() {
    let secondary = format!("{}secondary = 1\n", device("s", "nd", 5));
    assert_eq!(problems(&[PORT, &devices("nd", 32), &secondary].concat()), [""; 0]);
    assert_eq!(problems(&[TCP, &devices("lan", 64)].concat()), [""; 0]);
}

#[test]
fn the_65th_device_is_refused_with_a_message() {
    let text = [TCP, &devices("lan", 65)].concat();
    let message = "invalid length 65, expected a list of at most 64";
    assert!(syntax(&text).ends_with(message), "{}", syntax(&text));
}

#[test]
fn h106_a_plant_needs_production_and_grid() {
    assert_eq!(
        problems(&[&two_devices(), &plant("home", "")].map(String::as_str).concat()),
        [
            "plants[0].production: a plant needs at least one device here: name one",
            "plants[0].grid: a plant needs at least one device here: name one",
        ]
    );
}

#[test]
fn a_device_has_one_role() {
    let twice = plant("home", "production = [\"pv\", \"pv\"]\ngrid = [\"grid\"]");
    assert_eq!(
        problems(&[two_devices(), twice].concat()),
        [
            "plants[0].production[1]: \"pv\" is named by plants[0].production[0] already and a device has one role: \
          remove one of them"
        ]
    );
    let first = plant("a", "production = [\"pv\"]\ngrid = [\"grid\"]");
    let second = plant("b", "production = [\"grid\"]\ngrid = [\"pv\"]");
    assert!(
        problems(&[two_devices(), first, second].concat())[0]
            .starts_with("plants[1].production[0]: \"grid\"")
    );
}

#[test]
fn h112_several_plants_may_share_a_grid_meter() {
    let first = plant("a", "production = [\"pv\"]\ngrid = [\"grid\"]");
    let second = plant("b", "production = [\"pv\"]\ngrid = [\"grid\"]");
    assert_eq!(problems(&[two_devices(), first, second].concat()), [""; 0]);
}

#[test]
fn h113_a_device_that_a_plant_needs_cannot_be_deleted() {
    let mut draft = Draft::from_toml(readme()).unwrap();
    draft.devices.retain(|device| device.id != "pv");
    let found = draft.check(known).unwrap_err();
    assert_eq!(
        found.to_string(),
        "plants[0].production[0]: no device is called \"pv\"; known: grid, kitchen, fiscal, smart, reference"
    );
}

#[test]
fn more_problems_than_fit_are_counted() {
    let text = devices("nowhere", 20);
    let found = Draft::from_toml(&text).unwrap().check(known).unwrap_err();
    assert_eq!((found.listed().len(), found.unlisted()), (MAX_PROBLEMS, 4));
    assert!(found.to_string().ends_with("; known: none; and 4 more"));
}

#[test]
fn known_names_are_cut_off_where_they_get_too_long() {
    let text = [TCP, &devices("lan", 64), &plant("p", "production = [\"x\"]\ngrid = [\"d1\"]")].concat();
    let message = problems(&text).concat();
    assert!(message.starts_with("plants[0].production[0]: no device is called \"x\"; known: d1, d2, "));
    assert!(message.ends_with(", ..."), "{message}");
}

#[test]
fn toml_errors_name_line_and_key() {
    assert_eq!(
        syntax("[[ports]]\nid = \"nd\"\nbauds = 9600\n"),
        "line 3, column 1: unknown field `bauds`, expected one of `id`, `rtu`, `tcp`, `d0`, `p1`, `dlms`, `baud`, `parity`, \
         `data_bits`, `stop_bits`, `timeout_ms`, `retries`, `gap_ms`, `echo`, `wake_up`, `key`, `authentication_key`, \
         `framing`, `mode_e`, `keep_open`"
    );
    assert_eq!(
        syntax("[[ports]]\nid = \"nd\"\nparity = \"equal\"\n"),
        "line 3, column 10: unknown variant `equal`, expected one of `none`, `even`, `odd`"
    );
    assert_eq!(
        syntax("[[ports]]\nid = \"a-name-that-is-too-long\"\n"),
        "line 2, column 6: invalid length 23, expected a string no more than 16 bytes long"
    );
    assert_eq!(syntax("\n[[devices]]\nid = \"a\"\n"), "line 2, column 1: missing field `port`");
    assert!(
        syntax("[[devices]]\nunit = \"one\"\n").starts_with("line 2, column 8: invalid type: string \"one\"")
    );
    assert!(syntax("[[devices]]\nunit = -1\n").starts_with("line 2, column 8: invalid value: integer `-1`"));
    assert!(syntax("[portal\n").starts_with("line 1, column 8: "));
}

#[test]
fn settings_from_toml_tell_problems_too() {
    let error = Settings::from_toml("[portal]\nlisten = \"x\"\n", known).unwrap_err();
    assert!(matches!(error, TomlError::Problems(_)));
    assert!(error.to_string().starts_with("portal.listen: "));
}

#[test]
fn endpoints_are_a_host_and_a_port() {
    for sound in ["127.0.0.1:8080", "localhost:0", "[::1]:502", "inverter_1.lan:65535", "a-b.c:1"] {
        let endpoint: Endpoint = sound.parse().unwrap();
        assert_eq!(endpoint.to_string(), sound);
    }
    for (text, error) in [
        ("", EndpointError::Port),
        ("host", EndpointError::Port),
        ("host:", EndpointError::Port),
        ("host:+1", EndpointError::Port),
        ("host:65536", EndpointError::Port),
        (":502", EndpointError::Host),
        ("::1:502", EndpointError::Host),
        ("[::1:502", EndpointError::Host),
        ("[]:502", EndpointError::Host),
        ("192.0.2.300:502", EndpointError::Host),
        ("10.1:502", EndpointError::Host),
        ("a..b:502", EndpointError::Host),
        ("http://a:80", EndpointError::Host),
        ("a b:80", EndpointError::Host),
    ] {
        assert_eq!(text.parse::<Endpoint>(), Err(error), "{text}");
    }
    assert_eq!(format!("{:a>80}:1", "").parse::<Endpoint>(), Err(EndpointError::Length));
}

pub(crate) fn image(draft: &Draft) -> Vec<u8> {
    draft.to_image(&mut [0; Draft::MAX_IMAGE]).unwrap().to_vec()
}

/// An image of any version whose checksum is right.
pub(crate) fn sealed(version: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let mut image = [b"CcMs", &version.to_le_bytes()[..], &length.to_le_bytes(), body].concat();
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&image);
    image.extend(checksum.to_le_bytes());
    image
}

fn digits(vector: &str) -> String {
    vector.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn version_1_of_the_storage_form_is_still_read() {
    let draft = Draft::from_toml(include_str!("../tests/vectors/settings_v1.toml")).unwrap();
    assert_eq!(Draft::from_image(&stored(include_str!("../tests/vectors/settings_v1.hex"))), Ok(draft));
}

fn stored(vector: &str) -> Vec<u8> {
    let digits = digits(vector);
    let byte = |place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn version_2_of_the_storage_form_is_still_read() {
    let draft = Draft::from_toml(include_str!("../tests/vectors/settings_v2.toml")).unwrap();
    assert_eq!(Draft::from_image(&stored(include_str!("../tests/vectors/settings_v2.hex"))), Ok(draft));
}

#[test]
fn version_3_of_the_storage_form_is_still_read() {
    let draft = Draft::from_toml(include_str!("../tests/vectors/settings_v3.toml")).unwrap();
    assert_eq!(Draft::from_image(&stored(include_str!("../tests/vectors/settings_v3.hex"))), Ok(draft));
}

#[test]
fn version_4_of_the_storage_form_stays_as_it_is() {
    let draft = Draft::from_toml(include_str!("../tests/vectors/settings_v4.toml")).unwrap();
    let written: String = image(&draft).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(written, digits(include_str!("../tests/vectors/settings_v4.hex")));
    assert_eq!(Draft::from_image(&image(&draft)), Ok(draft));
}

#[test]
fn an_image_may_be_followed_by_the_rest_of_its_page() {
    let draft = Draft::from_toml(readme()).unwrap();
    let mut page = image(&draft);
    page.extend([0xFF; 100]);
    assert_eq!(Draft::from_image(&page), Ok(draft));
}

#[test]
fn every_wrong_image_has_its_own_error() {
    let sound = image(&Draft::default());
    let length = sound.len();
    assert_eq!(Draft::from_image(&[0xFF; 64]), Err(StorageError::Erased));
    assert_eq!(Draft::from_image(&[0; 64]), Err(StorageError::Foreign));
    assert_eq!(Draft::from_image(&[]), Err(StorageError::Truncated { expected: 8, found: 0 }));
    assert_eq!(
        Draft::from_image(&sound[..length - 1]),
        Err(StorageError::Truncated { expected: length, found: length - 1 })
    );
    assert_eq!(Draft::from_image(&sealed(5, b"new")), Err(StorageError::Version { found: 5, newest: 4 }));
    assert_eq!(Draft::from_image(&sealed(0, b"")), Err(StorageError::Version { found: 0, newest: 4 }));
    for version in [1, 2, 3, 4] {
        assert_eq!(Draft::from_image(&sealed(version, &[9; 9])), Err(StorageError::Body { version }));
        assert_eq!(Draft::from_image(&sealed(version, &[0; 6])), Err(StorageError::Body { version }));
        let tables = if version < 4 { 4 } else { 5 };
        assert_eq!(Draft::from_image(&sealed(version, &[0; 5][..tables])), Ok(Draft::default()));
    }
}

#[test]
fn a_buffer_that_is_too_small_says_what_is_enough() {
    let draft = Draft::from_toml(readme()).unwrap();
    let length = image(&draft).len();
    for found in 0..length {
        let error = StorageError::Buffer { found, enough: Draft::MAX_IMAGE };
        assert_eq!(draft.to_image(&mut [0; Draft::MAX_IMAGE][..found]), Err(error));
    }
    assert!(draft.to_image(&mut [0; Draft::MAX_IMAGE][..length]).is_ok());
}

/// A draft with everything at its longest, as far as the types allow.
fn fullest() -> Draft {
    let mut draft = Draft::default();
    draft.portal.listen = Some("x".repeat(80).parse().unwrap());
    let port = PortDraft {
        id: id("n"),
        rtu: Some("r".repeat(128).parse().unwrap()),
        tcp: Some("t".repeat(80).parse().unwrap()),
        d0: Some("d".repeat(128).parse().unwrap()),
        p1: Some("p".repeat(128).parse().unwrap()),
        dlms: Some("s".repeat(128).parse().unwrap()),
        parity: Some(Parity::Odd),
        baud: Some(u32::MAX),
        data_bits: Some(u32::MAX),
        stop_bits: Some(u32::MAX),
        timeout_ms: Some(u32::MAX),
        retries: Some(u32::MAX),
        gap_ms: Some(u32::MAX),
        echo: Some(true),
        wake_up: Some(true),
        key: Some("k".repeat(80).parse().unwrap()),
        authentication_key: Some("k".repeat(80).parse().unwrap()),
        framing: Some(crate::Framing::Wrapper),
        mode_e: Some(true),
        keep_open: Some(true),
    };
    draft.ports.resize(draft.ports.capacity(), port).unwrap();
    let device = DeviceDraft {
        id: id("d"),
        port: id("n"),
        unit: Some(u32::MAX),
        address: Some("a".repeat(32).parse().unwrap()),
        model: "m".repeat(32).parse().unwrap(),
        alias: Some("a".repeat(32).parse().unwrap()),
        secondary: Some(u32::MAX),
        invert: true,
        every_ms: Some(u32::MAX),
        units: Some("u".repeat(96).parse().unwrap()),
    };
    draft.devices.resize(MAX_DEVICES, device).unwrap();
    let dlms = crate::DlmsDraft {
        device: id("d"),
        client: Some(u32::MAX),
        server: Some(u32::MAX),
        physical: Some(u32::MAX),
        auth: Some(crate::Auth::HlsSha256),
        password: Some("k".repeat(80).parse().unwrap()),
        suite: Some(u32::MAX),
        protection: Some(crate::Protection::Both),
        key: Some("k".repeat(80).parse().unwrap()),
        authentication_key: Some("k".repeat(80).parse().unwrap()),
        system_title: Some("t".repeat(16).parse().unwrap()),
    };
    draft.dlms.resize(draft.dlms.capacity(), dlms).unwrap();
    let mut plant =
        crate::PlantDraft { id: id("p"), name: "n".repeat(32).parse().unwrap(), ..Default::default() };
    for members in [&mut plant.production, &mut plant.grid, &mut plant.battery] {
        members.resize(members.capacity(), id("d")).unwrap();
    }
    draft.plants.resize(draft.plants.capacity(), plant).unwrap();
    draft
}

fn id(letter: &str) -> Id {
    letter.repeat(16).parse().unwrap()
}

#[test]
fn the_fullest_draft_fits_the_image() {
    let draft = fullest();
    let written = image(&draft);
    assert!(written.len() > Draft::MAX_IMAGE * 3 / 4, "{} bytes", written.len());
    assert_eq!(Draft::from_image(&written), Ok(draft));
}

#[test]
fn messages_of_the_fullest_draft_do_not_panic() {
    let found: Problems = fullest().check(|_| false).unwrap_err();
    assert!(found.unlisted() > 0 && found.to_string().len() > 1000);
    assert!(found.listed().iter().any(|problem| matches!(problem.fault, Fault::LinkTwice)));
}
