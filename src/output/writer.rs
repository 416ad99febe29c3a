//! The writer of one table. It decides which rows wait, when a group is encoded and when a file is closed.

mod by_piece;
mod by_row;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;

use super::encoder::{Encoder, Framing, Groups, Style};
use super::part::PartFile;
use super::partition::{Partitioner, folder};
use super::path::FileWriter;
use super::pending::{GroupSize, Pending};
use super::pieces::Pieces;
use super::{ExportPath, OutputError, OutputSpec, StagedFile, rows};
use crate::durable;
use crate::store::EarlyUploads;
use crate::table::{Rows, Table};
pub use by_piece::PieceOrder;

/// Memory overhead of each file with waiting batches.
const OPEN_FILE_BYTES: u64 = 4 << 10;

/// Writes the rows of one table into staged files.
///
/// After an error the writer is unusable: the caller builds the staged files again.
pub struct TableWriter {
    table: Table,
    writer: FileWriter,
    staging: PathBuf,
    target: u64,
    style: Style,
    partitioner: Partitioner,
    /// Columns that go into the files; `None` if all do.
    projection: Option<Vec<usize>>,
    partitions: Vec<Partition>,
    /// Bytes of waiting rows, over all partitions.
    waiting: u64,
    /// Partitions with rows of the current contact.
    touched: BTreeSet<usize>,
    /// Pieces of the current contact that have no position yet.
    pieces: Option<Pieces>,
    staged: Vec<StagedFile>,
    uploads: Option<EarlyUploads>,
}

#[derive(Default)]
struct Partition {
    folder: String,
    /// Number of closed files, which is also the number of the next file.
    closed: u64,
    /// Numbers of rows in the current batch that are counted but not yet pending.
    picked: Vec<u32>,
    pending: Pending,
    /// The open file, once its first group is written.
    file: Option<OpenFile>,
}

struct OpenFile {
    path: ExportPath,
    encoder: Encoder,
    rows: u64,
    /// Bytes of the rows in memory.
    encoded: u64,
    created_at: Option<(i64, i64)>,
    groups: Groups,
}

