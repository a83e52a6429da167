//! What is asked for, as it is typed.

use ccm_dlms::message::cosem::{AssociationLn, DemandRegister, ExtendedRegister, Register};
use ccm_dlms::message::data::Value;
use ccm_dlms::message::{AttributeDescriptor, MethodDescriptor};
use ccm_iec62056::Address;

use crate::cli::dlms::keys::unhex;

/// An attribute or a method of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: [u8; 6],
    pub(super) class: u16,
    /// The attribute, or the method.
    pub(super) member: i8,
}

impl Target {
    /// The same object's scaler and unit, where this is a number that has them.
    pub(super) const fn scaler_unit(self) -> Option<Self> {
        let member = match (self.class, self.member) {
            (Register::CLASS_ID, Register::VALUE) => Register::SCALER_UNIT,
            (ExtendedRegister::CLASS_ID, ExtendedRegister::VALUE) => ExtendedRegister::SCALER_UNIT,
            (
                DemandRegister::CLASS_ID,
                DemandRegister::CURRENT_AVERAGE_VALUE | DemandRegister::LAST_AVERAGE_VALUE,
            ) => DemandRegister::SCALER_UNIT,
            _ => return None,
        };
        Some(Self { member, ..self })
    }

    pub(super) const fn attribute(self) -> AttributeDescriptor {
        AttributeDescriptor { class_id: self.class, instance_id: self.name, attribute_id: self.member }
    }

    pub(super) const fn method(self) -> MethodDescriptor {
        MethodDescriptor { class_id: self.class, instance_id: self.name, method_id: self.member }
    }

    pub(super) fn obis(self) -> String {
        self.name.map(|group| group.to_string()).join(".")
    }
}

/// Reads `CODE[:CLASS[:ATTR]]`.
pub(super) fn target(text: &str) -> Result<Target, String> {
    // A code of the form 1-0:1.8.0 has a colon of its own.
    let start = text.find('-').and_then(|dash| text[dash..].find(':').map(|colon| dash + colon + 1));
    let start = start.unwrap_or(0);
    let (code, rest) = match text[start..].find(':') {
        Some(colon) => (&text[..start + colon], &text[start + colon + 1..]),
        None => (text, ""),
    };
    let name = code_of(code).ok_or_else(|| FORM.to_string())?;
    let mut parts = rest.split(':').filter(|part| !part.is_empty());
    let class = parts.next().map_or(Ok(usual_class(name)), str::parse).map_err(|_| FORM)?;
    let member = parts.next().map_or(Ok(2), str::parse).map_err(|_| FORM)?;
    match parts.next() {
        None => Ok(Target { name, class, member }),
        Some(_) => Err(FORM.into()),
    }
}

/// Reads a code of six groups, or of fewer in the form of IEC 62056-21.
fn code_of(text: &str) -> Option<[u8; 6]> {
    let groups: Option<Vec<u8>> = text.split('.').map(|group| group.parse().ok()).collect();
    if let Some(Ok(name)) = groups.map(<[u8; 6]>::try_from) {
        return Some(name);
    }
    let obis = Address::parse(text.as_bytes())?.obis;
    Some([obis.a.unwrap_or(1), obis.b.unwrap_or(0), obis.c, obis.d, obis.e?, obis.f.unwrap_or(255)])
}

/// What an object of this name is as a rule.
const fn usual_class(name: [u8; 6]) -> u16 {
    match name {
        [0, _, 1, 0, ..] => 8,
        [0, _, 40, 0, ..] => AssociationLn::CLASS_ID,
        [0, _, 96, 3, 10, _] => 70,
        [_, _, 98 | 99, ..] => 7,
        [0, ..] | [_, _, 0 | 96, ..] => 1,
        _ => Register::CLASS_ID,
    }
}

/// What is to be written or given to a method: the target, and one encoded `Data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) target: Target,
    pub(super) data: Option<Vec<u8>>,
}

/// Reads `CODE:CLASS:ATTR=TYPE:VALUE`.
pub(super) fn assignment(text: &str) -> Result<Assignment, String> {
    let (left, right) = text.split_once('=').ok_or("write CODE:CLASS:ATTR=TYPE:VALUE")?;
    Ok(Assignment { target: target(left)?, data: Some(data(right)?) })
}

/// Reads `CODE:CLASS:METHOD[=TYPE:VALUE]`.
pub(super) fn invocation(text: &str) -> Result<Assignment, String> {
    let (left, right) = text.split_once('=').map_or((text, None), |(left, right)| (left, Some(right)));
    let mut wanted = target(left)?;
    if left.matches(':').count() < 2 {
        wanted.member = 1;
    }
    Ok(Assignment { target: wanted, data: right.map(data).transpose()? })
}

