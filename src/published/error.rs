//! Errors of reading a published file.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

use crate::durable::StorageError;

/// Reason why a published file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is missing, or its content is not as the manifest describes it.
    #[error("{} is damaged ({what})", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// The file has another number of rows than the manifest says.
    #[error("{} is damaged (it has {found} rows, but the manifest says {expected})", path.display())]
    RowCount {
        /// Path of the file.
        path: PathBuf,
        /// Number of rows in the file.
        found: u64,
        /// Number of rows in the manifest.
        expected: u64,
    },
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ReadError {
    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }

    /// Converts an error of reading. Decoders use the same type for invalid bytes, but without an OS code.
    pub(super) fn of_io(path: &Path, error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(_) => StorageError::new("read", path, error).into(),
            None => Self::damaged(path, error.to_string()),
        }
    }

    pub(super) fn of_parquet(path: &Path, error: ParquetError) -> Self {
        match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => Self::of_io(path, *error),
                Err(error) => Self::damaged(path, ParquetError::External(error).to_string()),
            },
            error => Self::damaged(path, error.to_string()),
        }
    }

    pub(super) fn of_arrow(path: &Path, error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => Self::of_io(path, error),
            ArrowError::ExternalError(error) => match error.downcast::<ParquetError>() {
                Ok(error) => Self::of_parquet(path, *error),
                Err(error) => Self::damaged(path, error.to_string()),
            },
            error => Self::damaged(path, error.to_string()),
        }
    }
}
