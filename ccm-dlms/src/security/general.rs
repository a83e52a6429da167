//! General-ciphering (DD): messages that say what key they take: a named one, one wrapped in them, or one agreed on by
//! elliptic curves (IEC 62056-5-3, 5.3.4.6, 5.3.7.2.5 and 8.4).

use ccm_core::crypto::{Crypto, TAG as AUTHENTICATION_TAG};
use ccm_core::{Full, Missing, Reader, Writer};

use super::context::{SERVICES, room, shift};
use super::envelope::{SECURITY_HEADER, ciphered, emit_ciphered, title};
use super::transform::{Transform, wrong_tag};
use super::{
    Context, Control, Envelope, Glance, Incoming, KeyUse, Protection, SecurityError, Suite, SystemTitle,
    length,
};

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

/// The key of a message to send.
#[derive(Debug)]
pub enum KeyInformation<'a, K> {
    /// The global unicast encryption key.
    Global,
    /// The global broadcast encryption key.
    Broadcast,
    /// A new key, wrapped by the master key (RFC 3394).
    Wrapped {
        /// The master key, also called KEK.
        master: &'a K,
        /// The new key.
        key: &'a K,
    },
    /// One-pass Diffie-Hellman, C(1e, 1s): a key pair made for this message, signed.
    OnePass {
        /// The private key made for this message.
        ephemeral: &'a K,
        /// Its public key, x and y.
        ephemeral_public: &'a [u8],
        /// The own private key for signatures.
        signing: &'a K,
        /// The peer's public key for key agreement.
        peer: &'a [u8],
    },
    /// Static unified model, C(0e, 2s): both sides' lasting keys, made new by the transaction's name.
    Static {
        /// The own private key for key agreement.
        own: &'a K,
        /// The peer's public key for key agreement.
        peer: &'a [u8],
    },
}

/// What is held to find the key of a message received; what is not held is refused by name.
#[derive(Debug)]
pub struct Agreement<'a, K> {
    /// The master key, for wrapped keys.
    pub master: Option<&'a K>,
    /// The own private key for key agreement.
    pub own: Option<&'a K>,
    /// The peer's public key for key agreement, x and y; empty where it is not known.
    pub peer: &'a [u8],
    /// The peer's public key for signatures, x and y; empty where it is not known.
    pub peer_signature: &'a [u8],
}

impl<K> Default for Agreement<'_, K> {
    /// Nothing: only messages that name a global key are opened.
    fn default() -> Self {
        Self { master: None, own: None, peer: &[], peer_signature: &[] }
    }
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
        if !SERVICES.contains(&service) {
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

    fn use_of(&self, found: &FoundKey<'_>, control: Control) -> Result<KeyUse, SecurityError> {
        match found {
            FoundKey::Broadcast if self.keys.broadcast.is_some() => Ok(KeyUse::Broadcast),
            FoundKey::Broadcast => Err(SecurityError::Broadcast),
            _ if control.broadcast => Err(SecurityError::Broadcast),
            FoundKey::Global => Ok(KeyUse::Global),
            FoundKey::Wrapped(_) | FoundKey::OnePass(_) | FoundKey::Static => Ok(KeyUse::Transient),
        }
    }

    /// The key that the message brings or that is agreed on.
    fn transient<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        agreement: &Agreement<'_, K>,
        found: &FoundKey<'_>,
        parties: &Parties<'_>,
    ) -> Result<Option<K>, SecurityError> {
        let missing = SecurityError::NoKey { key: KeyUse::Transient };
        let key = match found {
            FoundKey::Global | FoundKey::Broadcast => return Ok(None),
            FoundKey::Wrapped(wrapped) => crypto.unwrap_key(agreement.master.ok_or(missing)?, wrapped),
            FoundKey::OnePass(signed) => {
                let half = signed.len() / 2;
                let malformed = SecurityError::Field { field: "ephemeral public key" };
                let (public, signature) = signed.split_at_checked(half).ok_or(malformed)?;
                if agreement.peer_signature.is_empty() {
                    return Err(missing);
                }
                crypto.verify(agreement.peer_signature, &[public], signature).map_err(wrong_tag)?;
                let own = agreement.own.ok_or(missing)?;
                crypto.agree(own, public, &parties.one_pass(self.suite))
            }
            FoundKey::Static if agreement.peer.is_empty() => return Err(missing),
            FoundKey::Static => {
                let length = parties.transaction_length()?;
                let own = agreement.own.ok_or(missing)?;
                crypto.agree(own, agreement.peer, &parties.static_unified(self.suite, &length))
            }
        };
        key.map(Some).map_err(wrong_tag)
    }

    /// Writes what says which key it is, and gives the key where it is a new one.
    fn emit_key<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        key: &KeyInformation<'_, K>,
        parties: &Parties<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Option<K>, SecurityError> {
        let too_small = |Full| SecurityError::Crypto(ccm_core::crypto::Failure::Full);
        let suite = self.suite;
        writer.array([PRESENT]).map_err(too_small)?;
        let agreed = match key {
            KeyInformation::Global => return writer.array([IDENTIFIED, 0]).map_err(too_small).map(|()| None),
            KeyInformation::Broadcast => {
                return writer.array([IDENTIFIED, 1]).map_err(too_small).map(|()| None);
            }
            KeyInformation::Wrapped { master, key } => {
                let size = suite.key_length() + 8;
                writer.array([WRAPPED, MASTER]).map_err(too_small)?;
                length::emit(writer, size).map_err(too_small)?;
                let room = writer.room(size).map_err(too_small)?;
                return crypto.wrap(master, key, room).map(|_| None).map_err(SecurityError::Crypto);
            }
            KeyInformation::OnePass { ephemeral, ephemeral_public, signing, peer } => {
                writer.array([AGREED, 1, ONE_PASS]).map_err(too_small)?;
                length::emit(writer, 2 * point(suite)).map_err(too_small)?;
                writer.slice(ephemeral_public).map_err(too_small)?;
                let room = writer.room(point(suite)).map_err(too_small)?;
                crypto.sign(signing, &[ephemeral_public], room).map_err(SecurityError::Crypto)?;
                crypto.agree(ephemeral, peer, &parties.one_pass(suite))
            }
            KeyInformation::Static { own, peer } => {
                writer.array([AGREED, 1, STATIC, 0]).map_err(too_small)?;
                let length = parties.transaction_length()?;
                crypto.agree(own, peer, &parties.static_unified(suite, &length))
            }
        };
        agreed.map(Some).map_err(SecurityError::Crypto)
    }

    /// Bytes that [`emit_key`](Self::emit_key) writes.
    const fn key_size(&self, key: &KeyInformation<'_, K>) -> usize {
        1 + match key {
            KeyInformation::Global | KeyInformation::Broadcast => 2,
            KeyInformation::Wrapped { .. } => 3 + self.suite.key_length() + 8,
            KeyInformation::OnePass { .. } => {
                let signed = 2 * point(self.suite);
                3 + length::size(signed) + signed
            }
            KeyInformation::Static { .. } => 4,
        }
    }

    fn chosen<'a>(
        &'a self,
        key: &'a KeyInformation<'_, K>,
        transient: Option<&'a K>,
    ) -> Result<&'a K, SecurityError> {
        let (held, key) = match key {
            KeyInformation::Global => (self.keys.of(KeyUse::Global), KeyUse::Global),
            KeyInformation::Broadcast => (self.keys.of(KeyUse::Broadcast), KeyUse::Broadcast),
            KeyInformation::Wrapped { key, .. } => (Some(*key), KeyUse::Transient),
            KeyInformation::OnePass { .. } | KeyInformation::Static { .. } => (transient, KeyUse::Transient),
        };
        held.ok_or(SecurityError::NoKey { key })
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

