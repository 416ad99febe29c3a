//! Reads the manifests and lists of the runs, as they are at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::chain;
use super::content::{
    Content, LATEST, checksums_path, failed_path, leaving_path, manifest_path, read_content, state_path,
};
use super::files::{Standing, standing};
use super::{DamageKind, Report, VerifyError, VerifyOptions};
use crate::digest::sha256;
use crate::durable::{self, OnPath, Opened, StorageError};
use crate::id::RunId;
use crate::output::ExportPath;
use crate::output::manifest::{Manifest, ManifestError};
use crate::output::pruned::{PRUNED, PrunedRuns};
use crate::table::Table;

/// Where a run that is being published names its files.
const JOURNAL: &str = "_work/publish.json";
/// The largest journal that is read: one with the errors of some million contacts.
const MAX_JOURNAL: u64 = 256 << 20;
/// How often the runs are read again because one was published meanwhile.
const LOOKS: usize = 10;

/// The runs of an export.
pub(super) struct Runs {
    /// Those that were asked for.
    pub(super) checked: Vec<Run>,
    /// All that were met, the unfinished one too.
    pub(super) ids: BTreeSet<String>,
    /// The run that is being published.
    pub(super) unfinished: Option<Unfinished>,
    /// Files of runs that are being pruned.
    pub(super) leaving: BTreeSet<String>,
}

/// One run: its manifest, or what is left of it.
pub(super) struct Run {
    pub(super) id: String,
    /// None when it is missing or torn.
    pub(super) manifest: Option<Manifest>,
    /// None when it is missing or torn.
    pub(super) checksums: Option<Checksums>,
}

/// `checksums.sha256`.
pub(super) struct Checksums {
    pub(super) text: String,
    /// Path to hash.
    pub(super) sums: BTreeMap<String, String>,
}

/// A run in the middle of its publishing: its journal is in the work folder, its files are partly in the tables.
pub(super) struct Unfinished {
    pub(super) id: String,
    pub(super) files: BTreeSet<String>,
}

/// A manifest as found.
pub(super) struct Found {
    pub(super) content: Content<()>,
    /// Of its text; empty where there is none.
    pub(super) sha256: String,
    pub(super) manifest: Option<Result<Manifest, ManifestError>>,
}

impl Found {
    pub(super) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()?.as_ref().ok()
    }
}

/// All runs at one moment.
pub(super) struct Moment {
    pub(super) latest: Content,
    pub(super) found: BTreeMap<String, Found>,
    pub(super) unfinished: Option<Unfinished>,
    /// The runs that were removed on purpose.
    pub(super) pruned: PrunedRuns,
    /// Files of those that are not quite gone.
    leaving: BTreeSet<String>,
}

/// Reads the runs asked for, noting what is wrong with their manifests.
pub(super) fn read(out: &Path, options: &VerifyOptions, report: &mut Report) -> Result<Runs, VerifyError> {
    let moment = look(out, report)?;
    if moment.found.is_empty() && matches!(moment.latest, Content::Nothing) && !has_table_files(out)? {
        return Err(VerifyError::NoExport { path: out.to_owned() });
    }
    if let Some(run_id) = &options.run
        && !moment.found.contains_key(run_id.as_str())
    {
        return Err(VerifyError::NoRun { run_id: run_id.clone(), path: out.to_owned() });
    }
    chain::check(&moment, options, report);
    let mut ids: BTreeSet<String> = moment.found.keys().cloned().collect();
    ids.extend(moment.unfinished.iter().map(|run| run.id.clone()));
    let mut checked = Vec::new();
    for (id, found) in moment.found {
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
                let detail = format!("the manifest is one of the run {}", manifest.run_id);
                report.damage(Some(&id), path, DamageKind::Disagreement, detail);
                None
            }
            Some(Ok(manifest)) => Some(manifest),
            None => None,
        };
        let checksums = read_checksums(out, &id, report)?;
        checked.push(Run { id, manifest, checksums });
    }
    report.runs = checked.len() as u64;
    Ok(Runs { checked, ids, unfinished: moment.unfinished, leaving: moment.leaving })
}

/// Reads all manifests, again if a run was published meanwhile. The journal is read after the manifests: a manifest
/// that `latest.json` does not name yet has its journal still, or `latest.json` has changed by the second reading.
fn look(out: &Path, report: &mut Report) -> Result<Moment, StorageError> {
    let mut latest = read_content(out, LATEST)?;
    for _ in 0..LOOKS {
        let found = find_manifests(out)?;
        let unfinished = unfinished(out)?;
        let now = read_content(out, LATEST)?;
        let is_same = matches!((&latest, &now), (Content::Plain(before), Content::Plain(now)) if before == now)
            || !matches!(now, Content::Plain(_));
        latest = now;
        if is_same {
            return moment(out, latest, found, unfinished, report);
        }
    }
    let (found, unfinished) = (find_manifests(out)?, unfinished(out)?);
    moment(out, latest, found, unfinished, report)
}

