//! From a draft to settings: every field is looked at, every problem noted, and only then is there a verdict.

mod dlms;

use heapless::Vec;

use crate::limits::{self, Id, MAX_MEMBERS, MAX_UNITS_PER_LINE, MeterAddress, Range, Units};
use crate::list::gather;
use crate::problem::Names;
use crate::units::assumed;
use crate::{
    Device, DeviceDraft, Draft, Endpoint, Fault, Field, Keys, Line, Link, Place, Plant, PlantDraft, Port,
    PortDraft, Portal, Problems, Secret, Settings,
};

impl Draft {
    /// Checks the whole form. `known_model` says whether the catalogue of devices has a model.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, field by field; nothing of the draft may then be used.
    #[expect(clippy::result_large_err, reason = "the settings are larger still, and nothing here allocates")]
    pub fn check(&self, known_model: impl Fn(&str) -> bool) -> Result<Settings, Problems> {
        let mut check = Check { draft: self, known_model: &known_model, problems: Problems::default() };
        let portal = check.portal();
        let ports = gather(self.ports.iter().enumerate().filter_map(|(place, port)| check.port(place, port)));
        let devices =
            gather(self.devices.iter().enumerate().filter_map(|(place, device)| check.device(place, device)));
        check.lines();
        let dlms = gather(self.dlms.iter().enumerate().filter_map(|(place, dlms)| check.dlms(place, dlms)));
        let plants =
            gather(self.plants.iter().enumerate().filter_map(|(place, plant)| check.plant(place, plant)));
        check.roles();
        match portal {
            Some(portal) if check.problems.listed().is_empty() => {
                Ok(Settings { portal, ports, devices, plants, dlms })
            }
            _ => Err(check.problems),
        }
    }

    /// Whether `other`, on the same port, answers where `device` is called.
    fn answers_too(&self, device: &DeviceDraft, other: &DeviceDraft, kind: Option<Kind>) -> bool {
        match kind {
            Some(Kind::P1) => true,
            Some(Kind::Dlms) => self.server_of(device) == self.server_of(other),
            // Everybody answers to no address, and leading zeros do not count (IEC 62056-21 6.3.1).
            Some(Kind::D0) => match (bare(device), bare(other)) {
                ("", _) | (_, "") => true,
                (one, other) => one == other,
            },
            _ => other.unit == device.unit && other.secondary == device.secondary,
        }
    }

    /// All members of all plants.
    fn mentions(&self) -> impl Iterator<Item = Mention<'_>> {
        self.plants.iter().enumerate().flat_map(|(place, plant)| {
            plant.roles().into_iter().flat_map(move |(key, ids)| {
                let field = Field { table: "plants", entry: Some(place), key, item: None };
                ids.iter()
                    .enumerate()
                    .map(move |(item, id)| Mention { field: Field { item: Some(item), ..field }, id })
            })
        })
    }
}

impl PlantDraft {
    fn roles(&self) -> [(&'static str, &Vec<Id, MAX_MEMBERS>); 3] {
        [("production", &self.production), ("grid", &self.grid), ("battery", &self.battery)]
    }
}

/// A device named by a plant.
#[derive(Clone, Copy)]
struct Mention<'a> {
    field: Field,
    id: &'a Id,
}

impl Mention<'_> {
    /// A device may serve several plants, as one grid meter does for two roofs, but always in the same role.
    fn conflicts(self, other: Mention<'_>) -> bool {
        self.id == other.id && (self.field.entry == other.field.entry || self.field.key != other.field.key)
    }
}

struct Check<'a> {
    draft: &'a Draft,
    known_model: &'a dyn Fn(&str) -> bool,
    problems: Problems,
}

