//! Why a state cannot be read or written.

use std::path::PathBuf;

use parquet::errors::ParquetError;

use crate::durable::StorageError;

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It is no Parquet file with the columns of a state.
    #[error("{} is not readable as what it is ({what})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The encoder refused.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: ParquetError,
    },
}

impl StateError {
    /// Whether it was a sync that failed: what was written may be lost then, and only a new file can have it.
    pub(super) fn is_failed_sync(&self) -> bool {
        matches!(self, Self::Storage(error) if error.is_failed_sync())
    }
}
