//! Which clients a meter lets in, and how.

use core::fmt;

use ctutils::CtEq;

use crate::message::Conformance;
use crate::security::{Challenges, Context, Mechanism, Secret, SecurityError, SystemTitle};
use ccm_core::crypto::Crypto;

/// A client that the meter lets in. Several may have one client address, each with another mechanism.
///
/// Two associations with one encryption key must not have one system title: their counters would give the same nonces.
#[derive(Debug)]
pub struct Association<'a, K> {
    /// The client's address: 16 is the public client, 1 the management.
    pub client: u16,
    /// How it proves who it is.
    pub authentication: Authentication<'a, K>,
    /// Whether objects have logical names, short names, or as the client likes.
    pub referencing: Referencing,
    /// What the meter may do in this association; of that it does what it can.
    pub conformance: Conformance,
    /// Keys, titles, counters, and the least protection of requests ([`Context::require`]); nothing where all is in clear.
    pub security: Option<Context<K>>,
    /// The logical name of the object (class 1) whose value is the last invocation counter that was believed of this
    /// association's client: 0.0.43.1.x.255. Any association may read it, the public one above all.
    pub counter: Option<[u8; 6]>,
}

impl<'a, K> Association<'a, K> {
    /// The public client: everything in clear, nothing proved.
    pub const fn public() -> Self {
        Self::new(16, Authentication::None)
    }

    /// A client whose messages are in clear.
    pub const fn new(client: u16, authentication: Authentication<'a, K>) -> Self {
        Self {
            client,
            authentication,
            referencing: Referencing::Any,
            conformance: Conformance::all(),
            security: None,
            counter: None,
        }
    }

    /// The same client with keys, and the object that shows its invocation counter.
    #[must_use]
    pub fn with_security(self, security: Context<K>, counter: Option<[u8; 6]>) -> Self {
        Self { security: Some(security), counter, ..self }
    }
}

/// How objects are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Referencing {
    /// By logical name.
    Logical,
    /// By short name.
    Short,
    /// As the client likes.
    Any,
}

/// How a client proves who it is.
pub enum Authentication<'a, K> {
    /// Not at all.
    None,
    /// By a password (LLS).
    Low(&'a [u8]),
    /// By mechanism 2: a challenge of one block, encrypted by AES-128 with this key.
    Vendor(K),
    /// By MD5 over challenge and secret.
    Md5(&'a [u8]),
    /// By SHA-1 over challenge and secret.
    Sha1(&'a [u8]),
    /// By GMAC over the challenge with the association's keys.
    Gmac,
    /// By SHA-256 over secret, system titles and challenges.
    Sha256(&'a [u8]),
    /// By ECDSA over system titles and challenges.
    Ecdsa {
        /// The meter's private key.
        key: K,
        /// The client's public key, x and y.
        client: &'a [u8],
    },
}

impl<K> Authentication<'_, K> {
    /// The number in the mechanism's name.
    pub const fn number(&self) -> u8 {
        match self {
            Self::None => 0,
            Self::Low(_) => 1,
            Self::Vendor(_) => 2,
            Self::Md5(_) => 3,
            Self::Sha1(_) => 4,
            Self::Gmac => 5,
            Self::Sha256(_) => 6,
            Self::Ecdsa { .. } => 7,
        }
    }

    /// Whether both sides' system titles enter.
    pub(super) const fn needs_titles(&self) -> bool {
        self.number() >= 5
    }

    /// Whether this is the password, in a time that does not depend on where it differs.
    pub(super) fn is_password(&self, found: &[u8]) -> bool {
        match self {
            Self::Low(password) => bool::from(password.ct_eq(found)),
            _ => true,
        }
    }
}

impl<K> fmt::Debug for Authentication<'_, K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Authentication({})", self.number())
    }
}

impl<K> Association<'_, K> {
    /// Checks the client's answer to the meter's challenge, and writes the meter's to the client's.
    pub(super) fn prove<C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        challenges: &Challenges<'_>,
        answer: &[u8],
        own_answer: &mut [u8],
    ) -> Result<usize, SecurityError> {
        let mut mechanism = self.mechanism()?;
        mechanism.check(crypto, challenges, answer)?;
        mechanism.answer(crypto, challenges, own_answer)
    }

    fn mechanism(&mut self) -> Result<Mechanism<'_, K>, SecurityError> {
        let titles =
            self.security.as_ref().and_then(|security| Some((security.own_title(), security.peer()?)));
        let titles: Result<(SystemTitle, SystemTitle), _> = titles.ok_or(SecurityError::NoTitle);
        Ok(match &self.authentication {
            Authentication::Vendor(key) => Mechanism::Vendor(key),
            Authentication::Md5(secret) => Mechanism::Md5(Secret::new(secret)),
            Authentication::Sha1(secret) => Mechanism::Sha1(Secret::new(secret)),
            Authentication::Gmac => Mechanism::Gmac(self.security.as_mut().ok_or(SecurityError::NoTitle)?),
            Authentication::Sha256(secret) => {
                let (own, peer) = titles?;
                Mechanism::Sha256 { secret: Secret::new(secret), own, peer }
            }
            Authentication::Ecdsa { key, client } => {
                let (own, peer) = titles?;
                Mechanism::Ecdsa { key, peer_key: client, own, peer }
            }
            Authentication::None | Authentication::Low(_) => return Err(SecurityError::WrongAnswer),
        })
    }
}
