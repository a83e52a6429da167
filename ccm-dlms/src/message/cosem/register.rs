//! Data, Register, Extended register and Demand register (classes 1, 3, 4, 5).

use ccm_core::{Decimal, Full, Writer};

use super::unit::Unit;
use crate::message::data::{Data, DataError, Event, Events, Value};

/// Class 1: any value.
#[derive(Clone, Copy, Debug)]
pub struct DataClass;

impl DataClass {
    /// The number of the class.
    pub const CLASS_ID: u16 = 1;
    /// Attribute: the value.
    pub const VALUE: i8 = 2;
}

/// Class 3: a value with its scaler and unit.
#[derive(Clone, Copy, Debug)]
pub struct Register;

impl Register {
    /// The number of the class.
    pub const CLASS_ID: u16 = 3;
    /// Attribute: the value.
    pub const VALUE: i8 = 2;
    /// Attribute: scaler and unit, see [`ScalerUnit`].
    pub const SCALER_UNIT: i8 = 3;
    /// Method: sets the value to its default; the parameter is the integer 0.
    pub const RESET: i8 = 1;
}

/// Class 4: a register with a status and the time at which it was captured.
#[derive(Clone, Copy, Debug)]
pub struct ExtendedRegister;

impl ExtendedRegister {
    /// The number of the class.
    pub const CLASS_ID: u16 = 4;
    /// Attribute: the value.
    pub const VALUE: i8 = 2;
    /// Attribute: scaler and unit, see [`ScalerUnit`].
    pub const SCALER_UNIT: i8 = 3;
    /// Attribute: the maker's status, any type.
    pub const STATUS: i8 = 4;
    /// Attribute: when the value was captured, a date and time.
    pub const CAPTURE_TIME: i8 = 5;
    /// Method: sets the value to its default; the parameter is the integer 0.
    pub const RESET: i8 = 1;
}

/// Class 5: the average over a period, or over the last of several.
#[derive(Clone, Copy, Debug)]
pub struct DemandRegister;

impl DemandRegister {
    /// The number of the class.
    pub const CLASS_ID: u16 = 5;
    /// Attribute: the average so far.
    pub const CURRENT_AVERAGE_VALUE: i8 = 2;
    /// Attribute: the average of the last period.
    pub const LAST_AVERAGE_VALUE: i8 = 3;
    /// Attribute: scaler and unit, see [`ScalerUnit`]: one further than in the other registers.
    pub const SCALER_UNIT: i8 = 4;
    /// Attribute: the maker's status, any type.
    pub const STATUS: i8 = 5;
    /// Attribute: when the last average was captured, a date and time.
    pub const CAPTURE_TIME: i8 = 6;
    /// Attribute: when the period of now began, a date and time.
    pub const START_TIME_CURRENT: i8 = 7;
    /// Attribute: how long a period is, in seconds.
    pub const PERIOD: i8 = 8;
    /// Attribute: how many periods the average goes over.
    pub const NUMBER_OF_PERIODS: i8 = 9;
    /// Method: sets all to their defaults; the parameter is the integer 0.
    pub const RESET: i8 = 1;
    /// Method: ends the period now; the parameter is the integer 0.
    pub const NEXT_PERIOD: i8 = 2;
}

/// What a number of a register means: `value` times ten to the power of `scaler`, in `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScalerUnit {
    /// The exponent, to the base of ten.
    pub scaler: i8,
    /// The unit.
    pub unit: Unit,
}

impl ScalerUnit {
    /// A scaler and a unit.
    pub const fn new(scaler: i8, unit: Unit) -> Self {
        Self { scaler, unit }
    }

    /// Reads the attribute: a structure of an integer and an enumeration.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn parse(data: Data<'_>) -> Result<Self, DataError> {
        let mut events = data.events();
        let read = Self::read(&mut events)?;
        events.finish().map(|()| read)
    }

    /// Writes the attribute.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(self, writer: &mut Writer<'_>) -> Result<(), Full> {
        Event::Structure(2).emit(writer)?;
        Value::Integer(self.scaler).emit(writer)?;
        Value::Enum(self.unit.0).emit(writer)
    }

    /// Reads it from the midst of other data.
    pub(super) fn read(events: &mut Events<'_>) -> Result<Self, DataError> {
        events.structure_of("scaler_unit", 2)?;
        let scaler = events.integer("scaler")?;
        let unit = Unit(events.enumeration("unit")?);
        events.end().map(|()| Self { scaler, unit })
    }

    /// The exact value in the unit. Nothing for what is no integer, and where the digits and the scaler do not fit in a
    /// [`Decimal`]; for floats, whose scaler meters set to 0, see [`Value::rounded`].
    pub fn apply(self, value: Value<'_>) -> Option<Decimal> {
        Decimal::new(value.integer()?, 0).shift(self.scaler)
    }
}
