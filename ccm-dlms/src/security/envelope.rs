//! What stands around a protected message: service-specific and general envelopes (IEC 62056-5-3, clauses 5 and 8).

use ccm_core::{Full, Reader, Writer};

use super::{Control, KeyUse, SecurityError, SystemTitle, length};

/// The kind of envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Envelope {
    /// With a tag of its own for each service, and without a title: glo- and ded-.
    Service,
    /// With one tag for all and the sender's title: general-glo-ciphering (DB) and general-ded-ciphering (DC).
    General,
    /// General-ciphering (DD), which says what key it takes.
    Ciphering,
}

/// What a protected message tells of itself before anything is checked: enough to find the keys of an unknown sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Glance {
    /// The envelope.
    pub envelope: Envelope,
    /// Who claims to send; the service-specific envelopes do not say it, nor need the general ones.
    pub title: Option<SystemTitle>,
    /// How it claims to be protected, and by which suite.
    pub control: Control,
    /// Its invocation counter.
    pub invocation_counter: u32,
}

/// Looks at a protected message without believing any of it; `None` where `apdu` is in no envelope.
///
/// # Errors
/// [`SecurityError::Truncated`], [`SecurityError::Trailing`], [`SecurityError::Field`].
pub fn glance(apdu: &[u8]) -> Result<Option<Glance>, SecurityError> {
    if apdu.first() == Some(&super::general::TAG) {
        return super::general::glance(apdu).map(Some);
    }
    let Some(Form { envelope, .. }) = apdu.first().copied().and_then(Form::of_tag) else { return Ok(None) };
    let Header { title, control, invocation_counter, .. } = Header::parse(apdu)?;
    Ok(Some(Glance { envelope, title, control, invocation_counter }))
}

/// What the tag of an envelope says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) envelope: Envelope,
    pub(super) key: KeyUse,
    /// The tag of the service within, where the envelope says it.
    pub(super) service: Option<u8>,
}

impl Form {
    /// What a tag says, if it is of an envelope.
    pub(super) fn of_tag(tag: u8) -> Option<Self> {
        let (envelope, key, service) = match tag {
            GENERAL_GLOBAL => (Envelope::General, KeyUse::Global, None),
            GENERAL_DEDICATED => (Envelope::General, KeyUse::Dedicated, None),
            _ => {
                let (key, service) = OFFSETS.iter().find_map(|offset| offset.service(tag))?;
                (Envelope::Service, key, Some(service))
            }
        };
        Some(Self { envelope, key, service })
    }

    /// The tag to send a service with.
    pub(super) fn tag(envelope: Envelope, key: KeyUse, service: u8) -> Option<u8> {
        match (envelope, key) {
            (Envelope::General, KeyUse::Dedicated) => Some(GENERAL_DEDICATED),
            (Envelope::General, _) => Some(GENERAL_GLOBAL),
            (Envelope::Service, _) => OFFSETS.iter().find_map(|offset| offset.tag(key, service)),
            (Envelope::Ciphering, _) => None,
        }
    }
}

/// All before the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) title: Option<SystemTitle>,
    pub(super) control: Control,
    pub(super) invocation_counter: u32,
    /// Where the text begins.
    pub(super) length: usize,
}

impl Header {
    /// Reads the header and checks that its length is that of `apdu`.
    pub(super) fn parse(apdu: &[u8]) -> Result<Self, SecurityError> {
        let mut reader = Reader::new(apdu);
        let is_general = matches!(reader.u8("tag")?, GENERAL_GLOBAL | GENERAL_DEDICATED);
        let title = if is_general { title(&mut reader, "system title")? } else { None };
        let (control, invocation_counter) = ciphered(&mut reader)?;
        Ok(Self { title, control, invocation_counter, length: apdu.len() - reader.rest().len() })
    }

    /// How long a header is before `text` bytes and tag.
    pub(super) const fn size(envelope: Envelope, text: usize) -> usize {
        let title = match envelope {
            Envelope::General => 1 + SystemTitle::LENGTH,
            Envelope::Service | Envelope::Ciphering => 0,
        };
        1 + title + length::size(SECURITY_HEADER + text) + SECURITY_HEADER
    }
}

/// Reads a title, which may be left out.
pub(super) fn title(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<Option<SystemTitle>, SecurityError> {
    match length::string(reader, field)? {
        [] => Ok(None),
        title => title.try_into().map(Some),
    }
}

/// Reads length, security control and counter of a ciphered text, which must be the rest.
pub(super) fn ciphered(reader: &mut Reader<'_>) -> Result<(Control, u32), SecurityError> {
    let length = length::parse(reader, "length")?;
    let found = reader.rest().len();
    let text = Reader::new(reader.rest()).take(length, "ciphered text")?;
    if found > text.len() {
        return Err(SecurityError::Trailing { found: found - text.len() });
    }
    *reader = Reader::new(text);
    let control = Control::parse(reader.u8("security control")?);
    let high = reader.u16("invocation counter")?;
    let low = reader.u16("invocation counter")?;
    Ok((control, (u32::from(high) << 16) | u32::from(low)))
}

/// Writes what [`ciphered`] reads, before `text` bytes and tag.
pub(super) fn emit_ciphered(
    writer: &mut Writer<'_>,
    text: usize,
    control: Control,
    invocation_counter: u32,
) -> Result<(), Full> {
    length::emit(writer, SECURITY_HEADER + text)?;
    writer.u8(control.byte())?;
    writer.array(invocation_counter.to_be_bytes())
}

/// Whether a tag is one of these.
#[inline(never)]
#[expect(clippy::manual_contains, reason = "`contains` brings in a search for long texts")]
pub(super) fn is_among(tag: u8, tags: &[u8]) -> bool {
    tags.iter().any(|other| *other == tag)
}

/// Security control and invocation counter.
pub(super) const SECURITY_HEADER: usize = 1 + 4;

const GENERAL_GLOBAL: u8 = 0xDB;
const GENERAL_DEDICATED: u8 = 0xDC;

/// Services of one group and how far off the tags of their envelopes are (IEC 62056-5-3, clause 8, `XDLMS-APDU`).
struct Offset {
    services: &'static [u8],
    global: u8,
    dedicated: u8,
}

impl Offset {
    /// The key and the service that an envelope's tag says.
    fn service(&self, tag: u8) -> Option<(KeyUse, u8)> {
        let by = |key, offset| {
            let service = tag.wrapping_sub(offset);
            is_among(service, self.services).then_some((key, service))
        };
        by(KeyUse::Global, self.global).or_else(|| by(KeyUse::Dedicated, self.dedicated))
    }

    fn tag(&self, key: KeyUse, service: u8) -> Option<u8> {
        let offset = if key == KeyUse::Dedicated { self.dedicated } else { self.global };
        is_among(service, self.services).then_some(service.wrapping_add(offset))
    }
}

const OFFSETS: [Offset; 2] = [
    // Get, set, event notification, action and their responses.
    Offset { services: &[0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC7], global: 0x08, dedicated: 0x10 },
    // Initiate, read, write, confirmed service error, unconfirmed write, information report.
    Offset {
        services: &[0x01, 0x05, 0x06, 0x08, 0x0C, 0x0D, 0x0E, 0x16, 0x18],
        global: 0x20,
        dedicated: 0x40,
    },
];
