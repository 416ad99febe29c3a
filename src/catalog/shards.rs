//! Runs that consist of shards, as long as `commit` has not published them and removed their files.
//!
//! Each finished shard has a manifest below the folder of the run. The data files of all shards, and the work folders
//! of unfinished ones, are in `_shards/<run_id>`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use crate::durable::StorageError;
use crate::id::{RunId, Shard};
use crate::layout::{self, MANIFEST, RUNS, SHARDS};
use crate::store::{Kind, Store};

/// A run that has files of shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardedRun {
    /// Finished shards.
    pub finished: BTreeSet<Shard>,
    /// Numbers of shards that finished and unfinished shards were started with. More than one is a mistake.
    pub of: BTreeSet<NonZeroU32>,
    /// True if the run has a manifest, and only the removal of these files is missing.
    pub is_published: bool,
}

/// Returns the runs that have files of shards.
///
/// # Errors
/// If a folder cannot be listed.
pub fn sharded_runs(out: &Store) -> Result<BTreeMap<RunId, ShardedRun>, StorageError> {
    let mut runs: BTreeMap<RunId, ShardedRun> = BTreeMap::new();
    for found in out.list(RUNS)? {
        if let Some((run_id, shard)) = shard_of_manifest(&found.path) {
            let run = runs.entry(run_id).or_default();
            run.finished.insert(shard);
            run.of.insert(shard.of());
        }
    }
    for found in out.list(SHARDS)? {
        let mut parts = found.path.split('/').skip(1);
        let Some(run_id) = parts.next().and_then(|id| id.parse::<RunId>().ok()) else { continue };
        let run = runs.entry(run_id).or_default();
        run.of.extend(parts.next().and_then(Shard::of_file_name).map(Shard::of));
    }
    for (run_id, run) in &mut runs {
        run.is_published = out.kind(layout::run_file(run_id, MANIFEST))? != Kind::Missing;
    }
    Ok(runs)
}

/// Returns the finished shards of a run.
///
/// # Errors
/// If the folder cannot be listed.
pub fn finished_shards(out: &Store, run_id: &RunId) -> Result<BTreeSet<Shard>, StorageError> {
    let listed = out.list(&layout::shard_manifests(run_id))?;
    Ok(listed.iter().filter_map(|found| shard_of_manifest(&found.path)).map(|(_, shard)| shard).collect())
}

/// Path of the manifest of a finished shard.
pub fn shard_manifest_path(run_id: &RunId, shard: Shard) -> String {
    format!("{}/{}.json", layout::shard_manifests(run_id), shard.file_name())
}

/// Returns the run and the shard whose manifest has this path.
pub fn shard_of_manifest(path: &str) -> Option<(RunId, Shard)> {
    let (run_id, rest) = layout::split_run_file(path)?;
    let name = rest.strip_prefix("shards/")?.strip_suffix(".json")?;
    Some((run_id.parse().ok()?, Shard::of_file_name(name)?))
}
