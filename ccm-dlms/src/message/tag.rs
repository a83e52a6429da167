//! The first byte of an APDU (Green Book 9.5, IEC 62056-5-3 clause 8).

pub(crate) const INITIATE_REQUEST: u8 = 0x01;
pub(crate) const READ_REQUEST: u8 = 0x05;
pub(crate) const WRITE_REQUEST: u8 = 0x06;
pub(crate) const INITIATE_RESPONSE: u8 = 0x08;
pub(crate) const READ_RESPONSE: u8 = 0x0C;
pub(crate) const WRITE_RESPONSE: u8 = 0x0D;
pub(crate) const CONFIRMED_SERVICE_ERROR: u8 = 0x0E;
pub(crate) const DATA_NOTIFICATION: u8 = 0x0F;
pub(crate) const UNCONFIRMED_WRITE_REQUEST: u8 = 0x16;
pub(crate) const INFORMATION_REPORT: u8 = 0x18;
pub(crate) const AARQ: u8 = 0x60;
pub(crate) const AARE: u8 = 0x61;
pub(crate) const RLRQ: u8 = 0x62;
pub(crate) const RLRE: u8 = 0x63;
pub(crate) const GET_REQUEST: u8 = 0xC0;
pub(crate) const SET_REQUEST: u8 = 0xC1;
pub(crate) const EVENT_NOTIFICATION: u8 = 0xC2;
pub(crate) const ACTION_REQUEST: u8 = 0xC3;
pub(crate) const GET_RESPONSE: u8 = 0xC4;
pub(crate) const SET_RESPONSE: u8 = 0xC5;
pub(crate) const ACTION_RESPONSE: u8 = 0xC7;
pub(crate) const EXCEPTION_RESPONSE: u8 = 0xD8;
pub(crate) const GENERAL_BLOCK_TRANSFER: u8 = 0xE0;

/// Whether a tag says that the rest is protected: global or dedicated, of one service or general.
pub(crate) const fn is_ciphered(tag: u8) -> bool {
    matches!(
        tag,
        0x21 | 0x25 | 0x26 | 0x28 | 0x2C..=0x2F | 0x36 | 0x38
            | 0x41 | 0x45 | 0x46 | 0x48 | 0x4C..=0x4F | 0x56 | 0x58
            | 0xC8..=0xCD | 0xCF..=0xD5 | 0xD7
            | 0xDB..=0xDD | 0xDF
    )
}
