//! What was read, as it is printed.

use ccm_dlms::message::cosem::{Cell, ObjectElement, ObjectElementSn, ScalerUnit};
use ccm_dlms::message::data::{Data, DataError, Event, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::target::Target;
use crate::cli::dlms::output::{dotted, text};
use crate::cli::output::hex;
use crate::cli::stop::{Stop, print, say};

/// One attribute.
#[derive(Debug, Serialize)]
pub(super) struct ValueLine {
    ok: bool,
    obis: String,
    class: u16,
    attribute: i8,
    value: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scaler: Option<i8>,
}

impl ValueLine {
    pub(super) fn new(target: Target, data: Data<'_>, known: Option<ScalerUnit>) -> Result<Self, DataError> {
        Ok(Self {
            ok: true,
            obis: target.obis(),
            class: target.class,
            attribute: target.member,
            value: shown(data, known)?,
            unit: known.and_then(unit),
            raw: data.value().ok().and_then(raw),
            scaler: known.map(|known| known.scaler),
        })
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Stop> {
        if json {
            return print(self);
        }
        let Self { obis, class, attribute, .. } = self;
        let unit = self.unit.as_deref().unwrap_or_default();
        say(format!("{obis:<18} {class:>3}:{attribute:<3} {:>20} {unit}", plain(&self.value)).trim_end())
    }
}

/// What of an object is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Attribute,
    Method,
}

#[derive(Debug, Serialize)]
struct Place {
    obis: String,
    class: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<i8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<i8>,
}

impl Place {
    fn new(target: Target, member: Member) -> Self {
        let (attribute, method) = match member {
            Member::Attribute => (Some(target.member), None),
            Member::Method => (None, Some(target.member)),
        };
        Self { obis: target.obis(), class: target.class, attribute, method }
    }
}

#[derive(Debug, Serialize)]
struct DoneLine {
    ok: bool,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
}

#[derive(Debug, Serialize)]
struct RefusedLine<'a> {
    ok: bool,
    error: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Place,
}

/// Says that an attribute was written, or a method invoked, and what it gave.
pub(super) fn done(json: bool, target: Target, member: Member, value: Option<Json>) -> Result<(), Stop> {
    let place = Place::new(target, member);
    if json {
        return print(&DoneLine { ok: true, place, value });
    }
    let said = value.map_or_else(|| "written".into(), |value| format!("done {}", plain(&value)));
    say(&format!("{:<18} {:>3}:{:<3} {said}", place.obis, place.class, target.member))
}

/// Says what failed about an object.
pub(super) fn complain(json: bool, target: Target, member: Member, stop: &Stop) -> Result<(), Stop> {
    let Stop::Failed { error, message } = stop else { return Err(stop.clone()) };
    let place = Place::new(target, member);
    if json {
        return print(&RefusedLine { ok: false, error, message, place });
    }
    eprintln!("error: {} {}:{}: {message}", place.obis, place.class, target.member);
    Ok(())
}

/// One row of a profile.
#[derive(Debug, Serialize)]
pub(super) struct RowLine {
    ok: bool,
    row: usize,
    time: Option<String>,
    values: Vec<Json>,
    units: Vec<Option<String>>,
}

