//! What every envelope does with its text: seal and open, by what the security control says.

use ccm_core::Missing;
use ccm_core::crypto::{Crypto, Failure, NONCE, TAG};

use super::{Control, SecurityError, SystemTitle};

/// All that enters beside the text.
pub(super) struct Transform<'a, K> {
    pub(super) key: &'a K,
    pub(super) control: Control,
    pub(super) nonce: [u8; NONCE],
    pub(super) authentication: &'a [u8],
    /// Fields of general-ciphering, with their lengths.
    pub(super) fields: &'a [u8],
}

impl<K> Transform<'_, K> {
    /// Protects `text`, behind which there is room for the tag if there is one.
    pub(super) fn seal<C: Crypto<Key = K>>(&self, crypto: &C, body: &mut [u8]) -> Result<(), SecurityError> {
        if !self.control.protection.authenticated {
            return self.encrypt(crypto, body);
        }
        let (text, tag) = split(body)?;
        let control = [self.control.byte()];
        let sealed = if self.control.protection.encrypted {
            crypto.seal(self.key, &self.nonce, &[&control, self.authentication, self.fields], text)
        } else {
            crypto.seal(self.key, &self.nonce, &[&control, self.authentication, self.fields, text], &mut [])
        };
        *tag = sealed.map_err(SecurityError::Crypto)?;
        Ok(())
    }

    /// Checks the tag if there is one, and gives the plain text.
    pub(super) fn open<'b, C: Crypto<Key = K>>(
        &self,
        crypto: &C,
        body: &'b mut [u8],
    ) -> Result<&'b mut [u8], SecurityError> {
        if !self.control.protection.authenticated {
            self.encrypt(crypto, body)?;
            return Ok(body);
        }
        let (text, tag) = split(body)?;
        let control = [self.control.byte()];
        let opened = if self.control.protection.encrypted {
            crypto.open(self.key, &self.nonce, &[&control, self.authentication, self.fields], text, tag)
        } else {
            let aad = [&control, self.authentication, self.fields, text];
            crypto.open(self.key, &self.nonce, &aad, &mut [], tag)
        };
        opened.map_err(wrong_tag)?;
        Ok(text)
    }

    fn encrypt<C: Crypto<Key = K>>(&self, crypto: &C, text: &mut [u8]) -> Result<(), SecurityError> {
        if self.control.protection.encrypted {
            crypto.ctr(self.key, &self.nonce, text).map_err(SecurityError::Crypto)?;
        }
        Ok(())
    }
}

/// System title and counter.
pub(super) fn nonce(title: &SystemTitle, counter: u32) -> [u8; NONCE] {
    let [a, b, c, d, e, f, g, h] = *title.bytes();
    let [i, j, k, l] = counter.to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

pub(super) const fn wrong_tag(failure: Failure) -> SecurityError {
    match failure {
        Failure::Mismatch => SecurityError::WrongTag,
        other => SecurityError::Crypto(other),
    }
}

fn split(body: &mut [u8]) -> Result<(&mut [u8], &mut [u8; TAG]), SecurityError> {
    body.split_last_chunk_mut().ok_or(SecurityError::Truncated(Missing { field: "authentication tag" }))
}
