//! Signatures and key agreement over the curves of suites 1 and 2 (FIPS 186-4, NIST SP 800-56A).

use zeroize::Zeroizing;

use super::super::{Failure, Hash};
use super::{Key, hash};

pub(super) fn sign(key: &Key, parts: &[&[u8]], signature: &mut [u8]) -> Result<usize, Failure> {
    match key {
        #[cfg(feature = "suite1")]
        Key::P256(key) => p256_curve::sign(key, parts, signature),
        #[cfg(feature = "suite2")]
        Key::P384(key) => p384_curve::sign(key, parts, signature),
        _ => Err(Failure::Key),
    }
}

pub(super) fn verify(public_key: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<(), Failure> {
    match public_key.len() {
        #[cfg(feature = "suite1")]
        64 => p256_curve::verify(public_key, parts, signature),
        #[cfg(feature = "suite2")]
        96 => p384_curve::verify(public_key, parts, signature),
        _ => Err(Failure::Key),
    }
}

pub(super) fn agree(key: &Key, public_key: &[u8], information: &[&[u8]]) -> Result<Key, Failure> {
    match key {
        #[cfg(feature = "suite1")]
        Key::P256(key) => {
            p256_curve::agree(key, public_key, information).map(|derived| Key::Aes128(*derived))
        }
        #[cfg(feature = "suite2")]
        Key::P384(key) => {
            p384_curve::agree(key, public_key, information).map(|derived| Key::Aes256(*derived))
        }
        _ => Err(Failure::Key),
    }
}

/// Gives the key that is derived of a shared secret: the hash of counter 1, secret and information, cut to its length.
fn derive<const N: usize>(
    hash: Hash,
    secret: &[u8],
    information: &[&[u8]],
) -> Result<Zeroizing<[u8; N]>, Failure> {
    // One round of the hash is enough for either suite, so the counter stays at 1 (SP 800-56A rev. 2, 5.8.1.1).
    let mut parts = [[0, 0, 0, 1].as_slice(), secret, &[], &[], &[], &[], &[], &[]];
    if information.len() > parts.len() - 2 {
        return Err(Failure::Full);
    }
    parts.iter_mut().skip(2).zip(information).for_each(|(slot, part)| *slot = part);
    let digest = hash::hash(hash, &parts)?;
    digest.bytes().first_chunk().copied().map(Zeroizing::new).ok_or(Failure::Key)
}

/// The same for both curves, which share no trait that says it shorter.
macro_rules! curve {
    ($module:ident, $feature:literal, $curve:ident, $hash:expr, $derived:literal) => {
        #[cfg(feature = $feature)]
        mod $module {
            use $curve::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
            use $curve::ecdsa::{Signature, SigningKey, VerifyingKey};
            use $curve::{PublicKey, Sec1Point, SecretKey};
            use zeroize::Zeroizing;

            use super::{Failure, Hash, derive, hash};

            pub(super) fn sign(key: &[u8], parts: &[&[u8]], signature: &mut [u8]) -> Result<usize, Failure> {
                let key = SigningKey::from_slice(key).map_err(|_| Failure::Key)?;
                let digest = hash::hash($hash, parts)?;
                let signed: Signature = key.sign_prehash(digest.bytes()).map_err(|_| Failure::Key)?;
                let bytes = signed.to_bytes();
                let room = signature.get_mut(..bytes.len()).ok_or(Failure::Full)?;
                room.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
                Ok(bytes.len())
            }

            pub(super) fn verify(public: &[u8], parts: &[&[u8]], signature: &[u8]) -> Result<(), Failure> {
                let key = VerifyingKey::from_sec1_point(&point(public)?).map_err(|_| Failure::Key)?;
                let signature = Signature::from_slice(signature).map_err(|_| Failure::Mismatch)?;
                let digest = hash::hash($hash, parts)?;
                key.verify_prehash(digest.bytes(), &signature).map_err(|_| Failure::Mismatch)
            }

            pub(super) fn agree(
                key: &[u8],
                public: &[u8],
                information: &[&[u8]],
            ) -> Result<Zeroizing<[u8; $derived]>, Failure> {
                let key = SecretKey::from_slice(key).map_err(|_| Failure::Key)?;
                let public = PublicKey::try_from(point(public)?).map_err(|_| Failure::Key)?;
                let shared = $curve::ecdh::diffie_hellman(key.to_nonzero_scalar(), public.as_affine());
                derive($hash, shared.raw_secret_bytes(), information)
            }

            fn point(public: &[u8]) -> Result<Sec1Point, Failure> {
                public.try_into().map(Sec1Point::from_untagged_bytes).map_err(|_| Failure::Key)
            }
        }
    };
}

curve!(p256_curve, "suite1", p256, Hash::Sha256, 16);
curve!(p384_curve, "suite2", p384, Hash::Sha384, 32);
