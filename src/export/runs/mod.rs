//! The runs of an export, in the order of the chain of manifests.
//!
//! [`found`] reads each manifest once and keeps a [`summary`] of it. [`crate::prune`] decides which runs it
//! would keep. [`unfinished`] reads the run in the work folder. Damage does not end the listing: the other
//! runs are listed, too.
//!
//! Nothing is locked. If a run is published or pruned meanwhile, the runs are read again.

mod found;
mod summary;
mod unfinished;

use std::path::Path;

use serde::Serialize;

use crate::catalog::{MAX_LATEST, MAX_PRUNED, sharded_runs};
use crate::durable::{Content, StorageError};
use crate::layout::{self, LATEST, PRUNED};
use crate::prune::{self, Keep, PruneError};
use crate::store::Store;
use crate::verify::{Damage, DamageKind, VerifyError, has_table_files};

use found::Found;
pub use summary::{ListedRun, RunKind};
pub use unfinished::{LockName, UncommittedRun, UnfinishedRun};

/// Maximum number of readings, if runs are published or pruned meanwhile.
const MAX_ATTEMPTS: usize = 10;
/// Name of the reason to keep a run that is not in the chain of manifests. `prune` does not know it.
const OUTSIDE_CHAIN: &str = "outside_chain";
/// Name of the reason if `prune` would refuse to decide.
const UNKNOWN: &str = "unknown";

/// The runs of an export.
#[derive(Clone, Debug, Serialize)]
pub struct RunList {
    /// The published runs, the oldest first.
    pub runs: Vec<ListedRun>,
    /// The run in the work folder, if there is one.
    pub unfinished: Option<UnfinishedRun>,
    /// Runs whose shards `commit` has not published yet.
    pub uncommitted: Vec<UncommittedRun>,
    /// Damage to the manifests and to the records of the runs.
    pub damages: Vec<Damage>,
}

/// Lists the runs of the export in `out`.
///
/// # Errors
/// When there is no export, or it cannot be read.
pub fn runs(out: &Store) -> Result<RunList, VerifyError> {
    for _ in 1..MAX_ATTEMPTS {
        let before = records(out)?;
        let list = read(out)?;
        if list.damages.is_empty() || records(out)? == before {
            return Ok(list);
        }
    }
    read(out)
}

/// The texts that change whenever a run is published or pruned.
fn records(out: &Store) -> Result<[Option<Vec<u8>>; 2], StorageError> {
    let text = |relative, limit| {
        let content = out.read(relative, limit)?;
        Ok(if let Content::Bytes(text) = content { Some(text) } else { None })
    };
    Ok([text(LATEST, MAX_LATEST)?, text(PRUNED, MAX_PRUNED)?])
}

fn read(out: &Store) -> Result<RunList, VerifyError> {
    if !out.is_folder("")? {
        return Err(VerifyError::NoExport { path: out.root().to_owned() });
    }
    let unfinished = unfinished::read(out);
    let uncommitted = unfinished::uncommitted(out)?;
    let mut ending: Vec<String> = unfinished.iter().filter_map(|run| run.run_id.clone()).collect();
    // Runs whose `commit` was interrupted in its last steps.
    ending.extend(sharded_runs(out)?.keys().map(ToString::to_string));
    let mut found = found::read(out, &ending)?;
    let is_empty = found.is_empty();
    if is_empty && has_table_files(out)? {
        let detail = "without it, the newest run is unknown".to_owned();
        found.damages.push(damage(LATEST, DamageKind::Missing, detail));
    } else if is_empty && unfinished.is_none() && uncommitted.is_empty() {
        return Err(VerifyError::NoExport { path: out.root().to_owned() });
    }
    explain_chain(out, &mut found)?;
    for run in found.committed.iter_mut().chain(&mut found.outside) {
        run.kept = Some(OUTSIDE_CHAIN);
    }
    let newest_first = found.committed.into_iter().chain(found.summaries).chain(found.outside);
    let mut runs: Vec<ListedRun> = newest_first.collect();
    runs.reverse();
    // A run that has a manifest is published, even if its last steps are missing.
    let unfinished = unfinished.filter(|unfinished| {
        runs.iter().all(|run| Some(run.run_id.as_str()) != unfinished.run_id.as_deref())
    });
    Ok(RunList { runs, unfinished, uncommitted, damages: found.damages })
}

/// Enters the reasons for which `prune` would keep the runs of the chain, without options that keep runs.
fn explain_chain(out: &Store, found: &mut Found) -> Result<(), StorageError> {
    match prune::decide(out, &found.chain, Keep::default()) {
        Ok(reasons) => {
            for (run, reason) in found.summaries.iter_mut().zip(reasons) {
                run.held_by = reason.as_ref().and_then(|reason| reason.held_by()).cloned();
                run.kept = reason.map(|reason| reason.name());
            }
        }
        Err(PruneError::Storage(error)) => return Err(error),
        Err(PruneError::Damaged { path, what }) => {
            found.damages.push(damage(&relative(out, &path), DamageKind::Unreadable, what));
            found.summaries.iter_mut().for_each(|run| run.kept = Some(UNKNOWN));
        }
        Err(
            error @ (PruneError::NoExport { .. }
            | PruneError::Held { .. }
            | PruneError::Delta(_)
            | PruneError::Lock(_)),
        ) => {
            found.damages.push(damage(LATEST, DamageKind::Missing, error.to_string()));
        }
    }
    Ok(())
}

/// Damage to a file, with the run that its path names.
fn damage(path: &str, kind: DamageKind, detail: String) -> Damage {
    Damage::new(layout::split_run_file(path).map(|(run_id, _)| run_id), path, kind, detail)
}

/// The path relative to the export.
fn relative(out: &Store, path: &Path) -> String {
    path.strip_prefix(out.root()).unwrap_or(path).display().to_string()
}