impl RowLine {
    pub(super) fn new(
        row: usize,
        time: Option<String>,
        cells: &[Cell<'_>],
        columns: &[Option<ScalerUnit>],
    ) -> Result<Self, DataError> {
        let known = |column: usize| columns.get(column).copied().flatten();
        let values = cells.iter().enumerate().map(|(column, cell)| match cell {
            Cell::Value(value) => Ok(text(*value, known(column)).map_or(Json::Null, Json::String)),
            Cell::Data(data) => shown(*data, known(column)),
        });
        let units = columns.iter().map(|known| known.and_then(unit)).collect();
        Ok(Self { ok: true, row, time, values: values.collect::<Result<_, _>>()?, units })
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Stop> {
        if json {
            return print(self);
        }
        let cells = self.values.iter().zip(&self.units).map(|(value, unit)| match unit {
            Some(unit) => format!("{:>14} {unit}", plain(value)),
            None => format!("{:>14}", plain(value)),
        });
        say(&format!("{:>5} {}", self.row, cells.collect::<Vec<_>>().join(" ")))
    }
}

/// An object of the list.
#[derive(Debug, Serialize)]
pub(super) struct ObjectLine {
    ok: bool,
    obis: String,
    class: u16,
    version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_name: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Right>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<Right>,
}

/// What may be done with an attribute or a method, as the standard codes it.
#[derive(Debug, Serialize)]
struct Right {
    id: i8,
    access: u8,
}

impl ObjectLine {
    pub(super) fn new(element: &ObjectElement<'_>) -> Result<Self, DataError> {
        let attributes = element.attributes()?;
        let attributes =
            attributes.map(|item| item.map(|item| Right { id: item.attribute_id, access: item.access_mode }));
        let methods = element.methods()?;
        let methods =
            methods.map(|item| item.map(|item| Right { id: item.method_id, access: item.access_mode }));
        Ok(Self {
            ok: true,
            obis: dotted(element.logical_name).unwrap_or_default(),
            class: element.class_id,
            version: element.version,
            base_name: None,
            attributes: attributes.collect::<Result<_, _>>()?,
            methods: methods.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn short(element: &ObjectElementSn) -> Self {
        Self {
            ok: true,
            obis: dotted(element.logical_name).unwrap_or_default(),
            class: element.class_id,
            version: element.version,
            base_name: Some(element.base_name),
            attributes: Vec::new(),
            methods: Vec::new(),
        }
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Stop> {
        if json {
            return print(self);
        }
        let Self { obis, class, version, attributes, methods, .. } = self;
        let rest = match self.base_name {
            Some(name) => format!("base name {name:04X}"),
            None => format!("{} attributes, {} methods", attributes.len(), methods.len()),
        };
        say(&format!("{obis:<18} class {class:>3} version {version}, {rest}"))
    }
}

pub(super) fn data_stop(error: DataError) -> Stop {
    crate::cli::dlms::error::stop(&error.into())
}

/// A value as text; an array or structure as an array of them.
pub(super) fn shown(data: Data<'_>, known: Option<ScalerUnit>) -> Result<Json, DataError> {
    let mut levels = vec![Vec::new()];
    for event in data.events() {
        let whole = match event? {
            Event::Array(_) | Event::Structure(_) => {
                levels.push(Vec::new());
                continue;
            }
            Event::Value(value) => text(value, known).map_or(Json::Null, Json::String),
            Event::End => Json::Array(levels.pop().unwrap_or_default()),
        };
        levels.last_mut().into_iter().for_each(|level| level.push(whole.clone()));
    }
    let whole = levels.pop().and_then(|mut level| level.pop());
    Ok(whole.unwrap_or_default())
}

/// A value as it came: a number, a truth, or bytes as digits.
fn raw(value: Value<'_>) -> Option<Json> {
    match value {
        Value::Null | Value::DontCare => None,
        Value::Boolean(truth) => Some(truth.into()),
        Value::Enum(code) => Some(code.into()),
        Value::Long64Unsigned(number) => Some(number.into()),
        Value::Float32(bits) => Some(f32::from_bits(bits).into()),
        Value::Float64(bits) => Some(f64::from_bits(bits).into()),
        Value::BitString(bits) => Some(hex(bits.bytes()).into()),
        Value::DateTime(time) => Some(hex(&time.to_bytes()).into()),
        Value::Date(date) => Some(hex(&date.to_bytes()).into()),
        Value::Time(time) => Some(hex(&time.to_bytes()).into()),
        value => match value.bytes() {
            Some(bytes) => Some(hex(bytes).into()),
            None => value.integer().or_else(|| value.delta()).map(Into::into),
        },
    }
}

fn unit(known: ScalerUnit) -> Option<String> {
    Some(known.unit.to_string()).filter(|unit| !unit.is_empty())
}

/// For people.
fn plain(value: &Json) -> String {
    match value {
        Json::Null => "-".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ccm_dlms::message::cosem::Unit;

    use super::*;

    const ENERGY: Target = Target { name: [1, 0, 1, 8, 0, 255], class: 3, member: 2 };

    fn line(bytes: &[u8], known: Option<ScalerUnit>) -> String {
        let data = Data::parse(bytes).unwrap();
        serde_json::to_string(&ValueLine::new(ENERGY, data, known).unwrap()).unwrap()
    }

    #[test]
    fn a_register_is_printed_to_the_letter() {
        let known = Some(ScalerUnit::new(0, Unit::WATT_HOUR));
        let whole = r#"{"ok":true,"obis":"1.0.1.8.0.255","class":3,"attribute":2,"value":"1234567","unit":"Wh","raw":1234567,"scaler":0}"#;
        assert_eq!(line(&[6, 0, 0x12, 0xD6, 0x87], known), whole);
        let volts = line(&[18, 9, 1], Some(ScalerUnit::new(-1, Unit::VOLT)));
        assert!(volts.contains(r#""value":"230.5","unit":"V","raw":2305,"scaler":-1"#), "{volts}");
    }

    #[test]
    fn parts_are_arrays_and_bytes_are_digits() {
        let nested = line(&[2, 2, 15, 0, 1, 1, 9, 2, 0xFF, 0], None);
        assert!(nested.contains(r#""value":["0",["ff00"]]"#), "{nested}");
        assert!(line(&[9, 2, b'O', b'K'], None).ends_with(r#""value":"OK","raw":"4f4b"}"#));
        assert!(line(&[0], None).ends_with(r#""value":null}"#));
        assert!(line(&[3, 1], None).ends_with(r#""value":"true","raw":true}"#));
    }
}
