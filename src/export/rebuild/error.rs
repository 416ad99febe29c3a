//! Errors of `rebuild`, with those that it shares with a run.

use std::path::PathBuf;

use crate::catalog::{CatalogError, ChosenError};
use crate::durable::StorageError;
use crate::export::{ExportError, Interruption};
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::output::RawError;
use crate::output::manifest::ManifestError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::transform::TransformError;

/// An error that ended `rebuild`.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport { path: PathBuf },
    /// The export has no run with this ID.
    #[error("there is no run {run_id} in {}: its runs are the folders in {RUNS}", path.display())]
    NoRun { run_id: RunId, path: PathBuf },
    /// The run has no raw archive.
    #[error(
        "the run {run_id} in {} has no raw archive, since it was exported without --keep-raw: choose another with --run",
        path.display()
    )]
    NoRaw { run_id: RunId, path: PathBuf },
    /// A later version of this program wrote the manifest.
    #[error("cannot read {}", path.display())]
    NewerManifest {
        path: PathBuf,
        #[source]
        error: ManifestError,
    },
    /// A file of the source export is damaged.
    #[error("{} is damaged ({what}): restore it from a copy", path.display())]
    Damaged { path: PathBuf, what: String },
    /// The archive cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The output has another run with this ID.
    #[error(
        "{} already has another run {run_id}, or the same one with other options: choose another --out",
        path.display()
    )]
    RunIdTaken { run_id: RunId, path: PathBuf },
    /// A signal, or another run, ended the rebuild.
    #[error("{0}; nothing was published")]
    Interrupted(Interruption),
    /// An error that a run may have too.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl From<CatalogError> for RebuildError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::NewerManifest { path, error },
            CatalogError::Storage(error) => error.into(),
        }
    }
}

impl From<ChosenError> for RebuildError {
    fn from(error: ChosenError) -> Self {
        match error {
            ChosenError::NoExport { path } => Self::NoExport { path },
            ChosenError::NoRun { run_id, path } => Self::NoRun { run_id, path },
            ChosenError::Catalog(error) => error.into(),
        }
    }
}

impl From<Interruption> for RebuildError {
    fn from(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

impl From<StorageError> for RebuildError {
    fn from(error: StorageError) -> Self {
        Self::Export(error.into())
    }
}

impl From<SpoolError> for RebuildError {
    fn from(error: SpoolError) -> Self {
        Self::Export(error.into())
    }
}

impl From<TransformError> for RebuildError {
    fn from(error: TransformError) -> Self {
        Self::Export(error.into())
    }
}

impl From<PublishError> for RebuildError {
    fn from(error: PublishError) -> Self {
        Self::Export(error.into())
    }
}
