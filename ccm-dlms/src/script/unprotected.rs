//! Cryptography for those who have no keys.

use ccm_core::crypto::{Crypto, Failure, NONCE, TAG};

/// What a session without keys computes with: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unprotected;

/// There is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {}

impl Crypto for Unprotected {
    type Key = NoKey;

    fn seal(&self, key: &NoKey, _: &[u8; NONCE], _: &[&[u8]], _: &mut [u8]) -> Result<[u8; TAG], Failure> {
        match *key {}
    }

    fn open(
        &self,
        key: &NoKey,
        _: &[u8; NONCE],
        _: &[&[u8]],
        _: &mut [u8],
        _: &[u8; TAG],
    ) -> Result<(), Failure> {
        match *key {}
    }

    fn ctr(&self, key: &NoKey, _: &[u8; NONCE], _: &mut [u8]) -> Result<(), Failure> {
        match *key {}
    }
}
