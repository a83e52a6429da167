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
    /// 0 where the device is not on Modbus.
    #[serde(default)]
    pub(crate) unit: u8,
    pub(crate) baud: u32,
    #[serde(default)]
    pub(crate) parity: FileParity,
    #[serde(default)]
    pub(crate) data_bits: FileDataBits,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FilePort {
    Native,
    Rs485,
    Tcp,
    D0,
    P1,
    Dlms,
}

impl FilePort {
    const fn is_meter(self) -> bool {
        matches!(self, Self::D0 | Self::P1 | Self::Dlms)
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "u8")]
pub(crate) enum FileDataBits {
    Seven,
    #[default]
    Eight,
}

impl TryFrom<u8> for FileDataBits {
    type Error = &'static str;

    fn try_from(bits: u8) -> Result<Self, &'static str> {
        match bits {
            7 => Ok(Self::Seven),
            8 => Ok(Self::Eight),
            _ => Err("data_bits is 7 or 8"),
        }
    }
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
    /// Only registers have one.
    space: Option<FileSpace>,
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
    address: Option<u16>,
    obis: Option<Choices>,
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

/// One code, a sum or difference of codes, or a list of such, the best first.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Choices {
    One(String),
    Several(Vec<String>),
}

impl Choices {
    fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => core::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

/// A quantity of a meter with everything said of it.
#[derive(Debug)]
pub(crate) struct FileCode {
    pub(crate) quantity: String,
    /// Sums, the best first.
    pub(crate) choices: Vec<Vec<FileTerm>>,
    pub(crate) form: FileForm,
    pub(crate) scale: i8,
    pub(crate) invert: bool,
    pub(crate) optional: bool,
    pub(crate) seen: u8,
}

/// A code in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileTerm {
    pub(crate) a: Option<u8>,
    pub(crate) b: Option<u8>,
    pub(crate) c: u8,
    pub(crate) d: u8,
    pub(crate) e: Option<u8>,
    pub(crate) f: Option<u8>,
    pub(crate) minus: bool,
}

impl FileTerm {
    /// Reads `[A-][B:]C.D[.E][*F]`, where C and D may be the letters C, F, L and P (IEC 62056-61).
    fn parse(text: &str, minus: bool) -> Option<Self> {
        let (a, rest) = text.split_once('-').map_or((None, text), |(a, rest)| (Some(a), rest));
        let (b, rest) = rest.split_once(':').map_or((None, rest), |(b, rest)| (Some(b), rest));
        let (rest, f) = rest.split_once('*').map_or((rest, None), |(rest, f)| (rest, Some(f)));
        let mut groups = rest.splitn(3, '.');
        let (c, d, e) = (group(groups.next()?)?, group(groups.next()?)?, groups.next());
        let optional =
            |group: Option<&str>| group.map(|text| text.parse().ok()).map_or(Some(None), |g| g.map(Some));
        Some(Self { a: optional(a)?, b: optional(b)?, c, d, e: optional(e)?, f: optional(f)?, minus })
    }
}

fn group(text: &str) -> Option<u8> {
    match text {
        "C" => Some(96),
        "F" => Some(97),
        "L" => Some(98),
        "P" => Some(99),
        number => number.parse().ok(),
    }
}

/// How the text of a value is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileForm {
    Number,
    Text,
    Hex,
    SubMeter,
}

/// What a file says of its device's values.
#[derive(Debug)]
pub(crate) struct FilePoints {
    pub(crate) registers: Vec<FilePoint>,
    pub(crate) codes: Vec<FileCode>,
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
    pub(crate) fn parse(text: &str) -> Result<(Self, FilePoints), String> {
        let file: Self = toml::from_str(text).map_err(|error| std::format!("{error}"))?;
        if file.is_meter()? {
            let codes = file.codes()?;
            return Ok((file, FilePoints { registers: Vec::new(), codes }));
        }
        if !(1..=247).contains(&file.unit) {
            return Err(std::format!("unit: {} is none; use 1 to 247", file.unit));
        }
        if !(1..=125).contains(&file.max_registers) {
            return Err(std::format!("max_registers: {} is not 1 to 125", file.max_registers));
        }
        let mut registers = file.points()?;
        registers.sort_by_key(|point| (point.space, point.address));
        for (index, point) in registers.iter().enumerate() {
            file.check(point, registers.get(index + 1..).unwrap_or_default())?;
        }
        Ok((file, FilePoints { registers, codes: Vec::new() }))
    }

    /// Whether it gives codes in place of registers.
    fn is_meter(&self) -> Result<bool, String> {
        let meters = self.ports.iter().filter(|port| port.is_meter()).count();
        match meters {
            0 => Ok(false),
            all if all == self.ports.len() && self.unit == 0 => Ok(true),
            all if all == self.ports.len() => Err("unit: a meter with codes has none; remove it".into()),
            _ => {
                Err("ports: \"d0\", \"p1\" and \"dlms\" have codes, the others registers; make two files"
                    .into())
            }
        }
    }

    fn points(&self) -> Result<Vec<FilePoint>, String> {
        let points =
            self.groups.iter().flat_map(|group| group.points.iter().map(move |point| (group, point)));
        points.map(|(group, point)| self.point(group, point)).collect()
    }

