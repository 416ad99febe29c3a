//! Sizes and cuts of batches. The writer bases its decisions on them.

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::error::ArrowError;

/// Minimum number of bytes of a row with this number of columns.
pub(super) fn frame(columns: usize) -> u64 {
    8 * columns as u64
}

/// Returns the size of all rows in memory: the sum of [`sizes`], without visiting each row.
pub fn size(batch: &RecordBatch) -> u64 {
    let texts = texts(batch).map(|offsets| match offsets {
        [first, .., last] => u64::from(last.abs_diff(*first)),
        _ => 0,
    });
    batch.num_rows() as u64 * frame(batch.num_columns()) + texts.sum::<u64>()
}

/// Returns the approximate size of each row in memory: its texts, and one word per column.
pub fn sizes(batch: &RecordBatch) -> Vec<u64> {
    let mut sizes = vec![frame(batch.num_columns()); batch.num_rows()];
    for offsets in texts(batch) {
        for (size, ends) in sizes.iter_mut().zip(offsets.windows(2)) {
            *size += u64::from(ends[1].abs_diff(ends[0]));
        }
    }
    sizes
}

/// Returns the offsets of each text column.
fn texts(batch: &RecordBatch) -> impl Iterator<Item = &[i32]> {
    let texts = batch.columns().iter().filter(|column| *column.data_type() == DataType::Utf8);
    texts.map(|column| column.as_string::<i32>().value_offsets())
}

/// Returns the given rows, in this order, as a batch that shares no memory with `batch`.
pub(super) fn pick(batch: &RecordBatch, rows: &[u32]) -> Result<RecordBatch, ArrowError> {
    take_record_batch(batch, &UInt32Array::from(rows.to_vec()))
}

/// Joins the batches into one.
pub(super) fn join(batches: &[RecordBatch]) -> Result<Option<RecordBatch>, ArrowError> {
    match batches {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        [first, ..] => concat_batches(first.schema_ref(), batches).map(Some),
    }
}

/// Returns the smallest and largest `created_at` of the batch, in microseconds.
pub(super) fn created_at_range(batch: &RecordBatch) -> Option<(i64, i64)> {
    let column = batch.column_by_name("created_at")?;
    let times: &TimestampMicrosecondArray = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    times.iter().flatten().fold(None, |range, time| match range {
        None => Some((time, time)),
        Some((min, max)) => Some((min.min(time), max.max(time))),
    })
}

/// Returns the smallest range that holds both.
pub(super) fn joined_range(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((min, max)), Some((low, high))) => Some((min.min(low), max.max(high))),
        (known, new) => known.or(new),
    }
}
