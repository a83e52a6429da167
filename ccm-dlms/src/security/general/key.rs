//! The key of a message of general-ciphering: named, wrapped, or agreed on.

use ccm_core::crypto::{Crypto, Failure};
use ccm_core::{Full, Reader, Writer};

use super::General;
use crate::security::transform::wrong_tag;
use crate::security::{Context, Control, KeyUse, SecurityError, Suite, SystemTitle, length};

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

impl<K> Context<K> {
    pub(super) fn use_of(&self, found: &FoundKey<'_>, control: Control) -> Result<KeyUse, SecurityError> {
        match found {
            FoundKey::Broadcast if self.keys.broadcast.is_some() => Ok(KeyUse::Broadcast),
            FoundKey::Broadcast => Err(SecurityError::Broadcast),
            _ if control.broadcast => Err(SecurityError::Broadcast),
            FoundKey::Global => Ok(KeyUse::Global),
            FoundKey::Wrapped(_) | FoundKey::OnePass(_) | FoundKey::Static => Ok(KeyUse::Transient),
        }
    }

    /// The key that the message brings or that is agreed on.
    pub(super) fn transient<C: Crypto<Key = K>>(
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
    pub(super) fn emit_key<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        key: &KeyInformation<'_, K>,
        parties: &Parties<'_>,
        writer: &mut Writer<'_>,
    ) -> Result<Option<K>, SecurityError> {
        let too_small = |Full| SecurityError::Crypto(Failure::Full);
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
    pub(super) const fn key_size(&self, key: &KeyInformation<'_, K>) -> usize {
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

    pub(super) fn chosen<'a>(
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

/// The key that a message takes.
#[derive(Clone, Copy)]
pub(super) enum FoundKey<'a> {
    Global,
    Broadcast,
    Wrapped(&'a [u8]),
    /// Public key and signature.
    OnePass(&'a [u8]),
    Static,
}

impl<'a> FoundKey<'a> {
    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, SecurityError> {
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

/// What enters the derivation of an agreed key (NIST SP 800-56A, 5.8.1.2; IEC 62056-5-3, clause 5).
pub(super) struct Parties<'a> {
    pub(super) originator: &'a SystemTitle,
    pub(super) recipient: &'a SystemTitle,
    pub(super) general: &'a General<'a>,
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

const PRESENT: u8 = 1;
/// The choices of key information, as A-XDR numbers them.
const IDENTIFIED: u8 = 0;
const WRAPPED: u8 = 1;
const AGREED: u8 = 2;
/// The master key is the only one that wraps.
const MASTER: u8 = 0;
const ONE_PASS: u8 = 1;
const STATIC: u8 = 2;
