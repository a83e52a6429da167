//! A secure element: keys are numbers of slots, and it cannot do more than AES-GCM.

use ccm_core::crypto::{Crypto, Failure, Key, NONCE, Software, TAG};
use ccm_dlms::security::*;

use super::common::*;

struct Element {
    slots: [Key; 2],
}

impl Element {
    fn slot(&self, slot: u8) -> Result<&Key, Failure> {
        self.slots.get(usize::from(slot)).ok_or(Failure::Key)
    }
}

impl Crypto for Element {
    type Key = u8;

    fn seal(
        &self,
        key: &u8,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
    ) -> Result<[u8; TAG], Failure> {
        Software.seal(self.slot(*key)?, nonce, aad, text)
    }

    fn open(
        &self,
        key: &u8,
        nonce: &[u8; NONCE],
        aad: &[&[u8]],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), Failure> {
        Software.open(self.slot(*key)?, nonce, aad, text, tag)
    }

    fn ctr(&self, key: &u8, nonce: &[u8; NONCE], text: &mut [u8]) -> Result<(), Failure> {
        Software.ctr(self.slot(*key)?, nonce, text)
    }
}

#[test]
fn an_association_works_with_numbers_of_slots_for_keys() {
    let element = Element { slots: [Key::Aes128([9; 16]), Key::Aes128(ascending(0))] };
    let keys = |slot| Keys::new(slot, AuthenticationKey::short(ascending(0xD0)));
    let counter = || InvocationCounter::volatile(0x0123_4567);
    let mut context = Context::new(Suite::Zero, SERVER, keys(1), counter()).unwrap();
    let mut buffer = buffer(&GET);
    let length = context.protect(&element, Outgoing::GLOBAL, &mut buffer, GET.len()).unwrap();
    assert_eq!(buffer[..length], rows("gb-glo-get-auth-enc")[0]);

    let mut empty = Context::new(Suite::Zero, SERVER, keys(7), counter()).unwrap();
    let refused = empty.protect(&element, Outgoing::GLOBAL, &mut buffer, 13);
    assert!(matches!(refused, Err(SecurityError::Envelope { tag: 0xC8 })), "protected twice");
    buffer[0] = 0xC0;
    let refused = empty.protect(&element, Outgoing::GLOBAL, &mut buffer, 13);
    assert_eq!(refused, Err(SecurityError::Crypto(Failure::Key)));

    let challenges = Challenges::new(&[1; 16], &[2; 16]).unwrap();
    let answer = Mechanism::<u8>::Md5(Secret::new(b"secret")).answer(&element, &challenges, &mut [0; 16]);
    assert_eq!(answer, Err(SecurityError::Crypto(Failure::Unsupported)));
}
