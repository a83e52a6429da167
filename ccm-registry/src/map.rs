//! What is known of a kind of device.

use ccm_core::Line;

use crate::{CodePoint, Form, Kind, Point, Quantity, Space};

/// A kind of device: who makes it, how it is reached, and what stands in its registers.
///
/// The fields are those of the manual's "Add External" page, so its lists of choices are a projection of all maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map<'a> {
    /// The name of its file: `goodwe-dt`.
    pub id: &'a str,
    /// Whether it measures or produces.
    pub kind: DeviceKind,
    /// The maker, or brand.
    pub maker: &'a str,
    /// The class: `three-phase`, `hybrid`.
    pub class: &'a str,
    /// The series.
    pub series: &'a str,
    /// The models that share this map.
    pub models: &'a [&'a str],
    /// Where it can be attached.
    pub ports: &'a [PortKind],
    /// The unit number it ships with; 0 where it is not on Modbus.
    pub unit: u8,
    /// The line settings it ships with.
    pub line: Line,
    /// The most registers it gives in one read.
    pub max_registers: u16,
    /// A register that tells this kind of device from others, where there is one.
    pub probe: Option<Probe>,
    /// What stands in its registers, in the order of their addresses.
    pub points: &'a [Point],
    /// What its telegrams say, where it has codes in place of registers.
    pub codes: &'a [CodePoint<'a>],
}

impl Map<'_> {
    /// Whether it is one of our own meters, as opposed to an external device.
    pub fn is_native(&self) -> bool {
        self.ports.contains(&PortKind::Native)
    }

    /// Whether this is its name or that of one of its models; upper and lower case are the same.
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name) || self.models.iter().any(|model| model.eq_ignore_ascii_case(name))
    }

    /// What it measures, in the order of its registers or codes.
    pub fn quantities(&self) -> impl Iterator<Item = Quantity> {
        let points = self.points.iter().map(|point| point.quantity);
        points.chain(self.codes.iter().map(|code| code.quantity))
    }

    /// Whether a quantity is a text, such as a serial number.
    pub fn is_text(&self, quantity: Quantity) -> bool {
        let register = self.point(quantity).is_some_and(|point| matches!(point.kind, Kind::Text(_)));
        let mut codes = self.codes.iter().filter(|code| code.quantity == quantity);
        register || codes.any(|code| matches!(code.form, Form::Text | Form::Hex))
    }

    /// The point of a quantity that stands in registers.
    pub fn point(&self, quantity: Quantity) -> Option<&Point> {
        self.points.iter().find(|point| point.quantity == quantity)
    }
}

/// Whether a device measures or produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum DeviceKind {
    /// A meter.
    Meter,
    /// An inverter.
    Inverter,
}

/// Where a device can be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// The native RS-485 bus.
    Native,
    /// The external RS-485 bus.
    Rs485,
    /// A network.
    Tcp,
    /// An optical head or RS-232, read out by IEC 62056-21.
    D0,
    /// P1, or anything else on which a meter pushes telegrams of IEC 62056-21.
    P1,
    /// A serial line or network on which a meter is asked by DLMS/COSEM.
    Dlms,
}

/// A register whose value tells a kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The table it is in.
    pub space: Space,
    /// Its address.
    pub address: u16,
    /// What it holds.
    pub expected: u16,
}

/// The maps that are compiled in: one for each file in `devices/`.
pub const MAPS: &[Map<'static>] = include!(concat!(env!("OUT_DIR"), "/maps.rs"));

/// The map of that name, or the one that a model of that name has; upper and lower case are the same.
pub fn find(name: &str) -> Option<&'static Map<'static>> {
    MAPS.iter().find(|map| map.is_called(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h055_a_goodwe_residential_inverter_is_among_the_authorised_devices() {
        let authorised: Vec<_> = MAPS.iter().filter(|map| !map.is_native()).map(|map| map.id).collect();
        assert_eq!(authorised, ["dlms", "eastron-sdm630", "goodwe-dt", "goodwe-et", "iec62056-21", "p1"]);
        assert_eq!(find("ccm4").map(|map| map.id), Some("ccm"));
        assert_eq!(find("goodwe-dt").map(|map| (map.unit, map.kind)), Some((247, DeviceKind::Inverter)));
    }

    #[test]
    fn points_are_in_order_and_no_quantity_comes_twice() {
        for map in MAPS {
            assert!(map.points.is_sorted_by_key(|point| (point.space, point.address)), "{}", map.id);
            for (place, quantity) in map.quantities().enumerate() {
                assert_eq!(map.quantities().position(|other| other == quantity), Some(place), "{}", map.id);
            }
            for point in map.points {
                assert_eq!(
                    map.point(point.quantity),
                    Some(point),
                    "{}: {:?} comes twice",
                    map.id,
                    point.quantity
                );
            }
        }
    }

    #[test]
    fn h098_the_native_measurements_are_29_values_in_one_block_of_58_registers() {
        let block: Vec<_> = find("ccm")
            .unwrap()
            .points
            .iter()
            .filter(|point| (0x100..0x200).contains(&point.address))
            .collect();
        assert_eq!(block.len(), 29);
        assert_eq!(block[28].end() - u32::from(block[0].address), 58);
        let expected = Quantity::ALL.iter().take(6).copied();
        assert!(block.iter().map(|point| point.quantity).take(6).eq(expected));
    }

    #[test]
    fn goodwe_et_export_positive_grid_power_is_turned_round_and_its_disputed_energies_are_left_out() {
        let et = find("goodwe-et").unwrap();
        assert!(et.point(Quantity::GridP).unwrap().invert);
        assert_eq!(et.point(Quantity::EImport), None);
    }
}
