//! Cuts rows into blocks of equal length, however they were cut into batches.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::rows;

/// Rows per block: as many as the Parquet writer encodes at once. The more rows a block has, the more must be copied to
/// fill one that an earlier batch began.
const BLOCK_ROWS: usize = 1024;

/// Cuts batches into blocks. A Parquet page ends where a batch was written, so without blocks the pages would
/// depend on the batches.
#[derive(Default)]
pub(super) struct Blocks {
    /// Rows of the incomplete block.
    incomplete: Vec<RecordBatch>,
    rows: usize,
}

impl Blocks {
    /// Takes rows and calls `full` with each complete block.
    pub(super) fn push<E: From<ArrowError>>(
        &mut self,
        batch: &RecordBatch,
        mut full: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = (BLOCK_ROWS - self.rows).min(batch.num_rows() - start);
            self.incomplete.push(batch.slice(start, rows));
            self.rows += rows;
            start += rows;
            if self.rows == BLOCK_ROWS
                && let Some(block) = self.rest()?
            {
                full(&block)?;
            }
        }
        Ok(())
    }

    /// Removes and returns the rows of the incomplete block.
    pub(super) fn rest(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let incomplete = std::mem::take(self).incomplete;
        rows::join(&incomplete)
    }
}