    fn codes(&self) -> Result<Vec<FileCode>, String> {
        let points =
            self.groups.iter().flat_map(|group| group.points.iter().map(move |point| (group, point)));
        let codes: Vec<FileCode> =
            points.map(|(group, point)| code(group, point)).collect::<Result<_, _>>()?;
        for (index, code) in codes.iter().enumerate() {
            let later = codes.get(index + 1..).unwrap_or_default();
            if later.iter().any(|other| other.quantity == code.quantity) {
                return Err(std::format!("{}: comes twice; keep one", code.quantity));
            }
        }
        if self.ports.contains(&FilePort::Dlms) {
            codes.iter().try_for_each(askable)?;
        }
        let terms = codes.iter().flat_map(|code| code.choices.iter().flatten()).count();
        if terms > MOST_CODES {
            return Err(std::format!("{terms} codes are more than {MOST_CODES}; leave some out"));
        }
        Ok(codes)
    }

    fn point(&self, group: &Group, point: &GroupPoint) -> Result<FilePoint, String> {
        let known = "u16, i16, u32, i32, u64, i64, f32 or text1 to text32";
        let kind = point.kind.as_deref().or(group.kind.as_deref());
        let kind = kind.ok_or_else(|| std::format!("{}: says no type; use {known}", point.quantity))?;
        let number = FileNumber::parse(kind)
            .ok_or_else(|| std::format!("{}: there is no type \"{kind}\"; use {known}", point.quantity))?;
        let (Some(space), Some(address), None) = (group.space, point.address, &point.obis) else {
            return Err(std::format!("{}: needs a space and an address, and no obis", point.quantity));
        };
        Ok(FilePoint {
            quantity: point.quantity.clone(),
            space,
            address,
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

fn code(group: &Group, point: &GroupPoint) -> Result<FileCode, String> {
    let name = &point.quantity;
    let is_register = group.space.is_some()
        || point.address.is_some()
        || point.order.is_some()
        || point.not_available.or(group.not_available).is_some();
    let Some(obis) = point.obis.as_ref().filter(|_| !is_register) else {
        return Err(std::format!("{name}: needs obis, and nothing that only registers have"));
    };
    let form = match point.kind.as_deref().or(group.kind.as_deref()) {
        None | Some("number") => FileForm::Number,
        Some("text") => FileForm::Text,
        Some("hex") => FileForm::Hex,
        Some("submeter") => FileForm::SubMeter,
        Some(kind) => {
            return Err(std::format!(
                "{name}: there is no type \"{kind}\"; use number, text, hex or submeter"
            ));
        }
    };
    if form == FileForm::SubMeter && !SUB_METERS.contains(&name.as_str()) {
        return Err(std::format!("{name}: only gas, water, hot_water, heat and cooling are of a submeter"));
    }
    if !(-9..=9).contains(&point.scale) {
        return Err(std::format!("{name}: a scale of {} is not -9 to 9", point.scale));
    }
    let choices: Vec<_> = obis.texts().iter().map(|text| sum(name, text)).collect::<Result<_, _>>()?;
    if choices.is_empty() || form != FileForm::Number && choices.iter().any(|terms| terms.len() > 1) {
        return Err(std::format!("{name}: needs a code, and only a number is a sum"));
    }
    Ok(FileCode {
        quantity: name.clone(),
        choices,
        form,
        scale: point.scale,
        invert: point.invert,
        optional: point.optional || group.optional,
        seen: point.seen.or(group.seen).unwrap_or(2),
    })
}

/// DLMS has no readout: what is wanted is asked for, by its whole name.
fn askable(code: &FileCode) -> Result<(), String> {
    let name = &code.quantity;
    if !matches!(code.form, FileForm::Number | FileForm::Text) {
        return Err(std::format!("{name}: a meter with \"dlms\" has the types number and text"));
    }
    let is_whole = |term: &FileTerm| term.a.is_some() && term.b.is_some() && term.e.is_some();
    if code.choices.iter().flatten().all(is_whole) {
        return Ok(());
    }
    Err(std::format!("{name}: a meter with \"dlms\" is asked for whole codes, as in 1-0:1.8.0"))
}

/// Reads `1.8.0`, `1.8.1 + 1.8.2` or `1.7.0 - 2.7.0`: blanks stand around the signs, because codes have such too.
fn sum(name: &str, text: &str) -> Result<Vec<FileTerm>, String> {
    let mistake =
        || std::format!("{name}: \"{text}\" is no code and no sum of codes, as in 1.8.0 or 1.7.0 - 2.7.0");
    let mut terms = Vec::new();
    let mut minus = false;
    for (place, word) in text.split_whitespace().enumerate() {
        match (place % 2, word) {
            (0, code) => terms.push(FileTerm::parse(code, minus).ok_or_else(mistake)?),
            (_, "+" | "-") => minus = word == "-",
            _ => return Err(mistake()),
        }
    }
    let words = text.split_whitespace().count();
    if words % 2 == 1 { Ok(terms) } else { Err(mistake()) }
}

/// What meters behind a meter count.
const SUB_METERS: [&str; 5] = ["gas", "water", "hot_water", "heat", "cooling"];

/// As many codes as a hub keeps of a telegram.
pub(crate) const MOST_CODES: usize = 64;
