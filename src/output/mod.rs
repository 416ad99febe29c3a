//! Rows become staged files: Parquet or JSONL, split by partition, rolled at contacts, synced.
//!
//! [`TableWriter`] takes the rows of one table in their final order. If the table has one open file at a
//! time, rows go straight into the open group of its [`encoder`], which holds them compressed. If rows go to
//! many files, [`partition`] assigns each row to a folder. The writer then keeps the rows of each open file
//! until a group is full or memory is short. Files are written to a staging folder that mirrors the output
//! folder; `publish` moves them. [`WriterThread`] runs the writer on its own thread, behind a short queue.
//!
//! A long history is written in pieces, each with its own row groups ([`PieceOrder`]). A piece may be encoded
//! before its position in the file is known. It then waits in [`pieces`].
//!
//! Every decision depends only on the rows and their sizes: where a page or group ends, where a file is
//! closed, which group is written when memory is short. The same rows therefore give the same bytes, however
//! they are cut into batches.
//!
//! Layer 2: knows Arrow, Parquet and the table columns, but nothing of the API. [`manifest`] lists the files
//! written (`docs/tables.md#files`). [`raw`] archives the API's responses beside the tables.

mod blocks;
mod contact_lists;
mod encoder;
pub mod erased;
mod error;
pub mod holds;
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
pub mod rewrite;
mod row_group;
mod rows;
pub mod salted;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

use serde::{Deserialize, Serialize};

use crate::id::{RunId, Shard};
use crate::settings::{Format, OutputSettings};
use crate::store::EarlyUploads;
use crate::table::Table;

pub use contact_lists::{ContactLists, ListPart};
pub use error::OutputError;
pub use json_text::is_embedded_as_string;
pub use jsonl::write_rows as write_lines;
pub use layout::Layout;
use partition::Partitioner;
pub use partition::folder;
pub use path::{EXTENSIONS, ExportPath};
pub use raw::{RAW, RawAnswer, RawContact, RawError, RawLine, RawReader, RawWriter};
pub use rows::{size as batch_bytes, sizes as row_bytes};
pub use thread::WriterThread;
pub use writer::{PieceOrder, TableWriter};

/// Upper limit of [`OutputSpec::batch_bytes`].
const MAX_BATCH_BYTES: u64 = 4 << 20;

/// Settings that all files of a run share.
#[derive(Clone, Debug)]
pub struct OutputSpec {
    /// Format, partitions and file size.
    pub settings: OutputSettings,
    /// ID of the run. It is part of every file name.
    pub run_id: RunId,
    /// Shard of the run, if it has shards. It is part of every file name, too.
    pub shard: Option<Shard>,
    /// Day of the run, for the partition key `export_date`.
    pub export_date: chrono::NaiveDate,
    /// Transfers each file as soon as it is closed, if the export is in an object store.
    pub uploads: Option<EarlyUploads>,
}

impl OutputSpec {
    /// Returns the writer, as the names of its files have it.
    fn writer(&self) -> path::FileWriter {
        path::FileWriter { run_id: self.run_id.clone(), shard: self.shard }
    }

    /// True if rows of messages can be written in pieces. This requires a format with row groups, and one
    /// open file at a time.
    pub fn has_pieces(&self) -> bool {
        matches!(self.settings.format, Format::Parquet(_))
            && !Partitioner::new(self, Table::Messages).is_by_row()
    }

    /// True if rows of messages and records are partitioned by the time of their message.
    pub fn is_by_day(&self) -> bool {
        Partitioner::new(self, Table::Messages).is_by_day()
    }

    /// Number of bytes of rows after which they go to a writer at the end of a contact. Files are closed only
    /// at a contact that ends a batch, so small files need small batches.
    pub fn batch_bytes(&self) -> usize {
        usize::try_from((self.settings.target_file_size / 16).clamp(1, MAX_BATCH_BYTES)).unwrap_or(usize::MAX)
    }
}

/// A written and synced file that is not visible yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// Table that the rows belong to.
    pub table: Table,
    /// Final path, relative to the output folder.
    pub path: ExportPath,
    /// Number of rows, at least one.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, as lower-case hex.
    pub sha256: String,
    /// Partition keys and their values (not percent-encoded), in the order of the folders.
    #[serde(with = "manifest::partition_map")]
    pub partition: Vec<(String, Option<String>)>,
    /// Smallest `created_at`, in microseconds. `None` if all are null, or if the table has no such column.
    pub min_created_at: Option<i64>,
    /// Largest `created_at`, in microseconds. `None` as above.
    pub max_created_at: Option<i64>,
}
