//! Errors of erasing contacts.

use std::path::{Path, PathBuf};

use crate::catalog::CatalogError;
use crate::delta::DeltaError;
use crate::durable::StorageError;
use crate::lock::LockError;
use crate::output::OutputError;
use crate::output::rewrite::RewriteError;
use crate::published::ReadError;
use crate::state::StateError;
use crate::store::CompletionError;

/// Errors of erasing contacts. Until the record of the erasure is written, nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A Delta log cannot be changed.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// A file of the export is damaged.
    #[error("{} is damaged ({what}): run chatzy-export verify for advice, repair it, then run this command again", path.display())]
    Damaged { path: PathBuf, what: String },
    /// A later version of this program wrote the file.
    #[error("a later version of chatzy-export wrote {} ({what}): erase with that version", path.display())]
    Newer { path: PathBuf, what: String },
    /// The removal of a run is not finished, so that its files are still there.
    #[error("the removal of the run {run_id} is not finished: run chatzy-export prune again, then erase")]
    BeingPruned { run_id: String },
    /// A staged file is missing.
    #[error(transparent)]
    File(CompletionError),
    /// The encoder rejected rows. This is a bug in the program.
    #[error(transparent)]
    Output(OutputError),
    /// The state cannot be written. This is a bug in the program.
    #[error(transparent)]
    State(StateError),
    /// Another command has taken over.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl EraseError {
    /// The error of writing this file anew.
    pub(super) fn of_rewrite(path: &Path, error: RewriteError) -> Self {
        match error {
            RewriteError::Output(OutputError::Storage(error)) => Self::Storage(error),
            RewriteError::Output(error) => Self::Output(error),
            RewriteError::Damaged(what) => Self::Damaged { path: path.to_owned(), what },
            RewriteError::Newer(what) => Self::Newer { path: path.to_owned(), what },
        }
    }

    pub(super) fn damaged(path: &Path, what: &str) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_owned() }
    }
}

impl From<CatalogError> for EraseError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::Newer { path, what: error.to_string() },
            CatalogError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<ReadError> for EraseError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { path, what } => Self::Damaged { path, what },
            ReadError::RowCount { path, found, expected } => {
                Self::Damaged { path, what: format!("it has {found} rows, expected {expected}") }
            }
            ReadError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<StateError> for EraseError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Storage(error) => Self::Storage(error),
            StateError::Unreadable { path, what } => Self::Damaged { path, what },
            error @ StateError::Encode { .. } => Self::State(error),
        }
    }
}

impl From<CompletionError> for EraseError {
    fn from(error: CompletionError) -> Self {
        match error {
            CompletionError::Storage(error) => Self::Storage(error),
            error => Self::File(error),
        }
    }
}
