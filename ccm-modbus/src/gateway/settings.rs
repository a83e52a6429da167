//! What a gateway lets through, and how patient it is.

use ccm_core::Duration;

use crate::{Exception, Function};

/// How a gateway behaves; [`Settings::new`] is a careful choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// How long a request may wait for its port; 3 s.
    pub deadline: Duration,
    /// How many places in the queue one client may hold; 16, the most that MB-TCP 4.4.1.2 has in mind.
    pub share: usize,
    /// After how many failures in a row a unit rests; 3.
    pub failures: u8,
    /// How long it rests before it is asked again; 15 s.
    pub rest: Duration,
    /// How old a value of the cache may be; zero, which means no cache.
    pub cache: Duration,
    /// Whether identical reads that wait share one answer; they do.
    pub shares_reads: bool,
    /// Whether only functions pass that change nothing; all do.
    pub read_only: bool,
    /// Whether unit 0 reaches all units; it does not.
    pub broadcast: bool,
    /// Functions that do not pass; none.
    pub denied: FunctionSet,
}

impl Settings {
    /// The values named at each field.
    pub const fn new() -> Self {
        Self {
            deadline: Duration::from_secs(3),
            share: 16,
            failures: 3,
            rest: Duration::from_secs(15),
            cache: Duration::ZERO,
            shares_reads: true,
            read_only: false,
            broadcast: false,
            denied: FunctionSet::EMPTY,
        }
    }

    /// Whether a request to `unit` may pass at all.
    pub(super) fn admits(&self, unit: u8, pdu: &[u8]) -> Result<(), Exception> {
        let Some(code) = pdu.first() else { return Err(Exception::IllegalFunction) };
        let denied = self.denied.contains(*code);
        let writes = self.read_only && !reads_only(pdu);
        // Nobody answers a broadcast, so only what a unit would just confirm makes sense (MB-SERIAL 2.1).
        let unheard = unit == 0 && !is_confirmed(Function::from_code(*code));
        if denied || writes || unheard {
            return Err(Exception::IllegalFunction);
        }
        if pdu.len() > super::MAX_PDU { Err(Exception::IllegalDataValue) } else { Ok(()) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// Function codes from 1 to 127, for a list of those that do not pass.
///
/// ```
/// use ccm_modbus::gateway::FunctionSet;
///
/// let denied = FunctionSet::EMPTY.with(0x08).with(0x2B);
/// assert!(denied.contains(0x2B) && !denied.contains(0x03));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FunctionSet {
    bits: [u8; 16],
}

impl FunctionSet {
    /// No function at all.
    pub const EMPTY: Self = Self { bits: [0; 16] };

    /// The same set and `code`; one above 127 is no function and changes nothing.
    #[must_use]
    pub fn with(mut self, code: u8) -> Self {
        if let Some(byte) = self.bits.get_mut(usize::from(code / 8)) {
            *byte |= 1 << (code % 8);
        }
        self
    }

    /// Whether `code` is in the set.
    pub fn contains(&self, code: u8) -> bool {
        self.bits.get(usize::from(code / 8)).is_some_and(|byte| byte >> (code % 8) & 1 == 1)
    }
}

/// A route that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RouteError {
    /// Units have the numbers 1 to 247, the lower one first.
    #[error("units {first} to {last} are no range within 1 to 247")]
    Units {
        /// The first unit.
        first: u8,
        /// The last one.
        last: u8,
    },
    /// There are fewer ports.
    #[error("port {found} of {limit}, counted from 0")]
    Port {
        /// The port.
        found: usize,
        /// How many there are.
        limit: usize,
    },
    /// A unit is on one port.
    #[error("unit {unit} has a route already")]
    Taken {
        /// The unit.
        unit: u8,
    },
}

/// Whether a request changes nothing in a device. Diagnostics (8) may restart it or make it deaf, so they do not pass.
const fn reads_only(pdu: &[u8]) -> bool {
    match pdu {
        [0x01..=0x04 | 0x07 | 0x0B | 0x0C | 0x11 | 0x14 | 0x18, ..] => true,
        // Of the encapsulated transports only "read device identification" is known to read (MB-APP 6.21).
        [0x2B, 0x0E, ..] => true,
        _ => false,
    }
}

/// The writes whose confirmation repeats the beginning of the request.
const fn is_confirmed(function: Function) -> bool {
    matches!(
        function,
        Function::WriteSingleCoil
            | Function::WriteSingleRegister
            | Function::WriteMultipleCoils
            | Function::WriteMultipleRegisters
            | Function::MaskWriteRegister
    )
}
