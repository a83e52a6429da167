//! General-ciphering (DD): messages that say what key they take: a named one, one wrapped in them, or one agreed on by
//! elliptic curves (IEC 62056-5-3, clauses 5 and 8).

mod key;

use ccm_core::crypto::{Crypto, TAG as AUTHENTICATION_TAG};
use ccm_core::{Full, Missing, Reader, Writer};

use super::context::{SERVICES, room, shift};
use super::envelope::{SECURITY_HEADER, ciphered, emit_ciphered, is_among, title};
use super::transform::Transform;
use super::{Context, Control, Envelope, Glance, Incoming, Protection, SecurityError, SystemTitle, length};
use key::{FoundKey, Parties};

pub use key::{Agreement, KeyInformation};

/// Fields of general-ciphering that say something of the message; all are authenticated with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct General<'a> {
    /// Names the transaction; with the static scheme it also makes each key another one, so it must never repeat.
    pub transaction_id: &'a [u8],
    /// When it was sent: 12 bytes of a date-time, or none.
    pub date_time: &'a [u8],
    /// Whatever the parties agreed on.
    pub other_information: &'a [u8],
}

/// A message of general-ciphering that was believed.
#[derive(Debug)]
pub struct ReceivedGeneral<'b> {
    /// What its envelope says of it.
    pub general: General<'b>,
    /// The message.
    pub incoming: Incoming<'b>,
}

impl<K> Context<K> {
    /// Protects the message in the first `length` bytes of `buffer`, in place, and gives its new length.
    ///
    /// # Errors
    /// Those of [`protect`](Self::protect); [`SecurityError::Crypto`] where the key cannot be wrapped or agreed on: the
    /// message is then gone.
    pub fn protect_general<C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        (general, key): (&General<'_>, &KeyInformation<'_, K>),
        protection: Protection,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, SecurityError> {
        let service = buffer.first().copied().filter(|_| length > 0).unwrap_or_default();
        if !is_among(service, &SERVICES) {
            return Err(SecurityError::Envelope { tag: service });
        }
        let recipient = self.peer_title.ok_or(SecurityError::NoTitle)?;
        let text = length + if protection.authenticated { AUTHENTICATION_TAG } else { 0 };
        let fields = general.size();
        let start = 1 + fields + self.key_size(key) + length::size(SECURITY_HEADER + text) + SECURITY_HEADER;
        let whole = room(buffer, start + text)?;
        let invocation_counter = self.counter.take()?;
        shift(whole, length, start);
        let control = self.control(protection, matches!(key, KeyInformation::Broadcast));
        let (head, body) =
            whole.split_at_mut_checked(start).ok_or(SecurityError::Buffer { needed: start })?;
        let mut writer = Writer::new(head);
        let too_small = |Full| SecurityError::Buffer { needed: start + text };
        general.emit(&mut writer, &self.own_title, &recipient).map_err(too_small)?;
        let parties = Parties { originator: &self.own_title, recipient: &recipient, general };
        let transient = self.emit_key(crypto, key, &parties, &mut writer)?;
        emit_ciphered(&mut writer, text, control, invocation_counter).map_err(too_small)?;
        let key = self.chosen(key, transient.as_ref())?;
        let fields = self.authenticated(head.get(1..=fields));
        let transform = self.transform(key, control, &self.own_title, invocation_counter);
        Transform { fields, ..transform }.seal(crypto, body)?;
        Ok(start + text)
    }

