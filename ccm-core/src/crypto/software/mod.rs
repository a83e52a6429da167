//! The trait in software, by the crates of the RustCrypto project.

#[cfg(any(feature = "suite1", feature = "suite2"))]
mod curve;
mod galois;
mod hash;
#[cfg(test)]
mod tests;
mod wrap;

use zeroize::Zeroize;

use super::{BLOCK, Crypto, Digest, Failure, Hash, NONCE, TAG};
use galois::{Galois, encrypt_block};

/// A secret key as bytes. It is never printed, and wiped when it goes.
#[derive(Clone)]
pub enum Key {
    /// AES with 128 bits: suites 0 and 1, and P1.
    Aes128([u8; 16]),
    /// AES with 256 bits: suite 2.
    Aes256([u8; 32]),
    /// A private key of the curve P-256, big-endian: suite 1.
    P256([u8; 32]),
    /// A private key of the curve P-384, big-endian: suite 2.
    P384([u8; 48]),
}

impl Drop for Key {
    fn drop(&mut self) {
        match self {
            Self::Aes128(key) => key.zeroize(),
            Self::Aes256(key) | Self::P256(key) => key.zeroize(),
            Self::P384(key) => key.zeroize(),
        }
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// Computes in software, in constant time.
///
/// AES, GCM and key wrapping are always there; hashes and curves by the features `hls-legacy`, `sha256`, `suite1` and
/// `suite2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

impl Crypto for Software {
    type Key = Key;

    fn seal(
        &self,
        key: &Key,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
    ) -> Result<[u8; TAG], Failure> {
        let galois = Galois::new(key, nonce)?;
        galois.apply(text);
        Ok(galois.tag(aad, text))
    }

    fn open(
        &self,
        key: &Key,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Failure> {
        use ctutils::CtEq;
        let galois = Galois::new(key, nonce)?;
        if !bool::from(galois.tag(aad, text).ct_eq(tag)) {
            return Err(Failure::Mismatch);
        }
        galois.apply(text);
        Ok(())
    }

    fn ctr(&self, key: &Key, nonce: &[u8; NONCE], text: &mut [u8]) -> Result<(), Failure> {
        Galois::new(key, nonce).map(|galois| galois.apply(text))
    }

    fn encrypt_block(&self, key: &Key, block: &mut [u8; BLOCK]) -> Result<(), Failure> {
        encrypt_block(key, block)
    }

    fn wrap(&self, wrapping_key: &Key, key: &Key, wrapped: &mut [u8]) -> Result<usize, Failure> {
        wrap::wrap(wrapping_key, key, wrapped)
    }

    fn unwrap_key(&self, wrapping_key: &Key, wrapped: &[u8]) -> Result<Key, Failure> {
        wrap::unwrap_key(wrapping_key, wrapped)
    }

    fn hash(&self, hash: Hash, parts: &[&[u8]]) -> Result<Digest, Failure> {
        hash::hash(hash, parts)
    }

    #[cfg(any(feature = "suite1", feature = "suite2"))]
    fn sign(&self, key: &Key, parts: &[&[u8]], signature: &mut [u8]) -> Result<usize, Failure> {
        curve::sign(key, parts, signature)
    }

    #[cfg(any(feature = "suite1", feature = "suite2"))]
    fn verify(&self, public_key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<(), Failure> {
        curve::verify(public_key, parts, signature)
    }

    #[cfg(any(feature = "suite1", feature = "suite2"))]
    fn agree(&self, key: &Key, public_key: &[u8], information: &[&[u8]]) -> Result<Key, Failure> {
        curve::agree(key, public_key, information)
    }
}
