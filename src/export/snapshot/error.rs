//! Errors of `snapshot`, with those that it shares with a run.

use std::path::PathBuf;

use super::super::{ExportError, Interruption};
use crate::catalog::CatalogError;
use crate::durable::StorageError;
use crate::id::RunId;
use crate::snapshot::SnapshotError;

/// An error that ended `snapshot`.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotJobError {
    /// The rows cannot be read or written.
    #[error("{0}; nothing was published")]
    Build(#[source] SnapshotError),
    /// The folder has another snapshot.
    #[error(
        "{} already has the snapshot {run_id}, of another state of the export or with other options: with a second one, readers of the folder would see contacts twice",
        path.display()
    )]
    Exists { path: PathBuf, run_id: RunId },
    /// The folder has a run that is no snapshot.
    #[error(
        "{} already has the run {run_id}, which is no snapshot: choose another --out",
        path.display()
    )]
    NotASnapshot { path: PathBuf, run_id: RunId },
    /// The folder has Delta tables. Their logs would not name the new snapshot.
    #[error(
        "the snapshot {run_id} in {} has Delta tables: use --table-format delta, or choose another --out",
        path.display()
    )]
    DeltaTables { path: PathBuf, run_id: RunId },
    /// A file in the folder of the snapshot is damaged.
    #[error("{} is damaged ({what}): remove the folder, or choose another --out", path.display())]
    DamagedOut { path: PathBuf, what: String },
    /// A signal, or another command, ended the snapshot.
    #[error("{0}; nothing was published")]
    Interrupted(Interruption),
    /// An error that a run may have too.
    #[error(transparent)]
    Export(ExportError),
}

impl SnapshotJobError {
    /// True if a file of the source could not be read.
    pub(super) fn is_of_source(&self) -> bool {
        matches!(self, Self::Build(SnapshotError::Damaged { .. } | SnapshotError::Storage(_)))
    }
}

impl From<SnapshotError> for SnapshotJobError {
    fn from(error: SnapshotError) -> Self {
        Self::Build(error)
    }
}

impl From<ExportError> for SnapshotJobError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Interrupted(why) => Self::Interrupted(why),
            error => Self::Export(error),
        }
    }
}

impl From<Interruption> for SnapshotJobError {
    fn from(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

impl From<StorageError> for SnapshotJobError {
    fn from(error: StorageError) -> Self {
        Self::Export(error.into())
    }
}

/// Of a file in the folder of the snapshot.
impl From<CatalogError> for SnapshotJobError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::DamagedOut { path, what },
            CatalogError::Newer { path, error } => Self::DamagedOut { path, what: error.to_string() },
            CatalogError::Storage(error) => error.into(),
        }
    }
}
