//! Keys wrapped for transport (RFC 3394).

use aes::Aes128Dec;
#[cfg(feature = "aes-256")]
use aes::Aes256Dec;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use ctutils::CtEq;
use zeroize::Zeroizing;

use super::super::{BLOCK, Failure};
use super::{Key, encrypt_block};

/// Writes the wrapped key and gives its length.
pub(super) fn wrap(wrapping_key: &Key, key: &Key, wrapped: &mut [u8]) -> Result<usize, Failure> {
    let key: &[u8] = match key {
        Key::Aes128(key) => key,
        Key::Aes256(key) => key,
        Key::P256(_) | Key::P384(_) => return Err(Failure::Key),
    };
    let wrapped = wrapped.get_mut(..key.len() + HALF).ok_or(Failure::Full)?;
    wrapped.iter_mut().skip(HALF).zip(key).for_each(|(slot, byte)| *slot = *byte);
    let (check, halves) = wrapped.split_first_chunk_mut().ok_or(Failure::Full)?;
    *check = CHECK;
    let mut step = 0;
    for _ in 0..ROUNDS {
        for half in halves.as_chunks_mut::<HALF>().0 {
            let mut block = joined(*check, *half);
            encrypt_block(wrapping_key, &mut block)?;
            step += 1;
            (*check, *half) = parted(block, step);
        }
    }
    Ok(wrapped.len())
}

/// Gives the key that was wrapped.
pub(super) fn unwrap_key(wrapping_key: &Key, wrapped: &[u8]) -> Result<Key, Failure> {
    let (check, halves) = wrapped.split_first_chunk::<HALF>().ok_or(Failure::Key)?;
    match halves.len() {
        16 => unwrapped(wrapping_key, *check, halves).map(Key::Aes128),
        32 => unwrapped(wrapping_key, *check, halves).map(Key::Aes256),
        _ => Err(Failure::Key),
    }
}

fn unwrapped<const N: usize>(
    wrapping_key: &Key,
    mut check: [u8; HALF],
    halves: &[u8],
) -> Result<[u8; N], Failure> {
    let mut key = Zeroizing::new(*halves.first_chunk::<N>().ok_or(Failure::Key)?);
    let mut step = ROUNDS * u8::try_from(N / HALF).map_err(|_| Failure::Key)?;
    for _ in 0..ROUNDS {
        for half in key.as_chunks_mut::<HALF>().0.iter_mut().rev() {
            let (before, _) = parted(joined(check, *half), step);
            let mut block = joined(before, *half);
            decrypt_block(wrapping_key, &mut block)?;
            step = step.wrapping_sub(1);
            (check, *half) = parted(block, 0);
        }
    }
    if bool::from(check.ct_eq(&CHECK)) { Ok(*key) } else { Err(Failure::Mismatch) }
}

fn decrypt_block(key: &Key, block: &mut [u8; BLOCK]) -> Result<(), Failure> {
    match key {
        Key::Aes128(key) => Aes128Dec::new(key.into()).decrypt_block(block.into()),
        #[cfg(feature = "aes-256")]
        Key::Aes256(key) => Aes256Dec::new(key.into()).decrypt_block(block.into()),
        #[cfg(not(feature = "aes-256"))]
        Key::Aes256(_) => return Err(Failure::Unsupported),
        Key::P256(_) | Key::P384(_) => return Err(Failure::Key),
    }
    Ok(())
}

fn joined(check: [u8; HALF], half: [u8; HALF]) -> [u8; BLOCK] {
    ((u128::from(u64::from_be_bytes(check)) << 64) | u128::from(u64::from_be_bytes(half))).to_be_bytes()
}

/// Both halves of a block, the first combined with the number of the step.
fn parted(block: [u8; BLOCK], step: u8) -> ([u8; HALF], [u8; HALF]) {
    let [a, b, c, d, e, f, g, h, half @ ..] = block;
    ([a, b, c, d, e, f, g, h ^ step], half)
}

/// RFC 3394 counts in blocks of 64 bits.
const HALF: usize = 8;
const ROUNDS: u8 = 6;
/// What is found in front of a key that was unwrapped rightly (RFC 3394, 2.2.3.1).
const CHECK: [u8; HALF] = [0xA6; HALF];
