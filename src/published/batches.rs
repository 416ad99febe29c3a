//! The rows of one file, as batches in bounded memory.

use std::fs::File;
use std::path::PathBuf;

use arrow::array::RecordBatch;

use super::ReadError;
use super::columns::{Columns, table_of};
use super::lines::LineBatches;
use super::open::{open, open_unchanged};
use super::parquet::ParquetBatches;
use crate::output::manifest::{FileEntry, Manifest};
use crate::store::Store;

/// Maximum number of rows in a batch.
pub(super) const BATCH_ROWS: usize = 1024;

/// Columns to read.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// All columns of the table.
    All,
    /// Those of these columns that the table has.
    Named(&'a [&'a str]),
}

impl Wanted<'_> {
    pub(super) fn has(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(&name),
        }
    }
}

/// Reads the rows of a file.
///
/// # Errors
/// If the file is not as the manifest describes it, or cannot be read.
pub fn batches(
    out: &Store,
    manifest: &Manifest,
    file: &FileEntry,
    wanted: Wanted,
) -> Result<Batches, ReadError> {
    batches_of(open(out, file)?, out, manifest, file, wanted)
}

/// Reads the rows of a file like [`batches`], after its SHA-256 is compared with the recorded one.
///
/// # Errors
/// As [`batches`], and if the content of the file has changed.
pub fn unchanged_batches(
    out: &Store,
    manifest: &Manifest,
    file: &FileEntry,
    wanted: Wanted,
) -> Result<Batches, ReadError> {
    batches_of(open_unchanged(out, file)?, out, manifest, file, wanted)
}

fn batches_of(
    opened: File,
    out: &Store,
    manifest: &Manifest,
    file: &FileEntry,
    wanted: Wanted,
) -> Result<Batches, ReadError> {
    let path = out.join(&file.path);
    let Some(table) = table_of(file) else {
        return Err(ReadError::damaged(&path, format!("it has no rows of a table, but of {}", file.table)));
    };
    let columns = Columns::new(&path, manifest, file, table, wanted)?;
    let rows = if file.path.ends_with(".parquet") {
        Reader::Parquet(ParquetBatches::new(opened, &path, columns)?)
    } else {
        Reader::Lines(Box::new(LineBatches::new(opened, &path, columns)?))
    };
    Ok(Batches { path, rows, found: 0, expected: file.rows, is_over: false })
}

/// Iterator over the rows of a file. The batches have the wanted columns of the table, in the order of the
/// table.
///
/// A batch has at most 1024 rows. It takes at most 64 MiB, or one row.
pub struct Batches {
    path: PathBuf,
    rows: Reader,
    found: u64,
    expected: u64,
    is_over: bool,
}

enum Reader {
    Parquet(ParquetBatches),
    Lines(Box<LineBatches>),
}

impl Batches {
    fn read(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let batch = match &mut self.rows {
            Reader::Parquet(rows) => rows.read(&self.path),
            Reader::Lines(rows) => rows.read(&self.path),
        }?;
        match &batch {
            Some(batch) => self.found += batch.num_rows() as u64,
            None if self.found != self.expected => {
                let (path, found, expected) = (self.path.clone(), self.found, self.expected);
                return Err(ReadError::RowCount { path, found, expected });
            }
            None => {}
        }
        Ok(batch)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