impl Check<'_> {
    fn portal(&mut self) -> Option<Portal> {
        let field = Field { table: "portal", entry: None, key: "listen", item: None };
        let listen = self.draft.portal.listen.as_deref().unwrap_or(limits::LISTEN);
        Some(Portal { listen: self.endpoint(field, listen)? })
    }

    fn port(&mut self, place: usize, port: &PortDraft) -> Option<Port> {
        let entry = Entry { table: "ports", place };
        self.id(entry, &port.id, self.draft.ports.iter().map(|port| &port.id));
        let kind = self.kind(entry, port);
        let link = kind.and_then(|kind| self.link(entry, port, kind));
        let timeout = match kind {
            Some(Kind::D0) => limits::METER_TIMEOUT_MS,
            Some(Kind::P1) => limits::P1_TIMEOUT_MS,
            Some(Kind::Dlms) => limits::DLMS_TIMEOUT_MS,
            _ => limits::TIMEOUT_MS,
        };
        let timeout_ms = self.number(entry, timeout, port.timeout_ms);
        let retries = self.number(entry, limits::RETRIES, port.retries);
        let gap_ms = self.number(entry, limits::GAP_MS, port.gap_ms);
        Some(Port {
            id: port.id.clone(),
            link: link?,
            timeout_ms: timeout_ms?,
            retries: if kind == Some(Kind::P1) { 0 } else { retries? },
            gap_ms: gap_ms?,
        })
    }

    fn kind(&mut self, entry: Entry, port: &PortDraft) -> Option<Kind> {
        let mut kinds = port.kinds();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Some(kind),
            (None, _) => self.fault(entry.field("rtu"), Fault::LinkMissing),
            (Some(_), Some(other)) => self.fault(entry.field(other.key()), Fault::LinkTwice),
        }
    }

    fn link(&mut self, entry: Entry, port: &PortDraft, kind: Kind) -> Option<Link> {
        let (_, text) = port.places().find(|(known, _)| *known == kind)?;
        let (field, text) = (entry.field(kind.key()), text?);
        let is_serial = kind == Kind::Rtu || kind.is_meter() && is_serial(text);
        self.strangers(entry, port, kind, is_serial);
        self.link_is_free(field, text);
        if kind == Kind::Rtu || is_serial {
            self.text(field, text);
        }
        match kind {
            Kind::Rtu => Some(Link::Rtu { path: port.rtu.clone()?, line: self.line(entry, port)? }),
            Kind::Tcp => Some(Link::Tcp { endpoint: self.peer(field, text)? }),
            Kind::D0 => self.d0(entry, port, text),
            Kind::P1 => self.p1(entry, port, text),
            Kind::Dlms => self.dlms_port(entry, port, text),
        }
    }

    fn d0(&mut self, entry: Entry, port: &PortDraft, text: &str) -> Option<Link> {
        let place = self.place(entry.field("d0"), text);
        // Behind a gateway the line cannot change.
        let is_fixed = port.baud.is_some() || !is_serial(text);
        let baud = is_fixed.then(|| self.number(entry, limits::METER_BAUD, port.baud));
        let data_bits = self.number(entry, limits::METER_DATA_BITS, port.data_bits);
        let (echo, wake_up) = (port.echo.unwrap_or(true), port.wake_up.unwrap_or(false));
        Some(Link::D0 { place: place?, baud: baud.flatten(), data_bits: data_bits?, echo, wake_up })
    }

    fn p1(&mut self, entry: Entry, port: &PortDraft, text: &str) -> Option<Link> {
        let place = self.place(entry.field("p1"), text);
        let baud = self.number(entry, limits::P1_BAUD, port.baud);
        let data_bits = self.number(entry, limits::P1_DATA_BITS, port.data_bits);
        let keys = self.keys(entry, port);
        Some(Link::P1 { place: place?, baud: baud?, data_bits: data_bits?, keys })
    }

    fn keys(&mut self, entry: Entry, port: &PortDraft) -> Option<Keys> {
        let authentication = self.key(entry.field("authentication_key"), port.authentication_key.as_ref());
        if port.key.is_none() && port.authentication_key.is_some() {
            self.note(entry.field("authentication_key"), Fault::Elsewhere { only: "a port with `key`" });
        }
        Some(Keys { encryption: self.key(entry.field("key"), port.key.as_ref())?, authentication })
    }

    fn key(&mut self, field: Field, key: Option<&Secret>) -> Option<[u8; 16]> {
        key?.bytes().or_else(|| self.fault(field, Fault::Key))
    }

    fn place(&mut self, field: Field, text: &str) -> Option<Place> {
        if is_serial(text) {
            return text.try_into().ok().map(Place::Serial);
        }
        self.peer(field, text).map(Place::Tcp)
    }

    fn line(&mut self, entry: Entry, port: &PortDraft) -> Option<Line> {
        let baud = self.number(entry, limits::BAUD, port.baud);
        let data_bits = self.number(entry, limits::DATA_BITS, port.data_bits);
        let stop_bits = self.number(entry, limits::STOP_BITS, port.stop_bits);
        let parity = port.parity.unwrap_or_default();
        Some(Line { baud: baud?, parity, data_bits: data_bits?, stop_bits: stop_bits? })
    }

    /// Notes what only other kinds of port have.
    fn strangers(&mut self, entry: Entry, port: &PortDraft, kind: Kind, is_serial: bool) {
        let [rtu, d0, p1, dlms] = [Kind::Rtu, Kind::D0, Kind::P1, Kind::Dlms].map(|known| kind == known);
        let mode_e = port.mode_e == Some(true);
        let keys = [
            ("baud", port.baud.is_some(), is_serial || d0, "a serial port or one with `d0`"),
            ("parity", port.parity.is_some(), rtu, "a port with `rtu`"),
            (
                "data_bits",
                port.data_bits.is_some(),
                is_serial && (!dlms || mode_e),
                "a serial port, with `dlms` one in `mode_e`,",
            ),
            ("stop_bits", port.stop_bits.is_some(), rtu, "a port with `rtu`"),
            ("retries", port.retries.is_some(), !p1, "a port with `rtu`, `tcp`, `d0` or `dlms`"),
            ("gap_ms", port.gap_ms.is_some(), !kind.is_meter(), "a port with `rtu` or `tcp`"),
            ("echo", port.echo.is_some(), d0, "a port with `d0`"),
            ("wake_up", port.wake_up.is_some(), d0, "a port with `d0`"),
            ("key", port.key.is_some(), p1, "a port with `p1`"),
            ("authentication_key", port.authentication_key.is_some(), p1, "a port with `p1`"),
            ("framing", port.framing.is_some(), dlms, "a port with `dlms`"),
            ("mode_e", port.mode_e.is_some(), dlms && is_serial, "a serial port with `dlms`"),
            ("keep_open", port.keep_open.is_some(), dlms, "a port with `dlms`"),
        ];
        for (key, _, _, only) in keys.into_iter().filter(|(_, is_given, is_known, _)| *is_given && !is_known)
        {
            self.note(entry.field(key), Fault::Elsewhere { only });
        }
    }

    fn peer(&mut self, field: Field, address: &str) -> Option<Endpoint> {
        let endpoint = self.endpoint(field, address)?;
        let (found, range) = (endpoint.port().into(), limits::TCP_PORT);
        if range.contains(found) { Some(endpoint) } else { self.fault(field, Fault::Range { found, range }) }
    }

    /// Two masters on one line collide, and most devices take one TCP connection only.
    fn link_is_free(&mut self, field: Field, text: &str) {
        let owners = self.draft.ports.iter().enumerate().flat_map(|(entry, port)| {
            port.places().filter(move |(_, place)| *place == Some(text)).map(move |(kind, _)| (entry, kind))
        });
        let first = owners.map(|(entry, kind)| Field { entry: Some(entry), key: kind.key(), ..field }).next();
        if let Some(first) = first.filter(|first| *first != field) {
            self.note(field, Fault::LinkTaken { first });
        }
    }

    fn device(&mut self, place: usize, device: &DeviceDraft) -> Option<Device> {
        let entry = Entry { table: "devices", place };
        self.id(entry, &device.id, self.draft.devices.iter().map(|device| &device.id));
        let port = self.port_of(entry, device);
        let kind = port.and_then(|port| self.draft.ports.get(port)?.sole_kind());
        let is_meter = kind.is_some_and(Kind::is_meter);
        let unit = if is_meter { self.no_unit(entry, device) } else { self.unit(entry, device) };
        let mode_e = port.and_then(|port| self.draft.ports.get(port)?.mode_e).unwrap_or(false);
        let address = self.address(entry, device, kind, mode_e);
        let units = self.units(entry, device, kind);
        self.is_alone(entry, device, kind);
        self.model(entry, device);
        if let Some(alias) = &device.alias {
            self.text(entry.field("alias"), alias);
        }
        let secondary = device.secondary.map(|number| self.number(entry, limits::SECONDARY, Some(number)));
        let every = if is_meter { limits::METER_EVERY_MS } else { limits::EVERY_MS };
        let every_ms = self.number(entry, every, device.every_ms);
        Some(Device {
            id: device.id.clone(),
            port: port?,
            unit: unit?,
            address,
            model: device.model.clone(),
            alias: device.alias.clone(),
            secondary: secondary.flatten(),
            invert: device.invert,
            every_ms: every_ms?,
            units,
        })
    }

    fn port_of(&mut self, entry: Entry, device: &DeviceDraft) -> Option<usize> {
        let ports = &self.draft.ports;
        let place = ports.iter().position(|port| port.id == device.port);
        place.or_else(|| {
            let known = Names::of(ports.iter().map(|port| &port.id));
            self.fault(entry.field("port"), Fault::NoPort { name: device.port.clone(), known })
        })
    }

    fn unit(&mut self, entry: Entry, device: &DeviceDraft) -> Option<u8> {
        match device.unit {
            Some(unit) => self.number(entry, limits::UNIT, Some(unit)),
            None => self.fault(entry.field("unit"), Fault::UnitMissing),
        }
    }

    fn no_unit(&mut self, entry: Entry, device: &DeviceDraft) -> Option<u8> {
        let keys = [("unit", device.unit.is_some()), ("secondary", device.secondary.is_some())];
        for (key, _) in keys.into_iter().filter(|(_, is_given)| *is_given) {
            self.note(entry.field(key), Fault::Elsewhere { only: "a device on Modbus" });
        }
        Some(0)
    }

    fn address(
        &mut self,
        entry: Entry,
        device: &DeviceDraft,
        kind: Option<Kind>,
        mode_e: bool,
    ) -> MeterAddress {
        let Some(address) = &device.address else { return MeterAddress::new() };
        let is_sendable = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'!');
        if kind.is_some_and(|kind| kind != Kind::D0 && !(kind == Kind::Dlms && mode_e)) {
            let only = "a device on a port with `d0` or `mode_e`";
            self.note(entry.field("address"), Fault::Elsewhere { only });
        } else if address.is_empty() || !address.bytes().all(is_sendable) {
            self.note(entry.field("address"), Fault::MeterAddress);
        }
        address.clone()
    }

    fn units(&mut self, entry: Entry, device: &DeviceDraft, kind: Option<Kind>) -> Units {
        let Some(units) = &device.units else { return Units::new() };
        if kind.is_some_and(|kind| !matches!(kind, Kind::D0 | Kind::P1)) {
            let only = "a device on a port with `d0` or `p1`";
            self.note(entry.field("units"), Fault::Elsewhere { only });
        } else if assumed(units).next().is_none() || assumed(units).any(|unit| unit.is_none()) {
            self.note(entry.field("units"), Fault::Units);
        }
        units.clone()
    }

    /// H044: two devices with one id answer together.
    fn is_alone(&mut self, entry: Entry, device: &DeviceDraft, kind: Option<Kind>) {
        if device.unit.is_none() && !kind.is_some_and(Kind::is_meter) {
            return; // It has no id that could be taken.
        }
        let mut others = self.draft.devices.iter();
        let first =
            others.position(|other| other.port == device.port && self.draft.answers_too(device, other, kind));
        let key = match kind {
            Some(Kind::D0) => "address",
            Some(Kind::P1) => "port",
            Some(Kind::Dlms) => "port",
            _ if device.secondary.is_some() => "secondary",
            _ => "unit",
        };
        self.is_first(entry.field(key), first, |first| match kind {
            Some(Kind::D0) => Fault::AddressTaken { first },
            Some(Kind::P1) => Fault::PushTaken { first },
            Some(Kind::Dlms) => Fault::ServerTaken { first },
            _ => Fault::UnitTaken { first },
        });
    }

    fn model(&mut self, entry: Entry, device: &DeviceDraft) {
        if !(self.known_model)(&device.model) {
            self.note(entry.field("model"), Fault::Model { found: device.model.clone() });
        }
    }

    /// H047: notes the first device that is too much for each serial line.
    fn lines(&mut self) {
        for port in self.draft.ports.iter().filter(|port| port.rtu.is_some()) {
            let mut units = Vec::<u32, MAX_UNITS_PER_LINE>::new();
            let excess = self.draft.devices.iter().position(|device| {
                let Some(unit) = device.unit.filter(|_| device.port == port.id) else { return false };
                !units.contains(&unit) && units.push(unit).is_err()
            });
            if let Some(place) = excess {
                self.note(Entry { table: "devices", place }.field("port"), Fault::LineFull);
            }
        }
    }

    fn plant(&mut self, place: usize, plant: &PlantDraft) -> Option<Plant> {
        let entry = Entry { table: "plants", place };
        self.id(entry, &plant.id, self.draft.plants.iter().map(|plant| &plant.id));
        self.text(entry.field("name"), &plant.name);
        for (key, ids) in plant.roles() {
            if ids.is_empty() && key != "battery" {
                self.note(entry.field(key), Fault::NoMember);
            }
        }
        Some(Plant {
            id: plant.id.clone(),
            name: plant.name.clone(),
            production: self.places(&plant.production),
            grid: self.places(&plant.grid),
            battery: self.places(&plant.battery),
        })
    }

    fn places(&self, ids: &[Id]) -> Vec<usize, MAX_MEMBERS> {
        gather(ids.iter().filter_map(|id| self.draft.devices.iter().position(|device| device.id == *id)))
    }

    fn roles(&mut self) {
        for (place, mention) in self.draft.mentions().enumerate() {
            let name = mention.id.clone();
            if self.places(core::slice::from_ref(mention.id)).is_empty() {
                let known = Names::of(self.draft.devices.iter().map(|device| &device.id));
                self.note(mention.field, Fault::NoDevice { name, known });
            } else if let Some(first) =
                self.draft.mentions().take(place).find(|other| mention.conflicts(*other))
            {
                self.note(mention.field, Fault::RoleTaken { name, first: first.field });
            }
        }
    }

    fn id<'a>(&mut self, entry: Entry, id: &Id, mut ids: impl Iterator<Item = &'a Id>) {
        let is_valid = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if id.is_empty() || !id.bytes().all(is_valid) {
            self.note(entry.field("id"), Fault::Name { found: id.clone() });
        }
        let first = ids.position(|other| other == id);
        self.is_first(entry.field("id"), first, |first| Fault::NameTaken { name: id.clone(), first });
    }

    /// Notes a fault if `first`, the first entry that has what this field says, is not the entry of the field itself.
    fn is_first(&mut self, field: Field, first: Option<usize>, fault: impl FnOnce(Field) -> Fault) {
        if first != field.entry {
            self.note(field, fault(Field { entry: first, ..field }));
        }
    }

    fn text(&mut self, field: Field, text: &str) {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            self.note(field, Fault::Text);
        }
    }

    fn number<T: TryFrom<u32>>(&mut self, entry: Entry, range: Range, found: Option<u32>) -> Option<T> {
        let found = found.unwrap_or(range.default);
        let number = T::try_from(found).ok().filter(|_| range.contains(found));
        number.or_else(|| self.fault(entry.field(range.key), Fault::Range { found, range }))
    }

    fn endpoint(&mut self, field: Field, text: &str) -> Option<Endpoint> {
        match text.parse() {
            Ok(endpoint) => Some(endpoint),
            Err(error) => self.fault(field, Fault::Endpoint(error)),
        }
    }

    /// Notes a fault, and is the value that there is not.
    fn fault<T>(&mut self, field: Field, fault: Fault) -> Option<T> {
        self.note(field, fault);
        None
    }

    fn note(&mut self, field: Field, fault: Fault) {
        self.problems.note(field, fault);
    }
}

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rtu,
    Tcp,
    D0,
    P1,
    Dlms,
}

