//! High level security: each side shows that it knows the secret by answering the other's challenge
//! (IEC 62056-5-3, clause 5; passes 3 and 4).

use core::fmt;

use ccm_core::crypto::{BLOCK, Crypto, Digest, Failure, Hash, TAG};
use ccm_core::{Missing, Reader, Writer};
use ctutils::CtEq;

use super::transform::{Transform, nonce};
use super::{Context, Control, Protection, SecurityError, SystemTitle};

/// Bytes that hold any answer: a signature of suite 2.
pub const MAX_ANSWER: usize = 96;

/// Both sides' challenges: client to server, and server to client.
#[derive(Clone, Copy, Debug)]
pub struct Challenges<'a> {
    own: &'a [u8],
    peer: &'a [u8],
}

impl<'a> Challenges<'a> {
    /// Takes the challenge that was sent and the one that came.
    ///
    /// # Errors
    /// [`SecurityError::ChallengeLength`] unless both have 8 to 64 bytes, [`SecurityError::Reflected`] where they are
    /// equal.
    pub fn new(own: &'a [u8], peer: &'a [u8]) -> Result<Self, SecurityError> {
        for found in [own.len(), peer.len()] {
            if !(8..=64).contains(&found) {
                return Err(SecurityError::ChallengeLength { found });
            }
        }
        if own == peer { Err(SecurityError::Reflected) } else { Ok(Self { own, peer }) }
    }
}

/// A secret that is hashed, and so is needed as bytes. It is never printed.
#[derive(Clone, Copy)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// Takes the bytes as they are.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A mechanism, with what it takes.
#[derive(Debug)]
pub enum Mechanism<'a, K> {
    /// 2, left to the vendors: the challenge, one block of 16 bytes, encrypted by AES-128 with the secret as its key.
    /// So most do; whoever pads or chains differently is not covered.
    Vendor(&'a K),
    /// 3: MD5 of challenge and secret. Breakable; use it where the meter knows nothing else.
    Md5(Secret<'a>),
    /// 4: SHA-1 of challenge and secret.
    Sha1(Secret<'a>),
    /// 5: the challenge authenticated by GMAC with the keys of the association.
    Gmac(&'a mut Context<K>),
    /// 6: SHA-256 of the secret, both titles and both challenges.
    Sha256 {
        /// The secret.
        secret: Secret<'a>,
        /// Who we are.
        own: SystemTitle,
        /// Who the peer is.
        peer: SystemTitle,
    },
    /// 7: both titles and both challenges signed; by P-256 in suite 1, by P-384 in suite 2.
    Ecdsa {
        /// The own private key for signatures.
        key: &'a K,
        /// The peer's public key for signatures, x and y.
        peer_key: &'a [u8],
        /// Who we are.
        own: SystemTitle,
        /// Who the peer is.
        peer: SystemTitle,
    },
}

impl<K> Mechanism<'_, K> {
    /// The number in the mechanism's name, 60 85 74 05 08 02 x.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Vendor(_) => 2,
            Self::Md5(_) => 3,
            Self::Sha1(_) => 4,
            Self::Gmac(_) => 5,
            Self::Sha256 { .. } => 6,
            Self::Ecdsa { .. } => 7,
        }
    }

    /// Writes the own answer to the peer's challenge and gives its length; [`MAX_ANSWER`] holds any.
    ///
    /// # Errors
    /// [`SecurityError::Crypto`] where the algorithm is not built in or `answer` is too short, and those of the own
    /// counter, which mechanism 5 uses up like a message does.
    pub fn answer<C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        challenges: &Challenges<'_>,
        answer: &mut [u8],
    ) -> Result<usize, SecurityError> {
        let mut writer = Writer::new(answer);
        match self {
            Self::Gmac(context) => {
                let control = context.control(Protection::AUTHENTICATED, false);
                let counter = context.counter.take()?;
                let title = context.own_title;
                let tag = context.mac(crypto, &title, control, counter, challenges.peer)?;
                writer.u8(control.byte()).map_err(full)?;
                writer.array(counter.to_be_bytes()).map_err(full)?;
                writer.array(tag).map_err(full)?;
            }
            Self::Ecdsa { key, own, peer, .. } => {
                let parts = [own.bytes(), peer.bytes(), challenges.peer, challenges.own];
                return crypto.sign(key, &parts, answer).map_err(SecurityError::Crypto);
            }
            _ => {
                let expected = self.digest(crypto, challenges, Side::Own)?;
                writer.slice(expected.bytes()).map_err(full)?;
            }
        }
        Ok(writer.finish())
    }

    /// Checks the peer's answer to the own challenge, in constant time.
    ///
    /// The counter within an answer by mechanism 5 is not compared with those of messages: the challenge is new, so the
    /// answer cannot be a repetition, and peers take the number before that of the message that carries it.
    ///
    /// # Errors
    /// [`SecurityError::WrongAnswer`]: the peer does not know the secret, and the association is not to be used.
    pub fn check<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        challenges: &Challenges<'_>,
        answer: &[u8],
    ) -> Result<(), SecurityError> {
        match self {
            Self::Gmac(context) => context.check_mac(crypto, challenges.own, answer),
            Self::Ecdsa { peer_key, own, peer, .. } => {
                let parts = [peer.bytes(), own.bytes(), challenges.own, challenges.peer];
                crypto.verify(peer_key, &parts, answer).map_err(wrong_answer)
            }
            _ => {
                let expected = self.digest(crypto, challenges, Side::Peer)?;
                let is_right = bool::from(expected.bytes().ct_eq(answer));
                if is_right { Ok(()) } else { Err(SecurityError::WrongAnswer) }
            }
        }
    }

    /// The answer that `side` gives to the other side's challenge, by mechanisms 2, 3, 4 and 6.
    fn digest<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        challenges: &Challenges<'_>,
        side: Side,
    ) -> Result<Digest, SecurityError> {
        let (to_answer, other) = match side {
            Side::Own => (challenges.peer, challenges.own),
            Side::Peer => (challenges.own, challenges.peer),
        };
        let digest = match self {
            Self::Vendor(key) => return encrypted(crypto, key, to_answer),
            Self::Md5(Secret(secret)) => crypto.hash(Hash::Md5, &[to_answer, secret]),
            Self::Sha1(Secret(secret)) => crypto.hash(Hash::Sha1, &[to_answer, secret]),
            Self::Sha256 { secret: Secret(secret), own, peer } => {
                let (first, second) = match side {
                    Side::Own => (own, peer),
                    Side::Peer => (peer, own),
                };
                crypto.hash(Hash::Sha256, &[secret, first.bytes(), second.bytes(), to_answer, other])
            }
            Self::Gmac(_) | Self::Ecdsa { .. } => Err(Failure::Unsupported),
        };
        digest.map_err(SecurityError::Crypto)
    }
}

