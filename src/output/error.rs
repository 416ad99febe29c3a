//! What can go wrong between rows and files.

use std::path::PathBuf;

use crate::durable::StorageError;

/// Rows that did not become a file.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file system refused: disk full, no permission, a failed sync.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The Parquet encoder refused rows, which is a bug of ours.
    #[error("cannot encode rows for {}", path.display())]
    Parquet {
        /// The staged file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Arrow refused to cut or join batches, which is a bug of ours.
    #[error("cannot arrange rows of the table {table}")]
    Arrow {
        /// The table's name.
        table: &'static str,
        /// What it said.
        #[source]
        source: arrow::error::ArrowError,
    },
}
