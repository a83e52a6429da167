//! What can be measured: one table of keys, names and units.

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident $symbol:literal;)*) => {
        /// The unit of a quantity. Energies are Wh everywhere: what a device counts in kWh differs by its exponent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum Unit {
            $($(#[$doc])* $name,)*
        }

        impl Unit {
            /// The symbol to print; empty where there is none.
            pub const fn symbol(self) -> &'static str {
                match self {
                    $(Self::$name => $symbol,)*
                }
            }

            const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

impl Unit {
    /// Reads a unit as meters write it, and the power of ten of its prefix: `kWh` is 10^3 Wh. Upper and lower case are
    /// the same, save that `m` is thousandths and `M` is millions.
    ///
    /// ```
    /// use ccm_registry::Unit;
    ///
    /// assert_eq!(Unit::parse("kWh"), Some((Unit::WattHour, 3)));
    /// assert_eq!(Unit::parse("kVAr"), Some((Unit::Var, 3)));
    /// assert_eq!(Unit::parse("m3"), Some((Unit::CubicMetre, 0)));
    /// assert_eq!(Unit::parse("kvar h"), None);
    /// ```
    pub fn parse(text: &str) -> Option<(Self, i8)> {
        let whole =
            |text: &str| Self::ALL.iter().copied().find(|unit| unit.symbol().eq_ignore_ascii_case(text));
        let prefixed = || {
            let (prefix, rest) = text.split_at_checked(1)?;
            let exponent = match prefix {
                "m" => -3,
                "k" | "K" => 3,
                "M" => 6,
                "G" => 9,
                _ => return None,
            };
            let unit = whole(rest).filter(|unit| unit.takes_prefixes())?;
            Some((unit, exponent))
        };
        if text.eq_ignore_ascii_case("m3") {
            return Some((Self::CubicMetre, 0));
        }
        whole(text).map(|unit| (unit, 0)).or_else(prefixed)
    }

    const fn takes_prefixes(self) -> bool {
        !matches!(self, Self::None | Self::Degree | Self::Celsius | Self::Percent | Self::CubicMetre)
    }
}

units! {
    /// A number, a code or a text.
    None "";
    /// Effective current.
    Ampere "A";
    /// Effective voltage.
    Volt "V";
    /// Active power.
    Watt "W";
    /// Reactive power.
    Var "var";
    /// Apparent power.
    VoltAmpere "VA";
    /// Active energy.
    WattHour "Wh";
    /// Frequency.
    Hertz "Hz";
    /// Angle.
    Degree "°";
    /// Temperature.
    Celsius "°C";
    /// Share of a whole.
    Percent "%";
    /// Volume of gas or water.
    CubicMetre "m³";
    /// Heat.
    Joule "J";
}

macro_rules! quantities {
    ($($name:ident $key:literal $text:literal $unit:ident;)*) => {
        /// What is measured, with the sign of manual 7.1: production positive, grid import positive and export
        /// negative, battery discharge positive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[expect(missing_docs, reason = "each is named in words by name()")]
        pub enum Quantity {
            $($name,)*
        }

        impl Quantity {
            /// All, in the order in which a device's values are shown: that of the manual's figure 28 first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The key in files, topics and the API. Keys are never renamed.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }

            /// The name for people.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The unit of its values.
            pub const fn unit(self) -> Unit {
                match self {
                    $(Self::$name => Unit::$unit,)*
                }
            }

            /// The quantity of a key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|quantity| quantity.key() == key)
            }
        }
    };
}

/// What becomes of a value when its device is mounted the wrong way round (H111).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Nothing: it has no direction.
    Same,
    /// Its sign changes.
    Negated,
    /// It is what the other counter counts.
    Swapped(Quantity),
}

impl Quantity {
    /// What becomes of a value of this quantity when its device is mounted the wrong way round.
    pub const fn turned(self) -> Turned {
        match self {
            Self::P | Self::P1 | Self::P2 | Self::P3 | Self::Q | Self::Q1 | Self::Q2 | Self::Q3 => {
                Turned::Negated
            }
            Self::GridP | Self::GridP1 | Self::BatteryP => Turned::Negated,
            Self::Pf | Self::Pf1 | Self::Pf2 | Self::Pf3 => Turned::Negated,
            Self::EImport => Turned::Swapped(Self::EExport),
            Self::EExport => Turned::Swapped(Self::EImport),
            Self::EImport1 => Turned::Swapped(Self::EExport1),
            Self::EExport1 => Turned::Swapped(Self::EImport1),
            Self::EImportT1 => Turned::Swapped(Self::EExportT1),
            Self::EImportT2 => Turned::Swapped(Self::EExportT2),
            Self::EImportT3 => Turned::Swapped(Self::EExportT3),
            Self::EImportT4 => Turned::Swapped(Self::EExportT4),
            Self::EExportT1 => Turned::Swapped(Self::EImportT1),
            Self::EExportT2 => Turned::Swapped(Self::EImportT2),
            Self::EExportT3 => Turned::Swapped(Self::EImportT3),
            Self::EExportT4 => Turned::Swapped(Self::EImportT4),
            _ => Turned::Same,
        }
    }
}

