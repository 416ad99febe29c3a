//! Files in an object store that a run left whose work folder was lost.
//!
//! A run completes its uploads just before its manifest. If it ends in between, and no command resumes it, its
//! files have no manifest. On a disk, such files may be those of an unfinished run in another work folder. In an
//! object store they are not needed: a resumed run would transfer them again.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{TimeDelta, Utc};

use super::PruneError;
use crate::catalog;
use crate::layout::{self, LOCK, RAW, RUNS};
use crate::output::ExportPath;
use crate::store::Store;
use crate::table::Table;

/// Age after which a run without a manifest is not expected to be resumed.
pub(super) const ABANDONED_AFTER: TimeDelta = TimeDelta::days(7);

/// Returns the files of runs without a manifest that are older than `age`, by the clock of the store. The caller
/// holds the lock, so no such run is being published. Always empty for a folder.
pub(super) fn find(out: &Store, age: TimeDelta) -> Result<Vec<String>, PruneError> {
    if out.folder().is_some() {
        return Ok(Vec::new());
    }
    let runs: BTreeSet<String> = catalog::run_ids(out)?.iter().map(ToString::to_string).collect();
    let now = out.modified(LOCK)?.map_or_else(Utc::now, |modified| modified.0).max(Utc::now());
    let mut found = Vec::new();
    for folder in Table::ALL.map(Table::name).into_iter().chain([RAW, RUNS]) {
        for listed in out.list(folder)? {
            let path = listed.path;
            if is_without_run(&path, &runs)
                && out.modified(&path)?.is_some_and(|modified| now - modified.0 > age)
            {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// True for a file that a run writes, if none of these runs can have written it.
fn is_without_run(path: &str, runs: &BTreeSet<String>) -> bool {
    // Only names that a run writes are removed.
    if path.parse::<ExportPath>().is_err() {
        return false;
    }
    // A run that is being pruned has its manifest under another name.
    if let Some((id, _)) = layout::split_run_file(path) {
        return !runs.contains(id) && !path.ends_with(layout::PRUNED_MANIFEST);
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_prefix("part-").unwrap_or_default();
    // The number follows the ID, or the numbers of a shard and a file. An ID may contain hyphens.
    stem.match_indices('-').all(|(at, _)| !runs.contains(stem.split_at(at).0))
}

/// Removes the files.
pub(super) fn remove(out: &Store, paths: &[String]) -> Result<(), PruneError> {
    let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
    Ok(out.remove(&paths)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::store::Integrity;

    #[test]
    fn only_files_of_runs_without_a_manifest_are_abandoned() {
        let store = Store::of_service("s3://bucket/prefix", Arc::new(InMemory::new()), Integrity::Checksums);
        let write = |path: &str| store.write(path, b"x").unwrap();
        let stays = [
            "_runs/r-1/manifest.json",
            "_runs/r-1/checksums.sha256",
            "_runs/latest.json",
            "_runs/lock.json",
            "_runs/gone/manifest.pruned.json",
            "contacts/part-r-1-00000.parquet",
            "messages/month=2026-11/part-r-1-00003-00000.parquet",
            "messages/notes.txt",
            "messages/part-mine.parquet",
        ];
        let leaves = [
            "contacts/part-lost-00000.parquet",
            "contacts/part-r-00000.parquet",
            "messages/month=2026-11/part-r-2-00000.parquet",
            "raw/part-lost-00000.jsonl.zst",
            "_runs/lost/checksums.sha256",
            "_runs/lost/state.parquet",
        ];
        stays.iter().chain(&leaves).for_each(|path| write(path));
        let mut found = find(&store, TimeDelta::seconds(-1)).unwrap();
        found.sort();
        let mut expected = leaves.map(str::to_owned);
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(find(&store, ABANDONED_AFTER).unwrap(), Vec::<String>::new(), "they are new");
        remove(&store, &found).unwrap();
        assert_eq!(find(&store, TimeDelta::seconds(-1)).unwrap(), Vec::<String>::new());
        assert!(stays.iter().all(|path| store.modified(path).unwrap().is_some()));
    }
}
