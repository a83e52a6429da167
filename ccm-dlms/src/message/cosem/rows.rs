//! The rows of a profile, with what was left out of them filled in.

use crate::message::data::{Data, DataError, DateTime, Event, Events, Value};

/// A field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cell<'a> {
    /// A value; null where nothing is known about it.
    Value(Value<'a>),
    /// An array or a structure.
    Data(Data<'a>),
}

impl<'a> Cell<'a> {
    /// The value, where it has no parts.
    pub fn value(self) -> Option<Value<'a>> {
        match self {
            Self::Value(value) => Some(value),
            Self::Data(_) => None,
        }
    }
}

/// Reads a buffer of a profile row by row.
///
/// Meters send null instead of a value that did not change, and delta types instead of one that did a little; both are
/// filled in from the row before. In the column of the clock a null means the time before plus the capture period. What
/// cannot be filled in (in the first row, or a delta without a number before it) is given as it came.
///
/// ```
/// use ccm_dlms::message::cosem::{Cell, Rows};
/// use ccm_dlms::message::data::{Data, Value};
///
/// let buffer = [0x01, 0x02, 0x02, 0x02, 0x11, 0x07, 0x11, 0x08, 0x02, 0x02, 0x00, 0x11, 0x09];
/// let mut cells = [Cell::Value(Value::Null); 2];
/// let mut rows = Rows::new(Data::parse(&buffer)?, &mut cells, None, 0)?;
/// rows.next_row()?;
/// let row = rows.next_row()?.unwrap();
/// assert_eq!(row[0], Cell::Value(Value::Unsigned(7)));
/// assert_eq!(row[1], Cell::Value(Value::Unsigned(9)));
/// assert_eq!(rows.next_row()?, None);
/// # Ok::<(), ccm_dlms::message::data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Rows<'a, 'c> {
    events: Events<'a>,
    /// The row that was given last.
    cells: &'c mut [Cell<'a>],
    clock: Option<usize>,
    period: i32,
}

impl<'a, 'c> Rows<'a, 'c> {
    /// Begins with the first row. `cells` is room for exactly as many as there are columns, `clock` says in which column the
    /// time is ([`ProfileGeneric::clock_column`](super::ProfileGeneric::clock_column)), and `period` how many seconds lie
    /// between rows: negative where the newest row comes first, 0 where it is not known, and then no time is made up.
    ///
    /// # Errors
    /// Where the buffer is no array.
    pub fn new(
        buffer: Data<'a>,
        cells: &'c mut [Cell<'a>],
        clock: Option<usize>,
        period: i32,
    ) -> Result<Self, DataError> {
        let mut events = buffer.events();
        events.array("buffer")?;
        cells.fill(Cell::Value(Value::Null));
        Ok(Self { events, cells, clock, period })
    }

    /// How many rows are to come.
    pub const fn left(&self) -> u32 {
        self.events.left()
    }

    /// The next row; it stays readable with [`Rows::row`].
    ///
    /// # Errors
    /// What is wrong with the row, and [`Fault::Size`](crate::message::data::Fault::Size) where it has another number of columns. There are no more then.
    pub fn next_row(&mut self) -> Result<Option<&[Cell<'a>]>, DataError> {
        if self.events.left() == 0 {
            return Ok(None);
        }
        let columns = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
        if !self.events.next_structure(columns) {
            self.events.structure_of("row", columns)?;
        }
        for (column, cell) in self.cells.iter_mut().enumerate() {
            // Most cells are this, and it is what the speed of the whole depends on.
            let plain = self.events.next_plain();
            if let Some(value) = plain
                && !is_relative(&value)
            {
                *cell = Cell::Value(value);
                continue;
            }
            let time = (Some(column) == self.clock).then_some(self.period);
            let now = match plain {
                Some(value) => Cell::Value(value),
                None => read(&mut self.events)?,
            };
            *cell = filled(*cell, now, time);
        }
        self.events.leave();
        Ok(Some(self.cells))
    }

    /// The row that was given last.
    pub fn row(&self) -> &[Cell<'a>] {
        self.cells
    }

    /// The time of that row: nothing without a column for it, or where it is none.
    pub fn time(&self) -> Option<DateTime> {
        self.cells.get(self.clock?)?.value()?.date_time()
    }
}

/// Whether a value says nothing without the one above it.
fn is_relative(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Null
            | Value::DeltaInteger(_)
            | Value::DeltaLong(_)
            | Value::DeltaDoubleLong(_)
            | Value::DeltaUnsigned(_)
            | Value::DeltaLongUnsigned(_)
            | Value::DeltaDoubleLongUnsigned(_)
    )
}

/// Reads what is no plain value: something with parts, or from a compact array.
#[cold]
fn read<'a>(events: &mut Events<'a>) -> Result<Cell<'a>, DataError> {
    let data = events.data("column")?;
    match data.events().next() {
        Some(Ok(Event::Value(value))) => Ok(Cell::Value(value)),
        Some(Err(error)) => Err(error),
        _ => Ok(Cell::Data(data)),
    }
}

/// What a field stands for after the one above it. `period` is said in the column of the clock only.
#[cold]
fn filled<'a>(before: Cell<'a>, now: Cell<'a>, period: Option<i32>) -> Cell<'a> {
    let Cell::Value(value) = now else { return now };
    let filled = match (value, period) {
        (Value::Null, None) => return before,
        (Value::Null, Some(period)) => later(before, period),
        _ => value.delta().zip(before.value()).and_then(|(delta, before)| before.plus(delta)),
    };
    Cell::Value(filled.unwrap_or(value))
}

fn later(before: Cell<'_>, period: i32) -> Option<Value<'static>> {
    // A row without a period has no time of its own: it would be the same instant twice.
    let period = Some(period).filter(|period| *period != 0)?;
    before.value()?.date_time()?.plus(period).map(Value::DateTime)
}
