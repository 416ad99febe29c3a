//! Finds the run that a command works on: the one with a given ID, or the newest.

use std::path::PathBuf;

use super::{CatalogError, Run, latest, manifest_path, run};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::store::Store;

/// Reason why there is no such run.
#[derive(Debug, thiserror::Error)]
pub enum ChosenError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport { path: PathBuf },
    /// The export has no run with this ID.
    #[error("there is no run {run_id} in {}: its runs are the folders in {RUNS}", path.display())]
    NoRun { run_id: RunId, path: PathBuf },
    /// A file is damaged, of a later version, or cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<StorageError> for ChosenError {
    fn from(error: StorageError) -> Self {
        Self::Catalog(error.into())
    }
}

/// Reads the manifest of the run with this ID, or of the newest run.
///
/// # Errors
/// If there is no such run, or its manifest is damaged or cannot be read.
pub fn chosen(out: &Store, run_id: Option<&RunId>) -> Result<Run, ChosenError> {
    let no_export = || ChosenError::NoExport { path: out.root().to_owned() };
    if !out.is_folder("")? {
        return Err(no_export());
    }
    if let Some(run_id) = run_id {
        let no_run = || ChosenError::NoRun { run_id: run_id.clone(), path: out.root().to_owned() };
        return run(out, run_id)?.ok_or_else(no_run);
    }
    let latest = latest(out)?.ok_or_else(no_export)?;
    let path = out.join(manifest_path(&latest.run_id));
    let damaged = |what: &str| CatalogError::damaged(&path, what);
    let found = run(out, &latest.run_id)?;
    let found = found.ok_or_else(|| damaged("it is missing, but latest.json names it"))?;
    if latest.sha256 != found.sha256 {
        return Err(damaged("its SHA-256 is not the one in latest.json").into());
    }
    Ok(found)
}
