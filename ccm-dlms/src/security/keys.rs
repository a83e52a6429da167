//! The keys of one association.

use core::fmt;

use zeroize::Zeroize;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KeyUse {
    /// The global unicast encryption key: between this client and this server, from one association to the next.
    Global,
    /// The global broadcast encryption key: from a client to many servers.
    Broadcast,
    /// The dedicated key: for one association, given by the client in its initiate-request.
    Dedicated,
    /// A key for one message of general-ciphering: wrapped, or agreed on.
    Transient,
}

impl fmt::Display for KeyUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Global => "global",
            Self::Broadcast => "broadcast",
            Self::Dedicated => "dedicated",
            Self::Transient => "transient",
        })
    }
}

/// The symmetric keys of one association, as handles of the [`Crypto`](ccm_core::crypto::Crypto) that holds them.
#[derive(Debug)]
pub struct Keys<K> {
    /// The global unicast encryption key.
    pub encryption: K,
    /// What is authenticated with every message.
    pub authentication: AuthenticationKey,
    /// The global broadcast encryption key; without it broadcasts are refused.
    pub broadcast: Option<K>,
    /// The dedicated key, while there is one.
    pub dedicated: Option<K>,
}

impl<K> Keys<K> {
    /// The two that every association has.
    pub const fn new(encryption: K, authentication: AuthenticationKey) -> Self {
        Self { encryption, authentication, broadcast: None, dedicated: None }
    }

    pub(super) const fn of(&self, key: KeyUse) -> Option<&K> {
        match key {
            KeyUse::Global => Some(&self.encryption),
            KeyUse::Broadcast => self.broadcast.as_ref(),
            KeyUse::Dedicated => self.dedicated.as_ref(),
            KeyUse::Transient => None,
        }
    }
}

/// The global authentication key: it encrypts nothing, but is authenticated together with each message. So it is needed
/// as bytes, not as a handle; it is wiped when it goes and never printed.
#[derive(Clone)]
pub struct AuthenticationKey {
    bytes: [u8; 32],
    is_long: bool,
}

impl AuthenticationKey {
    /// 16 bytes: suites 0 and 1.
    pub fn short(bytes: [u8; 16]) -> Self {
        let mut key = Self { bytes: [0; 32], is_long: false };
        key.bytes.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        key
    }

    /// 32 bytes: suite 2.
    pub const fn long(bytes: [u8; 32]) -> Self {
        Self { bytes, is_long: true }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        let length = if self.is_long { 32 } else { 16 };
        self.bytes.get(..length).unwrap_or_default()
    }
}

impl Drop for AuthenticationKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for AuthenticationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuthenticationKey(..)")
    }
}
