//! Keys for signatures out of files: PEM, or hexadecimal digits.

use ccm_core::crypto::Key;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use x509_cert::der::asn1::{AnyRef, OctetStringRef};
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::{AlgorithmIdentifier, SubjectPublicKeyInfoRef};

use super::keys::unhex;

/// A private key: PKCS#8 (RFC 5208), or the number alone.
pub(super) fn private(text: &str) -> Option<Key> {
    let number = match unhex(text) {
        Some(number) => number,
        None => scalar(PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?.secret_pkcs8_der()).ok()?,
    };
    match number.len() {
        32 => Some(Key::P256(number.try_into().ok()?)),
        48 => Some(Key::P384(number.try_into().ok()?)),
        _ => None,
    }
}

/// A public key, x and y: `SubjectPublicKeyInfo`, or the digits, with or without the 04 before them.
pub(super) fn public(text: &str) -> Option<Vec<u8>> {
    let point = match unhex(text) {
        Some(point) => point,
        None => {
            let key = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).ok()?;
            SubjectPublicKeyInfoRef::from_der(&key).ok()?.subject_public_key.raw_bytes().to_vec()
        }
    };
    match (point.len(), point.first()) {
        (64 | 96, _) => Some(point),
        (65 | 97, Some(4)) => Some(point.get(1..)?.to_vec()),
        _ => None,
    }
}

/// The number within `PrivateKeyInfo` and the `ECPrivateKey` (RFC 5915) within that.
fn scalar(bytes: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let mut reader = SliceReader::new(bytes)?;
    let inner = reader.sequence(|info| {
        let _version: u8 = info.decode()?;
        let _algorithm: AlgorithmIdentifier<AnyRef<'_>> = info.decode()?;
        let key: &OctetStringRef = info.decode()?;
        info.drain(info.remaining_len())?;
        Ok::<_, x509_cert::der::Error>(key.as_bytes().to_vec())
    })?;
    let mut reader = SliceReader::new(&inner)?;
    reader.sequence(|key| {
        let _version: u8 = key.decode()?;
        let number: &OctetStringRef = key.decode()?;
        key.drain(key.remaining_len())?;
        Ok(number.as_bytes().to_vec())
    })
}
