//! Finds files in the table folders and in `_runs` that no manifest names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use super::content::{Content, LATEST, checksums_path, failed_path, manifest_path, read_content, state_path};
use super::runs::{Runs, UnfinishedRun, unfinished};
use super::{Damage, DamageKind, Report, VerifyOptions};
use crate::durable::{OnPath, StorageError};
use crate::layout::{self, MANIFEST, PRUNED, RAW, RUNS};
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;

/// Paths of the files of a run that are not data files.
const RUN_FILES: [fn(&str) -> String; 4] = [manifest_path, checksums_path, failed_path, state_path];

/// Reports all added files.
pub(super) fn find(
    out: &Path,
    options: &VerifyOptions,
    runs: &Runs,
    report: &mut Report,
) -> Result<(), StorageError> {
    let mut known: BTreeSet<String> = runs.ids.iter().flat_map(|id| RUN_FILES.map(|path| path(id))).collect();
    known.insert(LATEST.to_owned());
    // An interrupted prune may leave a temporary file of its record. The next prune overwrites it.
    known.extend([PRUNED.to_owned(), format!("{PRUNED}.tmp")]);
    known.extend(runs.being_pruned.iter().cloned());
    let manifests = runs.checked.iter().filter_map(|run| run.manifest.as_ref());
    let entries: Vec<&FileEntry> = manifests.flat_map(|manifest| &manifest.files).collect();
    known.extend(entries.iter().map(|file| file.path.to_string()));
    // If a manifest is lost, its list of checksums still names the files of the run.
    let lost = runs.checked.iter().filter(|run| run.manifest.is_none());
    for checksums in lost.filter_map(|run| run.checksums.as_ref()) {
        known.extend(checksums.sums.keys().cloned());
    }
    let mut folders: BTreeSet<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    folders.extend([RUNS, RAW]);

    let mut added = Vec::new();
    for folder in folders {
        let found = list(out, folder)?.into_iter();
        added.extend(found.filter(|path| !known.contains(path) && is_selected(path, options)));
    }
    if let Some(run) = &runs.unfinished {
        added.retain(|path| !is_being_published(path, run));
    }
    if !added.is_empty() {
        drop_new_runs(out, runs, &mut added)?;
    }
    for path in added {
        if is_system_file(&path) {
            let detail = "another program created it; readers of the export may fail on it";
            let run_id = None;
            report.warnings.push(Damage { run_id, path, kind: DamageKind::Added, detail: detail.to_owned() });
            continue;
        }
        let detail = match path.strip_prefix(RUNS) {
            Some(_) => "it does not belong to any run",
            None => "no manifest names it",
        };
        report.damage(None, path, DamageKind::Added, detail);
    }
    Ok(())
}

/// True if the file belongs to the selected run, or all runs are selected.
fn is_selected(path: &str, options: &VerifyOptions) -> bool {
    let Some(run) = &options.run else { return true };
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with(&format!("part-{run}-")) || path.starts_with(&layout::run_file(run, ""))
}

/// True for files of a run that is being published, including temporary ones.
fn is_being_published(path: &str, run: &UnfinishedRun) -> bool {
    let of_run = RUN_FILES.map(|path| path(&run.id));
    let unnamed = path.strip_suffix(".tmp");
    let is_list = unnamed.is_some_and(|path| path == LATEST || of_run.iter().any(|of_run| of_run == path));
    // A copy from another file system has a hidden name until it is complete.
    let copied = unnamed.and_then(|path| {
        let (folder, name) = path.rsplit_once('/')?;
        Some(format!("{folder}/{}", name.strip_prefix('.')?))
    });
    run.files.contains(path) || is_list || copied.is_some_and(|path| run.files.contains(&path))
}

/// Removes the files of runs whose publication began after the manifests were read.
fn drop_new_runs(out: &Path, runs: &Runs, added: &mut Vec<String>) -> Result<(), StorageError> {
    let now = unfinished(out)?.filter(|run| !runs.ids.contains(&run.id));
    if let Some(run) = &now {
        let own = RUN_FILES.map(|path| path(&run.id));
        added.retain(|path| !is_being_published(path, run) && !own.contains(path));
    }
    // The run may be published by now, and its journal removed.
    let mut new_runs = BTreeMap::new();
    for path in list(out, RUNS)? {
        let Some((id, MANIFEST)) = layout::split_run_file(&path) else { continue };
        if runs.ids.contains(id) || id.contains('/') {
            continue;
        }
        if let Content::Plain(text) = read_content(out, &path)?
            && let Ok(manifest) = Manifest::parse(&text)
            && manifest.run_id.as_str() == id
        {
            new_runs.insert(id.to_owned(), manifest);
        }
    }
    let own: BTreeSet<String> = new_runs.keys().flat_map(|id| RUN_FILES.map(|path| path(id))).collect();
    let files: BTreeSet<&str> =
        new_runs.values().flat_map(|manifest| &manifest.files).map(|file| file.path.as_str()).collect();
    added.retain(|path| {
        let exists = fs::symlink_metadata(out.join(path)).is_ok();
        exists && !own.contains(path) && !files.contains(path.as_str())
    });
    Ok(())
}

/// True for files that desktops, NFS and Spark create in any folder.
fn is_system_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(name, ".DS_Store" | "Thumbs.db" | "desktop.ini" | "_SUCCESS")
        || name.starts_with("._")
        || name.starts_with(".nfs")
}

/// Returns all files below a folder, including symbolic links, relative to `out`, sorted.
pub(super) fn list(out: &Path, folder: &str) -> Result<Vec<String>, StorageError> {
    let mut files = Vec::new();
    match fs::symlink_metadata(out.join(folder)) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Ok(vec![folder.to_owned()]),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(files);
        }
        Err(error) => return Err(StorageError::new("inspect", &out.join(folder), error)),
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let at = out.join(&folder);
        for entry in fs::read_dir(&at).on("list", &at)? {
            let entry = entry.on("list", &at)?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().on("inspect", &entry.path())?.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
