//! Finds files in the table folders and in `_runs` that no manifest names.

use std::collections::{BTreeMap, BTreeSet};

use super::content::{Content, LATEST, RUN_FILES, checksums_path, pruned_manifest_path, read_content};
use super::runs::{Runs, UnfinishedRun, unfinished};
use super::{Damage, DamageKind, Report, VerifyOptions};
use crate::catalog::shard_of_manifest;
use crate::durable::StorageError;
use crate::layout::{self, ERASED, ERASED_SIGNATURE, HOLDS, LOCK, MANIFEST, PRUNED, RAW, RUNS};
use crate::lock;
use crate::output::manifest::{FileEntry, Manifest};
use crate::store::{Kind, Store};
use crate::table::Table;

/// Reports all added files, except those in Delta logs. Returns true if a table has a Delta log.
pub(super) fn find(
    out: &Store,
    options: &VerifyOptions,
    runs: &Runs,
    report: &mut Report,
) -> Result<bool, StorageError> {
    let mut known: BTreeSet<String> = runs.ids.iter().flat_map(|id| RUN_FILES.map(|path| path(id))).collect();
    known.insert(LATEST.to_owned());
    if out.folder().is_none() {
        known.insert(LOCK.to_owned());
        // A renaming is a copy and a removal: an interrupted prune leaves both names. The next one finishes it.
        known.extend(runs.ids.iter().map(|id| pruned_manifest_path(id)));
    }
    // An interrupted command may leave a temporary file of its record. The next one overwrites it.
    known.extend(
        [PRUNED, ERASED, ERASED_SIGNATURE, HOLDS]
            .into_iter()
            .flat_map(|record| [record.to_owned(), format!("{record}.tmp")]),
    );
    known.extend(runs.being_pruned.iter().cloned());
    let changing = runs.checked.iter().filter(|run| run.is_changing);
    known.extend(changing.map(|run| format!("{}.tmp", checksums_path(&run.id))));
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

    let (mut added, mut has_logs) = (Vec::new(), false);
    for folder in folders {
        let mut found: Vec<String> = out.list(folder)?.into_iter().map(|found| found.path).collect();
        let all = found.len();
        found.retain(|path| !layout::is_in_delta_log(path));
        has_logs |= found.len() < all;
        let found = found.into_iter();
        added.extend(found.filter(|path| !known.contains(path) && is_selected(path, options)));
    }
    for run in &runs.unfinished {
        added.retain(|path| !is_being_published(path, run));
    }
    // Shards that `commit` has not published yet.
    added.retain(|path| !is_probe(path) && shard_of_manifest(path).is_none());
    if !added.is_empty()
        && let Some(run_id) = lock::run_in_store(out)?
    {
        // The journal of a run into an object store is on the machine of the run.
        added.retain(|path| !is_of_run(path, run_id.as_str()));
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
    Ok(has_logs)
}

/// True if the file belongs to the selected run, or all runs are selected.
fn is_selected(path: &str, options: &VerifyOptions) -> bool {
    options.run.as_ref().is_none_or(|run| is_of_run(path, run.as_str()))
}

fn is_of_run(path: &str, run_id: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with(&format!("part-{run_id}-")) || path.starts_with(&layout::run_file(run_id, ""))
}

/// True for the object by which a run tests an object store. It exists for a moment.
fn is_probe(path: &str) -> bool {
    path.strip_prefix(RUNS).is_some_and(|name| name.starts_with("/.probe-"))
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
fn drop_new_runs(out: &Store, runs: &Runs, added: &mut Vec<String>) -> Result<(), StorageError> {
    for run in unfinished(out)?.iter().filter(|run| !runs.ids.contains(&run.id)) {
        let own = RUN_FILES.map(|path| path(&run.id));
        added.retain(|path| !is_being_published(path, run) && !own.contains(path));
    }
    // The run may be published by now, and its journal removed.
    let mut new_runs = BTreeMap::new();
    for path in out.list(RUNS)?.into_iter().map(|found| found.path) {
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
    added.retain(|path| !own.contains(path) && !files.contains(path.as_str()));
    let mut remaining = Vec::with_capacity(added.len());
    for path in added.drain(..) {
        if !matches!(out.kind(&path)?, Kind::Missing) {
            remaining.push(path);
        }
    }
    *added = remaining;
    Ok(())
}

/// True for files that desktops, NFS and Spark create in any folder.
pub(super) fn is_system_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    matches!(name, ".DS_Store" | "Thumbs.db" | "desktop.ini" | "_SUCCESS")
        || name.starts_with("._")
        || name.starts_with(".nfs")
}
