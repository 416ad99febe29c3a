//! The spool: an append-only, checksummed log of the API's answers as received, in the work folder.
//!
//! It is the only thing a crash must not lose: what it holds is not asked for again, and everything after it (rows,
//! files) is made again from it. Fetch appends through [`Appender`], one thread writes ([`writer`]), build reads single
//! records back ([`Reader`], or [`Recent`] where they are still in memory), and a run that goes on scans it once ([`recover()`]).
//!
//! Layer 2: knows files, not the API or tables.

mod copy;
mod entry;
mod frame;
mod ledger;
mod reader;
mod recent;
mod recover;
mod settled;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};

pub use entry::{Entry, Pass};
pub use ledger::{Closing, ContactUpdate, Ledger, SpooledPage};
pub use reader::Reader;
pub use recent::Recent;
pub use recover::recover;
pub use writer::{Appender, Writer};

use crate::durable::StorageError;

/// Bytes after which a segment is closed and the next begun: small enough that a damaged one costs little, large
/// enough that a long run stays far below the limit of open files.
const SEGMENT_BYTES: u64 = 256 << 20;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordLocation {
    /// The segment's number.
    pub segment: u32,
    /// Length of the record with its frame, in bytes.
    pub bytes: u32,
    /// Offset of the record in it, in bytes.
    pub offset: u64,
}

/// Why the spool cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A record is not what was written, and it is not the torn end of an interrupted run.
    #[error(
        "the spool segment {} is damaged at byte {offset} ({what}): the fetched data cannot be trusted",
        path.display()
    )]
    Damaged {
        /// The segment's file.
        path: PathBuf,
        /// Where the bad record starts.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The writing thread has ended, after an error that it reported itself.
    #[error("the spool is closed")]
    Closed,
}

/// The file of a segment.
fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("seg-{number:05}.spool"))
}

/// The number in the name of a segment's file.
fn segment_number(name: &str) -> Option<u32> {
    name.strip_prefix("seg-")?.strip_suffix(".spool")?.parse().ok()
}
