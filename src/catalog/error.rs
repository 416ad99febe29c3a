//! Errors of reading an export's runs.

use std::path::{Path, PathBuf};

use crate::durable::StorageError;
use crate::output::manifest::ManifestError;

/// Errors of reading an export's runs.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A file is damaged.
    #[error("{} is damaged ({what})", path.display())]
    Damaged {
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// A later version of this program wrote the manifest.
    #[error("cannot read {}", path.display())]
    Newer {
        path: PathBuf,
        #[source]
        error: ManifestError,
    },
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Describes a removal that holds with these references forbid.
pub fn held_by(references: &[String], consequence: &str) -> String {
    let (noun, references) = match references {
        [one] => ("hold", one.clone()),
        several => ("holds", several.join(", ")),
    };
    format!(
        "{noun} {references} on this export: {consequence}; to remove a hold, use chatzy-export hold --release"
    )
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
