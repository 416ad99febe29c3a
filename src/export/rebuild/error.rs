//! Why a run was not made again.

use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::durable::StorageError;
use crate::export::{ExportError, Interruption};
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::output::RawError;
use crate::output::manifest::ManifestError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::transform::TransformError;

/// Why a run was not made again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport {
        /// The path given.
        path: PathBuf,
    },
    /// The export has no such run.
    #[error("there is no run {run_id} in {}: its runs are the folders in {RUNS}", path.display())]
    NoRun {
        /// The run asked for.
        run_id: RunId,
        /// The path given.
        path: PathBuf,
    },
    /// The run kept no answers.
    #[error(
        "the run {run_id} in {} has no raw archive, since it was exported without --keep-raw; --run names another",
        path.display()
    )]
    NoRaw {
        /// The run.
        run_id: RunId,
        /// The path given.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error("cannot read {}", path.display())]
    NewerManifest {
        /// The manifest.
        path: PathBuf,
        /// Which version.
        #[source]
        error: ManifestError,
    },
    /// What the run was made from is not what was written.
    #[error("{} is damaged ({what}): restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The output has a run of this ID that is another.
    #[error(
        "{} has a run {run_id} already, which is not this one made again in this form: choose another --out",
        path.display()
    )]
    RunIdTaken {
        /// The run.
        run_id: RunId,
        /// The output.
        path: PathBuf,
    },
    /// A signal ended it.
    #[error("{0}; nothing was published")]
    Interrupted(Interruption),
    /// What a run may fail of, too.
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
