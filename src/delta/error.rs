//! Errors of writing Delta logs.

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::durable::StorageError;

/// Errors of writing Delta logs. The logs stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// A log is damaged, or another program has written to it.
    #[error(
        "{}: {what}; to get new Delta logs, move the folder {} away and repeat the command",
        path.display(), folder.display()
    )]
    Fault {
        /// The file with the fault.
        path: PathBuf,
        /// Description of the fault.
        what: String,
        /// Folder of the log.
        folder: PathBuf,
    },
    /// The runs cannot be files of one Delta table.
    #[error(
        "the Delta tables in {} cannot have runs of different layouts: {run_id} is {found}, and another is {expected}; choose another --out for one of them",
        path.display()
    )]
    Layout {
        /// Path of the export.
        path: PathBuf,
        /// The run whose layout differs.
        run_id: String,
        /// Its layout.
        found: String,
        /// The layout of another run, or of a Delta table.
        expected: String,
    },
    /// Other writers are faster every time.
    #[error("other programs keep writing to {}: end them, then repeat the command", path.display())]
    Busy {
        /// Folder of the log.
        path: PathBuf,
    },
    /// A record of the export is damaged or cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
