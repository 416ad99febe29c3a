//! Writes a published file anew, without some of its rows. The other rows keep their order and their content.
//!
//! A whole new file is necessary: the footer of a Parquet file holds the smallest and largest values of its columns, and
//! its bloom filters answer for single ones. [`columns`] writes Parquet, [`lines`] writes lines of JSON or CSV.

mod columns;
mod lines;

use std::fs::File;
use std::path::Path;

use super::erased::FileState;
use super::manifest::RunOptions;
use super::part::Finished;
use super::{OutputError, RAW};
use crate::durable::StorageError;
use crate::settings::{Format, PartitionKey};
use crate::table::Table;
use crate::time::format_time;

/// Returns true for a contact whose rows are left out.
pub type IsLeftOut<'a> = &'a mut dyn FnMut(&str) -> bool;

/// Reason why a file cannot be written anew.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The new file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The content of the file is not what was written. The text describes it.
    #[error("{0}")]
    Damaged(String),
    /// A later version of this program wrote the file. The text describes it.
    #[error("{0}")]
    Newer(String),
}

impl From<StorageError> for RewriteError {
    fn from(error: StorageError) -> Self {
        Self::Output(error.into())
    }
}

impl RewriteError {
    /// True if a sync failed, so that only another new file can hold the rows.
    pub fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Output(OutputError::Storage(error)) if error.is_failed_sync())
    }
}

/// Kind of a file that may hold rows of contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteKind {
    /// Rows of a table. `is_by_row` is true if its partition depends on the rows.
    Table { table: Table, is_by_row: bool },
    /// Lines of the raw archive.
    Raw,
    /// A list of contacts, as CSV.
    List,
}

impl RewriteKind {
    /// Returns the kind of a data file; `None` for a table of a later version.
    pub fn of(table: &str, partition: &[(String, Option<String>)]) -> Option<Self> {
        if table == RAW {
            return Some(Self::Raw);
        }
        let table = Table::ALL.into_iter().find(|known| known.name() == table)?;
        let is_by_row = |(key, _): &(String, Option<String>)| {
            PartitionKey::of_name(key).is_some_and(PartitionKey::is_per_message)
        };
        Some(Self::Table { table, is_by_row: partition.iter().any(is_by_row) })
    }
}

/// Writes the rows of `source` to a new file, except those that are left out. Returns the new file, which is durable;
/// `None` if no row is left, and then there is no file. The caller syncs its folder.
///
/// # Errors
/// If the source is damaged or of a later version, or the new file cannot be written.
pub fn rewrite(
    source: File,
    kind: RewriteKind,
    options: &RunOptions,
    target: &Path,
    is_left_out: IsLeftOut,
) -> Result<Option<FileState>, RewriteError> {
    let format = || options.file_format().ok_or_else(|| RewriteError::Newer(options.format.clone()));
    match kind {
        RewriteKind::Table { table, is_by_row } => match format()? {
            format @ Format::Parquet(_) => {
                columns::rewrite(source, (table, format, is_by_row), target, is_left_out)
            }
            Format::Jsonl(codec) => lines::rewrite(source, lines::Form::Json(codec), target, is_left_out),
        },
        RewriteKind::Raw => lines::rewrite(source, lines::Form::RAW, target, is_left_out),
        RewriteKind::List => lines::rewrite(source, lines::Form::Csv, target, is_left_out),
    }
}

/// Returns the number of rows in a file of lines that would be left out.
///
/// # Errors
/// If the file is damaged or cannot be read.
pub fn count_lines(source: File, kind: RewriteKind, is_left_out: IsLeftOut) -> Result<u64, RewriteError> {
    let form = if kind == RewriteKind::List { lines::Form::Csv } else { lines::Form::RAW };
    lines::count(source, form, is_left_out)
}

/// The state of a new file.
fn state(finished: Finished, rows: u64, created_at: Option<(i64, i64)>) -> FileState {
    FileState {
        sha256: finished.sha256,
        bytes: finished.bytes,
        rows,
        min_created_at: created_at.map(|range| format_time(range.0).to_string()),
        max_created_at: created_at.map(|range| format_time(range.1).to_string()),
    }
}
