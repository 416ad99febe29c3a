//! Errors of making a package.

use std::path::PathBuf;

use crate::durable::StorageError;
use crate::id::RunId;
use crate::output::RawError;
use crate::snapshot::SnapshotError;

/// Reason why no package can be made.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The export cannot be read.
    #[error(transparent)]
    Source(#[from] SnapshotError),
    /// The raw archive cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The run is not in the export.
    #[error("{} has no run {run_id}: `chatzy-export runs` lists its runs", path.display())]
    NoRun {
        /// Path of the export.
        path: PathBuf,
        /// ID of the run.
        run_id: RunId,
    },
    /// None of the contacts is in the export.
    #[error("no run in {} has any of these contacts: check the IDs, and the export", path.display())]
    NoContacts {
        /// Path of the export.
        path: PathBuf,
    },
    /// There is something else at the path of the package.
    #[error("{} exists and is not this package: give another --out, or remove it", path.display())]
    Exists {
        /// Path of the package.
        path: PathBuf,
    },
    /// Another command makes the same package.
    #[error("another command is making {}: wait for it, or give another --out", path.display())]
    Busy {
        /// Path of the package.
        path: PathBuf,
    },
    /// A file of a run changed after it was written.
    #[error("{} is damaged ({what}): run `verify` on the export for details, and restore the file from a copy", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
