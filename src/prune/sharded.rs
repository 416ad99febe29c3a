//! Files of shards of a run that was never committed.
//!
//! A running shard touches its lock in its work folder every few seconds. So files that all are older than some days
//! belong to a run that nobody finishes.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{TimeDelta, Utc};

use super::PruneError;
use crate::catalog;
use crate::durable;
use crate::layout::{LOCK, RUNS, SHARDS, run_folder, shard_files, shard_manifests};
use crate::store::{Listed, Store};

/// Returns the files of shards whose run has not changed for this time.
pub(super) fn find(out: &Store, age: TimeDelta) -> Result<Vec<String>, PruneError> {
    let mut found = Vec::new();
    let runs = catalog::sharded_runs(out)?;
    if runs.is_empty() {
        return Ok(found);
    }
    // In an object store, its clock counts.
    let clock = if out.folder().is_none() { out.modified(LOCK)? } else { None };
    let now = clock.map_or_else(Utc::now, |modified| modified.0).max(Utc::now());
    for run_id in runs.keys() {
        let mut files = out.list(&shard_manifests(run_id))?;
        files.extend(out.list(&shard_files(run_id))?);
        let is_old = |file: &Listed| file.modified.is_some_and(|modified| now - modified > age);
        if files.iter().all(is_old) {
            found.extend(files.into_iter().map(|file| file.path));
        }
    }
    Ok(found)
}

/// Removes the folders of these files, which [`find`] has found.
pub(super) fn remove_folders(out: &Store, files: &[String]) -> Result<(), PruneError> {
    let Some(root) = out.folder() else { return Ok(()) };
    let mut folders = BTreeSet::new();
    for file in files {
        let mut parts = file.split('/');
        match (parts.next(), parts.next()) {
            (Some(SHARDS), Some(run_id)) if out.is_folder(shard_files(run_id))? => {
                durable::remove_tree(&root.join(shard_files(run_id)))?;
            }
            (Some(RUNS), Some(run_id)) => {
                folders.insert(run_folder(run_id));
                folders.insert(shard_manifests(run_id));
            }
            _ => {}
        }
    }
    let folders: BTreeSet<&Path> = folders.iter().map(Path::new).chain([Path::new(SHARDS)]).collect();
    Ok(out.remove_empty_folders(&folders)?)
}
