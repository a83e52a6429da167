//! Device files that a user adds while the hub runs.

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use ccm_core::{DataBits, Line, Obis, Parity, WordOrder};

use crate::file::{
    File, FileCode, FileDataBits, FileForm, FileKind, FileNumber, FileOrder, FileParity, FilePoint, FilePort,
    FileSpace, FileTerm,
};
use crate::{CodePoint, DeviceKind, Form, Kind, Map, Point, PortKind, Probe, Quantity, Space, Term};

/// Reads a device file; `id` is its name without `.toml`.
///
/// The map stays in memory for as long as the program runs, as those that are compiled in do: device files are read
/// once, at the start.
///
/// # Errors
/// One line that says where the mistake is and what to do.
pub fn parse_map(id: &str, text: &str) -> Result<&'static Map<'static>, MapError> {
    let (file, points) = File::parse(text).map_err(|message| MapError { id: id.into(), message })?;
    let mistake = |message| MapError { id: id.into(), message };
    let codes: Result<Vec<CodePoint<'static>>, String> = points.codes.iter().map(code).collect();
    let codes = codes.map_err(mistake)?;
    let points: Result<Vec<Point>, String> = points.registers.iter().map(point).collect();
    let points = points.map_err(mistake)?;
    let models: Vec<&'static str> = file.models.into_iter().map(leak).collect();
    Ok(Box::leak(Box::new(Map {
        id: leak(id.into()),
        kind: match file.kind {
            FileKind::Meter => DeviceKind::Meter,
            FileKind::Inverter => DeviceKind::Inverter,
        },
        maker: leak(file.maker),
        class: leak(file.class),
        series: leak(file.series),
        models: models.leak(),
        ports: file.ports.into_iter().map(port).collect::<Vec<_>>().leak(),
        unit: file.unit,
        line: Line {
            data_bits: match file.data_bits {
                FileDataBits::Seven => DataBits::Seven,
                FileDataBits::Eight => DataBits::Eight,
            },
            ..Line::new(file.baud).with_parity(parity(file.parity))
        },
        max_registers: file.max_registers,
        probe: file.probe.map(|probe| Probe {
            space: space(probe.space),
            address: probe.address,
            expected: probe.expected,
        }),
        points: points.leak(),
        codes: codes.leak(),
    })))
}

/// A device file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("device file {id}: {message}")]
pub struct MapError {
    /// The file's name.
    pub id: String,
    /// Where the mistake is and what to do.
    pub message: String,
}

fn leak(text: String) -> &'static str {
    String::leak(text)
}

fn quantity(key: &str) -> Result<Quantity, String> {
    let unknown =
        || std::format!("there is no quantity \"{key}\"; `ccmaster devices --quantities` lists them");
    Quantity::from_key(key).ok_or_else(unknown)
}

fn code(code: &FileCode) -> Result<CodePoint<'static>, String> {
    let sum =
        |terms: &Vec<FileTerm>| -> &'static [Term] { terms.iter().map(term).collect::<Vec<_>>().leak() };
    Ok(CodePoint {
        quantity: quantity(&code.quantity)?,
        choices: code.choices.iter().map(sum).collect::<Vec<_>>().leak(),
        form: match code.form {
            FileForm::Number => Form::Number,
            FileForm::Text => Form::Text,
            FileForm::Hex => Form::Hex,
            FileForm::SubMeter => Form::SubMeter,
        },
        scale: code.scale,
        invert: code.invert,
        optional: code.optional,
        seen: code.seen,
    })
}

const fn term(term: &FileTerm) -> Term {
    let FileTerm { a, b, c, d, e, f, minus } = *term;
    Term { code: Obis { a, b, c, d, e, f }, minus }
}

fn point(point: &FilePoint) -> Result<Point, String> {
    Ok(Point {
        quantity: quantity(&point.quantity)?,
        space: space(point.space),
        address: point.address,
        kind: kind(point.kind),
        order: order(point.order),
        scale: point.scale,
        invert: point.invert,
        optional: point.optional,
        not_available: point.not_available,
        seen: point.seen,
    })
}

const fn kind(number: FileNumber) -> Kind {
    match number {
        FileNumber::U16 => Kind::U16,
        FileNumber::I16 => Kind::I16,
        FileNumber::U32 => Kind::U32,
        FileNumber::I32 => Kind::I32,
        FileNumber::U64 => Kind::U64,
        FileNumber::I64 => Kind::I64,
        FileNumber::F32 => Kind::F32,
        FileNumber::Text(registers) => Kind::Text(registers),
    }
}

const fn order(order: FileOrder) -> WordOrder {
    match order {
        FileOrder::Abcd => WordOrder::Abcd,
        FileOrder::Cdab => WordOrder::Cdab,
        FileOrder::Badc => WordOrder::Badc,
        FileOrder::Dcba => WordOrder::Dcba,
    }
}

