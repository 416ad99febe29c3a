//! Rows in blocks of the same length, whatever batches they come in.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::rows;

/// Rows of a block. Long enough that what each block costs in each column does not count, and short enough that few
/// rows of a batch must be copied to fill up the block that the batch before it began.
const BLOCK_ROWS: usize = 2048;

/// Cuts batches into blocks. Parquet pages end where a batch has been written, so without it they would depend on how
/// the rows were cut.
#[derive(Default)]
pub(super) struct Blocks {
    /// The block that is not full.
    begun: Vec<RecordBatch>,
    rows: usize,
}

impl Blocks {
    /// Takes rows, and hands on each block that is full.
    pub(super) fn push<E: From<ArrowError>>(
        &mut self,
        batch: &RecordBatch,
        mut full: impl FnMut(&RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = (BLOCK_ROWS - self.rows).min(batch.num_rows() - start);
            self.begun.push(batch.slice(start, rows));
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

    /// The rows of the block that is not full; leaves nothing.
    pub(super) fn rest(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let begun = std::mem::take(self).begun;
        rows::join(&begun)
    }
}
