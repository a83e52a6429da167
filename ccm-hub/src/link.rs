//! What the settings of a port mean to those who open and read it.

use ccm_config::Link;
use ccm_core::{DataBits, Duration, Line, Parity, StopBits};
use ccm_iec62056::p1::{Keys, PUBLISHED_KEY};
use ccm_iec62056::{Echo, Policy, Polynomial, Profile};
use ccm_registry::{Map, PortKind};

/// The line of a serial port, as it is opened; nothing for a network.
pub fn line_of(link: &Link) -> Option<Line> {
    match link {
        Link::Rtu { line, .. } => Some(Line {
            baud: line.baud,
            parity: match line.parity {
                ccm_config::Parity::None => Parity::None,
                ccm_config::Parity::Even => Parity::Even,
                ccm_config::Parity::Odd => Parity::Odd,
            },
            data_bits: DataBits::Eight,
            stop_bits: if line.stop_bits == 2 { StopBits::Two } else { StopBits::One },
        }),
        Link::D0 { place, baud, data_bits, .. } => {
            place.path().map(|_| meter_line(baud.unwrap_or(FIRST_BAUD), *data_bits))
        }
        Link::P1 { place, baud, data_bits, .. } => place.path().map(|_| meter_line(*baud, *data_bits)),
        Link::Dlms { place, baud, data_bits, mode_e: true, .. } => {
            place.path().map(|_| meter_line(baud.unwrap_or(FIRST_BAUD), *data_bits))
        }
        Link::Dlms { baud, .. } => baud.map(Line::new),
        _ => None,
    }
}

/// How the meters of a port are treated that speak IEC 62056-21, or begin with it; nothing for other ports.
pub fn policy_of(port: &ccm_config::Port) -> Option<Policy> {
    let timeout = Duration::from_millis(port.timeout_ms.into());
    match &port.link {
        Link::D0 { baud, data_bits, echo, wake_up, .. } => Some(Policy {
            fixed_baud: *baud,
            eight_bits: *data_bits == 8,
            echo: if *echo { Echo::Learn } else { Echo::Off },
            wake_up: *wake_up,
            retries: port.retries,
            timeout,
            ..Policy::DEFAULT
        }),
        Link::Dlms { baud, data_bits, mode_e: true, .. } => Some(Policy {
            fixed_baud: *baud,
            eight_bits: *data_bits == 8,
            echo: Echo::Learn,
            retries: port.retries,
            timeout,
            ..Policy::DEFAULT
        }),
        // National variants have a CRC of their own; before version 4 there was none, and seven bits.
        Link::P1 { baud, data_bits, .. } => Some(Policy {
            fixed_baud: Some(*baud),
            eight_bits: *data_bits == 8,
            profile: Profile { strips_parity: *data_bits == 7, polynomial: Polynomial::Any },
            retries: 0,
            patience: timeout,
            ..Policy::P1
        }),
        _ => None,
    }
}

/// The keys of the meter that pushes there, by the handle that `key` makes of the secret one; nothing where it does not
/// encrypt.
pub fn keys_of<K>(port: &ccm_config::Port, key: impl FnOnce([u8; 16]) -> K) -> Option<Keys<K>> {
    let Link::P1 { keys: Some(keys), .. } = &port.link else { return None };
    let authentication = keys.authentication.unwrap_or(PUBLISHED_KEY);
    Some(Keys { encryption: key(keys.encryption), authentication })
}

/// Whether a device of this map can hang on such a port.
pub(crate) fn reaches(link: &Link, map: &Map<'_>) -> bool {
    match link {
        Link::D0 { .. } => map.ports.contains(&PortKind::D0),
        Link::P1 { .. } => map.ports.contains(&PortKind::P1),
        Link::Dlms { .. } => map.ports.contains(&PortKind::Dlms),
        _ => map.codes.is_empty(),
    }
}

const fn meter_line(baud: u32, data_bits: u8) -> Line {
    match data_bits {
        7 => Line { data_bits: DataBits::Seven, ..Line::new(baud).with_parity(Parity::Even) },
        _ => Line::new(baud),
    }
}

/// Where every dialogue begins (IEC 62056-21 6.3.1).
const FIRST_BAUD: u32 = 300;
