//! Removes one run.
//!
//! The manifest is renamed first, so that no reader takes the rest for a run. It is removed last, because it
//! names the files of the run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{LeftPath, PruneError};
use crate::catalog::{self, Run};
use crate::durable::{self, OnPath, StorageError};
use crate::id::RunId;
use crate::layout::{MANIFEST, PRUNED_MANIFEST, RUNS, run_folder};
use crate::output::manifest::Manifest;
use crate::output::pruned::PrunedRuns;

/// Names of the other files beside a manifest.
const LISTS: [&str; 5] =
    ["failed.csv", "checksums.sha256", "failed.csv.tmp", "checksums.sha256.tmp", "manifest.json.tmp"];

fn folder_of(run_id: &RunId) -> PathBuf {
    PathBuf::from(run_folder(run_id))
}

/// The runs in the record whose removal is not finished.
pub(super) fn unfinished(out: &Path, record: &PrunedRuns) -> Result<Vec<RunId>, StorageError> {
    let mut unfinished = Vec::new();
    for run in &record.pruned {
        let folder = folder_of(&run.run_id);
        if durable::are_real_dirs(out, &folder)?
            && catalog::leaving(out, &run.run_id)
                .is_ok_and(|found| found.is_some_and(|found| found.sha256 == run.sha256))
        {
            unfinished.push(run.run_id.clone());
        }
    }
    Ok(unfinished)
}

/// Renames the manifest, which removes the run for readers. Its record must be durable already.
pub(super) fn begin(out: &Path, run_id: &RunId) -> Result<(), PruneError> {
    let folder = out.join(folder_of(run_id));
    durable::rename(&folder.join(MANIFEST), &folder.join(PRUNED_MANIFEST))?;
    Ok(durable::sync_dir(&folder)?)
}

/// Removes the files of a run whose removal has begun, but no file that a kept run names too. Returns the
/// files that stay.
pub(super) fn finish(out: &Path, run_id: &RunId, kept: &[&Run]) -> Result<Vec<LeftPath>, PruneError> {
    let folder = out.join(folder_of(run_id));
    let path = folder.join(PRUNED_MANIFEST);
    let Some(run) = catalog::leaving(out, run_id)? else { return Ok(Vec::new()) };
    let left = remove_files(out, &run.manifest, kept)?;
    for name in LISTS {
        durable::remove_file(&folder.join(name))?;
    }
    if let Some(state) = &run.manifest.state {
        durable::remove_file(&out.join(&state.path))?;
    }
    durable::sync_dir(&folder)?;
    durable::remove_file(&path)?;
    durable::sync_dir(&folder)?;
    durable::remove_dir_if_empty(&folder);
    durable::sync_dir(&out.join(RUNS))?;
    Ok(left)
}

fn remove_files(out: &Path, manifest: &Manifest, kept: &[&Run]) -> Result<Vec<LeftPath>, PruneError> {
    let mut left = Vec::new();
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
        match durable::are_real_dirs(out, parent) {
            Ok(true) => {}
            Ok(false) => continue, // already removed
            Err(_) => {
                leave("part of its path is a symbolic link or not a folder");
                continue;
            }
        }
        let target = out.join(path);
        match fs::symlink_metadata(&target) {
            Ok(meta) if !meta.is_file() => leave("it is not a regular file"),
            Ok(_) => durable::remove_file(&target)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).on("inspect", &target)?,
        }
        folders.extend(parent.ancestors().filter(|folder| *folder != Path::new("")));
    }
    // Deepest first: a folder is empty only after its subfolders are removed.
    for folder in folders.into_iter().rev().map(|folder| out.join(folder)) {
        durable::sync_dir(&folder)?;
        durable::remove_dir_if_empty(&folder);
    }
    durable::sync_dir(out)?;
    Ok(left)
}