impl TableWriter {
    /// Creates a writer of the table's rows into `staging`, which mirrors the output folder.
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
            writer: spec.writer(),
            staging: staging.to_owned(),
            target: spec.settings.target_file_size,
            style,
            partitioner,
            projection,
            partitions: Vec::new(),
            waiting: 0,
            touched: BTreeSet::new(),
            pieces: None,
            staged: Vec::new(),
            uploads: spec.uploads.clone(),
        }
    }

    /// Takes rows in their final order. Each partition keeps this order.
    ///
    /// # Errors
    /// When rows cannot be encoded or written.
    pub fn write(&mut self, rows: &Rows) -> Result<(), OutputError> {
        if self.partitioner.is_by_row() {
            self.write_by_row(rows)
        } else {
            self.write_through(rows.batch.clone())
        }
    }

    /// Reports that all rows of a contact are written. Files that have reached the target size are closed.
    ///
    /// # Errors
    /// When rows cannot be encoded or written.
    pub fn end_contact(&mut self) -> Result<(), OutputError> {
        for partition in std::mem::take(&mut self.touched) {
            if self.estimate(partition) < u128::from(self.target) {
                continue;
            }
            self.end_group(partition)?;
            let Some(file) = &mut self.partitions[partition].file else { continue };
            file.encoder.flush()?;
            if file.encoder.bytes() >= self.target {
                self.close(partition)?;
            }
        }
        Ok(())
    }

    /// Closes all files, makes them and their names durable, and returns them sorted by path.
    ///
    /// # Errors
    /// When rows cannot be encoded or written, or a file cannot be synced.
    pub fn finish(mut self) -> Result<Vec<StagedFile>, OutputError> {
        for partition in 0..self.partitions.len() {
            self.close(partition)?;
        }
        self.staged.sort_by(|a, b| a.path.cmp(&b.path));
        let folders: BTreeSet<_> =
            self.staged.iter().filter_map(|file| file.path.as_path().parent()).collect();
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

    /// Encodes all waiting rows, as if memory were short.
    #[cfg(test)]
    pub(super) fn flush_all(&mut self) {
        for partition in 0..self.partitions.len() {
            self.end_group(partition).unwrap();
        }
    }

    /// Creates the entries of partitions up to this one.
    fn open(&mut self, partition: usize) {
        while self.partitions.len() <= partition {
            let folder = folder(self.table.name(), self.partitioner.values(self.partitions.len()));
            self.partitions.push(Partition { folder, ..Partition::default() });
        }
    }

    /// Takes rows of a table with one partition. They go straight into the file, where they need less memory.
    fn write_through(&mut self, mut batch: RecordBatch) -> Result<(), OutputError> {
        let partition = self.partitioner.whole();
        self.open(partition);
        while batch.num_rows() > 0 {
            let size = &mut self.partitions[partition].pending.size;
            let fitting = size.fill(&batch, self.style.group_bytes());
            self.append(partition, &batch.slice(0, fitting), None)?;
            batch = batch.slice(fitting, batch.num_rows() - fitting);
            if batch.num_rows() > 0 {
                self.end_group(partition)?;
            }
        }
        self.touched.insert(partition);
        Ok(())
    }

    /// Appends rows to the file of a partition.
    fn append(
        &mut self,
        partition: usize,
        batch: &RecordBatch,
        first_group: Option<usize>,
    ) -> Result<(), OutputError> {
        let mut file = match self.partitions[partition].file.take() {
            Some(file) => file,
            None => self.create(partition, first_group)?,
        };
        file.encoder.write(batch)?;
        file.rows += batch.num_rows() as u64;
        file.created_at = rows::joined_range(file.created_at, rows::created_at_range(batch));
        self.partitions[partition].file = Some(file);
        Ok(())
    }

    /// Ends the group of a partition, including its waiting rows.
    fn end_group(&mut self, partition: usize) -> Result<(), OutputError> {
        let pending = &mut self.partitions[partition].pending;
        let GroupSize { bytes, rows } = pending.size;
        if rows == 0 {
            return Ok(());
        }
        let batches = pending.take();
        if !batches.is_empty() {
            self.waiting -= bytes + OPEN_FILE_BYTES;
        }
        for batch in batches {
            self.append(partition, &batch, Some(rows))?;
        }
        let Some(file) = &mut self.partitions[partition].file else { return Ok(()) };
        file.encoded += bytes;
        file.encoder.end_group()
    }

    fn create(&self, partition: usize, first_group: Option<usize>) -> Result<OpenFile, OutputError> {
        let Partition { folder, closed, .. } = &self.partitions[partition];
        let path = ExportPath::data(folder, &self.writer, *closed, self.style.extension());
        let encoder = Encoder::new(&self.style, PartFile::new(self.staging.join(&path)), first_group)?;
        Ok(OpenFile { path, encoder, rows: 0, encoded: 0, created_at: None, groups: Groups::Keep })
    }

    /// Estimates the size of the file with the waiting rows included.
    fn estimate(&self, partition: usize) -> u128 {
        let Partition { pending, file, .. } = &self.partitions[partition];
        let waiting = u128::from(pending.size.bytes);
        let encoded = file.as_ref().map_or(0, |file| u128::from(file.encoded));
        match file.as_ref().map_or(0, |file| u128::from(file.encoder.bytes())) {
            // The file is empty, or the compressor still holds its content.
            0 => (waiting + encoded) * u128::from(self.style.first_guess()),
            bytes => bytes + waiting * bytes / encoded.max(1),
        }
    }

    fn close(&mut self, partition: usize) -> Result<(), OutputError> {
        self.end_group(partition)?;
        let Some(file) = self.partitions[partition].file.take() else { return Ok(()) };
        self.partitions[partition].closed += 1;
        let finished = file.encoder.finish(&self.style, file.groups)?;
        if let Some(uploads) = &self.uploads {
            let (path, sha256) = (file.path.as_path(), finished.sha256.as_str());
            uploads.add(&crate::store::StagedFile { path, bytes: finished.bytes, sha256 });
        }
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
