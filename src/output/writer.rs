//! The writer of one table: which rows wait, when a group is encoded, when a file is closed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::encoder::{Encoder, Framing, Groups, Style};
use super::part::PartFile;
use super::partition::{Partitioner, folder};
use super::pending::Pending;
use super::{OutputError, OutputSpec, StagedFile, rows};
use crate::durable;
use crate::id::RunId;
use crate::table::{Rows, Table};

/// Rows of all open files of a table that may wait in memory.
const WAITING_BYTES: u64 = 64 << 20;
/// What the frames of waiting batches cost, for each file that has some.
const OPEN_FILE_BYTES: u64 = 4 << 10;
/// The most the caller should keep back: see [`TableWriter::batch_hint`].
const MAX_BATCH_HINT: u64 = 4 << 20;

/// Writes the rows of one table into staged files.
///
/// After an error it is of no use any more: the caller builds the staged files again.
pub struct TableWriter {
    table: Table,
    run_id: RunId,
    staging: PathBuf,
    target: u64,
    style: Style,
    partitioner: Partitioner,
    /// The columns that go into the files, when not all do.
    projection: Option<Vec<usize>>,
    partitions: Vec<Partition>,
    /// Bytes of rows waiting, over all partitions.
    waiting: u64,
    /// Partitions with rows of the current contact.
    touched: BTreeSet<usize>,
    staged: Vec<StagedFile>,
}

#[derive(Default)]
struct Partition {
    folder: String,
    /// Files closed so far, which is the number of the next.
    closed: u64,
    /// Rows of the batch at hand, by their number, that are counted and not yet pending.
    picked: Vec<u32>,
    pending: Pending,
    /// The file whose first group is written.
    file: Option<OpenFile>,
}

struct OpenFile {
    path: String,
    encoder: Encoder,
    rows: u64,
    /// Bytes its rows had in memory.
    encoded: u64,
    created_at: Option<(i64, i64)>,
    groups: Groups,
}

impl TableWriter {
    /// A writer of the table's rows into `staging`, which mirrors the output folder.
    pub fn new(spec: &OutputSpec, table: Table, staging: &Path) -> Self {
        let partitioner = Partitioner::new(spec, table);
        let keep = |name: &str| !(partitioner.takes_channel() && name == "channel");
        let kept: Vec<usize> =
            (0..).zip(table.columns()).filter(|(_, c)| keep(c.name)).map(|(i, _)| i).collect();
        let columns: Vec<_> = kept.iter().map(|index| table.columns()[*index]).collect();
        let fields: Vec<_> = kept.iter().map(|index| table.arrow().field(*index).clone()).collect();
        let framing = if partitioner.is_by_row() { Framing::EachGroup } else { Framing::WholeFile };
        let projection = (kept.len() < table.columns().len()).then_some(kept);
        let style = Style::new(table, columns, Schema::new(fields).into(), spec.settings.format, framing);
        Self {
            table,
            run_id: spec.run_id.clone(),
            staging: staging.to_owned(),
            target: spec.settings.target_file_size,
            style,
            partitioner,
            projection,
            partitions: Vec::new(),
            waiting: 0,
            touched: BTreeSet::new(),
            staged: Vec::new(),
        }
    }

    /// Bytes of rows after which the caller should hand them over at the end of a contact. Files are closed at
    /// contacts that end a batch, so small files need small batches.
    pub fn batch_hint(&self) -> usize {
        usize::try_from((self.target / 16).clamp(1, MAX_BATCH_HINT)).unwrap_or(usize::MAX)
    }

    /// Takes rows, in their final order; each partition keeps it.
    ///
    /// # Errors
    /// When rows cannot be encoded or written.
    pub fn write(&mut self, rows: &Rows) -> Result<(), OutputError> {
        let assigned = self.partitioner.assign(rows);
        let sizes = rows::sizes(&rows.batch);
        let batch = match &self.projection {
            Some(columns) => rows.batch.project(columns).map_err(|source| self.arrow_error(source))?,
            None => rows.batch.clone(),
        };
        for (row, (partition, size)) in (0..).zip(assigned.iter().copied().zip(sizes)) {
            self.open(partition);
            if self.partitions[partition].pending.is_full_for(size, self.style.group_bytes()) {
                self.collect(partition, &batch)?;
                self.encode(partition)?;
            }
            self.count(partition, row, size);
            if self.waiting > WAITING_BYTES {
                self.collect_all(&batch)?;
                self.relieve()?;
            }
        }
        self.touched.extend(assigned);
        self.collect_all(&batch)
    }

