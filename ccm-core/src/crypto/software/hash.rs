//! Hashes, as far as they are built in.

#[cfg(feature = "hls-legacy")]
use md5::Md5;
#[cfg(feature = "hls-legacy")]
use sha1::Sha1;
#[cfg(feature = "sha256")]
use sha2::Sha256;
#[cfg(feature = "suite2")]
use sha2::Sha384;

use super::super::{Digest, Failure, Hash};

pub(super) fn hash(hash: Hash, parts: &[&[u8]]) -> Result<Digest, Failure> {
    match hash {
        #[cfg(feature = "hls-legacy")]
        Hash::Md5 => Ok(digest::<Md5>(parts)),
        #[cfg(feature = "hls-legacy")]
        Hash::Sha1 => Ok(digest::<Sha1>(parts)),
        #[cfg(feature = "sha256")]
        Hash::Sha256 => Ok(digest::<Sha256>(parts)),
        #[cfg(feature = "suite2")]
        Hash::Sha384 => Ok(digest::<Sha384>(parts)),
        #[cfg(not(all(feature = "hls-legacy", feature = "suite2")))]
        _ => {
            let _ = parts;
            Err(Failure::Unsupported)
        }
    }
}

#[cfg(feature = "hls-legacy")]
use md5::Digest as Hasher;
#[cfg(all(feature = "sha256", not(feature = "hls-legacy")))]
use sha2::Digest as Hasher;

#[cfg(any(feature = "hls-legacy", feature = "sha256"))]
fn digest<H: Hasher>(parts: &[&[u8]]) -> Digest {
    let mut hasher = H::new();
    parts.iter().for_each(|part| hasher.update(part));
    Digest::new(&hasher.finalize())
}
