//! Rows become staged files: Parquet or JSONL, split by partition, rolled at contacts, synced.
//!
//! [`TableWriter`] takes the rows of one table in their final order. Rows of a table with one file at a time go straight
//! into its open group, where [`encoder`] holds them compressed. When they go to many files, it asks [`partition`] which
//! folder each row belongs to and keeps the rows of each open file until a group is full, or memory is short. The files
//! stand in a staging folder that mirrors the output folder; `publish` moves them. [`WriterThread`] is the writer on a
//! thread of its own, with a short queue before it.
//!
//! The rows of a long history come in pieces, each in row groups of its own ([`PieceOrder`]). A piece may be encoded before it is
//! known where it stands, and then waits in [`pieces`].
//!
//! Every decision (where a page or group ends, where a file is closed, which group is written when memory is short) is
//! taken from the rows and their sizes, so the same rows give the same bytes, however they were cut into batches.
//!
//! Layer 2: knows Arrow, Parquet and the table columns, and nothing of the API. [`manifest`] is the list of what
//! was written, as `docs/tables.md#files` has it; [`raw`] is the archive of the API's answers beside the tables.

mod blocks;
mod encoder;
mod error;
mod json_text;
mod jsonl;
mod layout;
pub mod manifest;
mod parquet;
mod part;
mod partition;
mod path;
mod pending;
mod pieces;
pub mod pruned;
pub mod raw;
mod row_group;
mod rows;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::settings::{Format, OutputSettings};
use crate::table::Table;

pub use error::OutputError;
pub use layout::Layout;
use partition::Partitioner;
pub use partition::folder;
pub use path::{EXTENSIONS, ExportPath, RUNS};
pub use raw::{RAW, RawAnswer, RawContact, RawError, RawLine, RawReader, RawWriter};
pub use thread::WriterThread;
pub use writer::{PieceOrder, TableWriter};

/// See [`OutputSpec::batch_bytes`].
const MAX_BATCH_BYTES: u64 = 4 << 20;

/// What all files of a run have in common.
#[derive(Clone, Debug)]
pub struct OutputSpec {
    /// Format, partitions and file size.
    pub settings: OutputSettings,
    /// The run, which is part of every file's name.
    pub run_id: RunId,
    /// The day of the run, for the partition key `export_date`.
    pub export_date: chrono::NaiveDate,
}

impl OutputSpec {
    /// Whether the rows of messages may be written in pieces, each a row group or more: where there are row groups, and one
    /// file at a time.
    pub fn has_pieces(&self) -> bool {
        matches!(self.settings.format, Format::Parquet(_))
            && !Partitioner::new(self, Table::Messages).is_by_row()
    }

    /// Bytes of rows after which they should be handed to a writer at the end of a contact. Files are closed at
    /// contacts that end a batch, so small files need small batches.
    pub fn batch_bytes(&self) -> usize {
        usize::try_from((self.settings.target_file_size / 16).clamp(1, MAX_BATCH_BYTES)).unwrap_or(usize::MAX)
    }
}

/// A file that is written and synced, and not yet visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Whose rows it holds.
    pub table: Table,
    /// Final path, relative to the output folder.
    pub path: ExportPath,
    /// How many rows it holds, at least one.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, as lower-case hex.
    pub sha256: String,
    /// The partition keys of its folder with their values (not percent-encoded), in the order of the folders.
    #[serde(with = "manifest::partition_map")]
    pub partition: Vec<(String, Option<String>)>,
    /// The smallest `created_at`, in microseconds; none when all are null, or the table has no such column.
    pub min_created_at: Option<i64>,
    /// The largest `created_at`.
    pub max_created_at: Option<i64>,
}
