//! Errors of reading or writing a state or a decision.

use std::path::PathBuf;

use parquet::errors::ParquetError;

use crate::durable::StorageError;

/// Errors of reading or writing a state or a decision.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The file is not a Parquet file with the columns of its kind.
    #[error("cannot read {}: {what}", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// The Parquet encoder reports an error.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// Path of the file.
        path: PathBuf,
        /// Error of the encoder.
        #[source]
        source: ParquetError,
    },
}

impl StateError {
    /// True if a sync failed. Written data may then be lost, so the file must be written again.
    pub(super) fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_failed_sync())
    }
}
