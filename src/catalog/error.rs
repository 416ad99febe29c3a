//! Errors of looking up an export's runs.

use std::path::{Path, PathBuf};

use crate::durable::StorageError;
use crate::output::manifest::ManifestError;

/// Errors of looking up an export's runs.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file is not what was written.
    #[error("{} is damaged ({what})", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// A later version wrote the manifest.
    #[error("cannot read {}", path.display())]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// The version.
        #[source]
        error: ManifestError,
    },
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CatalogError {
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    pub(super) fn of_manifest(path: &Path, error: ManifestError) -> Self {
        match error {
            ManifestError::Version { .. } => Self::Newer { path: path.to_owned(), error },
            error => Self::damaged(path, error.describe()),
        }
    }
}