/// Reads `TYPE:VALUE` and encodes it.
fn data(text: &str) -> Result<Vec<u8>, String> {
    let (kind, value) = text.split_once(':').unwrap_or((text, ""));
    let bytes = || unhex(value).ok_or("write pairs of hexadecimal digits");
    let wrong = |_| format!("{value} is no {kind}");
    let octets;
    let value = match kind {
        "null" => Value::Null,
        "bool" => Value::Boolean(value.parse().map_err(|_| "write bool:true or bool:false")?),
        "i8" => Value::Integer(value.parse().map_err(wrong)?),
        "i16" => Value::Long(value.parse().map_err(wrong)?),
        "i32" => Value::DoubleLong(value.parse().map_err(wrong)?),
        "i64" => Value::Long64(value.parse().map_err(wrong)?),
        "u8" => Value::Unsigned(value.parse().map_err(wrong)?),
        "u16" => Value::LongUnsigned(value.parse().map_err(wrong)?),
        "u32" => Value::DoubleLongUnsigned(value.parse().map_err(wrong)?),
        "u64" => Value::Long64Unsigned(value.parse().map_err(wrong)?),
        "enum" => Value::Enum(value.parse().map_err(wrong)?),
        "text" => Value::VisibleString(value.as_bytes()),
        "utf8" => Value::Utf8String(value.as_bytes()),
        "octets" => {
            octets = bytes()?;
            Value::OctetString(&octets)
        }
        "time" => {
            octets = super::times::parse(value)?.to_bytes().to_vec();
            Value::OctetString(&octets)
        }
        "data" => return Ok(bytes()?),
        _ => return Err(format!("{kind} is no type; use {TYPES}")),
    };
    let mut room = vec![0; text.len() + 16];
    let mut writer = ccm_core::Writer::new(&mut room);
    value.emit(&mut writer).map_err(|_| "the value is too long")?;
    let length = writer.finish();
    room.truncate(length);
    Ok(room)
}

const FORM: &str = "write CODE[:CLASS[:ATTR]] such as 1.0.1.8.0.255:3:2";

/// All types that can be written.
pub(super) const TYPES: &str =
    "null, bool, i8, i16, i32, i64, u8, u16, u32, u64, enum, text, utf8, octets (hex), time, data (hex)";

#[cfg(test)]
mod tests {
    use super::*;

    const ENERGY: [u8; 6] = [1, 0, 1, 8, 0, 255];

    #[test]
    fn targets_are_read_with_and_without_class_and_attribute() {
        let energy = Target { name: ENERGY, class: 3, member: 2 };
        for text in ["1.0.1.8.0.255", "1.0.1.8.0.255:3", "1.0.1.8.0.255:3:2", "1-0:1.8.0*255:3:2", "1.8.0"] {
            assert_eq!(target(text), Ok(energy), "{text}");
        }
        assert_eq!(target("0.0.1.0.0.255").unwrap().class, 8);
        assert_eq!(target("1.0.99.1.0.255").unwrap().class, 7);
        assert_eq!(target("0.0.42.0.0.255").unwrap().class, 1);
        assert_eq!(target("0.0.42.0.0.255:1:-1").unwrap().member, -1);
        for text in
            ["", "1.0", "1.0.1.8.0.256", "1.0.1.8.0.255:x", "1.0.1.8.0.255:3:200", "1.0.1.8.0.255:3:2:1"]
        {
            assert!(target(text).is_err(), "{text}");
        }
        assert_eq!(energy.scaler_unit().unwrap().member, 3);
        assert_eq!(Target { class: 5, member: 3, ..energy }.scaler_unit().unwrap().member, 4);
        assert_eq!(Target { class: 1, ..energy }.scaler_unit(), None);
    }

    #[test]
    fn values_are_encoded_by_their_type() {
        let written =
            |text| assignment(&format!("0.0.96.1.0.255:1:2={text}")).map(|given| given.data.unwrap());
        assert_eq!(written("octets:0102"), Ok(vec![9, 2, 1, 2]));
        assert_eq!(written("u16:258"), Ok(vec![18, 1, 2]));
        assert_eq!(written("i8:-1"), Ok(vec![15, 0xFF]));
        assert_eq!(written("text:a:b"), Ok(vec![10, 3, b'a', b':', b'b']));
        assert_eq!(written("null"), Ok(vec![0]));
        assert_eq!(written("data:0202 0f00 161e"), Ok(vec![2, 2, 15, 0, 0x16, 0x1E]));
        for text in ["u8:256", "octets:1", "bool:1", "f32:1", "u8"] {
            assert!(written(text).is_err(), "{text}");
        }
        assert_eq!(invocation("0.0.96.3.10.255:70:1").unwrap().data, None);
        assert_eq!(invocation("0.0.96.3.10.255:70:2=i8:0").unwrap().data, Some(vec![15, 0]));
    }
}
