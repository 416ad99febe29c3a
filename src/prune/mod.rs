//! Prune: removes old runs from an export, but never the newest run, and only files of the removed runs.
//!
//! It considers only runs in the chain of manifests ([`crate::catalog`]). [`choice`] selects the runs to
//! keep. [`holders`] also keeps the runs with the newest rows of contacts that the kept runs did not read.
//!
//! The other runs are first entered in a durable [`record`], by which `verify` knows them, and leave the Delta logs. Then [`removal`]
//! removes each in an order in which it is either whole or clearly removed. After an interruption, the next
//! prune finishes the removal. In an object store, [`mod@abandoned`] files of lost runs are removed, too, and everywhere
//! the files of [`sharded`] runs that were never committed.
//!
//! Layer 3: uses `output`, `delta` and `durable`. The caller holds the lock of the export.

mod abandoned;
mod choice;
mod holders;
mod reason;
mod record;
mod removal;
mod sharded;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;

use crate::catalog::{self, CatalogError, Chain, Run};
use crate::delta::{self, DeltaError};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::lock::LockError;
use crate::output::manifest::Status;
use crate::output::pruned::PrunedRun;
use crate::store::Store;
use crate::time::format_time;

pub use reason::KeepReason;

/// Options that keep runs. A run stays if one of them keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Number of newest runs to keep.
    pub last: Option<NonZeroUsize>,
    /// Maximum time between the end of a kept run and the end of the newest run.
    pub within: Option<Duration>,
}

/// Removal, or a report of what it would remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Removes the files of the runs.
    Remove,
    /// Only lists the runs.
    DryRun,
}

/// Result of a prune: removed and kept runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pruning {
    /// True if nothing was removed.
    pub dry_run: bool,
    /// Removed runs, the newest first.
    pub removed: Vec<RemovedRun>,
    /// Kept runs, the newest first.
    pub kept: Vec<KeptRun>,
    /// Files and folders that were not removed, with the reasons.
    pub left: Vec<LeftPath>,
    /// Removed files of runs that ended before their manifest was written, and were not resumed: of shards, and in
    /// object stores of any run.
    pub abandoned: Vec<String>,
}

/// A run that is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedRun {
    /// ID of the run.
    pub run_id: String,
    /// Status in its manifest.
    pub status: Status,
    /// End of the run, from its manifest.
    pub finished_at: String,
    /// Number of its data files.
    pub files: u64,
    /// Number of rows in these files.
    pub rows: u64,
    /// Size of these files in bytes.
    pub bytes: u64,
}

/// A run that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRun {
    /// ID of the run.
    pub run_id: String,
    /// Status in its manifest.
    pub status: Status,
    /// End of the run, from its manifest.
    pub finished_at: String,
    /// Reason to keep the run.
    pub reason: &'static str,
    /// The newest kept run whose contacts the run holds, if this is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
}

/// A file or folder that was not removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftPath {
    /// The file or folder, relative to the export.
    pub path: String,
    /// Reason not to remove it.
    pub reason: String,
}

/// Checks that the command still holds the lock of the export. Called before each step.
pub type Held<'a> = &'a dyn Fn() -> Result<(), LockError>;

/// Errors of pruning. The next prune continues the removal.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport {
        /// Path of the folder.
        path: PathBuf,
    },
    /// A manifest, `latest.json`, `pruned.json` or a state is damaged.
    #[error("{} is damaged ({what}): nothing was removed; run `verify` for details", path.display())]
    Damaged {
        /// Path of the damaged file.
        path: PathBuf,
        /// Description of the damage.
        what: String,
    },
    /// A hold forbids the removal.
    #[error("{}", crate::catalog::held_by(references, "no run is removed"))]
    Held {
        /// References of the holds.
        references: Vec<String>,
    },
    /// A Delta log cannot be changed, so it would name removed files.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// Another command has taken over.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system reports an error.
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

/// Reason given for the runs before a break in the chain.
const BROKEN: &str =
    "the chain of manifests breaks here, so this run and those before it stay; run `verify` for details";

/// Reads the chain of manifests.
fn read(out: &Store) -> Result<Chain, PruneError> {
    let no_export = || PruneError::NoExport { path: out.root().to_owned() };
    if !out.is_folder(RUNS)? {
        return Err(no_export());
    }
    Chain::read(out)?.ok_or_else(no_export)
}

/// Returns the reason to keep each run of the chain, if there is one. `runs` begins with the newest. Of each
/// manifest, only its ID, status, end, state and counts of contacts are used.
///
/// # Errors
/// When the state of a kept run is missing or damaged.
pub fn decide(out: &Store, runs: &[Run], keep: Keep) -> Result<Vec<Option<KeepReason>>, PruneError> {
    let mut reasons = choice::reasons(runs, keep);
    holders::keep(out, runs, &mut reasons)?;
    Ok(reasons)
}

