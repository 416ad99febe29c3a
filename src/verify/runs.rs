//! Reads the manifests and lists of the runs as a consistent snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};

use serde::Deserialize;

use super::chain;
use super::content::{
    Content, LATEST, checksums_path, failed_path, manifest_path, not_found_path, pruned_manifest_path,
    read_content, state_path,
};
use super::{DamageKind, Report, VerifyError, VerifyOptions, erasures, records};
use crate::catalog::sharded_runs;
use crate::digest::sha256;
use crate::durable::{Opened, StorageError};
use crate::id::RunId;
use crate::layout::{self, CHECKSUMS, JOURNAL, MANIFEST, RUNS, commit_journal};
use crate::output::ExportPath;
use crate::output::erased::Erasures;
use crate::output::holds::Holds;
use crate::output::manifest::{Manifest, ManifestError};
use crate::output::pruned::PrunedRuns;
use crate::store::{Kind, Listed, Store};
use crate::table::Table;

/// Maximum size of a journal, enough for the errors of some million contacts.
const MAX_JOURNAL: u64 = 256 << 20;
/// Maximum number of times the runs are read again because one was published meanwhile.
const MAX_ATTEMPTS: usize = 10;

/// The runs of an export.
pub(super) struct Runs {
    /// Runs that are selected for the check.
    pub(super) checked: Vec<Run>,
    /// IDs of all runs, including the unfinished one.
    pub(super) ids: BTreeSet<String>,
    /// Runs that are being published, or whose publication was interrupted.
    pub(super) unfinished: Vec<UnfinishedRun>,
    /// Files of runs that are being pruned.
    pub(super) being_pruned: BTreeSet<String>,
    /// The record of erasures.
    pub(super) erasures: Option<Erasures>,
}

/// A run: its manifest and its checksums.
pub(super) struct Run {
    pub(super) id: String,
    /// The manifest, without the contacts that were erased since; `None` if it is missing or damaged.
    pub(super) manifest: Option<Manifest>,
    /// `None` if it is missing or damaged.
    pub(super) checksums: Option<Checksums>,
    /// True if an unfinished erasure changes the run: some of its files are as before, and some as after.
    pub(super) is_changing: bool,
}

/// Content of the file `checksums.sha256`.
pub(super) struct Checksums {
    pub(super) text: String,
    /// Hashes of the files by path.
    pub(super) sums: BTreeMap<String, String>,
}

/// A run during its publication: its journal is in the work folder, and some of its files are already
/// published.
pub(super) struct UnfinishedRun {
    pub(super) id: String,
    pub(super) files: BTreeSet<String>,
}

/// A manifest as found on disk.
pub(super) struct Found {
    pub(super) content: Content<()>,
    /// SHA-256 of the text; empty if there is none.
    pub(super) sha256: String,
    pub(super) manifest: Option<Result<Manifest, ManifestError>>,
}

impl Found {
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()?.as_ref().ok()
    }
}

/// All runs at one point in time.
pub(super) struct Snapshot {
    pub(super) latest: Content,
    pub(super) found: BTreeMap<String, Found>,
    pub(super) unfinished: Vec<UnfinishedRun>,
    /// The runs that `prune` removed.
    pub(super) pruned: PrunedRuns,
    /// Remaining files of runs that are being pruned.
    being_pruned: BTreeSet<String>,
    /// The record of erasures.
    erasures: Option<Erasures>,
}

