//! Ports and meters of DLMS/COSEM.

use super::{Check, Entry, Kind, is_serial};
use crate::dlms::{Auth, CipherKey, Dlms, DlmsDraft, DlmsSecurity, Framing, Password, Protection};
use crate::problem::Names;
use crate::{DeviceDraft, Draft, Fault, Link, PortDraft, Secret, limits};

impl Check<'_> {
    pub(super) fn dlms_port(&mut self, entry: Entry, port: &PortDraft, text: &str) -> Option<Link> {
        let place = self.place(entry.field("dlms"), text);
        let (serial, mode_e) = (is_serial(text), port.mode_e.unwrap_or(false));
        let framing = framing_of(port, text);
        if serial && framing == Framing::Wrapper {
            self.note(entry.field("framing"), Fault::Wrapper);
        }
        // In mode E the meter says how fast it goes on.
        let is_fixed = serial && (port.baud.is_some() || !mode_e);
        let baud = is_fixed.then(|| self.number(entry, limits::BAUD, port.baud));
        let data_bits = self.number(entry, limits::METER_DATA_BITS, port.data_bits.filter(|_| mode_e));
        let keep_open = port.keep_open.unwrap_or(false);
        Some(Link::Dlms {
            place: place?,
            framing,
            baud: baud.flatten(),
            data_bits: data_bits?,
            mode_e,
            keep_open,
        })
    }

    /// How a device is talked to, and its place.
    pub(super) fn dlms(&mut self, place: usize, draft: &DlmsDraft) -> Option<(usize, Dlms)> {
        let entry = Entry { table: "dlms", place };
        let mut others = self.draft.dlms.iter();
        let first = others.position(|other| other.device == draft.device);
        self.is_first(entry.field("device"), first, |first| Fault::NameTaken {
            name: draft.device.clone(),
            first,
        });
        let device = self.draft.devices.iter().position(|device| device.id == draft.device);
        match device {
            Some(device) => self.fits(entry, draft, device),
            None => {
                let known = Names::of(self.draft.devices.iter().map(|device| &device.id));
                self.note(entry.field("device"), Fault::NoDevice { name: draft.device.clone(), known });
            }
        }
        self.meter(entry, draft).and_then(|meter| Some((device?, meter)))
    }

    /// Notes what does not go with the port of the device.
    fn fits(&mut self, entry: Entry, draft: &DlmsDraft, device: usize) {
        let device = self.draft.devices.get(device);
        let port = device.and_then(|device| self.draft.ports.iter().find(|port| port.id == device.port));
        let Some((port, kind)) = port.and_then(|port| Some((port, port.sole_kind()?))) else { return };
        if kind != Kind::Dlms {
            self.note(entry.field("device"), Fault::Elsewhere { only: "a device on a port with `dlms`" });
        } else if port.dlms.as_ref().is_some_and(|place| framing_of(port, place) == Framing::Wrapper)
            && draft.physical.is_some()
        {
            self.note(entry.field("physical"), Fault::Elsewhere { only: "a device on a port with HDLC" });
        }
    }

    fn meter(&mut self, entry: Entry, draft: &DlmsDraft) -> Option<Dlms> {
        let client = self.number(entry, limits::CLIENT, draft.client);
        let server = self.number(entry, limits::SERVER, draft.server);
        let physical = draft.physical.map(|found| self.number(entry, limits::PHYSICAL, Some(found)));
        let auth = draft.auth.unwrap_or_default();
        let password = self.password(entry, draft, auth);
        let security = self.security(entry, draft, auth);
        let system_title = self.title(entry, draft, auth);
        Some(Dlms {
            client: client?,
            server: server?,
            physical: physical.flatten(),
            auth,
            password,
            system_title,
            security,
        })
    }

    fn password(&mut self, entry: Entry, draft: &DlmsDraft, auth: Auth) -> Option<Password> {
        let field = entry.field("password");
        match (&draft.password, auth.has_password()) {
            (Some(secret), true) => {
                let password = secret.password().or_else(|| self.fault(field, Fault::Password));
                return password.map(Password);
            }
            (Some(_), false) => {
                self.note(field, Fault::Elsewhere { only: "`auth` lls, hls-md5, hls-sha1 or hls-sha256" });
            }
            (None, true) => self.note(field, Fault::Needed { needed_by: "`auth`" }),
            (None, false) => {}
        }
        None
    }

    fn security(&mut self, entry: Entry, draft: &DlmsDraft, auth: Auth) -> Option<DlmsSecurity> {
        let Some(key) = &draft.key else {
            self.without_key(entry, draft, auth);
            return None;
        };
        // Only suite 2 has long keys.
        let default = if key.length() > SHORT { 2 } else { 0 };
        let suite = self.number(entry, limits::SUITE, Some(draft.suite.unwrap_or(default)))?;
        let encryption = self.cipher_key(entry, "key", Some(key), suite);
        let own = draft.authentication_key.as_ref();
        let authentication = self.cipher_key(entry, "authentication_key", own, suite);
        let protection = draft.protection.unwrap_or(Protection::Both);
        Some(DlmsSecurity { suite, protection, encryption: encryption?, authentication: authentication? })
    }

    /// Notes what needs a key that is not there.
    fn without_key(&mut self, entry: Entry, draft: &DlmsDraft, auth: Auth) {
        if auth == Auth::HlsGmac {
            self.note(entry.field("key"), Fault::Needed { needed_by: "`auth`" });
        }
        let only = "a device with `key`";
        let keys = [
            ("suite", draft.suite.is_some()),
            ("protection", draft.protection.is_some_and(|protection| protection != Protection::None)),
            ("authentication_key", draft.authentication_key.is_some()),
        ];
        for (key, _) in keys.into_iter().filter(|(_, is_given)| *is_given) {
            self.note(entry.field(key), Fault::Elsewhere { only });
        }
    }

    fn cipher_key(
        &mut self,
        entry: Entry,
        name: &'static str,
        key: Option<&Secret>,
        suite: u8,
    ) -> Option<CipherKey> {
        let Some(key) = key else {
            return self.fault(entry.field(name), Fault::Needed { needed_by: "`key`" });
        };
        let found = if suite == 2 { key.key().map(CipherKey::Long) } else { key.key().map(CipherKey::Short) };
        found.or_else(|| self.fault(entry.field(name), Fault::CipherKey))
    }

    fn title(&mut self, entry: Entry, draft: &DlmsDraft, auth: Auth) -> Option<[u8; 8]> {
        let field = entry.field("system_title");
        let Some(text) = &draft.system_title else {
            if draft.key.is_some() || auth.has_title() {
                let needed_by = if draft.key.is_some() { "`key`" } else { "`auth`" };
                self.note(field, Fault::Needed { needed_by });
            }
            return None;
        };
        let is_title = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let title = u64::from_str_radix(text, 16).ok().filter(|_| is_title);
        title.map(u64::to_be_bytes).or_else(|| self.fault(field, Fault::Title))
    }
}

/// What carries the messages of a port.
fn framing_of(port: &PortDraft, place: &str) -> Framing {
    port.framing.unwrap_or(if is_serial(place) { Framing::Hdlc } else { Framing::Wrapper })
}

impl Draft {
    /// Who answers: the logical device and the physical one.
    pub(super) fn server_of(&self, device: &DeviceDraft) -> (u32, Option<u32>) {
        let dlms = self.dlms.iter().find(|dlms| dlms.device == device.id);
        let server = dlms.and_then(|dlms| dlms.server).unwrap_or(limits::SERVER.default);
        (server, dlms.and_then(|dlms| dlms.physical))
    }
}

/// Digits of a key of suites 0 and 1.
const SHORT: usize = 32;
