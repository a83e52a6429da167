//! Device files as they are written: the same for those compiled in and those a user adds.

use std::string::String;
use std::vec::Vec;

use serde::Deserialize;

/// A device file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) maker: String,
    pub(crate) kind: FileKind,
    pub(crate) class: String,
    pub(crate) series: String,
    pub(crate) models: Vec<String>,
    pub(crate) ports: Vec<FilePort>,
    pub(crate) unit: u8,
    pub(crate) baud: u32,
    #[serde(default)]
    pub(crate) parity: FileParity,
    #[serde(default)]
    pub(crate) order: FileOrder,
    #[serde(default = "no_limit")]
    pub(crate) max_registers: u16,
    pub(crate) probe: Option<FileProbe>,
    #[serde(rename = "group")]
    pub(crate) groups: Vec<Group>,
}

const fn no_limit() -> u16 {
    125
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileKind {
    Meter,
    Inverter,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FilePort {
    Native,
    Rs485,
    Tcp,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileParity {
    #[default]
    None,
    Even,
    Odd,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum FileOrder {
    #[default]
    Abcd,
    Cdab,
    Badc,
    Dcba,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileSpace {
    Holding,
    Input,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileProbe {
    pub(crate) space: FileSpace,
    pub(crate) address: u16,
    pub(crate) expected: u16,
}

/// Points that share what is said of their group; each can say otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    space: FileSpace,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    optional: bool,
    not_available: Option<u32>,
    seen: Option<u8>,
    points: Vec<GroupPoint>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupPoint {
    quantity: String,
    address: u16,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    scale: i8,
    #[serde(default)]
    invert: bool,
    #[serde(default)]
    optional: bool,
    not_available: Option<u32>,
    seen: Option<u8>,
    order: Option<FileOrder>,
}

/// A point with everything said of it.
#[derive(Debug)]
pub(crate) struct FilePoint {
    pub(crate) quantity: String,
    pub(crate) space: FileSpace,
    pub(crate) address: u16,
    pub(crate) kind: FileNumber,
    pub(crate) order: FileOrder,
    pub(crate) scale: i8,
    pub(crate) invert: bool,
    pub(crate) optional: bool,
    pub(crate) not_available: Option<u32>,
    pub(crate) seen: u8,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FileNumber {
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    Text(u8),
}

impl FileNumber {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "u16" => Self::U16,
            "i16" => Self::I16,
            "u32" => Self::U32,
            "i32" => Self::I32,
            "u64" => Self::U64,
            "i64" => Self::I64,
            "f32" => Self::F32,
            _ => Self::Text(
                text.strip_prefix("text")?.parse().ok().filter(|length| (1..=32).contains(length))?,
            ),
        })
    }

    const fn registers(self) -> u32 {
        match self {
            Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 => 4,
            Self::Text(registers) => registers as u32,
        }
    }
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    /// One line that says where the mistake is and what to do.
    pub(crate) fn parse(text: &str) -> Result<(Self, Vec<FilePoint>), String> {
        let file: Self = toml::from_str(text).map_err(|error| std::format!("{error}"))?;
        if !(1..=247).contains(&file.unit) {
            return Err(std::format!("unit: {} is none; use 1 to 247", file.unit));
        }
        if !(1..=125).contains(&file.max_registers) {
            return Err(std::format!("max_registers: {} is not 1 to 125", file.max_registers));
        }
        let mut points = file.points()?;
        points.sort_by_key(|point| (point.space, point.address));
        for (index, point) in points.iter().enumerate() {
            file.check(point, points.get(index + 1..).unwrap_or_default())?;
        }
        Ok((file, points))
    }

    fn points(&self) -> Result<Vec<FilePoint>, String> {
        let points =
            self.groups.iter().flat_map(|group| group.points.iter().map(move |point| (group, point)));
        points.map(|(group, point)| self.point(group, point)).collect()
    }

    fn point(&self, group: &Group, point: &GroupPoint) -> Result<FilePoint, String> {
        let known = "u16, i16, u32, i32, u64, i64, f32 or text1 to text32";
        let kind = point.kind.as_deref().or(group.kind.as_deref());
        let kind = kind.ok_or_else(|| std::format!("{}: says no type; use {known}", point.quantity))?;
        let number = FileNumber::parse(kind)
            .ok_or_else(|| std::format!("{}: there is no type \"{kind}\"; use {known}", point.quantity))?;
        Ok(FilePoint {
            quantity: point.quantity.clone(),
            space: group.space,
            address: point.address,
            kind: number,
            order: point.order.unwrap_or(self.order),
            scale: point.scale,
            invert: point.invert,
            optional: point.optional || group.optional,
            not_available: point.not_available.or(group.not_available),
            seen: point.seen.or(group.seen).unwrap_or(2),
        })
    }

    fn check(&self, point: &FilePoint, later: &[FilePoint]) -> Result<(), String> {
        let name = &point.quantity;
        if later.iter().any(|other| other.quantity == *name) {
            return Err(std::format!("{name}: comes twice; keep one"));
        }
        if u32::from(point.address) + point.kind.registers() > 0x1_0000 {
            return Err(std::format!("{name}: its registers end beyond address 65535"));
        }
        if point.kind.registers() > u32::from(self.max_registers) {
            return Err(std::format!(
                "{name}: has more registers than the {} of one read",
                self.max_registers
            ));
        }
        if !(-9..=9).contains(&point.scale) {
            return Err(std::format!("{name}: a scale of {} is not -9 to 9", point.scale));
        }
        Ok(())
    }
}
