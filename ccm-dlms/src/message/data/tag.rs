//! The tags of the types (IEC 62056-5-3, the CHOICE `Data`).

pub(super) const NULL: u8 = 0;
pub(super) const ARRAY: u8 = 1;
pub(super) const STRUCTURE: u8 = 2;
pub(super) const BOOLEAN: u8 = 3;
pub(super) const BIT_STRING: u8 = 4;
pub(super) const DOUBLE_LONG: u8 = 5;
pub(super) const DOUBLE_LONG_UNSIGNED: u8 = 6;
pub(super) const OCTET_STRING: u8 = 9;
pub(super) const VISIBLE_STRING: u8 = 10;
pub(super) const UTF8_STRING: u8 = 12;
pub(super) const BCD: u8 = 13;
pub(super) const INTEGER: u8 = 15;
pub(super) const LONG: u8 = 16;
pub(super) const UNSIGNED: u8 = 17;
pub(super) const LONG_UNSIGNED: u8 = 18;
pub(super) const COMPACT_ARRAY: u8 = 19;
pub(super) const LONG64: u8 = 20;
pub(super) const LONG64_UNSIGNED: u8 = 21;
pub(super) const ENUM: u8 = 22;
pub(super) const FLOAT32: u8 = 23;
pub(super) const FLOAT64: u8 = 24;
pub(super) const DATE_TIME: u8 = 25;
pub(super) const DATE: u8 = 26;
pub(super) const TIME: u8 = 27;
pub(super) const DELTA_INTEGER: u8 = 28;
pub(super) const DELTA_LONG: u8 = 29;
pub(super) const DELTA_DOUBLE_LONG: u8 = 30;
pub(super) const DELTA_UNSIGNED: u8 = 31;
pub(super) const DELTA_LONG_UNSIGNED: u8 = 32;
pub(super) const DELTA_DOUBLE_LONG_UNSIGNED: u8 = 33;
pub(super) const DONT_CARE: u8 = 255;

/// How many bytes follow the tag, for the types whose size their tag says.
pub(super) const fn fixed_size(tag: u8) -> Option<usize> {
    Some(match tag {
        NULL | DONT_CARE => 0,
        BOOLEAN | BCD | INTEGER | UNSIGNED | ENUM | DELTA_INTEGER | DELTA_UNSIGNED => 1,
        LONG | LONG_UNSIGNED | DELTA_LONG | DELTA_LONG_UNSIGNED => 2,
        DOUBLE_LONG | DOUBLE_LONG_UNSIGNED | FLOAT32 | DELTA_DOUBLE_LONG | DELTA_DOUBLE_LONG_UNSIGNED => 4,
        LONG64 | LONG64_UNSIGNED | FLOAT64 => 8,
        DATE_TIME => 12,
        DATE => 5,
        TIME => 4,
        _ => return None,
    })
}
