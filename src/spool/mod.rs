//! The spool: an append-only, checksummed log of the API's responses, in the work folder.
//!
//! It is the only data that a crash must not lose. Responses in it are not requested again, and rows and
//! files are built from it. Fetch appends through [`Appender`], and one thread writes ([`writer`]). Transform
//! reads single records ([`Reader`], or [`Recent`] while they are in memory). A resumed run scans the spool
//! once ([`recover()`]).
//!
//! Layer 2: works with files; does not use the API or tables.

mod copy;
mod entry;
mod finished;
mod frame;
mod ledger;
mod reader;
mod recent;
mod recover;
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

use bytes::Bytes;

use crate::compression::Compressed;
use crate::durable::StorageError;

/// Bytes after which a segment is closed and the next one started. A damaged segment costs little, and a long
/// run needs few open files.
const SEGMENT_BYTES: u64 = 256 << 20;

/// Body of a record: the response as received, or nothing.
#[derive(Clone, Debug)]
pub enum SpoolBody {
    /// The spool compresses it.
    Plain(Bytes),
    /// It stays as it arrived.
    Compressed(Compressed),
}

impl SpoolBody {
    /// The body of a record without a response.
    pub const NONE: Self = Self::Plain(Bytes::new());
}

/// Location of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordLocation {
    /// Number of the segment.
    pub segment: u32,
    /// Length of the record with its frame, in bytes.
    pub bytes: u32,
    /// Offset of the record in the segment, in bytes.
    pub offset: u64,
}

/// Errors of reading or writing the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A record is damaged, and it is not the torn end of an interrupted write.
    #[error(
        "the spool segment {} is damaged at byte {offset} ({what}): the fetched data cannot be trusted",
        path.display()
    )]
    Damaged {
        /// File of the segment.
        path: PathBuf,
        /// Start of the damaged record.
        offset: u64,
        /// Description of the damage.
        what: &'static str,
    },
    /// A later version wrote the segment.
    #[error(
        "the spool segment {} is of another version of chatzy-export: resume the run with that version, or discard it",
        path.display()
    )]
    OtherVersion {
        /// File of the segment.
        path: PathBuf,
    },
    /// The writing thread has ended. [`Writer::finish`] returns its error.
    #[error("the spool is closed")]
    Closed,
}

/// Path of a segment's file.
fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("seg-{number:05}.spool"))
}

/// Number in the name of a segment's file.
fn segment_number(name: &str) -> Option<u32> {
    name.strip_prefix("seg-")?.strip_suffix(".spool")?.parse().ok()
}