/// Reads the selected runs, and reports damage to their manifests.
pub(super) fn read(out: &Store, options: &VerifyOptions, report: &mut Report) -> Result<Runs, VerifyError> {
    let mut snapshot = read_consistent(out, report)?;
    if snapshot.found.is_empty() && matches!(snapshot.latest, Content::Missing) && !has_table_files(out)? {
        return Err(VerifyError::NoExport { path: out.root().to_owned() });
    }
    if let Some(run_id) = &options.run
        && !snapshot.found.contains_key(run_id.as_str())
    {
        return Err(VerifyError::NoRun { run_id: run_id.clone(), path: out.root().to_owned() });
    }
    chain::check(&snapshot, options, report);
    let mut ids: BTreeSet<String> = snapshot.found.keys().cloned().collect();
    ids.extend(snapshot.unfinished.iter().map(|run| run.id.clone()));
    let mut checked = Vec::new();
    for (id, found) in std::mem::take(&mut snapshot.found) {
        if options.run.as_ref().is_some_and(|run| run.as_str() != id) {
            continue;
        }
        let path = manifest_path(&id);
        let manifest = match found.manifest {
            Some(Err(error)) => {
                report.damage(Some(&id), path, DamageKind::Unreadable, with_cause(&error));
                None
            }
            Some(Ok(manifest)) if manifest.run_id.as_str() != id => {
                let detail = format!("it is the manifest of run {}", manifest.run_id);
                report.damage(Some(&id), path, DamageKind::Disagreement, detail);
                None
            }
            Some(Ok(manifest)) => Some(manifest),
            None => None,
        };
        let checksums = read_checksums(out, &id, report)?;
        let is_changing = snapshot.erasures.as_ref().is_some_and(|erasures| erasures.is_changing(&id));
        checked.push(Run { id, manifest, checksums, is_changing });
    }
    report.runs = checked.len() as u64;
    let Snapshot { unfinished, being_pruned, erasures, .. } = snapshot;
    Ok(Runs { checked, ids, unfinished, being_pruned, erasures })
}

/// Reads all manifests, and again if a run was published meanwhile. The journal is read after the manifests.
/// If `latest.json` does not name a manifest yet, either its journal still exists or `latest.json` has
/// changed by the second reading.
fn read_consistent(out: &Store, report: &mut Report) -> Result<Snapshot, StorageError> {
    let mut latest = read_content(out, LATEST)?;
    for _ in 0..MAX_ATTEMPTS {
        let found = find_manifests(out)?;
        let unfinished = unfinished(out)?;
        let now = read_content(out, LATEST)?;
        let is_same = matches!((&latest, &now), (Content::Plain(before), Content::Plain(now)) if before == now)
            || !matches!(now, Content::Plain(_));
        latest = now;
        if is_same {
            return snapshot(out, latest, found, unfinished, report);
        }
    }
    let (found, unfinished) = (find_manifests(out)?, unfinished(out)?);
    snapshot(out, latest, found, unfinished, report)
}

fn snapshot(
    out: &Store,
    latest: Content,
    mut found: BTreeMap<String, Found>,
    unfinished: Vec<UnfinishedRun>,
    report: &mut Report,
) -> Result<Snapshot, StorageError> {
    // A run that is being published counts only after its manifest is written.
    for run in &unfinished {
        if found.get(&run.id).is_some_and(|found| matches!(found.content, Content::Missing)) {
            found.remove(&run.id);
        }
    }
    let pruned: PrunedRuns = records::read(out, report)?.unwrap_or_default();
    records::read::<Holds>(out, report)?;
    let erasures = records::read::<Erasures>(out, report)?;
    erasures::apply(out, erasures.as_ref(), &mut found)?;
    let mut being_pruned = BTreeSet::new();
    for run in &pruned.pruned {
        let id = run.run_id.as_str();
        let without_manifest = |found: &Found| matches!(found.content, Content::Missing);
        if !found.get(id).is_none_or(without_manifest) {
            continue;
        }
        let path = pruned_manifest_path(id);
        if let Content::Plain(text) = read_content(out, &path)?
            && sha256(&text) == run.sha256
        {
            let files = Manifest::parse(&text).map(|manifest| manifest.files).unwrap_or_default();
            being_pruned.extend(files.into_iter().map(|file| file.path.into()));
            being_pruned.extend([
                path,
                checksums_path(id),
                failed_path(id),
                not_found_path(id),
                state_path(id),
            ]);
            found.remove(id);
        }
    }
    Ok(Snapshot { latest, found, unfinished, pruned, being_pruned, erasures })
}