// The name of each variant is its key in camel case: the device files are compiled by that rule.
quantities! {
    I1 "i1" "current L1" Ampere;
    V1 "v1" "voltage L1" Volt;
    I2 "i2" "current L2" Ampere;
    V2 "v2" "voltage L2" Volt;
    I3 "i3" "current L3" Ampere;
    V3 "v3" "voltage L3" Volt;
    Pf1 "pf1" "power factor L1" None;
    Pf2 "pf2" "power factor L2" None;
    Pf3 "pf3" "power factor L3" None;
    P1 "p1" "active power L1" Watt;
    P2 "p2" "active power L2" Watt;
    P3 "p3" "active power L3" Watt;
    P "p" "active power" Watt;
    Q1 "q1" "reactive power L1" Var;
    Q2 "q2" "reactive power L2" Var;
    Q3 "q3" "reactive power L3" Var;
    Q "q" "reactive power" Var;
    S1 "s1" "apparent power L1" VoltAmpere;
    S2 "s2" "apparent power L2" VoltAmpere;
    S3 "s3" "apparent power L3" VoltAmpere;
    S "s" "apparent power" VoltAmpere;
    Pf "pf" "power factor" None;
    Frequency "frequency" "frequency" Hertz;
    Angle1 "angle1" "phase angle L1" Degree;
    Angle2 "angle2" "phase angle L2" Degree;
    Angle3 "angle3" "phase angle L3" Degree;
    INeutral "i_neutral" "neutral current" Ampere;
    IResidual "i_residual" "residual current" Ampere;
    Temperature "temperature" "temperature" Celsius;
    EImport "e_import" "energy imported" WattHour;
    EExport "e_export" "energy exported" WattHour;
    EImport1 "e_import_1" "energy imported L1" WattHour;
    EExport1 "e_export_1" "energy exported L1" WattHour;
    EImportT1 "e_import_t1" "energy imported in tariff 1" WattHour;
    EExportT1 "e_export_t1" "energy exported in tariff 1" WattHour;
    EImportT2 "e_import_t2" "energy imported in tariff 2" WattHour;
    EExportT2 "e_export_t2" "energy exported in tariff 2" WattHour;
    EImportT3 "e_import_t3" "energy imported in tariff 3" WattHour;
    EExportT3 "e_export_t3" "energy exported in tariff 3" WattHour;
    EImportT4 "e_import_t4" "energy imported in tariff 4" WattHour;
    EExportT4 "e_export_t4" "energy exported in tariff 4" WattHour;
    Gas "gas" "gas" CubicMetre;
    Water "water" "water" CubicMetre;
    HotWater "hot_water" "hot water" CubicMetre;
    Heat "heat" "heat" Joule;
    Cooling "cooling" "cooling" Joule;
    EProduction "e_production" "energy produced" WattHour;
    EProductionDay "e_production_day" "energy produced today" WattHour;
    Pv1P "pv1_p" "power of string 1" Watt;
    Pv2P "pv2_p" "power of string 2" Watt;
    BatteryP "battery_p" "battery power" Watt;
    BatterySoc "battery_soc" "battery charge" Percent;
    GridP "grid_p" "grid power" Watt;
    GridP1 "grid_p1" "grid power L1" Watt;
    GridV1 "grid_v1" "grid voltage L1" Volt;
    State "state" "state" None;
    Mode "mode" "metering mode" None;
    Samples "samples" "sample counter" None;
    Firmware "firmware" "firmware" None;
    Serial "serial" "serial number" None;
    Model "model" "model" None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_quantities_and_no_other() {
        for quantity in Quantity::ALL {
            assert_eq!(Quantity::from_key(quantity.key()), Some(*quantity));
        }
    }

    #[test]
    fn h098_the_first_values_come_in_the_order_of_figure_28() {
        let keys: Vec<_> = Quantity::ALL.iter().take(7).map(|quantity| quantity.key()).collect();
        assert_eq!(keys, ["i1", "v1", "i2", "v2", "i3", "v3", "pf1"]);
        assert_eq!(Quantity::I2.unit().symbol(), "A", "the manual prints i2 in Vrms: its typo, not ours");
    }
}
