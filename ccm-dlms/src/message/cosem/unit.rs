//! Units of measure (IEC 62056-6-2, table of the enumeration `unit`).

use core::fmt;

/// A unit by its code. Codes that the table does not have are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Unit(pub u8);

impl Unit {
    /// Watt.
    pub const WATT: Self = Self(27);
    /// Volt-ampere.
    pub const VOLT_AMPERE: Self = Self(28);
    /// Var.
    pub const VAR: Self = Self(29);
    /// Watt-hour.
    pub const WATT_HOUR: Self = Self(30);
    /// Volt-ampere-hour.
    pub const VOLT_AMPERE_HOUR: Self = Self(31);
    /// Var-hour.
    pub const VAR_HOUR: Self = Self(32);
    /// Ampere.
    pub const AMPERE: Self = Self(33);
    /// Volt.
    pub const VOLT: Self = Self(35);
    /// Hertz.
    pub const HERTZ: Self = Self(44);
    /// A number without a unit.
    pub const NONE: Self = Self(255);

    /// The unit as it is written behind a number, empty for a count; nothing where the table has no such code.
    pub fn name(self) -> Option<&'static str> {
        let found = UNITS.iter().find(|(code, ..)| *code == self.0);
        found.map(|(_, name, _)| *name)
    }

    /// Whether the code was met in real meters, with this meaning. The others are from memory of the standard's table.
    pub fn is_seen(self) -> bool {
        UNITS.iter().any(|(code, _, known)| *code == self.0 && matches!(known, Known::Seen))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "unit {}", self.0),
        }
    }
}

/// How a row of the table is known.
#[derive(Clone, Copy)]
enum Known {
    /// Met in meters or in other decoders, and checked.
    Seen,
    /// From memory of the Blue Book's table.
    Recalled,
}

use Known::{Recalled, Seen};

const UNITS: [(u8, &str, Known); 74] = [
    (1, "a", Recalled),
    (2, "mo", Recalled),
    (3, "wk", Recalled),
    (4, "d", Recalled),
    (5, "h", Recalled),
    (6, "min", Recalled),
    (7, "s", Recalled),
    (8, "°", Recalled),
    (9, "°C", Seen),
    (10, "currency", Recalled),
    (11, "m", Recalled),
    (12, "m/s", Recalled),
    (13, "m³", Seen),
    // Corrected volume: under the conditions of the norm.
    (14, "m³", Recalled),
    (15, "m³/h", Recalled),
    (16, "m³/h", Recalled),
    (17, "m³/d", Recalled),
    (18, "m³/d", Recalled),
    (19, "l", Recalled),
    (20, "kg", Recalled),
    (21, "N", Recalled),
    (22, "Nm", Recalled),
    (23, "Pa", Recalled),
    (24, "bar", Recalled),
    (25, "J", Recalled),
    (26, "J/h", Recalled),
    (27, "W", Seen),
    (28, "VA", Seen),
    (29, "var", Seen),
    (30, "Wh", Seen),
    (31, "VAh", Seen),
    (32, "varh", Seen),
    (33, "A", Seen),
    (34, "C", Recalled),
    (35, "V", Seen),
    (36, "V/m", Recalled),
    (37, "F", Recalled),
    (38, "Ω", Recalled),
    (39, "Ωm", Recalled),
    (40, "Wb", Recalled),
    (41, "T", Recalled),
    (42, "A/m", Recalled),
    (43, "H", Recalled),
    (44, "Hz", Seen),
    // Meter constants: impulses per energy.
    (45, "1/Wh", Recalled),
    (46, "1/varh", Recalled),
    (47, "1/VAh", Recalled),
    (48, "V²h", Recalled),
    (49, "A²h", Recalled),
    (50, "kg/s", Recalled),
    (51, "S", Recalled),
    (52, "K", Recalled),
    (53, "1/V²h", Recalled),
    (54, "1/A²h", Recalled),
    (55, "1/m³", Recalled),
    (56, "%", Recalled),
    (57, "Ah", Recalled),
    (60, "Wh/m³", Recalled),
    (61, "J/m³", Recalled),
    (62, "mol%", Recalled),
    (63, "g/m³", Recalled),
    (64, "Pa·s", Recalled),
    (65, "J/kg", Recalled),
    (66, "g/cm²", Recalled),
    (67, "atm", Recalled),
    (70, "dBm", Recalled),
    (71, "dBµV", Recalled),
    (72, "dB", Recalled),
    (128, "in", Recalled),
    (129, "ft", Recalled),
    (130, "lb", Recalled),
    (131, "°F", Recalled),
    (254, "other", Recalled),
    (255, "", Seen),
];
