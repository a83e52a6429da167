//! The load profile: rows by formula.

use ccm_core::Writer;

use super::Meter;
use crate::message::data::{Event, Value};
use crate::message::{
    AttributeAccess, CaptureObject, DataAccessResult, EntryDescriptor, List, RangeDescriptor,
};
use crate::server::Part;

/// A profile whose rows follow from their numbers: clock, status, imported and exported energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// How many rows there are.
    pub rows: u32,
    /// When the first was captured, in seconds since 1970.
    pub begin: u32,
    /// Seconds between two.
    pub period: u32,
}

impl Load {
    /// Four days of quarters of an hour, from 2026-01-01 00:00 in Central Europe.
    pub const DEFAULT: Self = Self { rows: 384, begin: 1_767_222_000, period: 900 };

    /// When a row, from 0, was captured.
    pub const fn time(&self, row: u32) -> u32 {
        self.begin.saturating_add(row.saturating_mul(self.period))
    }

    /// A row's value in the third column: Wh.
    pub const fn imported(&self, row: u32) -> u32 {
        10_240_000 + row * 7
    }

    /// A row's value in the fourth column: Wh.
    pub const fn exported(&self, row: u32) -> u32 {
        576 + row * 3
    }

    fn place(&self, seconds: i64, up: bool) -> u32 {
        let offset = seconds - i64::from(self.begin);
        let period = i64::from(self.period.max(1));
        let place = if up { (offset + period - 1).div_euclid(period) } else { offset.div_euclid(period) + 1 };
        u32::try_from(place.clamp(0, self.rows.into())).unwrap_or_default()
    }
}

/// Rows from `first` to before `end`, and columns likewise.
struct Selection {
    first: u32,
    end: u32,
    columns: u8,
}

impl Meter<'_> {
    pub(super) fn rows(
        &self,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        let Selection { first, end, columns } = self.select(access)?;
        let count = end.saturating_sub(first);
        match part.checked_sub(1) {
            None => Event::Array(count).emit(out)?,
            Some(row) => self.row(first + row, columns, out)?,
        }
        Ok(if part < count { Part::More } else { Part::Last })
    }

    fn row(&self, row: u32, columns: u8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let time = self.date_time(self.load.time(row)).to_bytes();
        let values = [
            Value::OctetString(&time),
            Value::Unsigned(0),
            Value::DoubleLongUnsigned(self.load.imported(row)),
            Value::DoubleLongUnsigned(self.load.exported(row)),
        ];
        Event::Structure(columns.count_ones()).emit(out)?;
        for (column, value) in values.into_iter().enumerate() {
            if columns & 1 << column != 0 {
                value.emit(out)?;
            }
        }
        Ok(())
    }

    fn select(&self, access: &AttributeAccess<'_>) -> Result<Selection, DataAccessResult> {
        let whole = Selection { first: 0, end: self.load.rows, columns: 0x0F };
        let Some(access) = &access.access else { return Ok(whole) };
        match access.selector {
            EntryDescriptor::SELECTOR => {
                let entries = EntryDescriptor::parse(access).map_err(|_| DataAccessResult::TypeUnmatched)?;
                Ok(self.by_entry(&entries))
            }
            RangeDescriptor::SELECTOR => {
                let range = RangeDescriptor::parse(access).map_err(|_| DataAccessResult::TypeUnmatched)?;
                self.by_range(&range)
            }
            _ => Err(DataAccessResult::ScopeOfAccessViolated),
        }
    }

    fn by_entry(&self, entries: &EntryDescriptor) -> Selection {
        let last = |to: u32, most: u32| if to == 0 { most } else { to.min(most) };
        let to_column = last(entries.to_selected_value.into(), 4);
        let from_column = u32::from(entries.from_selected_value.max(1));
        let columns = (1..=4).filter(|column| (from_column..=to_column).contains(column));
        Selection {
            first: entries.from_entry.max(1) - 1,
            end: last(entries.to_entry, self.load.rows),
            columns: columns.fold(0, |columns, column| columns | 1 << (column - 1)),
        }
    }

    /// Bounds are compared as instants; one without a deviation is local time.
    fn by_range(&self, range: &RangeDescriptor<'_>) -> Result<Selection, DataAccessResult> {
        if range.restricting_object != self.column(0) {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        let instant = |bound: &[u8]| {
            let data = crate::message::data::Data::parse(bound).ok()?;
            let time = data.value().ok()?.date_time()?;
            let local = || time.local_seconds().map(|seconds| seconds + i64::from(self.deviation) * 60);
            time.unix_seconds().or_else(|_| local()).ok()
        };
        let from = instant(range.from_value.0).ok_or(DataAccessResult::TypeUnmatched)?;
        let to = instant(range.to_value.0).ok_or(DataAccessResult::TypeUnmatched)?;
        Ok(Selection {
            first: self.load.place(from, true),
            end: self.load.place(to, false),
            columns: self.selected(range.selected_values)?,
        })
    }

    fn selected(&self, wanted: List<'_, CaptureObject>) -> Result<u8, DataAccessResult> {
        if wanted.is_empty() {
            return Ok(0x0F);
        }
        wanted.iter().try_fold(0, |columns, object| {
            let column = (0..4).find(|column| self.column(*column) == object);
            column.map(|column| columns | 1 << column).ok_or(DataAccessResult::ScopeOfAccessViolated)
        })
    }

    /// What is captured in a column.
    pub(super) fn column(&self, column: u8) -> CaptureObject {
        let (class_id, logical_name) = match column {
            0 => (8, super::objects::CLOCK),
            1 => (1, [0, 0, 96, 10, 1, 255]),
            2 => (3, [1, 0, 1, 8, 0, 255]),
            _ => (3, [1, 0, 2, 8, 0, 255]),
        };
        CaptureObject { class_id, logical_name, attribute_index: 2, data_index: 0 }
    }
}
