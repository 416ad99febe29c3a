//! Errors of building a snapshot.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

use crate::catalog::CatalogError;
use crate::durable::StorageError;
use crate::layout::LATEST;
use crate::output::OutputError;
use crate::output::manifest::ManifestError;
use crate::published::ReadError;

/// Reason why no snapshot can be built.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport {
        /// Path of the source.
        path: PathBuf,
    },
    /// All runs have only parts of contacts.
    #[error(
        "all runs in {} have only parts of contacts (--since, --until or --channel): export whole contacts first",
        path.display()
    )]
    OnlyParts {
        /// Path of the source.
        path: PathBuf,
    },
    /// A file of the source is missing or damaged.
    #[error("{} is damaged ({what}): run `verify` on the export for details, and restore the file from a copy", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// A later version of this program wrote the manifest.
    #[error("cannot read {}", path.display())]
    NewerManifest {
        /// Path of the manifest.
        path: PathBuf,
        /// Version of the manifest.
        #[source]
        error: ManifestError,
    },
    /// A later version of this program wrote the tables.
    #[error(
        "{} has the schema version {found}, but this program knows version {known}: use a newer version of chatzy-export",
        path.display()
    )]
    NewerSchema {
        /// Path of the manifest.
        path: PathBuf,
        /// Version in the manifest.
        found: u32,
        /// Version of this program.
        known: u32,
    },
    /// Rows cannot be sorted.
    #[error("cannot sort the rows of {}", path.display())]
    Sort {
        /// Folder of the temporary files.
        path: PathBuf,
        /// Error of Arrow.
        #[source]
        source: ArrowError,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The work was told to stop.
    #[error("stopped")]
    Stopped,
}

impl SnapshotError {
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}

impl From<CatalogError> for SnapshotError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::NewerManifest { path, error },
            CatalogError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<ReadError> for SnapshotError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { path, what } => Self::Damaged { path, what },
            ReadError::RowCount { path, found, expected } => {
                Self::Damaged { path, what: format!("it has {found} rows, but the manifest says {expected}") }
            }
            ReadError::Storage(error) => Self::Storage(error),
        }
    }
}
