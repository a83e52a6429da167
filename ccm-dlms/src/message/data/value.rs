//! One value without parts.

use ccm_core::{Decimal, Obis, Reader};

use super::calendar::{Date, Time};
use super::date_time::DateTime;
use super::error::Fault;
use super::length::{array, counted, read, size};
use super::{float, tag};

/// A value of one of the simple types (the CHOICE `Data` of IEC 62056-5-3), borrowed where it is a string.
///
/// Meters send dates and times as octet strings more often than as the types that are made for it:
/// [`Value::date_time`] takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Value<'a> {
    /// Nothing; in the buffer of a profile it means "as before".
    Null,
    /// Any value will do: in templates only.
    DontCare,
    /// True or false; every byte but 0 is true.
    Boolean(bool),
    /// Bits, first bit first.
    BitString(BitString<'a>),
    /// 32 bits with a sign.
    DoubleLong(i32),
    /// 32 bits.
    DoubleLongUnsigned(u32),
    /// Bytes.
    OctetString(&'a [u8]),
    /// ASCII, as it came.
    VisibleString(&'a [u8]),
    /// UTF-8, as it came: not checked.
    Utf8String(&'a [u8]),
    /// Two decimal digits, as they came.
    Bcd(u8),
    /// 8 bits with a sign.
    Integer(i8),
    /// 16 bits with a sign.
    Long(i16),
    /// 8 bits.
    Unsigned(u8),
    /// 16 bits.
    LongUnsigned(u16),
    /// 64 bits with a sign.
    Long64(i64),
    /// 64 bits.
    Long64Unsigned(u64),
    /// One of a list.
    Enum(u8),
    /// The bits of an IEEE 754 single: no float arithmetic happens here.
    Float32(u32),
    /// The bits of an IEEE 754 double.
    Float64(u64),
    /// A date and time with deviation and status.
    DateTime(DateTime),
    /// A date.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// What is to be added to the value before.
    DeltaInteger(i8),
    /// What is to be added to the value before.
    DeltaLong(i16),
    /// What is to be added to the value before.
    DeltaDoubleLong(i32),
    /// What is to be added to the value before.
    DeltaUnsigned(u8),
    /// What is to be added to the value before.
    DeltaLongUnsigned(u16),
    /// What is to be added to the value before.
    DeltaDoubleLongUnsigned(u32),
}

impl<'a> Value<'a> {
    /// The number, where it is an integer that fits; an enumeration, a truth or a delta is no number.
    pub fn integer(self) -> Option<i64> {
        Some(match self {
            Self::DoubleLong(number) => number.into(),
            Self::DoubleLongUnsigned(number) => number.into(),
            Self::Integer(number) => number.into(),
            Self::Long(number) => number.into(),
            Self::Unsigned(number) => number.into(),
            Self::LongUnsigned(number) => number.into(),
            Self::Long64(number) => number,
            Self::Long64Unsigned(number) => return i64::try_from(number).ok(),
            _ => return None,
        })
    }

    /// What a delta type adds to the value before.
    pub fn delta(self) -> Option<i64> {
        Some(match self {
            Self::DeltaInteger(number) => number.into(),
            Self::DeltaLong(number) => number.into(),
            Self::DeltaDoubleLong(number) => number.into(),
            Self::DeltaUnsigned(number) => number.into(),
            Self::DeltaLongUnsigned(number) => number.into(),
            Self::DeltaDoubleLongUnsigned(number) => number.into(),
            _ => return None,
        })
    }

    /// The integer with `delta` added, in its own type; nothing where it is none or does not fit.
    pub fn plus(self, delta: i64) -> Option<Self> {
        let sum = self.integer()?.checked_add(delta)?;
        Some(match self {
            Self::DoubleLong(_) => Self::DoubleLong(sum.try_into().ok()?),
            Self::DoubleLongUnsigned(_) => Self::DoubleLongUnsigned(sum.try_into().ok()?),
            Self::Integer(_) => Self::Integer(sum.try_into().ok()?),
            Self::Long(_) => Self::Long(sum.try_into().ok()?),
            Self::Unsigned(_) => Self::Unsigned(sum.try_into().ok()?),
            Self::LongUnsigned(_) => Self::LongUnsigned(sum.try_into().ok()?),
            Self::Long64Unsigned(_) => Self::Long64Unsigned(sum.try_into().ok()?),
            _ => Self::Long64(sum),
        })
    }

    /// The number with a float among the types: an integer exactly, a float to thousandths.
    ///
    /// A float has no exact decimal of 64 bits as a rule; who needs all of it takes the bits.
    pub fn rounded(self) -> Option<Decimal> {
        match self {
            Self::Float32(bits) => Decimal::from_f32_bits(bits),
            Self::Float64(bits) => float::from_f64_bits(bits),
            _ => Some(Decimal::new(self.integer()?, 0)),
        }
    }

    /// The bytes of a string of any of the three types.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::OctetString(bytes) | Self::VisibleString(bytes) | Self::Utf8String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text of a string of any of the three types, where it is printable ASCII or, of that type, UTF-8. Zeros that fill
    /// it up to its length are no part of it.
    pub fn text(self) -> Option<&'a str> {
        let text = core::str::from_utf8(self.bytes()?).ok()?.trim_end_matches('\0');
        let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        Some(text).filter(|_| is_printable || matches!(self, Self::Utf8String(_)))
    }

    /// The date and time, as its own type or as an octet string of 12. Where nothing says that the octets are one, ask
    /// [`DateTime::is_plausible`].
    pub fn date_time(self) -> Option<DateTime> {
        match self {
            Self::DateTime(date_time) => Some(date_time),
            Self::OctetString(bytes) => Some(DateTime::from_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// The date, as its own type or as an octet string of 5.
    pub fn date(self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(date),
            Self::OctetString(bytes) => Some(Date::from_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// The time of day, as its own type or as an octet string of 4.
    pub fn time(self) -> Option<Time> {
        match self {
            Self::Time(time) => Some(time),
            Self::OctetString(bytes) => Some(Time::from_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }

    /// The logical name, an octet string of 6.
    pub fn logical_name(self) -> Option<Obis> {
        let Self::OctetString(bytes) = self else { return None };
        Some(Obis::new(bytes.try_into().ok()?))
    }

    /// Reads what follows the tag of a simple type.
    #[inline]
    pub(super) fn read(tag: u8, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(match tag {
            tag::OCTET_STRING => Self::OctetString(counted(reader, "octet-string")?),
            tag::VISIBLE_STRING => Self::VisibleString(counted(reader, "visible-string")?),
            tag::UTF8_STRING => Self::Utf8String(counted(reader, "utf8-string")?),
            _ => match tag::fixed_size(tag) {
                Some(1) => Self::of_1(tag, reader.u8(FIELD)?),
                Some(2) => Self::of_2(tag, reader.u16(FIELD)?),
                Some(4) => Self::of_4(tag, array(reader, FIELD)?),
                _ => return Self::read_rare(tag, reader),
            },
        })
    }

    fn of_1(tag: u8, bits: u8) -> Self {
        match tag {
            tag::BOOLEAN => Self::Boolean(bits != 0),
            tag::BCD => Self::Bcd(bits),
            tag::INTEGER => Self::Integer(bits.cast_signed()),
            tag::UNSIGNED => Self::Unsigned(bits),
            tag::DELTA_INTEGER => Self::DeltaInteger(bits.cast_signed()),
            tag::DELTA_UNSIGNED => Self::DeltaUnsigned(bits),
            _ => Self::Enum(bits),
        }
    }

    fn of_2(tag: u8, bits: u16) -> Self {
        match tag {
            tag::LONG => Self::Long(bits.cast_signed()),
            tag::DELTA_LONG => Self::DeltaLong(bits.cast_signed()),
            tag::DELTA_LONG_UNSIGNED => Self::DeltaLongUnsigned(bits),
            _ => Self::LongUnsigned(bits),
        }
    }

    fn of_4(tag: u8, bytes: [u8; 4]) -> Self {
        let bits = u32::from_be_bytes(bytes);
        match tag {
            tag::DOUBLE_LONG => Self::DoubleLong(bits.cast_signed()),
            tag::FLOAT32 => Self::Float32(bits),
            tag::TIME => Self::Time(Time::from_bytes(bytes)),
            tag::DELTA_DOUBLE_LONG => Self::DeltaDoubleLong(bits.cast_signed()),
            tag::DELTA_DOUBLE_LONG_UNSIGNED => Self::DeltaDoubleLongUnsigned(bits),
            _ => Self::DoubleLongUnsigned(bits),
        }
    }

    /// The types that few meters send.
    #[cold]
    fn read_rare(tag: u8, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Ok(match tag::fixed_size(tag) {
            Some(8) => Self::of_8(tag, array(reader, FIELD)?),
            Some(12) => Self::DateTime(DateTime::from_bytes(array(reader, FIELD)?)),
            Some(5) => Self::Date(Date::from_bytes(array(reader, FIELD)?)),
            _ => match tag {
                tag::NULL => Self::Null,
                tag::DONT_CARE => Self::DontCare,
                tag::BIT_STRING => Self::BitString(BitString::read(reader)?),
                tag => return Err(Fault::Tag { tag }),
            },
        })
    }

    fn of_8(tag: u8, bytes: [u8; 8]) -> Self {
        let bits = u64::from_be_bytes(bytes);
        match tag {
            tag::LONG64 => Self::Long64(bits.cast_signed()),
            tag::FLOAT64 => Self::Float64(bits),
            _ => Self::Long64Unsigned(bits),
        }
    }
}

/// Bits as they lie in the message, the first one highest in the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BitString<'a> {
    bytes: &'a [u8],
    unused: u8,
}

impl<'a> BitString<'a> {
    /// The first `length` bits of `bytes`; nothing where they are not exactly the bytes that so many bits need.
    pub fn new(bytes: &'a [u8], length: u32) -> Option<Self> {
        let unused = u8::try_from(length.wrapping_neg() & 7).ok()?;
        (size(length.div_ceil(8)) == bytes.len()).then_some(Self { bytes, unused })
    }

    /// How many bits there are.
    pub fn len(self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).saturating_mul(8) - u32::from(self.unused)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The bit `index`, from 0; nothing behind the last.
    pub fn get(self, index: u32) -> Option<bool> {
        let byte = self.bytes.get(size(index / 8)).filter(|_| index < self.len())?;
        Some(byte << (index & 7) & 0x80 != 0)
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = bool> + 'a {
        (0..self.len()).map_while(move |index| self.get(index))
    }

    /// The bytes that hold them; what is behind the last bit means nothing.
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let length = read(reader, "bit-string")?;
        let bytes = reader.take(size(length.div_ceil(8)), "bit-string")?;
        // As many bytes as the bits need were taken: `new` has nothing to refuse.
        Ok(Self::new(bytes, length).unwrap_or(Self { bytes, unused: 0 }))
    }
}

/// What is missing where a value ends early.
const FIELD: &str = "value";