/// The key that a message takes.
#[derive(Clone, Copy)]
enum FoundKey<'a> {
    Global,
    Broadcast,
    Wrapped(&'a [u8]),
    /// Public key and signature.
    OnePass(&'a [u8]),
    Static,
}

impl<'a> FoundKey<'a> {
    fn parse(reader: &mut Reader<'a>) -> Result<Self, SecurityError> {
        let malformed = |field| Err(SecurityError::Field { field });
        match reader.u8("key information")? {
            // A message that says nothing takes what every association has.
            0 => return Ok(Self::Global),
            PRESENT => {}
            _ => return malformed("key information"),
        }
        match (reader.u8("key choice")?, reader.u8("key identifier")?) {
            (IDENTIFIED, 0) => Ok(Self::Global),
            (IDENTIFIED, 1) => Ok(Self::Broadcast),
            (WRAPPED, MASTER) => Ok(Self::Wrapped(length::string(reader, "wrapped key")?)),
            (AGREED, 1) => {
                match (reader.u8("key parameters")?, length::string(reader, "ephemeral public key")?) {
                    (ONE_PASS, signed) => Ok(Self::OnePass(signed)),
                    (STATIC, []) => Ok(Self::Static),
                    _ => malformed("key parameters"),
                }
            }
            _ => malformed("key choice"),
        }
    }
}

/// What enters the derivation of an agreed key (NIST SP 800-56A, 5.8.1.2; IEC 62056-5-3, 5.3.4.6.5).
struct Parties<'a> {
    originator: &'a SystemTitle,
    recipient: &'a SystemTitle,
    general: &'a General<'a>,
}

impl Parties<'_> {
    /// Algorithm, originator, recipient.
    fn one_pass(&self, suite: Suite) -> [&[u8]; 3] {
        [algorithm(suite), self.originator.bytes(), self.recipient.bytes()]
    }

    /// The same, with length and value of the transaction's name behind the originator.
    fn static_unified<'a>(&'a self, suite: Suite, length: &'a [u8; 1]) -> [&'a [u8]; 5] {
        let transaction_id = self.general.transaction_id;
        [algorithm(suite), self.originator.bytes(), length, transaction_id, self.recipient.bytes()]
    }

    fn transaction_length(&self) -> Result<[u8; 1], SecurityError> {
        match u8::try_from(self.general.transaction_id.len()) {
            Ok(length @ 1..=0x7F) => Ok([length]),
            _ => Err(SecurityError::Field { field: "transaction id" }),
        }
    }
}

/// The object identifier of AES-GCM with the suite's length of key.
const fn algorithm(suite: Suite) -> &'static [u8] {
    match suite {
        Suite::Zero | Suite::One => &[0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x00],
        Suite::Two => &[0x60, 0x85, 0x74, 0x05, 0x08, 0x03, 0x01],
    }
}

/// Bytes of a public key, and of a signature.
const fn point(suite: Suite) -> usize {
    match suite {
        Suite::Zero | Suite::One => 64,
        Suite::Two => 96,
    }
}

/// The tag of general-ciphering.
pub(super) const TAG: u8 = 0xDD;

const FIELDS: [&str; 5] =
    ["transaction id", "originator title", "recipient title", "date-time", "other information"];
const PRESENT: u8 = 1;
/// The choices of key information, as A-XDR numbers them.
const IDENTIFIED: u8 = 0;
const WRAPPED: u8 = 1;
const AGREED: u8 = 2;
/// The master key is the only one that wraps.
const MASTER: u8 = 0;
const ONE_PASS: u8 = 1;
const STATIC: u8 = 2;
