//! From a draft to settings: every field is looked at, every problem noted, and only then is there a verdict.

use heapless::Vec;

use crate::limits::{self, Address, Id, MAX_MEMBERS, MAX_UNITS_PER_LINE, Range};
use crate::list::gather;
use crate::problem::Names;
use crate::{
    Device, DeviceDraft, Draft, Endpoint, Fault, Field, Line, Link, Plant, PlantDraft, Port, PortDraft,
    Portal, Problems, Settings,
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
        let plants =
            gather(self.plants.iter().enumerate().filter_map(|(place, plant)| check.plant(place, plant)));
        check.roles();
        match portal {
            Some(portal) if check.problems.listed().is_empty() => {
                Ok(Settings { portal, ports, devices, plants })
            }
            _ => Err(check.problems),
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
        let link = self.link(entry, port);
        let timeout_ms = self.number(entry, limits::TIMEOUT_MS, port.timeout_ms);
        let retries = self.number(entry, limits::RETRIES, port.retries);
        let gap_ms = self.number(entry, limits::GAP_MS, port.gap_ms);
        Some(Port {
            id: port.id.clone(),
            link: link?,
            timeout_ms: timeout_ms?,
            retries: retries?,
            gap_ms: gap_ms?,
        })
    }

    fn link(&mut self, entry: Entry, port: &PortDraft) -> Option<Link> {
        match (&port.rtu, &port.tcp) {
            (Some(path), None) => {
                self.text(entry.field("rtu"), path);
                self.link_is_free(entry.field("rtu"), |other| other.rtu.as_ref() == Some(path));
                Some(Link::Rtu { path: path.clone(), line: self.line(entry, port)? })
            }
            (None, Some(address)) => {
                self.no_line(entry, port);
                self.link_is_free(entry.field("tcp"), |other| other.tcp.as_ref() == Some(address));
                Some(Link::Tcp { endpoint: self.peer(entry, address)? })
            }
            (None, None) => self.fault(entry.field("rtu"), Fault::LinkMissing),
            (Some(_), Some(_)) => self.fault(entry.field("tcp"), Fault::LinkTwice),
        }
    }

    fn line(&mut self, entry: Entry, port: &PortDraft) -> Option<Line> {
        let baud = self.number(entry, limits::BAUD, port.baud);
        let data_bits = self.number(entry, limits::DATA_BITS, port.data_bits);
        let stop_bits = self.number(entry, limits::STOP_BITS, port.stop_bits);
        let parity = port.parity.unwrap_or_default();
        Some(Line { baud: baud?, parity, data_bits: data_bits?, stop_bits: stop_bits? })
    }

    fn no_line(&mut self, entry: Entry, port: &PortDraft) {
        let serial_only = [
            ("baud", port.baud.is_some()),
            ("parity", port.parity.is_some()),
            ("data_bits", port.data_bits.is_some()),
            ("stop_bits", port.stop_bits.is_some()),
        ];
        for (key, _) in serial_only.into_iter().filter(|(_, is_given)| *is_given) {
            self.note(entry.field(key), Fault::SerialOnly);
        }
    }

    fn peer(&mut self, entry: Entry, address: &Address) -> Option<Endpoint> {
        let endpoint = self.endpoint(entry.field("tcp"), address)?;
        self.number::<u16>(entry, limits::TCP_PORT, Some(endpoint.port().into()))?;
        Some(endpoint)
    }

    /// Two masters on one line collide, and most devices take one TCP connection only.
    fn link_is_free(&mut self, field: Field, is_same: impl Fn(&PortDraft) -> bool) {
        let first = self.draft.ports.iter().position(is_same);
        self.is_first(field, first, |first| Fault::LinkTaken { first });
    }

    fn device(&mut self, place: usize, device: &DeviceDraft) -> Option<Device> {
        let entry = Entry { table: "devices", place };
        self.id(entry, &device.id, self.draft.devices.iter().map(|device| &device.id));
        let port = self.port_of(entry, device);
        let unit = self.number(entry, limits::UNIT, Some(device.unit));
        self.unit_is_free(entry, device);
        self.model(entry, device);
        if let Some(alias) = &device.alias {
            self.text(entry.field("alias"), alias);
        }
        let secondary = device.secondary.map(|number| self.number(entry, limits::SECONDARY, Some(number)));
        let every_ms = self.number(entry, limits::EVERY_MS, device.every_ms);
        Some(Device {
            id: device.id.clone(),
            port: port?,
            unit: unit?,
            model: device.model.clone(),
            alias: device.alias.clone(),
            secondary: secondary.flatten(),
            invert: device.invert,
            every_ms: every_ms?,
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

    /// H044: two devices with one id answer together.
    fn unit_is_free(&mut self, entry: Entry, device: &DeviceDraft) {
        let key = if device.secondary.is_some() { "secondary" } else { "unit" };
        let first = self.draft.devices.iter().position(|other| {
            other.port == device.port && other.unit == device.unit && other.secondary == device.secondary
        });
        self.is_first(entry.field(key), first, |first| Fault::UnitTaken { first });
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
                device.port == port.id && !units.contains(&device.unit) && units.push(device.unit).is_err()
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
