//! Values of a row.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType, UInt32Type};

/// Returns a text; `None` if it is null or the column is missing.
pub(super) fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

/// Returns a text that may be kept.
pub(super) fn owned(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    text(batch, column, row).map(str::to_owned)
}

/// Returns a time, in microseconds since 1970.
pub(super) fn time(batch: &RecordBatch, column: &str, row: usize) -> Option<i64> {
    let times = batch.column_by_name(column)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    times.is_valid(row).then(|| times.value(row))
}

/// Returns a number.
pub(super) fn int(batch: &RecordBatch, column: &str, row: usize) -> Option<i64> {
    let numbers = batch.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
    numbers.is_valid(row).then(|| numbers.value(row))
}

/// Returns a position.
pub(super) fn position(batch: &RecordBatch, column: &str, row: usize) -> Option<u32> {
    let numbers = batch.column_by_name(column)?.as_primitive_opt::<UInt32Type>()?;
    numbers.is_valid(row).then(|| numbers.value(row))
}
