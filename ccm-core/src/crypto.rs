//! The one cipher that meters use, behind a trait: P1 telegrams and DLMS share it, in software or in hardware.

/// AES in Galois/counter mode with a nonce of 96 bits and a tag of 96 bits (NIST SP 800-38D), as DLMS security suites 0
/// to 2 and encrypted P1 telegrams use it.
pub trait AesGcm {
    /// Encrypts `text` in place and gives its tag. An empty `text` authenticates `aad` alone (GMAC).
    fn seal(&self, key: &Key, nonce: &[u8; NONCE], aad: &[u8], text: &mut [u8])
    -> Result<[u8; TAG], Refused>;

    /// Decrypts `text` in place, provided that nothing of it, `aad` and `tag` was changed.
    ///
    /// # Errors
    /// [`Refused`] where the tag does not fit: key, nonce, text or tag is not the sender's. What `text` holds then is not
    /// to be used.
    fn open(
        &self,
        key: &Key,
        nonce: &[u8; NONCE],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Refused>;
}

/// Bytes of a nonce: system title and invocation counter.
pub const NONCE: usize = 12;

/// Bytes of a tag: the 96 bits that DLMS keeps of 128.
pub const TAG: usize = 12;

/// A secret key. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// 128 bits: suites 0 and 1, and P1.
    Aes128([u8; 16]),
    /// 256 bits: suite 2.
    Aes256([u8; 32]),
}

impl core::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Key(..)")
    }
}

/// The tag does not fit, or the cipher does not know keys of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the cipher refuses: wrong key, or changed data")]
pub struct Refused;

/// The cipher in software, by the `aes-gcm` crate.
#[cfg(feature = "aes-gcm")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Software;

#[cfg(feature = "aes-gcm")]
mod software {
    use aes_gcm::aead::array::Array;
    use aes_gcm::aead::consts::U12;
    use aes_gcm::aead::inout::InOutBuf;
    use aes_gcm::aead::{AeadInOut, KeyInit};
    use aes_gcm::aes::{Aes128, Aes256};

    use super::{AesGcm, Key, NONCE, Refused, Software, TAG};

    type Gcm<A> = aes_gcm::AesGcm<A, U12, U12>;

    impl AesGcm for Software {
        fn seal(
            &self,
            key: &Key,
            nonce: &[u8; NONCE],
            aad: &[u8],
            text: &mut [u8],
        ) -> Result<[u8; TAG], Refused> {
            match key {
                Key::Aes128(key) => seal(&Gcm::<Aes128>::new(&Array(*key)), nonce, aad, text),
                Key::Aes256(key) => seal(&Gcm::<Aes256>::new(&Array(*key)), nonce, aad, text),
            }
        }

        fn open(
            &self,
            key: &Key,
            nonce: &[u8; NONCE],
            aad: &[u8],
            text: &mut [u8],
            tag: &[u8; TAG],
        ) -> Result<(), Refused> {
            match key {
                Key::Aes128(key) => open(&Gcm::<Aes128>::new(&Array(*key)), nonce, aad, text, tag),
                Key::Aes256(key) => open(&Gcm::<Aes256>::new(&Array(*key)), nonce, aad, text, tag),
            }
        }
    }

    fn seal<C: AeadInOut<NonceSize = U12, TagSize = U12>>(
        cipher: &C,
        nonce: &[u8; NONCE],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        let tag = cipher.encrypt_inout_detached(&Array(*nonce), aad, InOutBuf::from(text));
        tag.map(|tag| tag.0).map_err(|_| Refused)
    }

    fn open<C: AeadInOut<NonceSize = U12, TagSize = U12>>(
        cipher: &C,
        nonce: &[u8; NONCE],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Refused> {
        let opened = cipher.decrypt_inout_detached(&Array(*nonce), aad, InOutBuf::from(text), &Array(*tag));
        opened.map_err(|_| Refused)
    }
}

#[cfg(all(test, feature = "aes-gcm"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_and_what_was_changed_does_not() {
        let key = Key::Aes128([7; 16]);
        let mut text = *b"1-0:1.8.0(000001.000*kWh)";
        let tag = Software.seal(&key, &[1; NONCE], b"0", &mut text).unwrap();
        let mut copy = text;
        assert_eq!(Software.open(&key, &[1; NONCE], b"0", &mut copy, &tag), Ok(()));
        assert_eq!(&copy, b"1-0:1.8.0(000001.000*kWh)");
        text[3] ^= 1;
        assert_eq!(Software.open(&key, &[1; NONCE], b"0", &mut text, &tag), Err(Refused));
    }

    /// SP 800-38D, test case 3 of the GCM specification, its tag cut to 96 bits.
    #[test]
    fn the_published_case_gives_the_published_bytes() {
        let key = Key::Aes128(0xFEFF_E992_8665_731C_6D6A_8F94_6730_8308_u128.to_be_bytes());
        let nonce = [0xCA, 0xFE, 0xBA, 0xBE, 0xFA, 0xCE, 0xDB, 0xAD, 0xDE, 0xCA, 0xF8, 0x88];
        let mut text = 0xD931_3225_F884_06E5_A559_09C5_AFF5_269A_u128.to_be_bytes();
        Software.seal(&key, &nonce, &[], &mut text).unwrap();
        assert_eq!(text, 0x4283_1EC2_2177_7424_4B72_21B7_84D0_D49C_u128.to_be_bytes());
        assert_eq!(format!("{key:?}"), "Key(..)");
    }
}