    /// Checks a message of general-ciphering, takes it out of its envelope and decrypts it, in place.
    ///
    /// Counters must grow over all messages with wrapped or agreed keys too: the keys are new each time, but only so is
    /// a whole message that is played again noticed.
    ///
    /// # Errors
    /// Any of [`SecurityError`]; no counter has then moved, and `apdu` is not to be used.
    pub fn unprotect_general<'b, C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        agreement: &Agreement<'_, K>,
        apdu: &'b mut [u8],
    ) -> Result<ReceivedGeneral<'b>, SecurityError> {
        let Layout { fields, head, control, invocation_counter } = Layout::find(apdu)?;
        let (head, body) = apdu.split_at_mut_checked(head).ok_or(Missing { field: "ciphered text" })?;
        let head: &'b [u8] = head;
        let parsed = Head::parse(head)?;
        let originator = self.sender(Some(parsed.originator))?;
        if let Some(found) = parsed.recipient.filter(|found| *found != self.own_title) {
            return Err(SecurityError::Recipient { found });
        }
        let key = self.use_of(&parsed.key, control)?;
        self.admit(control, key, invocation_counter)?;
        let parties =
            Parties { originator: &originator, recipient: &self.own_title, general: &parsed.general };
        let transient = self.transient(crypto, agreement, &parsed.key, &parties)?;
        let held = transient.as_ref().or_else(|| self.keys.of(key)).ok_or(SecurityError::NoKey { key })?;
        let transform = self.transform(held, control, &originator, invocation_counter);
        let fields = self.authenticated(head.get(1..fields));
        let text = Transform { fields, ..transform }.open(crypto, body)?;
        self.believe(control, key, invocation_counter, None, text)?;
        let incoming = Incoming {
            apdu: text,
            protection: control.protection,
            envelope: Some((Envelope::Ciphering, key)),
            invocation_counter: Some(invocation_counter),
        };
        Ok(ReceivedGeneral { general: parsed.general, incoming })
    }

    fn authenticated<'a>(&self, fields: Option<&'a [u8]>) -> &'a [u8] {
        fields.filter(|_| self.authenticates_fields).unwrap_or_default()
    }
}

impl General<'_> {
    /// Bytes of all fields that are authenticated, with both titles.
    const fn size(&self) -> usize {
        let mut size = 2 * (1 + SystemTitle::LENGTH);
        size += length::size(self.transaction_id.len()) + self.transaction_id.len();
        size += length::size(self.date_time.len()) + self.date_time.len();
        size + length::size(self.other_information.len()) + self.other_information.len()
    }

    fn emit(
        &self,
        writer: &mut Writer<'_>,
        originator: &SystemTitle,
        recipient: &SystemTitle,
    ) -> Result<(), Full> {
        writer.u8(TAG)?;
        length::emit_string(writer, self.transaction_id)?;
        length::emit_string(writer, originator.bytes())?;
        length::emit_string(writer, recipient.bytes())?;
        length::emit_string(writer, self.date_time)?;
        length::emit_string(writer, self.other_information)
    }
}

/// Looks at a message of general-ciphering without believing any of it.
pub(super) fn glance(apdu: &[u8]) -> Result<Glance, SecurityError> {
    let Layout { control, invocation_counter, .. } = Layout::find(apdu)?;
    let title = Some(Head::parse(apdu)?.originator);
    Ok(Glance { envelope: Envelope::Ciphering, title, control, invocation_counter })
}

/// Where the parts of a message end, and how its text is protected.
struct Layout {
    /// The fields that are authenticated, from the byte behind the tag.
    fields: usize,
    /// All before the text.
    head: usize,
    control: Control,
    invocation_counter: u32,
}

impl Layout {
    fn find(apdu: &[u8]) -> Result<Self, SecurityError> {
        let mut reader = Reader::new(apdu);
        let tag = reader.u8("tag")?;
        if tag != TAG {
            return Err(SecurityError::Envelope { tag });
        }
        for field in FIELDS {
            length::string(&mut reader, field)?;
        }
        let fields = apdu.len() - reader.rest().len();
        FoundKey::parse(&mut reader)?;
        let (control, invocation_counter) = ciphered(&mut reader)?;
        Ok(Self { fields, head: apdu.len() - reader.rest().len(), control, invocation_counter })
    }
}

/// What the fields say, read when the text behind them can already be changed.
struct Head<'a> {
    general: General<'a>,
    originator: SystemTitle,
    recipient: Option<SystemTitle>,
    key: FoundKey<'a>,
}

impl<'a> Head<'a> {
    fn parse(head: &'a [u8]) -> Result<Self, SecurityError> {
        let mut reader = Reader::new(head);
        reader.u8("tag")?;
        let [transaction, from, to, date_time, other] = FIELDS;
        let transaction_id = length::string(&mut reader, transaction)?;
        let originator = title(&mut reader, from)?.ok_or(SecurityError::NoTitle)?;
        let recipient = title(&mut reader, to)?;
        let date_time = length::string(&mut reader, date_time)?;
        let other_information = length::string(&mut reader, other)?;
        let general = General { transaction_id, date_time, other_information };
        Ok(Self { general, originator, recipient, key: FoundKey::parse(&mut reader)? })
    }
}

/// The tag of general-ciphering.
pub(super) const TAG: u8 = 0xDD;

const FIELDS: [&str; 5] =
    ["transaction id", "originator title", "recipient title", "date-time", "other information"];
