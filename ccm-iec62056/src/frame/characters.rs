//! Characters that mean something.

/// Whether a line can be an identification: three letters of the maker, the speed, and no brackets (6.3.2).
pub(super) fn is_identification(line: &[u8]) -> bool {
    let Some((flag, rest)) = line.split_first_chunk::<FLAG>() else { return false };
    flag.iter().all(u8::is_ascii_alphabetic)
        && !rest.is_empty()
        && !rest.iter().any(|byte| matches!(byte, b'(' | b')'))
}

/// Three letters of the maker.
const FLAG: usize = 3;

pub(crate) const SOH: u8 = 0x01;
pub(crate) const STX: u8 = 0x02;
pub(crate) const ETX: u8 = 0x03;
pub(crate) const EOT: u8 = 0x04;
pub(crate) const ACK: u8 = 0x06;
pub(crate) const LF: u8 = 0x0A;
pub(crate) const CR: u8 = 0x0D;
pub(crate) const NAK: u8 = 0x15;
