//! `erase` under the lock of the export. It begins only if the export is intact, no run is unfinished and no hold covers
//! the contacts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::work_folder::WorkFolder;
use super::{ExportError, lock};
use crate::catalog;
use crate::durable::StorageError;
use crate::erase::{self, EraseError, EraseOrder, EraseResult, EraseTarget};
use crate::event::SharedObserver;
use crate::layout::{LATEST, RUNS, WORK, shard_files, shard_manifests};
use crate::lock::Lock;
use crate::signature::SigningKey;
use crate::store::Store;
use crate::verify::{self, Depth, VerifyError, VerifyOptions};

/// Folder of the staged files in the work folder.
const STAGE: &str = "erase";

/// Work of the command.
#[derive(Debug)]
pub enum EraseJob {
    /// Erase contacts.
    Erase(EraseOrder),
    /// Count what would be erased.
    DryRun(EraseOrder),
    /// Finish an interrupted erasure.
    Finish,
}

/// Errors of the command. Nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum EraseJobError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport { path: PathBuf },
    /// A run is not finished. Its files may hold the contacts.
    #[error(
        "the run {run_id} in {} is not finished, and may hold the contacts: run its command again, or discard it with --fresh, then erase",
        path.display()
    )]
    UnfinishedRun { run_id: String, path: PathBuf },
    /// Shards of a run are not committed. Their files may hold the contacts.
    #[error(
        "the shards of run {run_id} in {} are not committed, and may hold the contacts: commit them, or remove {} and {}, then erase",
        path.display(), shard_files(run_id), shard_manifests(run_id)
    )]
    UncommittedRun { run_id: String, path: PathBuf },
    /// The export is damaged.
    #[error("{} is damaged ({what}): run chatzy-export verify for advice, repair it, then erase", path.display())]
    DamagedExport { path: PathBuf, what: String },
    /// The record of erasures does not explain a run. Without it, erased contacts would be exported again.
    #[error(
        "contacts were erased from the run {run_id}, but the record of erasures, {}, does not say so: it is missing or an old copy; restore the newest copy",
        path.display()
    )]
    LostRecord { run_id: String, path: PathBuf },
    /// A hold forbids the erasure.
    #[error("{}", catalog::held_by(references, "nothing is erased"))]
    Held { references: Vec<String> },
    /// No erasure has the reference of `--unsuppress`.
    #[error("no erasure of {} has the reference {reference:?}", path.display())]
    NoErasure { reference: String, path: PathBuf },
    /// Contacts cannot be erased.
    #[error(transparent)]
    Erase(#[from] EraseError),
}

impl From<StorageError> for EraseJobError {
    fn from(error: StorageError) -> Self {
        Self::Erase(error.into())
    }
}

/// Erases contacts, or counts what would be erased, and signs the record. Waits up to `patience` for another run on the
/// export. Returns `None` if there is nothing to finish.
///
/// # Errors
/// When there is no export, another run works on it, a run is unfinished, the export is damaged, a hold covers the
/// contacts, or a file cannot be read or written.
pub fn erase(
    out: &Store,
    (job, key): (&EraseJob, Option<&SigningKey>),
    patience: Duration,
    observer: &SharedObserver,
) -> Result<Option<EraseResult>, ExportError> {
    if !out.is_folder(RUNS)? {
        return Err(EraseJobError::NoExport { path: out.root().to_owned() }.into());
    }
    if let EraseJob::DryRun(order) = job {
        check(out, Some(order))?;
        return Ok(Some(erase::dry_run(out, order).map_err(EraseJobError::from)?));
    }
    let lock = lock::take(out, patience, observer)?;
    // An interrupted command may have left them behind the manifests, which would count as damage.
    erase::sync_delta_logs(out).map_err(EraseJobError::from)?;
    match job {
        EraseJob::Erase(order) => check(out, Some(order))?,
        EraseJob::DryRun(_) | EraseJob::Finish => check(out, None)?,
    }
    // A folder of this machine has its own work folder. The files of an object store are staged for this command only.
    let temporary = match out.folder() {
        Some(_) => None,
        None => Some(
            tempfile::tempdir().map_err(|error| StorageError::new("create", Path::new("a folder"), error))?,
        ),
    };
    let stage = match (&temporary, out.folder()) {
        (Some(temporary), _) => temporary.path().join(STAGE),
        (None, folder) => folder.unwrap_or(Path::new("")).join(WORK).join(STAGE),
    };
    let target = EraseTarget { out, stage: &stage, held: &|| Lock::check(&lock) };
    let result = match job {
        EraseJob::Erase(order) => erase::erase(target, order).map(Some),
        EraseJob::DryRun(_) | EraseJob::Finish => erase::finish(target),
    };
    let result = result.map_err(EraseJobError::from)?;
    if let Some(key) = key {
        erase::sign(out, key).map_err(EraseJobError::from)?;
    }
    Ok(result)
}

/// Checks that contacts may be erased.
fn check(out: &Store, order: Option<&EraseOrder>) -> Result<(), EraseJobError> {
    let held = catalog::holds(out).map_err(EraseError::from)?;
    let references = match (held, order) {
        (None, _) => Vec::new(),
        (Some(holds), Some(order)) => {
            let ids: Vec<String> = order.contacts.iter().map(|id| id.to_string()).collect();
            holds.covering(&ids)
        }
        // The contacts of an interrupted erasure are known by other hashes. `hold` refuses to be placed meanwhile.
        (Some(_), None) => Vec::new(),
    };
    if !references.is_empty() {
        return Err(EraseJobError::Held { references });
    }
    if let Some(folder) = out.folder() {
        let work = WorkFolder::new(out, &folder.join(WORK));
        let path = work.folder.clone();
        match work.unfinished() {
            Ok(None) => {}
            Ok(Some(run)) => {
                return Err(EraseJobError::UnfinishedRun { run_id: run.run_id.to_string(), path });
            }
            Err(error) => return Err(EraseJobError::DamagedExport { path, what: error.to_string() }),
        }
    }
    if let Some(run_id) = catalog::sharded_runs(out)?.into_keys().next() {
        let (run_id, path) = (run_id.to_string(), out.root().to_owned());
        return Err(EraseJobError::UncommittedRun { run_id, path });
    }
    let options = VerifyOptions { run: None, depth: Depth::Files };
    let path = out.root().to_owned();
    match verify::verify(out, &options) {
        Ok(report) => match report.damages.as_slice() {
            [] => Ok(()),
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
                let what = format!("{}: {}{more}", first.path, first.detail);
                Err(EraseJobError::DamagedExport { path, what })
            }
        },
        Err(VerifyError::Storage(error)) => Err(error.into()),
        Err(VerifyError::NoExport { path }) => Err(EraseJobError::NoExport { path }),
        Err(error @ VerifyError::NoRun { .. }) => {
            Err(EraseJobError::DamagedExport { path, what: error.to_string() })
        }
    }
}
