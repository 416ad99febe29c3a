//! Rows of an open file that will form its next group, and their size.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::rows;

/// Maximum number of rows in a group. Readers count rows in 32 bits, and look rows up by group.
const GROUP_ROWS: usize = 1 << 20;
/// A batch with fewer rows is joined with its neighbor. Thousands of batches of one row each would need more
/// memory for their frames than for their rows.
const SMALL_BATCH_ROWS: usize = 1024;

/// The size of a group so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GroupSize {
    pub(super) bytes: u64,
    pub(super) rows: usize,
}

impl GroupSize {
    /// True if a row of this size would make the group too large.
    pub(super) fn is_full_for(self, size: u64, group_bytes: u64) -> bool {
        self.rows > 0 && (self.bytes + size > group_bytes || self.rows == GROUP_ROWS)
    }

    /// Counts a row of this size.
    pub(super) fn count(&mut self, size: u64) {
        self.bytes += size;
        self.rows += 1;
    }

    /// Counts as many of the batch's first rows as the group has room for. Returns their number.
    pub(super) fn fill(&mut self, batch: &RecordBatch, group_bytes: u64) -> usize {
        let all = Self { bytes: self.bytes + rows::size(batch), rows: self.rows + batch.num_rows() };
        if all.bytes <= group_bytes && all.rows <= GROUP_ROWS {
            *self = all;
            return batch.num_rows();
        }
        let before = self.rows;
        for size in rows::sizes(batch) {
            if self.is_full_for(size, group_bytes) {
                break;
            }
            self.count(size);
        }
        self.rows - before
    }
}

/// Waiting rows, and the size of the group they belong to.
#[derive(Default)]
pub(super) struct Pending {
    batches: Vec<RecordBatch>,
    /// Includes rows that are counted and not yet pushed.
    pub(super) size: GroupSize,
}

impl Pending {
    /// Takes rows that are already counted.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        self.batches.push(batch);
        // As in a binary counter, each row is copied a logarithmic number of times, and few batches remain.
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

    /// Ends the group: removes and returns its batches.
    pub(super) fn take(&mut self) -> Vec<RecordBatch> {
        std::mem::take(self).batches
    }
}
