//! Vectors and contexts that the tests share.

use std::path::Path;

use ccm_core::crypto::Key;
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Protection, SecurityError, Suite, SystemTitle,
};

pub(crate) const CLIENT: SystemTitle = SystemTitle::new(*b"MMM\0\0\0\0\x01");
pub(crate) const SERVER: SystemTitle = SystemTitle::new([0x4D, 0x4D, 0x4D, 0, 0, 0xBC, 0x61, 0x4E]);
pub(crate) const GET: [u8; 13] = [0xC0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xFF, 2, 0];

/// The rows of a file of vectors that are no comments.
pub(crate) fn rows(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/security-{name}.hex"));
    let content =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    content.lines().filter(|line| !line.starts_with('#')).map(hex).collect()
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// 00 01 02 …, as the Green Book's keys are.
pub(crate) fn ascending<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|at| first.wrapping_add(u8::try_from(at).unwrap()))
}

/// The Green Book's keys, or for suite 2 those of the own vector.
pub(crate) fn keys(suite: Suite) -> Keys<Key> {
    match suite {
        Suite::Zero | Suite::One => {
            Keys::new(Key::Aes128(ascending(0)), AuthenticationKey::short(ascending(0xD0)))
        }
        Suite::Two => Keys::new(Key::Aes256(ascending(0x40)), AuthenticationKey::long(ascending(0x80))),
    }
}

/// One side; the counter begins with `next`.
pub(crate) fn context(suite: Suite, own: SystemTitle, peer: SystemTitle, next: u32) -> Context<Key> {
    let mut context = Context::new(suite, own, keys(suite), InvocationCounter::volatile(next)).unwrap();
    context.set_peer(peer);
    context
}

pub(crate) fn client(suite: Suite) -> Context<Key> {
    context(suite, CLIENT, SERVER, 1)
}

pub(crate) fn server(suite: Suite) -> Context<Key> {
    context(suite, SERVER, CLIENT, 1)
}

/// A message in a buffer with room.
pub(crate) fn buffer(apdu: &[u8]) -> Vec<u8> {
    let mut buffer = apdu.to_vec();
    buffer.resize(apdu.len() + 400, 0xEE);
    buffer
}

/// What `context` gives of a message, as owned bytes.
pub(crate) fn opened(context: &mut Context<Key>, apdu: &[u8]) -> Result<Vec<u8>, SecurityError> {
    let mut apdu = apdu.to_vec();
    context.unprotect(&ccm_core::crypto::Software, &mut apdu).map(|incoming| incoming.apdu.to_vec())
}

pub(crate) const ALL: [Protection; 4] =
    [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::BOTH];
