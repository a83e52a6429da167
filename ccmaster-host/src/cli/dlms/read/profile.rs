//! The rows of a profile.

use ccm_dlms::message::cosem::{CaptureObject, Cell, Clock, ProfileGeneric, Rows, ScalerUnit, SortMethod};
use ccm_dlms::message::data::{Data, DateTime, Value};
use ccm_dlms::message::{self, Encoded, EntryDescriptor, List, RangeDescriptor, SelectiveAccess};

use super::arguments::Wanted;
use super::meter::Meter;
use super::output::{RowLine, data_stop};
use super::target::Target;
use crate::cli::stop::Stop;

/// What is to be known of a profile before its rows are read.
struct Shape {
    columns: Vec<CaptureObject>,
    known: Vec<Option<ScalerUnit>>,
    clock: Option<usize>,
    /// Seconds from row to row; negative where the newest comes first, 0 where it is not known.
    period: i32,
}

/// Reads and prints them.
pub(super) async fn read(
    meter: &mut Meter<'_>,
    profile: Target,
    wanted: &Wanted,
    json: bool,
) -> Result<(), Stop> {
    let shape = shape(meter, profile).await?;
    let mut room = [0; 96];
    let access = selection(wanted, &shape, &mut room)?;
    let buffer = Target { member: ProfileGeneric::BUFFER, ..profile };
    let bytes = meter.get(buffer, access).await?;
    let mut cells = vec![Cell::Value(Value::Null); shape.columns.len()];
    let data = Data::parse(&bytes).map_err(data_stop)?;
    let mut rows = Rows::new(data, &mut cells, shape.clock, shape.period).map_err(data_stop)?;
    let mut row = 0;
    while rows.next_row().map_err(data_stop)?.is_some() {
        let time = rows.time().map(|time| time.to_string());
        RowLine::new(row, time, rows.row(), &shape.known).map_err(data_stop)?.print(json)?;
        row += 1;
    }
    Ok(())
}

async fn shape(meter: &mut Meter<'_>, profile: Target) -> Result<Shape, Stop> {
    let member = |member| Target { member, ..profile };
    let bytes = meter.get(member(ProfileGeneric::CAPTURE_OBJECTS), None).await?;
    let objects = Data::parse(&bytes).map_err(data_stop)?;
    let columns = ProfileGeneric::capture_objects(objects).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let columns = columns.map_err(data_stop)?;
    let clock = ProfileGeneric::clock_column(objects).map_err(data_stop)?;
    let period = number(meter, member(ProfileGeneric::CAPTURE_PERIOD)).await?.unwrap_or(0);
    let order = number(meter, member(ProfileGeneric::SORT_METHOD)).await?.unwrap_or(0);
    let order = SortMethod::from(u8::try_from(order).unwrap_or(0));
    let known = scaler_units(meter, &columns).await?;
    let period = match order {
        SortMethod::Fifo => period,
        SortMethod::Lifo => -period,
        // Rows in the order of their size have no times that follow one another.
        _ => 0,
    };
    Ok(Shape { columns, known, clock, period })
}

/// A number that the meter may keep to itself.
async fn number(meter: &mut Meter<'_>, target: Target) -> Result<Option<i32>, Stop> {
    let bytes = match meter.get(target, None).await {
        Ok(bytes) => bytes,
        Err(Stop::Failed {
            error: "read-write-denied" | "object-undefined" | "object-unavailable", ..
        }) => {
            return Ok(None);
        }
        Err(stop) => return Err(stop),
    };
    let value = Data::parse(&bytes).and_then(Data::value).map_err(data_stop)?;
    let code = if let Value::Enum(code) = value { Some(code.into()) } else { None };
    Ok(code.or_else(|| value.integer().and_then(|number| number.try_into().ok())))
}

/// The scaler and unit of each column that has them.
async fn scaler_units(
    meter: &mut Meter<'_>,
    columns: &[CaptureObject],
) -> Result<Vec<Option<ScalerUnit>>, Stop> {
    let mut known = Vec::new();
    for column in columns {
        let target = column.logical_name.bytes().map(|name| Target {
            name,
            class: column.class_id,
            member: column.attribute_index,
        });
        known.push(match target.and_then(Target::scaler_unit) {
            Some(target) => Some(scaler_unit(meter, target).await?),
            None => None,
        });
    }
    Ok(known)
}

/// Reads a scaler and unit. A number without it would be a wrong value: there is none then.
pub(super) async fn scaler_unit(meter: &mut Meter<'_>, target: Target) -> Result<ScalerUnit, Stop> {
    let bytes = meter.get(target, None).await?;
    Data::parse(&bytes).and_then(ScalerUnit::parse).map_err(data_stop)
}

fn selection<'b>(
    wanted: &Wanted,
    shape: &Shape,
    room: &'b mut [u8],
) -> Result<Option<SelectiveAccess<'b>>, Stop> {
    let full = |_| Stop::failed("too-long", "the selection is too long");
    if let Some((from, to)) = wanted.entries {
        return EntryDescriptor::rows(from, to).emit(room).map(Some).map_err(full);
    }
    let (Some(from), Some(to)) = (wanted.from, wanted.to) else { return Ok(None) };
    let (from, to) = (encoded(from), encoded(to));
    let range = RangeDescriptor {
        restricting_object: clock(shape),
        from_value: Encoded(&from),
        to_value: Encoded(&to),
        selected_values: List::new(&[]),
    };
    range.emit(room).map(Some).map_err(full)
}

/// A date-time as meters have it in rows: an octet string.
fn encoded(time: DateTime) -> [u8; 14] {
    let mut bytes = [9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.iter_mut().skip(2).zip(time.to_bytes()).for_each(|(slot, byte)| *slot = byte);
    bytes
}

/// The clock among the columns, or the one that every meter has.
fn clock(shape: &Shape) -> message::CaptureObject {
    let column = shape.clock.and_then(|column| shape.columns.get(column));
    message::CaptureObject {
        class_id: Clock::CLASS_ID,
        logical_name: column.and_then(|column| column.logical_name.bytes()).unwrap_or([0, 0, 1, 0, 0, 255]),
        attribute_index: Clock::TIME,
        data_index: 0,
    }
}
