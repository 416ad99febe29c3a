//! Prune: old runs leave the export, the newest never, and nothing that is not a run's own.
//!
//! Only runs that the chain of manifests proves ([`crate::catalog`]) are looked at. [`choice`] says
//! which of them stay, and why; [`holders`] adds the runs that hold the newest rows of contacts which those did not read. Those that go are first entered in a durable [`record`], by which `verify` knows them; then
//! [`removal`] takes each away in an order in which it is whole or plainly gone. Stopped at any instant, the next prune
//! finishes what was begun.
//!
//! Layer 3: stands on `output` and `durable`. Who calls it holds the lock of the export.

mod choice;
mod holders;
mod record;
mod removal;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;

use crate::catalog::{CatalogError, Chain, Run};
use crate::durable::{self, StorageError};
use crate::layout::{LATEST, PRUNED, RUNS};
use crate::output::manifest::Status;
use crate::output::pruned::PrunedRun;
use crate::table::format_time;

/// Which runs are to stay: those that any of the two says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many, the newest.
    pub last: Option<NonZeroUsize>,
    /// Those that ended at most so long before the newest did.
    pub within: Option<Duration>,
}

/// Whether anything is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Remove,
    /// It is only said.
    DryRun,
}

/// What was removed, and what stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pruning {
    /// Whether it is only said.
    pub dry_run: bool,
    /// The runs that go, the newest first.
    pub removed: Vec<RemovedRun>,
    /// The runs that stay, the newest first.
    pub kept: Vec<KeptRun>,
    /// What was left alone, and why.
    pub left: Vec<Left>,
}

/// A run that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedRun {
    /// Its ID.
    pub run_id: String,
    /// How it had ended.
    pub status: Status,
    /// When.
    pub finished_at: String,
    /// Its data files.
    pub files: u64,
    /// The rows in them.
    pub rows: u64,
    /// The bytes in them.
    pub bytes: u64,
}

/// A run that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRun {
    /// Its ID.
    pub run_id: String,
    /// How it had ended.
    pub status: Status,
    /// When.
    pub finished_at: String,
    /// Why it stays.
    pub reason: &'static str,
}

/// Something that was left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The file or folder, relative to the export.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Why nothing, or not all, was removed. Pruning again goes on.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport {
        /// The path given.
        path: PathBuf,
    },
    /// What says which runs there are is not what was written.
    #[error("{} is damaged ({what}): nothing was removed, and `verify` tells more", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CatalogError> for PruneError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::Damaged { path, what: error.to_string() },
            CatalogError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Reason given for runs behind a break in the chain.
const BROKEN: &str = "the chain of manifests breaks here, so this run and those before it are left as they are; `verify` tells more";

/// The chain of the export.
fn read(out: &Path) -> Result<Chain, PruneError> {
    let no_export = || PruneError::NoExport { path: out.to_owned() };
    if !out.is_dir() || !durable::is_real_dir(&out.join(RUNS))? {
        return Err(no_export());
    }
    Chain::read(out)?.ok_or_else(no_export)
}

/// Removes the runs that are not to stay.
///
/// # Errors
/// When the export cannot be read, is damaged, or a file cannot be removed.
pub fn prune(out: &Path, keep: Keep, mode: Mode) -> Result<Pruning, PruneError> {
    let mut chain = read(out)?;
    let broken = chain.broken_at.iter().map(|path| Left { path: path.clone(), reason: BROKEN.to_owned() });
    let mut pruning = Pruning {
        dry_run: mode == Mode::DryRun,
        removed: Vec::new(),
        kept: Vec::new(),
        left: broken.collect(),
    };
    let mut reasons = choice::reasons(&chain.runs, keep);
    holders::keep(out, &chain.runs, &mut reasons)?;
    let mut leaving = Vec::new();
    for (run, reason) in chain.runs.iter().zip(&reasons) {
        let run_id = run.manifest.run_id.to_string();
        let (status, finished_at) = (run.manifest.status, run.manifest.finished_at.clone());
        if let Some(reason) = *reason {
            pruning.kept.push(KeptRun { run_id, status, finished_at, reason });
        } else {
            let sum = |of: fn(&crate::output::manifest::FileEntry) -> u64| {
                run.manifest.files.iter().fold(0_u64, |sum, file| sum.saturating_add(of(file)))
            };
            let (files, rows, bytes) = (sum(|_| 1), sum(|file| file.rows), sum(|file| file.bytes));
            pruning.removed.push(RemovedRun { run_id, status, finished_at, files, rows, bytes });
            leaving.push(run);
        }
    }
    if mode == Mode::Remove {
        remove(out, &chain, &leaving, &mut pruning.left)?;
        chain.runs.retain(|run| pruning.kept.iter().any(|kept| kept.run_id == run.manifest.run_id.as_str()));
        record::compact(out, &chain)?;
    }
    Ok(pruning)
}

/// Enters the runs in the record, and takes them away, the oldest first; before them those whose removal was begun.
fn remove(out: &Path, chain: &Chain, leaving: &[&Run], left: &mut Vec<Left>) -> Result<(), PruneError> {
    let kept: Vec<&Run> =
        chain.runs.iter().filter(|run| leaving.iter().all(|gone| gone.sha256 != run.sha256)).collect();
    for run_id in removal::begun(out, &chain.pruned)? {
        left.extend(removal::finish(out, &run_id, &kept)?);
    }
    if leaving.is_empty() {
        return Ok(());
    }
    let pruned_at = format_time(Utc::now().timestamp_micros()).to_string();
    let mut record = chain.pruned.clone();
    for run in leaving {
        let manifest = &run.manifest;
        if record.find(manifest.run_id.as_str(), &run.sha256).is_none() {
            record.pruned.push(PrunedRun {
                run_id: manifest.run_id.clone(),
                sha256: run.sha256.clone(),
                previous: manifest.previous.clone(),
                pruned_at: pruned_at.clone(),
            });
        }
    }
    durable::replace(&out.join(PRUNED), record.to_json().as_bytes())?;
    for run in leaving.iter().rev() {
        removal::begin(out, &run.manifest.run_id)?;
        left.extend(removal::finish(out, &run.manifest.run_id, &kept)?);
    }
    Ok(())
}