/// True if a checked run is gone by now, because it was pruned meanwhile.
pub(super) fn is_any_gone(out: &Store, runs: &Runs) -> Result<bool, StorageError> {
    for run in &runs.checked {
        let path = if run.manifest.is_some() { manifest_path(&run.id) } else { checksums_path(&run.id) };
        if matches!(out.kind(&path)?, Kind::Missing) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn find_manifests(out: &Store) -> Result<BTreeMap<String, Found>, StorageError> {
    let mut found = BTreeMap::new();
    for id in run_ids(out)? {
        let content = read_content(out, &manifest_path(&id))?;
        let text = if let Content::Plain(text) = &content { Some(text) } else { None };
        let manifest = text.map(|text| Manifest::parse(text));
        let hash = text.map(sha256).unwrap_or_default();
        found.insert(id, Found { sha256: hash, manifest, content: content.without_text() });
    }
    Ok(found)
}

fn read_checksums(out: &Store, id: &str, report: &mut Report) -> Result<Option<Checksums>, StorageError> {
    let path = checksums_path(id);
    let text = match read_content(out, &path)? {
        Content::Plain(text) => text,
        Content::Missing => {
            report.damage(
                Some(id),
                path,
                DamageKind::Missing,
                "it lists the files of the run, but is missing",
            );
            return Ok(None);
        }
        Content::Rejected(kind, detail) => {
            report.damage(Some(id), path, kind, detail);
            return Ok(None);
        }
    };
    let damaged = "it is incomplete or was edited";
    let Ok(text) = String::from_utf8(text) else {
        report.damage(Some(id), path, DamageKind::Unreadable, damaged);
        return Ok(None);
    };
    let lines = text.lines().map(|line| {
        let (hash, file) = line.split_once("  ")?;
        (hash.len() == 64).then(|| (file.to_owned(), hash.to_owned()))
    });
    match lines.collect::<Option<BTreeMap<_, _>>>() {
        Some(sums) if sums.len() == text.lines().count() && (text.is_empty() || text.ends_with('\n')) => {
            Ok(Some(Checksums { text, sums }))
        }
        _ => {
            report.damage(Some(id), path, DamageKind::Unreadable, damaged);
            Ok(None)
        }
    }
}

/// Returns the runs that have a journal: the one in the work folder, and those of interrupted commits of shards. An
/// unreadable journal is ignored.
pub(super) fn unfinished(out: &Store) -> Result<Vec<UnfinishedRun>, StorageError> {
    let mut journals = vec![JOURNAL.to_owned()];
    if out.folder().is_some() {
        journals.extend(sharded_runs(out)?.keys().map(commit_journal));
    }
    let mut runs = Vec::new();
    for journal in journals {
        runs.extend(read_journal(out, &journal)?);
    }
    Ok(runs)
}

fn read_journal(out: &Store, path: &str) -> Result<Option<UnfinishedRun>, StorageError> {
    #[derive(Deserialize)]
    struct Journal {
        manifest: Names,
        #[serde(default)]
        lists: Vec<Name>,
    }
    #[derive(Deserialize)]
    struct Names {
        run_id: RunId,
        files: Vec<Name>,
        state: Option<Name>,
    }
    #[derive(Deserialize)]
    struct Name {
        path: ExportPath,
    }
    let Opened::File(journal, _) = out.open(path)? else { return Ok(None) };
    // A journal of version 0.1.0 has the text of `failed.csv`. It may be long, and is skipped.
    let text = BufReader::new(journal.take(MAX_JOURNAL));
    let Ok(Journal { manifest, lists }) = serde_json::from_reader(text) else { return Ok(None) };
    let files =
        manifest.files.into_iter().chain(manifest.state).chain(lists).map(|file| file.path.into()).collect();
    Ok(Some(UnfinishedRun { id: manifest.run_id.to_string(), files }))
}

/// Returns the names of the folders in `_runs` that contain a file of a run.
fn run_ids(out: &Store) -> Result<BTreeSet<String>, StorageError> {
    let listed = out.list(RUNS)?;
    let of_run = |found: &Listed| {
        let (id, name) = layout::split_run_file(&found.path)?;
        [MANIFEST, CHECKSUMS].contains(&name).then(|| id.to_owned())
    };
    Ok(listed.iter().filter_map(of_run).collect())
}

/// True if a table folder has a file.
///
/// # Errors
/// If a folder cannot be listed.
pub(crate) fn has_table_files(out: &Store) -> Result<bool, StorageError> {
    for table in Table::ALL {
        if !out.list(table.name())?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
