//! Rows of one open file that wait to be encoded as a group.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::rows;

/// Rows of a group at most: readers count them in 32 bits, and look up by group.
const GROUP_ROWS: usize = 1 << 20;
/// Below this many rows a batch is joined with its neighbour: thousands of batches of one row each would
/// take more memory for their frames than for their rows.
const SMALL_BATCH_ROWS: usize = 1024;

/// The rows that wait, and their size.
#[derive(Default)]
pub(super) struct Pending {
    batches: Vec<RecordBatch>,
    /// Bytes of the rows, with those that are counted and not yet pushed.
    pub(super) bytes: u64,
    /// Rows, counted in the same way.
    pub(super) rows: usize,
}

impl Pending {
    /// Whether a row of this size would make a group too large.
    pub(super) fn is_full_for(&self, size: u64, group_bytes: u64) -> bool {
        self.rows > 0 && (self.bytes + size > group_bytes || self.rows == GROUP_ROWS)
    }

    /// Counts a row that will be pushed later with others of its batch.
    pub(super) fn count(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.rows += 1;
    }

    /// Takes rows that have been counted.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        self.batches.push(batch);
        // As in a binary counter: each row is copied a logarithmic number of times, and few batches stay.
        while let [.., before, last] = self.batches.as_slice()
            && before.num_rows() < SMALL_BATCH_ROWS
            && before.num_rows() <= 2 * last.num_rows()
        {
            let joined = rows::join(&[before.clone(), last.clone()])?;
            self.batches.truncate(self.batches.len() - 2);
            self.batches.extend(joined);
        }
        Ok(())
    }

    /// All rows as one batch, so that pages do not depend on how the rows came; leaves nothing.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let all = std::mem::take(self);
        rows::join(&all.batches)
    }
}