/// Who answers.
#[derive(Clone, Copy)]
enum Side {
    Own,
    Peer,
}

impl<K> Context<K> {
    fn mac<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        sender: &SystemTitle,
        control: Control,
        counter: u32,
        challenge: &[u8],
    ) -> Result<[u8; TAG], SecurityError> {
        let Transform { key, nonce, authentication, .. } =
            self.transform(&self.keys.encryption, control, sender, counter);
        let aad = [&[control.byte()], authentication, challenge];
        crypto.seal(key, &nonce, &aad, &mut []).map_err(SecurityError::Crypto)
    }

    fn check_mac<C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        challenge: &[u8],
        answer: &[u8],
    ) -> Result<(), SecurityError> {
        let mut reader = Reader::new(answer);
        let control = reader.u8("security control")?;
        let expected = self.control(Protection::AUTHENTICATED, false).byte();
        let counter = reader.take(4, "invocation counter")?.first_chunk();
        let counter = counter.ok_or(Missing { field: "invocation counter" })?;
        let tag = reader.rest().try_into().map_err(|_| SecurityError::WrongAnswer)?;
        if control != expected {
            return Err(SecurityError::WrongAnswer);
        }
        let title = self.sender(None)?;
        let nonce = nonce(&title, u32::from_be_bytes(*counter));
        let aad = [&[control], self.keys.authentication.bytes(), challenge];
        crypto.open(&self.keys.encryption, &nonce, &aad, &mut [], tag).map_err(wrong_answer)
    }
}

/// The challenge, which must be one block, encrypted.
fn encrypted<C: Crypto>(crypto: &C, key: &C::Key, challenge: &[u8]) -> Result<Digest, SecurityError> {
    let found = challenge.len();
    let mut block: [u8; BLOCK] =
        challenge.try_into().map_err(|_| SecurityError::ChallengeLength { found })?;
    crypto.encrypt_block(key, &mut block).map_err(SecurityError::Crypto)?;
    Ok(Digest::new(&block))
}

const fn wrong_answer(failure: Failure) -> SecurityError {
    match failure {
        Failure::Mismatch => SecurityError::WrongAnswer,
        other => SecurityError::Crypto(other),
    }
}

const fn full(ccm_core::Full: ccm_core::Full) -> SecurityError {
    SecurityError::Crypto(Failure::Full)
}