impl Kind {
    const fn key(self) -> &'static str {
        match self {
            Self::Rtu => "rtu",
            Self::Tcp => "tcp",
            Self::D0 => "d0",
            Self::P1 => "p1",
            Self::Dlms => "dlms",
        }
    }

    const fn is_meter(self) -> bool {
        matches!(self, Self::D0 | Self::P1 | Self::Dlms)
    }
}

impl PortDraft {
    fn places(&self) -> impl Iterator<Item = (Kind, Option<&str>)> {
        [
            (Kind::Rtu, self.rtu.as_deref()),
            (Kind::Tcp, self.tcp.as_deref()),
            (Kind::D0, self.d0.as_deref()),
            (Kind::P1, self.p1.as_deref()),
            (Kind::Dlms, self.dlms.as_deref()),
        ]
        .into_iter()
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.places().filter(|(_, place)| place.is_some()).map(|(kind, _)| kind)
    }

    /// What it speaks, where that is clear.
    fn sole_kind(&self) -> Option<Kind> {
        let mut kinds = self.kinds();
        kinds.next().filter(|_| kinds.next().is_none())
    }
}

/// Whether the name is that of a serial port: a path may have colons, any other name with one is an address.
fn is_serial(text: &str) -> bool {
    text.starts_with('/') || !text.contains(':')
}

fn bare(device: &DeviceDraft) -> &str {
    device.address.as_deref().unwrap_or_default().trim_start_matches('0')
}

/// One entry of a table of the form.
#[derive(Clone, Copy)]
struct Entry {
    table: &'static str,
    place: usize,
}

impl Entry {
    const fn field(self, key: &'static str) -> Field {
        Field { table: self.table, entry: Some(self.place), key, item: None }
    }
}
