//! The units of meters that send none: `1.8=kWh 2.8=kWh 16.7.0=W`.

/// What somebody says a meter's values are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssumedUnit<'a> {
    /// The code, `[A-][B:]C.D[.E]`; groups left open mean all.
    pub code: &'a str,
    /// The unit as a meter would write it.
    pub unit: &'static str,
}

impl<'a> AssumedUnit<'a> {
    /// All that a device's setting says.
    pub fn all(units: &'a str) -> impl Iterator<Item = Self> {
        assumed(units).flatten()
    }
}

/// The units in a text; nothing in place of each word that says none.
pub(crate) fn assumed(text: &str) -> impl Iterator<Item = Option<AssumedUnit<'_>>> {
    text.split([' ', ',']).filter(|word| !word.is_empty()).map(|word| {
        let (code, unit) = word.split_once('=')?;
        let unit = UNITS.into_iter().find(|known| *known == unit)?;
        is_code(code).then_some(AssumedUnit { code, unit })
    })
}

/// History has no unit of its own: `*F` is not taken.
fn is_code(text: &str) -> bool {
    let (a, rest) = text.split_once('-').unwrap_or(("0", text));
    let (b, rest) = rest.split_once(':').unwrap_or(("0", rest));
    let groups = rest.split('.');
    let is_number = |group: &str| group.len() <= 3 && group.parse::<u8>().is_ok() && !group.starts_with('+');
    (2..=3).contains(&groups.clone().count()) && [a, b].into_iter().chain(groups).all(is_number)
}

/// The units that can be assumed.
pub const UNITS: [&str; 10] = ["Wh", "kWh", "MWh", "W", "kW", "MW", "V", "A", "Hz", "var"];
