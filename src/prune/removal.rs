//! Removes one run.
//!
//! The manifest is renamed first, so that no reader takes the rest for a run. It is removed last, because it
//! names the files of the run.

use std::collections::BTreeSet;
use std::path::Path;

use super::{LeftPath, PruneError};
use crate::catalog::{self, Run};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::{MANIFEST, PRUNED_MANIFEST, RUNS, run_file, run_folder};
use crate::output::manifest::Manifest;
use crate::output::pruned::PrunedRuns;
use crate::store::{Kind, Store};

/// Names of the other files beside a manifest.
const LISTS: [&str; 6] = [
    "failed.csv",
    "not_found.csv",
    "checksums.sha256",
    "failed.csv.tmp",
    "checksums.sha256.tmp",
    "manifest.json.tmp",
];

/// The runs in the record whose removal is not finished.
pub(super) fn unfinished(out: &Store, record: &PrunedRuns) -> Result<Vec<RunId>, StorageError> {
    let mut unfinished = Vec::new();
    for run in &record.pruned {
        if out.is_folder(run_folder(&run.run_id))?
            && catalog::leaving(out, &run.run_id)
                .is_ok_and(|found| found.is_some_and(|found| found.sha256 == run.sha256))
        {
            unfinished.push(run.run_id.clone());
        }
    }
    Ok(unfinished)
}

/// Renames the manifest, which removes the run for readers. Its record must be durable already.
pub(super) fn begin(out: &Store, run_id: &RunId) -> Result<(), PruneError> {
    Ok(out.rename(run_file(run_id, MANIFEST), run_file(run_id, PRUNED_MANIFEST))?)
}

/// Removes the files of a run whose removal has begun, but no file that a kept run names too. Returns the
/// files that stay.
pub(super) fn finish(out: &Store, run_id: &RunId, kept: &[&Run]) -> Result<Vec<LeftPath>, PruneError> {
    let Some(run) = catalog::leaving(out, run_id)? else { return Ok(Vec::new()) };
    // An interrupted renaming may have left both names.
    out.remove(&[Path::new(&run_file(run_id, MANIFEST))])?;
    let left = remove_files(out, &run.manifest, kept)?;
    let lists = LISTS.map(|name| run_file(run_id, name));
    out.remove(&lists.each_ref().map(Path::new))?;
    if let Some(state) = &run.manifest.state {
        out.remove(&[state.path.as_path()])?;
    }
    let folder = run_folder(run_id);
    let folders = BTreeSet::from([Path::new(RUNS), Path::new(&folder)]);
    out.remove_empty_folders(&folders)?;
    out.remove(&[Path::new(&run_file(run_id, PRUNED_MANIFEST))])?;
    out.remove_empty_folders(&folders)?;
    Ok(left)
}

fn remove_files(out: &Store, manifest: &Manifest, kept: &[&Run]) -> Result<Vec<LeftPath>, PruneError> {
    let mut left = Vec::new();
    let mut leaving = Vec::new();
    let mut folders = BTreeSet::new();
    let of_others: BTreeSet<&str> =
        kept.iter().flat_map(|run| &run.manifest.files).map(|file| file.path.as_str()).collect();
    for file in &manifest.files {
        let mut leave =
            |reason: &str| left.push(LeftPath { path: file.path.to_string(), reason: reason.to_owned() });
        // A manifest names files of its run in the folders of tables only.
        if of_others.contains(file.path.as_str()) {
            leave("another run has this file too");
            continue;
        }
        let path = file.path.as_path();
        let parent = path.parent().unwrap_or(Path::new(""));
        match out.is_folder(parent) {
            Ok(true) => {}
            Ok(false) => continue, // already removed
            Err(_) => {
                leave("part of its path is a symbolic link or not a folder");
                continue;
            }
        }
        match out.kind(path)? {
            Kind::NotRegular => leave("it is not a regular file"),
            Kind::File(_) => leaving.push(path),
            Kind::Missing => {}
        }
        folders.extend(parent.ancestors().filter(|folder| *folder != Path::new("")));
    }
    out.remove(&leaving)?;
    out.remove_empty_folders(&folders)?;
    Ok(left)
}
