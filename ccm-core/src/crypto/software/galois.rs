//! Galois/counter mode over the block cipher of `aes` and the hash of `ghash` (NIST SP 800-38D).
//!
//! The crate `aes-gcm` wants all that is authenticated in one slice; of DLMS messages that are authenticated only, the
//! key and the text lie apart, and some are encrypted without a tag. The tests hold the two against each other.

#[cfg(feature = "aes-256")]
use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Block};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use zeroize::Zeroize;

use super::super::{BLOCK, Failure, NONCE, TAG};
use super::Key;

/// One key and one nonce.
pub(super) struct Galois {
    aes: Aes,
    nonce: [u8; NONCE],
    hash: GHash,
    /// What the last block is combined with: the nonce with counter 1, encrypted.
    mask: Block,
}

impl Galois {
    pub(super) fn new(key: &Key, nonce: &[u8; NONCE]) -> Result<Self, Failure> {
        let aes = Aes::new(key)?;
        let mut blocks = [Array([0; BLOCK]), counter_block(nonce, 1)];
        aes.encrypt(&mut blocks);
        let [mut hash_key, mask] = blocks;
        let hash = GHash::new(&hash_key);
        hash_key.0.zeroize();
        Ok(Self { aes, nonce: *nonce, hash, mask })
    }

    /// Encrypts or decrypts: counters from 2 on.
    pub(super) fn apply(&self, text: &mut [u8]) {
        let mut counter = 2_u32;
        // Two blocks at once: in software the cipher computes two in the time of one.
        for chunk in text.chunks_mut(2 * BLOCK) {
            let mut blocks =
                [counter, counter.wrapping_add(1)].map(|counter| counter_block(&self.nonce, counter));
            self.aes.encrypt(&mut blocks);
            counter = counter.wrapping_add(2);
            chunk.iter_mut().zip(blocks.iter().flatten()).for_each(|(byte, key)| *byte ^= key);
        }
    }

    /// The tag of `aad` and the ciphertext.
    pub(super) fn tag(&self, aad: &[&[u8]], text: &[u8]) -> [u8; TAG] {
        let mut hash = self.hash.clone();
        let aad_length = absorb(&mut hash, aad);
        absorb(&mut hash, &[text]);
        push(&mut hash, lengths(aad_length, text.len()));
        let mut tag = [0; TAG];
        let whole = hash.finalize();
        tag.iter_mut().zip(whole.iter().zip(&self.mask)).for_each(|(slot, (byte, mask))| *slot = byte ^ mask);
        tag
    }
}

/// Encrypts one block.
pub(super) fn encrypt_block(key: &Key, block: &mut [u8; BLOCK]) -> Result<(), Failure> {
    let mut blocks = [Array(*block), Array([0; BLOCK])];
    Aes::new(key)?.encrypt(&mut blocks);
    let [encrypted, _] = blocks;
    *block = encrypted.0;
    Ok(())
}

/// The cipher for either length of key: everything around it is built once.
enum Aes {
    Aes128(Aes128Enc),
    #[cfg(feature = "aes-256")]
    Aes256(Aes256Enc),
}

impl Aes {
    fn new(key: &Key) -> Result<Self, Failure> {
        match key {
            Key::Aes128(key) => Ok(Self::Aes128(Aes128Enc::new(key.into()))),
            #[cfg(feature = "aes-256")]
            Key::Aes256(key) => Ok(Self::Aes256(Aes256Enc::new(key.into()))),
            #[cfg(not(feature = "aes-256"))]
            Key::Aes256(_) => Err(Failure::Unsupported),
            Key::P256(_) | Key::P384(_) => Err(Failure::Key),
        }
    }

    fn encrypt(&self, blocks: &mut [Block; 2]) {
        match self {
            Self::Aes128(aes) => aes.encrypt_blocks(blocks),
            #[cfg(feature = "aes-256")]
            Self::Aes256(aes) => aes.encrypt_blocks(blocks),
        }
    }
}

fn counter_block(nonce: &[u8; NONCE], counter: u32) -> Block {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *nonce;
    let [m, n, o, p] = counter.to_be_bytes();
    Array([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// Hashes parts as one text, filled up with zeros, and gives its length.
fn absorb(hash: &mut GHash, parts: &[&[u8]]) -> usize {
    let mut block = [0; BLOCK];
    let mut length = 0;
    for byte in parts.iter().copied().flatten() {
        if let Some(slot) = block.get_mut(length % BLOCK) {
            *slot = *byte;
        }
        length += 1;
        if length % BLOCK == 0 {
            push(hash, Array(block));
            block = [0; BLOCK];
        }
    }
    if length % BLOCK != 0 {
        push(hash, Array(block));
    }
    length
}

/// Never inlined: a third of a kilobyte each time.
#[inline(never)]
fn push(hash: &mut GHash, block: Block) {
    hash.update(&[block]);
}

/// The last block: both lengths in bits.
fn lengths(aad: usize, text: usize) -> Block {
    let [aad, text] = [aad, text].map(|bytes| (bytes as u64 * 8).to_be_bytes());
    let mut block = [0; BLOCK];
    block.iter_mut().zip(aad.into_iter().chain(text)).for_each(|(slot, byte)| *slot = byte);
    Array(block)
}