    /// Says that all rows of a contact have been written: files that have reached the target size are closed.
    ///
    /// # Errors
    /// When rows cannot be encoded or written.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        for partition in std::mem::take(&mut self.touched) {
            if self.estimate(partition) < u128::from(self.target) {
                continue;
            }
            self.encode(partition)?;
            let Some(file) = &mut self.partitions[partition].file else { continue };
            file.encoder.settle()?;
            if file.encoder.bytes() >= self.target {
                self.close(partition)?;
            }
        }
        Ok(())
    }

    /// Closes all files, makes them and their names durable, and lists them by path.
    ///
    /// # Errors
    /// When rows cannot be encoded or written, or a file cannot be synced.
    pub fn finish(mut self) -> Result<Vec<StagedFile>, OutputError> {
        for partition in 0..self.partitions.len() {
            self.close(partition)?;
        }
        self.staged.sort_by(|a, b| a.path.cmp(&b.path));
        let folders: BTreeSet<_> =
            self.staged.iter().filter_map(|file| Path::new(&file.path).parent()).collect();
        for folder in folders {
            durable::sync_dir(&self.staging.join(folder))?;
        }
        Ok(self.staged)
    }

    /// Bytes of rows that wait in memory.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Encodes all that waits, as if memory were short.
    #[cfg(test)]
    pub(super) fn relieve_all(&mut self) {
        for partition in 0..self.partitions.len() {
            self.encode(partition).unwrap();
        }
    }

    /// Makes the entry of a partition that is met for the first time.
    fn open(&mut self, partition: usize) {
        while self.partitions.len() <= partition {
            let folder = folder(self.table.name(), self.partitioner.values(self.partitions.len()));
            self.partitions.push(Partition { folder, ..Partition::default() });
        }
    }

    fn count(&mut self, partition: usize, row: u32, size: u64) {
        let Partition { pending, picked, .. } = &mut self.partitions[partition];
        let first = if pending.rows == 0 { OPEN_FILE_BYTES } else { 0 };
        pending.count(size);
        picked.push(row);
        self.waiting += size + first;
    }

    /// Moves the counted rows of the batch at hand to those that wait.
    fn collect(&mut self, partition: usize, batch: &RecordBatch) -> Result<(), OutputError> {
        let by_row = self.partitioner.is_by_row();
        let Partition { pending, picked, .. } = &mut self.partitions[partition];
        let picked = std::mem::take(picked);
        let pushed = match picked.first() {
            None => Ok(()),
            Some(_) if picked.len() == batch.num_rows() => pending.push(batch.clone()),
            // Without partitions by row the rows stand together, and the next rows of the batch wait with them: a
            // slice that keeps the batch in memory costs nothing.
            Some(first) if !by_row => pending.push(batch.slice(*first as usize, picked.len())),
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

    /// Encodes the largest groups that wait until half the memory is free.
    fn relieve(&mut self) -> Result<(), OutputError> {
        let mut largest: Vec<_> = (0..self.partitions.len()).collect();
        // The sort is stable: among equals the first met goes first.
        largest.sort_by_key(|partition| std::cmp::Reverse(self.partitions[*partition].pending.bytes));
        for partition in largest {
            if self.waiting <= WAITING_BYTES / 2 {
                break;
            }
            self.encode(partition)?;
            if let Some(file) = &mut self.partitions[partition].file {
                file.groups = Groups::Join;
            }
        }
        Ok(())
    }

    /// Appends the waiting rows of a partition to its file.
    fn encode(&mut self, partition: usize) -> Result<(), OutputError> {
        let pending = &mut self.partitions[partition].pending;
        let bytes = pending.bytes;
        let batch = match pending.take() {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            Err(source) => return Err(self.arrow_error(source)),
        };
        self.waiting -= bytes + OPEN_FILE_BYTES;
        let mut file = match self.partitions[partition].file.take() {
            Some(file) => file,
            None => self.create(partition, batch.num_rows())?,
        };
        file.encoder.encode(&batch)?;
        file.rows += batch.num_rows() as u64;
        file.encoded += bytes;
        file.created_at = match (file.created_at, rows::created_at_range(&batch)) {
            (Some((min, max)), Some((low, high))) => Some((min.min(low), max.max(high))),
            (known, new) => known.or(new),
        };
        self.partitions[partition].file = Some(file);
        Ok(())
    }

    fn create(&self, partition: usize, rows: usize) -> Result<OpenFile, OutputError> {
        let Partition { folder, closed, .. } = &self.partitions[partition];
        let path = format!("{folder}/part-{}-{closed:05}.{}", self.run_id, self.style.extension());
        let encoder = Encoder::new(&self.style, PartFile::new(self.staging.join(&path)), rows)?;
        Ok(OpenFile { path, encoder, rows: 0, encoded: 0, created_at: None, groups: Groups::Keep })
    }

    /// How large the file would about be if the waiting rows were in it.
    fn estimate(&self, partition: usize) -> u128 {
        let Partition { pending, file, .. } = &self.partitions[partition];
        let waiting = u128::from(pending.bytes);
        let encoded = file.as_ref().map_or(0, |file| u128::from(file.encoded));
        match file.as_ref().map_or(0, |file| u128::from(file.encoder.bytes())) {
            // Nothing is in the file, or a compressor has it still.
            0 => (waiting + encoded) * u128::from(self.style.first_guess()),
            bytes => bytes + waiting * bytes / encoded.max(1),
        }
    }

    fn close(&mut self, partition: usize) -> Result<(), OutputError> {
        self.encode(partition)?;
        let Some(file) = self.partitions[partition].file.take() else { return Ok(()) };
        self.partitions[partition].closed += 1;
        let finished = file.encoder.finish(&self.style, file.groups)?;
        self.staged.push(StagedFile {
            table: self.table,
            path: file.path,
            rows: file.rows,
            bytes: finished.bytes,
            sha256: finished.sha256,
            partition: self.partitioner.values(partition).clone(),
            min_created_at: file.created_at.map(|range| range.0),
            max_created_at: file.created_at.map(|range| range.1),
        });
        Ok(())
    }

    fn arrow_error(&self, source: ArrowError) -> OutputError {
        OutputError::Arrow { table: self.table.name(), source }
    }
}