const fn parity(parity: FileParity) -> Parity {
    match parity {
        FileParity::None => Parity::None,
        FileParity::Even => Parity::Even,
        FileParity::Odd => Parity::Odd,
    }
}

const fn port(port: FilePort) -> PortKind {
    match port {
        FilePort::Native => PortKind::Native,
        FilePort::Rs485 => PortKind::Rs485,
        FilePort::Tcp => PortKind::Tcp,
        FilePort::D0 => PortKind::D0,
        FilePort::P1 => PortKind::P1,
        FilePort::Dlms => PortKind::Dlms,
    }
}

const fn space(space: FileSpace) -> Space {
    match space {
        FileSpace::Holding => Space::Holding,
        FileSpace::Input => Space::Input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_file_becomes_the_same_map_as_one_compiled_in() {
        let map = parse_map("goodwe-dt", include_str!("../devices/goodwe-dt.toml")).unwrap();
        assert_eq!(Some(map), crate::find("goodwe-dt"));
        let map = parse_map("ccm", include_str!("../devices/ccm.toml")).unwrap();
        assert_eq!(Some(map), crate::find("ccm"));
        let map = parse_map("iec62056-21", include_str!("../devices/iec62056-21.toml")).unwrap();
        assert_eq!(Some(map), crate::find("iec62056-21"));
        let map = parse_map("p1", include_str!("../devices/p1.toml")).unwrap();
        assert_eq!(Some(map), crate::find("p1"));
        let map = parse_map("dlms", include_str!("../devices/dlms.toml")).unwrap();
        assert_eq!(Some(map), crate::find("dlms"));
    }

    #[test]
    fn a_dlms_meter_is_asked_for_whole_codes_of_numbers_and_texts() {
        let good = include_str!("../devices/dlms.toml");
        for (right, wrong, message) in [
            (
                "\"1-0:32.7.0\"",
                "\"32.7.0\"",
                "v1: a meter with \"dlms\" is asked for whole codes, as in 1-0:1.8.0",
            ),
            ("\"1-0:32.7.0\"", "\"1-0:32.7\"", "v1: a meter with \"dlms\" is asked for whole codes"),
            (
                "type = \"text\"",
                "type = \"hex\"",
                "serial: a meter with \"dlms\" has the types number and text",
            ),
        ] {
            assert!(good.contains(right), "{right}");
            let error = parse_map("mine", &good.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_mistake_with_codes_is_named_with_its_place() {
        let good = include_str!("../devices/p1.toml");
        let table = [
            ("obis = \"32.7.0\"", "obis = \"32.7.\"", "v1: \"32.7.\" is no code and no sum of codes"),
            ("obis = \"32.7.0\"", "obis = \"32.7.0 +\"", "v1: \"32.7.0 +\" is no code"),
            ("obis = \"32.7.0\"", "obis = \"32.7.256\"", "v1: \"32.7.256\" is no code"),
            ("obis = \"32.7.0\"", "obis = []", "v1: needs a code"),
            ("obis = \"32.7.0\"", "address = 5", "v1: needs obis, and nothing that only registers have"),
            ("obis = \"32.7.0\"", "obis = \"32.7.0\", scale = 10", "v1: a scale of 10 is not -9 to 9"),
            ("quantity = \"v2\"", "quantity = \"v1\"", "v1: comes twice"),
            ("\"hex\"", "\"u16\"", "serial: there is no type \"u16\"; use number, text, hex or submeter"),
            (
                "type = \"hex\"",
                "type = \"submeter\"",
                "serial: only gas, water, hot_water, heat and cooling are",
            ),
            (
                "[\"p1\"]",
                "[\"p1\", \"rs485\"]",
                "ports: \"d0\", \"p1\" and \"dlms\" have codes, the others registers",
            ),
            ("baud = 115200", "baud = 115200\nunit = 1", "unit: a meter with codes has none"),
            ("baud = 115200", "baud = 115200\ndata_bits = 9", "data_bits is 7 or 8"),
        ];
        for (right, wrong, message) in table {
            assert!(good.contains(right), "{right}");
            let error = parse_map("mine", &good.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let good = include_str!("../devices/goodwe-dt.toml");
        let table = [
            ("unit = 247", "unit = 248", "unit: 248 is none; use 1 to 247"),
            ("quantity = \"pf\"", "quantity = \"fp\"", "there is no quantity \"fp\""),
            ("quantity = \"pf\"", "quantity = \"p\"", "p: comes twice"),
            ("\"text8\"", "\"text99\"", "serial: there is no type \"text99\""),
            ("address = 30195", "address = 65535", "grid_p: its registers end beyond address 65535"),
            ("scale = -3", "scale = -30", "pf: a scale of -30 is not -9 to 9"),
            ("series =", "set =", "unknown field `set`"),
        ];
        for (right, wrong, message) in table {
            let error = parse_map("mine", &good.replace(right, wrong)).unwrap_err().to_string();
            assert!(error.starts_with("device file mine: ") && error.contains(message), "{error}");
        }
    }
}