fn moment(
    out: &Path,
    latest: Content,
    mut found: BTreeMap<String, Found>,
    unfinished: Option<Unfinished>,
    report: &mut Report,
) -> Result<Moment, StorageError> {
    // Until its manifest is there, a run that is being published is none.
    if let Some(run) = &unfinished
        && found.get(&run.id).is_some_and(|found| matches!(found.content, Content::Nothing))
    {
        found.remove(&run.id);
    }
    let pruned = read_pruned(out, report)?;
    let mut leaving = BTreeSet::new();
    for run in &pruned.pruned {
        let id = run.run_id.as_str();
        let without_manifest = |found: &Found| matches!(found.content, Content::Nothing);
        if !found.get(id).is_none_or(without_manifest) {
            continue;
        }
        let path = leaving_path(id);
        if let Content::Plain(text) = read_content(out, &path)?
            && sha256(&text) == run.sha256
        {
            let files = Manifest::parse(&text).map(|manifest| manifest.files).unwrap_or_default();
            leaving.extend(files.into_iter().map(|file| file.path.into()));
            leaving.extend([path, checksums_path(id), failed_path(id), state_path(id)]);
            found.remove(id);
        }
    }
    Ok(Moment { latest, found, unfinished, pruned, leaving })
}

fn read_pruned(out: &Path, report: &mut Report) -> Result<PrunedRuns, StorageError> {
    let mut tell = |kind, detail: &str| report.damage(None, PRUNED, kind, detail);
    match read_content(out, PRUNED)? {
        Content::Nothing => {}
        Content::Unfit(kind, detail) => tell(kind, &detail),
        Content::Plain(text) => match PrunedRuns::parse(&text) {
            Ok(pruned) if pruned.to_json().as_bytes() == text => return Ok(pruned),
            Ok(pruned) => {
                tell(DamageKind::Changed, "it says the same as before, and is written otherwise");
                return Ok(pruned);
            }
            Err(error) => tell(DamageKind::Unreadable, &with_cause(&error)),
        },
    }
    Ok(PrunedRuns::default())
}

/// Whether a run that was checked is gone by now: it was pruned meanwhile, and its files with it.
pub(super) fn is_any_gone(out: &Path, runs: &Runs) -> Result<bool, StorageError> {
    for run in &runs.checked {
        let path = if run.manifest.is_some() { manifest_path(&run.id) } else { checksums_path(&run.id) };
        if matches!(standing(out, Path::new(&path))?, Standing::Nothing) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn find_manifests(out: &Path) -> Result<BTreeMap<String, Found>, StorageError> {
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

fn read_checksums(out: &Path, id: &str, report: &mut Report) -> Result<Option<Checksums>, StorageError> {
    let path = checksums_path(id);
    let text = match read_content(out, &path)? {
        Content::Plain(text) => text,
        Content::Nothing => {
            report.damage(Some(id), path, DamageKind::Missing, "it lists the files of the run");
            return Ok(None);
        }
        Content::Unfit(kind, detail) => {
            report.damage(Some(id), path, kind, detail);
            return Ok(None);
        }
    };
    let torn = "it is torn, or was edited";
    let Ok(text) = String::from_utf8(text) else {
        report.damage(Some(id), path, DamageKind::Unreadable, torn);
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
            report.damage(Some(id), path, DamageKind::Unreadable, torn);
            Ok(None)
        }
    }
}

/// The journal of a run that is being published; none when there is none, or it is not readable.
pub(super) fn unfinished(out: &Path) -> Result<Option<Unfinished>, StorageError> {
    #[derive(Deserialize)]
    struct Journal {
        manifest: Names,
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
    let Opened::File(journal, _) = durable::open_below(out, Path::new(JOURNAL))? else { return Ok(None) };
    // The list of failed contacts in it may be long, and is passed over.
    let text = BufReader::new(journal.take(MAX_JOURNAL));
    let Ok(Journal { manifest }) = serde_json::from_reader(text) else { return Ok(None) };
    let files = manifest.files.into_iter().chain(manifest.state).map(|file| file.path.into()).collect();
    Ok(Some(Unfinished { id: manifest.run_id.to_string(), files }))
}

/// The folders in `_runs` that hold a file of a run.
fn run_ids(out: &Path) -> Result<BTreeSet<String>, StorageError> {
    let folder = out.join("_runs");
    let mut ids = BTreeSet::new();
    if !fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
        return Ok(ids);
    }
    for entry in fs::read_dir(&folder).on("list", &folder)? {
        let entry = entry.on("list", &folder)?;
        let is_folder = entry.file_type().on("look at", &entry.path())?.is_dir();
        let Ok(name) = entry.file_name().into_string() else { continue };
        let has = |path: String| {
            standing(out, Path::new(&path)).map(|standing| !matches!(standing, Standing::Nothing))
        };
        if is_folder && (has(manifest_path(&name))? || has(checksums_path(&name))?) {
            ids.insert(name);
        }
    }
    Ok(ids)
}

fn has_table_files(out: &Path) -> Result<bool, StorageError> {
    for table in Table::ALL {
        if !super::added::list(out, table.name())?.is_empty() {
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
