//! Errors of writing rows to files.

use std::path::PathBuf;

use crate::durable::StorageError;

/// Error of writing rows to a file.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file operation failed, for example because the disk is full, or a sync failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The Parquet encoder rejected rows. This is a bug in the program.
    #[error("cannot encode rows for {}", path.display())]
    Parquet {
        /// Path of the staged file.
        path: PathBuf,
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Arrow could not cut or join batches. This is a bug in the program.
    #[error("cannot arrange rows of the table {table}")]
    Arrow {
        /// Name of the table.
        table: &'static str,
        #[source]
        source: arrow::error::ArrowError,
    },
}
