//! What meters need of cryptography, behind one trait: P1 telegrams and DLMS share it, in software or in hardware.

#[cfg(feature = "aes-gcm")]
mod software;

#[cfg(feature = "aes-gcm")]
pub use software::{Key, Software};

/// Something that holds keys and computes with them: [`Software`], or the driver of a secure element.
///
/// Keys are named by handles and never leave as bytes: in software a handle is the key itself, of a secure element it is
/// a slot's number. Only [`seal`](Self::seal), [`open`](Self::open) and [`ctr`](Self::ctr) must be there; whatever else a
/// device cannot do answers [`Failure::Unsupported`]. Calls block: an element that needs long belongs on a task of its
/// own. `&self` lets several clients share one; a driver that needs `&mut` keeps its bus in a cell.
///
/// Parts (`&[&[u8]]`) count as one text without gaps, so that nothing has to be copied together.
pub trait Crypto {
    /// Names a key: one for AES, or a private one of an elliptic curve.
    type Key;

    /// Encrypts `text` in place by AES in Galois/counter mode (NIST SP 800-38D) and gives its tag. An empty `text`
    /// authenticates `aad` alone (GMAC).
    ///
    /// # Errors
    /// [`Failure::Key`] where the handle names no key for AES.
    fn seal(
        &self,
        key: &Self::Key,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
    ) -> Result<[u8; TAG], Failure>;

    /// Decrypts `text` in place, provided that nothing of it, `aad` and `tag` was changed. Tags are compared in constant
    /// time.
    ///
    /// # Errors
    /// [`Failure::Mismatch`] where the tag does not fit: key, nonce, text or tag is not the sender's. What `text` holds
    /// then is not to be used.
    fn open(
        &self,
        key: &Self::Key,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Failure>;

    /// Encrypts or decrypts `text` as [`seal`](Self::seal) and [`open`](Self::open) do, but without a tag: changes of it
    /// are not noticed.
    fn ctr(&self, key: &Self::Key, nonce: &[u8; NONCE], text: &mut [u8]) -> Result<(), Failure>;

    /// Encrypts one block by AES (FIPS 197), for challenges only.
    fn encrypt_block(&self, key: &Self::Key, block: &mut [u8; BLOCK]) -> Result<(), Failure> {
        let _ = (key, block);
        Err(Failure::Unsupported)
    }

    /// Writes `key`, wrapped for transport by `wrapping_key` (RFC 3394), and gives its length: 24 or 40 bytes.
    fn wrap(&self, wrapping_key: &Self::Key, key: &Self::Key, wrapped: &mut [u8]) -> Result<usize, Failure> {
        let _ = (wrapping_key, key, wrapped);
        Err(Failure::Unsupported)
    }

    /// Takes a key that was wrapped by `wrapping_key` (RFC 3394).
    ///
    /// # Errors
    /// [`Failure::Mismatch`] where it was wrapped by another key, or changed.
    fn unwrap_key(&self, wrapping_key: &Self::Key, wrapped: &[u8]) -> Result<Self::Key, Failure> {
        let _ = (wrapping_key, wrapped);
        Err(Failure::Unsupported)
    }

    /// Hashes `parts`.
    fn hash(&self, hash: Hash, parts: &[&[u8]]) -> Result<Digest, Failure> {
        let _ = (hash, parts);
        Err(Failure::Unsupported)
    }

    /// Signs `parts` by ECDSA (FIPS 186-4) with the hash of the key's curve, writes r and s and gives their length: 64
    /// or 96 bytes.
    fn sign(&self, key: &Self::Key, parts: &[&[u8]], signature: &mut [u8]) -> Result<usize, Failure> {
        let _ = (key, parts, signature);
        Err(Failure::Unsupported)
    }

    /// Checks what [`sign`](Self::sign) made with the private key that belongs to `public_key`: x and y, 32 bytes each
    /// of P-256 or 48 of P-384.
    ///
    /// # Errors
    /// [`Failure::Mismatch`] where the signature is another's, or of other parts.
    fn verify(&self, public_key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<(), Failure> {
        let _ = (public_key, parts, signature);
        Err(Failure::Unsupported)
    }

    /// Agrees on a key for AES by ECDH and derives it: of P-256 by SHA-256, 128 bits; of P-384 by SHA-384, 256 bits
    /// (NIST SP 800-56A, concatenation; `information` is what it calls `OtherInfo`). The shared secret stays within.
    fn agree(&self, key: &Self::Key, public_key: &[u8], information: &[&[u8]]) -> Result<Self::Key, Failure> {
        let _ = (key, public_key, information);
        Err(Failure::Unsupported)
    }
}

/// Bytes of a nonce: system title and invocation counter.
pub const NONCE: usize = 12;

/// Bytes of a tag: the 96 bits that DLMS keeps of 128.
pub const TAG: usize = 12;

/// Bytes of a block of AES.
pub const BLOCK: usize = 16;

/// A way to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Hash {
    /// 16 bytes; broken since 2004, but some meters know nothing else (RFC 1321).
    Md5,
    /// 20 bytes; broken since 2017 (FIPS 180-4).
    Sha1,
    /// 32 bytes (FIPS 180-4).
    Sha256,
    /// 48 bytes (FIPS 180-4).
    Sha384,
}

/// What [`Crypto::hash`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    bytes: [u8; 48],
    length: u8,
}

impl Digest {
    /// Takes a digest as it is; of more than 48 bytes the first 48.
    pub fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; 48];
        let mut length = 0;
        for (slot, byte) in bytes.iter_mut().zip(digest) {
            *slot = *byte;
            length += 1;
        }
        Self { bytes, length }
    }

    /// The bytes. What depends on a secret is to be compared in constant time, so there is no `==`.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// Why nothing was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// Tag, signature or wrapping does not fit: wrong key, or changed data.
    #[error("wrong key, or changed data")]
    Mismatch,
    /// The handle names no key of the kind that is needed, or a public key is no point of its curve.
    #[error("the key is not of the kind that is needed")]
    Key,
    /// The caller's buffer is too small for the result.
    #[error("the buffer is too small for the result")]
    Full,
    /// This build, or this device, does not compute that.
    #[error("the algorithm is not built in")]
    Unsupported,
}

impl From<crate::Full> for Failure {
    fn from(crate::Full: crate::Full) -> Self {
        Self::Full
    }
}