/// Removes the runs that `keep` and the rules do not keep.
///
/// # Errors
/// When the export cannot be read, is damaged, or a file cannot be removed.
pub fn prune(out: &Store, keep: Keep, mode: Mode, held: Held) -> Result<Pruning, PruneError> {
    let mut chain = read(out)?;
    check_holds(out)?;
    let broken =
        chain.broken_at.iter().map(|path| LeftPath { path: path.clone(), reason: BROKEN.to_owned() });
    let mut pruning = Pruning {
        dry_run: mode == Mode::DryRun,
        removed: Vec::new(),
        kept: Vec::new(),
        left: broken.collect(),
        abandoned: abandoned::find(out, abandoned::ABANDONED_AFTER)?,
    };
    pruning.abandoned.extend(sharded::find(out, abandoned::ABANDONED_AFTER)?);
    let reasons = decide(out, &chain.runs, keep)?;
    let mut leaving = Vec::new();
    for (run, reason) in chain.runs.iter().zip(&reasons) {
        let run_id = run.manifest.run_id.to_string();
        let (status, finished_at) = (run.manifest.status, run.manifest.finished_at.clone());
        if let Some(reason) = reason {
            let held_by = reason.held_by().map(ToString::to_string);
            let reason = reason.sentence();
            pruning.kept.push(KeptRun { run_id, status, finished_at, reason, held_by });
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
        remove(out, &chain, &leaving, &mut pruning.left, held)?;
        held()?;
        abandoned::remove(out, &pruning.abandoned)?;
        sharded::remove_folders(out, &pruning.abandoned)?;
        chain.runs.retain(|run| pruning.kept.iter().any(|kept| kept.run_id == run.manifest.run_id.as_str()));
        record::compact(out, &chain)?;
    }
    Ok(pruning)
}

/// Checks that no hold is active. Old runs may hold rows that no later run has, so a hold on a single contact keeps all
/// runs.
///
/// # Errors
/// When a hold is active, or the record of holds cannot be read.
pub fn check_holds(out: &Store) -> Result<(), PruneError> {
    let references = catalog::holds(out)?.map_or_else(Vec::new, |holds| holds.references());
    if references.is_empty() { Ok(()) } else { Err(PruneError::Held { references }) }
}

/// Removes all snapshots in a folder but the newest. Returns the files that stay.
///
/// # Errors
/// When the folder cannot be read, is damaged, or a file cannot be removed.
pub fn older_snapshots(out: &Store, held: Held) -> Result<Vec<LeftPath>, PruneError> {
    let mut chain = read(out)?;
    let mut left = Vec::new();
    let older = |run: &&Run| run.manifest.is_snapshot();
    let leaving: Vec<&Run> = chain.runs.iter().skip(1).filter(older).collect();
    if !leaving.is_empty() {
        check_holds(out)?;
    }
    let gone: Vec<String> = leaving.iter().map(|run| run.sha256.clone()).collect();
    remove(out, &chain, &leaving, &mut left, held)?;
    chain.runs.retain(|run| !gone.contains(&run.sha256));
    record::compact(out, &chain)?;
    Ok(left)
}

/// Enters the runs in the record, takes their files out of the Delta logs, and removes them, the oldest first. Removals
/// of an earlier prune are finished before. Delta logs are repaired also if no run is removed.
fn remove(
    out: &Store,
    chain: &Chain,
    leaving: &[&Run],
    left: &mut Vec<LeftPath>,
    held: Held,
) -> Result<(), PruneError> {
    held()?;
    let kept: Vec<&Run> =
        chain.runs.iter().filter(|run| leaving.iter().all(|gone| gone.sha256 != run.sha256)).collect();
    if !leaving.is_empty() {
        enter(out, chain, leaving)?;
    }
    if delta::is_wanted(out)? {
        // A file leaves the logs before it leaves the disk.
        let leaving: Vec<&RunId> = leaving.iter().map(|run| &run.manifest.run_id).collect();
        delta::sync(out, &leaving)?;
    }
    for run_id in removal::unfinished(out, &chain.pruned)? {
        left.extend(removal::finish(out, &run_id, &kept)?);
    }
    for run in leaving.iter().rev() {
        held()?;
        removal::begin(out, &run.manifest.run_id)?;
        left.extend(removal::finish(out, &run.manifest.run_id, &kept)?);
    }
    Ok(())
}

/// Enters the runs in the record.
fn enter(out: &Store, chain: &Chain, leaving: &[&Run]) -> Result<(), PruneError> {
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
    record::write(out, &record)
}
