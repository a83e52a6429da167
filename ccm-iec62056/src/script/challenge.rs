//! Passwords, and what makers do to them (6.4.1: P1 plain, P2 by the maker's algorithm).

use heapless::Vec;

use crate::RequestError;

/// Answers a meter's `P0` with a password.
pub trait Challenge {
    /// The password for this operand, and whether it goes with P1 or P2; nothing where none is sent.
    ///
    /// # Errors
    /// [`RequestError::Password`] where password or operand do not fit the algorithm.
    fn answer(&self, seed: &[u8]) -> Result<Option<Answer>, RequestError>;
}

/// What is sent: `P<kind>(text)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 1 or 2.
    pub kind: u8,
    /// The password as it goes over the line.
    pub text: Vec<u8, PASSWORD>,
}

/// No password at all: the commands follow at once (NZR).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPassword;

/// The password as it is, with P1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Plain<'a>(pub &'a [u8]);

/// Elster A1500 and A1700: eight characters, mixed with an operand of 16 hexadecimal digits, with P2.
///
/// Each character is combined with the operand's byte by exclusive or; the first is then the sum of the first and the
/// last, and each further one the sum of itself and the one before, modulo 256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Elster(pub [u8; 8]);

/// DZG: six characters, turned and shifted by an operand of eight hexadecimal digits, with P1.
///
/// Each pair of characters, as 16 bits, is rotated to the left by an operand's byte modulo 13, 7 and 11; then the
/// operand's last byte is taken from each of the six.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dzg(pub [u8; 6]);

impl Challenge for NoPassword {
    fn answer(&self, _seed: &[u8]) -> Result<Option<Answer>, RequestError> {
        Ok(None)
    }
}

impl Challenge for Plain<'_> {
    fn answer(&self, _seed: &[u8]) -> Result<Option<Answer>, RequestError> {
        let text = Vec::from_slice(self.0).map_err(|_| RequestError::Password)?;
        Ok(Some(Answer { kind: 1, text }))
    }
}

impl Challenge for Elster {
    fn answer(&self, seed: &[u8]) -> Result<Option<Answer>, RequestError> {
        let seed: [u8; 8] = unhexed(seed).ok_or(RequestError::Password)?;
        let mut mixed = self.0;
        mixed.iter_mut().zip(seed).for_each(|(byte, seed)| *byte ^= seed);
        let [.., mut before] = mixed;
        for byte in &mut mixed {
            before = byte.wrapping_add(before);
            *byte = before;
        }
        Ok(Some(Answer { kind: 2, text: hexed(&mixed) }))
    }
}

impl Challenge for Dzg {
    fn answer(&self, seed: &[u8]) -> Result<Option<Answer>, RequestError> {
        let [seeds @ .., shift]: [u8; 4] = unhexed(seed).ok_or(RequestError::Password)?;
        let mut mixed = self.0;
        let (pairs, _) = mixed.as_chunks_mut::<2>();
        for ((pair, seed), turns) in pairs.iter_mut().zip(seeds).zip(TURNS) {
            let turned = u16::from_be_bytes(*pair).rotate_left(u32::from(seed % turns));
            *pair = turned.to_be_bytes().map(|byte| byte.wrapping_sub(shift));
        }
        Ok(Some(Answer { kind: 1, text: hexed(&mixed) }))
    }
}

impl core::fmt::Debug for Plain<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Plain(..)")
    }
}

impl core::fmt::Debug for Elster {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Elster(..)")
    }
}

impl core::fmt::Debug for Dzg {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Dzg(..)")
    }
}

fn unhexed<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn hexed(bytes: &[u8]) -> Vec<u8, PASSWORD> {
    let character = |digit: u8| if digit < 10 { b'0' + digit } else { b'A' - 10 + digit };
    bytes.iter().flat_map(|byte| [character(byte >> 4), character(byte & 0xF)]).take(PASSWORD).collect()
}

/// The longest value of programming mode is longer; no password is.
const PASSWORD: usize = 32;

/// What DZG divides the operand's bytes by.
const TURNS: [u8; 3] = [13, 7, 11];

#[cfg(test)]
mod tests {
    use super::*;

    /// Published frames of an A1700 with the password FEDC0003.
    #[test]
    fn elster_gives_the_published_answer() {
        let answer = Elster(*b"FEDC0003").answer(b"FD2BA0E29731D230").unwrap().unwrap();
        assert_eq!((answer.kind, answer.text.as_slice()), (2, b"BE2C10B158593B3E".as_slice()));
    }

    #[test]
    fn dzg_turns_and_shifts() {
        let answer = Dzg(*b"222222").answer(b"01020305").unwrap().unwrap();
        // 0x3232 turned by 1, 2 and 3 is 0x6464, 0xC8C8 and 0x9191; 5 less of each byte.
        assert_eq!((answer.kind, answer.text.as_slice()), (1, b"5F5FC3C38C8C".as_slice()));
    }

    #[test]
    fn an_operand_of_the_wrong_form_is_the_callers_to_know() {
        assert_eq!(Elster([0; 8]).answer(b"1234"), Err(RequestError::Password));
        assert_eq!(Dzg([0; 6]).answer(b"0102030G"), Err(RequestError::Password));
    }
}
