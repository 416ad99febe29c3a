//! Writes tables whose rows go to many files at once. Rows wait until a group of their file is full, or
//! memory is short.

use arrow::array::RecordBatch;

use super::super::encoder::Groups;
use super::super::{OutputError, rows};
use super::{OPEN_FILE_BYTES, Partition, TableWriter};
use crate::table::Rows;

/// Maximum size of waiting rows, over all open files of a table.
const WAITING_BYTES: u64 = 64 << 20;

impl TableWriter {
    /// Takes rows that belong to many files.
    pub(super) fn write_by_row(&mut self, rows: &Rows) -> Result<(), OutputError> {
        let batch = match &self.projection {
            Some(columns) => rows.batch.project(columns).map_err(|source| self.arrow_error(source))?,
            None => rows.batch.clone(),
        };
        let assigned = self.partitioner.assign(rows);
        let sizes = rows::sizes(&rows.batch);
        for (row, (partition, size)) in (0..).zip(assigned.iter().copied().zip(sizes)) {
            self.open(partition);
            if self.partitions[partition].pending.size.is_full_for(size, self.style.group_bytes()) {
                self.collect(partition, &batch)?;
                self.end_group(partition)?;
            }
            self.count(partition, row, size);
            if self.waiting > WAITING_BYTES {
                self.collect_all(&batch)?;
                self.flush_large()?;
            }
        }
        self.touched.extend(assigned);
        self.collect_all(&batch)
    }

    fn count(&mut self, partition: usize, row: u32, size: u64) {
        let Partition { pending, picked, .. } = &mut self.partitions[partition];
        let first = if pending.size.rows == 0 { OPEN_FILE_BYTES } else { 0 };
        pending.size.count(size);
        picked.push(row);
        self.waiting += size + first;
    }

    /// Moves the counted rows of the current batch to the pending ones.
    fn collect(&mut self, partition: usize, batch: &RecordBatch) -> Result<(), OutputError> {
        let Partition { pending, picked, .. } = &mut self.partitions[partition];
        let picked = std::mem::take(picked);
        let pushed = match picked.first() {
            None => Ok(()),
            Some(_) if picked.len() == batch.num_rows() => pending.push(batch.clone()),
            Some(_) => rows::pick(batch, &picked).and_then(|rows| pending.push(rows)),
        };
        pushed.map_err(|source| self.arrow_error(source))
    }

    fn collect_all(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        for partition in 0..self.partitions.len() {
            if !self.partitions[partition].picked.is_empty() {
                self.collect(partition, batch)?;
            }
        }
        Ok(())
    }

    /// Encodes the largest waiting groups until half the memory is free.
    fn flush_large(&mut self) -> Result<(), OutputError> {
        let mut largest: Vec<_> = (0..self.partitions.len()).collect();
        // The sort is stable: equal groups are encoded in the order of their first rows.
        largest.sort_by_key(|partition| std::cmp::Reverse(self.partitions[*partition].pending.size.bytes));
        for partition in largest {
            if self.waiting <= WAITING_BYTES / 2 {
                break;
            }
            self.end_group(partition)?;
            if let Some(file) = &mut self.partitions[partition].file {
                file.groups = Groups::Join;
            }
        }
        Ok(())
    }
}
