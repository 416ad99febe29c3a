//! Takes one run away. Its manifest loses its name first, so that nobody takes the rest for a run, and is the last file to
//! go, since it says which files are the run's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::history::KnownRun;
use super::{Left, PruneError};
use crate::durable::{self, OnPath, StorageError};
use crate::id::RunId;
use crate::output::manifest::Manifest;
use crate::output::pruned::{LEAVING, PrunedRuns};

/// What stands beside a manifest.
const LISTS: [&str; 5] =
    ["failed.csv", "checksums.sha256", "failed.csv.tmp", "checksums.sha256.tmp", "manifest.json.tmp"];

fn folder_of(run_id: &RunId) -> PathBuf {
    Path::new("_runs").join(run_id.as_str())
}

/// The runs whose removal was begun, by the record, and not finished.
pub(super) fn begun(out: &Path, record: &PrunedRuns) -> Result<Vec<RunId>, StorageError> {
    let mut begun = Vec::new();
    for run in &record.pruned {
        let folder = folder_of(&run.run_id);
        if durable::are_real_dirs(out, &folder)?
            && let Some(text) = durable::read_if_there(&out.join(&folder).join(LEAVING))?
            && crate::digest::sha256(&text) == run.sha256
        {
            begun.push(run.run_id.clone());
        }
    }
    Ok(begun)
}

/// From now on the run is gone. The record of it is durable already.
pub(super) fn begin(out: &Path, run_id: &RunId) -> Result<(), PruneError> {
    let folder = out.join(folder_of(run_id));
    durable::rename(&folder.join("manifest.json"), &folder.join(LEAVING))?;
    Ok(durable::sync_dir(&folder)?)
}

/// Removes what is left of a run that is gone, but nothing that a run that stays names too; gives what was left alone.
pub(super) fn finish(out: &Path, run_id: &RunId, kept: &[&KnownRun]) -> Result<Vec<Left>, PruneError> {
    let folder = out.join(folder_of(run_id));
    let path = folder.join(LEAVING);
    let Some(text) = durable::read_if_there(&path)? else { return Ok(Vec::new()) };
    let run = KnownRun::parse(&text).map_err(|what| PruneError::Damaged { path: path.clone(), what })?;
    let left = remove_files(out, &run.manifest, kept)?;
    for name in LISTS {
        durable::remove_file(&folder.join(name))?;
    }
    if let Some(name) = run.state.as_deref().and_then(|state| state_name(run_id, state)) {
        durable::remove_file(&folder.join(name))?;
    }
    durable::sync_dir(&folder)?;
    durable::remove_file(&path)?;
    durable::sync_dir(&folder)?;
    durable::remove_dir_if_empty(&folder);
    durable::sync_dir(&out.join("_runs"))?;
    Ok(left)
}

/// The name of a state in its run's folder; one elsewhere is none.
fn state_name<'a>(run_id: &RunId, state: &'a str) -> Option<&'a str> {
    let name = state.strip_prefix("_runs/")?.strip_prefix(run_id.as_str())?.strip_prefix('/')?;
    let is_name = !matches!(name, "" | "." | ".." | "manifest.json" | LEAVING);
    (is_name && !name.contains(['/', '\\', '\0'])).then_some(name)
}

fn remove_files(out: &Path, manifest: &Manifest, kept: &[&KnownRun]) -> Result<Vec<Left>, PruneError> {
    let mut left = Vec::new();
    let mut folders = BTreeSet::new();
    let of_others: BTreeSet<&str> =
        kept.iter().flat_map(|run| &run.manifest.files).map(|file| file.path.as_str()).collect();
    let prefix = format!("part-{}-", manifest.run_id);
    for file in &manifest.files {
        let mut leave = |reason: &str| left.push(Left { path: file.path.clone(), reason: reason.to_owned() });
        let in_table = file.path.split_once('/').is_some_and(|(folder, _)| folder == file.table);
        let is_named = file.path.rsplit('/').next().is_some_and(|name| name.starts_with(&prefix));
        let Some(path) = file.relative_path().filter(|_| in_table && is_named) else {
            leave("its name is not one of a file of this run");
            continue;
        };
        if file.table.starts_with('_') || of_others.contains(file.path.as_str()) {
            leave("it is a file of another run too");
            continue;
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        match durable::are_real_dirs(out, parent) {
            Ok(true) => {}
            Ok(false) => continue, // gone already
            Err(_) => {
                leave("a folder on the way is a symbolic link, or none");
                continue;
            }
        }
        let target = out.join(path);
        match fs::symlink_metadata(&target) {
            Ok(meta) if !meta.is_file() => leave("it is no plain file"),
            Ok(_) => durable::remove_file(&target)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).on("look at", &target)?,
        }
        folders.extend(parent.ancestors().filter(|folder| *folder != Path::new("")));
    }
    // The deepest first: a folder is empty when its own are gone.
    for folder in folders.into_iter().rev().map(|folder| out.join(folder)) {
        durable::sync_dir(&folder)?;
        durable::remove_dir_if_empty(&folder);
    }
    durable::sync_dir(out)?;
    Ok(left)
}
