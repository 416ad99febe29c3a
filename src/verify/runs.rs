//! Reads the manifests and holds them against `latest.json` and the chain of `previous`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{DamageKind, Report, VerifyError, VerifyOptions};
use crate::digest::sha256;
use crate::durable::{OnPath, StorageError};
use crate::output::manifest::{Latest, Manifest};
use crate::table::Table;

/// The runs of an export.
pub(super) struct Runs {
    /// Those that were asked for.
    pub(super) checked: Vec<Run>,
    /// Files of a run that is being published, which its manifest will name.
    pub(super) unfinished: BTreeSet<String>,
}

/// One run: its manifest, or what is left of it.
pub(super) struct Run {
    pub(super) id: String,
    /// None when it is missing or torn.
    pub(super) manifest: Option<Manifest>,
    /// `checksums.sha256`: path to hash; none when missing or torn.
    pub(super) checksums: Option<BTreeMap<String, String>>,
}

/// Reads the runs asked for, noting what is wrong with their manifests.
pub(super) fn read(out: &Path, options: &VerifyOptions, report: &mut Report) -> Result<Runs, VerifyError> {
    let ids = run_ids(out)?;
    let unfinished = unfinished(out)?;
    if ids.is_empty() && !out.join("_runs/latest.json").exists() && !has_table_files(out)? {
        return Err(VerifyError::NoExport { path: out.to_owned() });
    }
    let latest = match (&unfinished.committed, read_plain(out, "_runs/latest.json")?) {
        (Some(_), None) => None, // the first run of all, whose next step is to write it
        (_, text) => read_latest(text, report),
    };
    let mut found = BTreeMap::new();
    for id in ids.iter().filter(|id| !unfinished.runs.contains(*id)) {
        let text = read_plain(out, &manifest_path(id))?;
        let manifest = text.as_deref().map(Manifest::parse);
        found.insert(id.clone(), (text, manifest));
    }
    if let Some(run_id) = &options.run
        && !found.contains_key(run_id.as_str())
    {
        return Err(VerifyError::NoRun { run_id: run_id.clone(), path: out.to_owned() });
    }
    let mut expected = BTreeMap::new();
    if let Some(latest) = &latest {
        expected.insert(latest.run_id.to_string(), latest.sha256.clone());
    }
    let previous =
        found.values().filter_map(|(_, manifest)| manifest.as_ref()?.as_ref().ok()?.previous.as_ref());
    for previous in previous {
        expected.entry(previous.run_id.to_string()).or_insert_with(|| previous.sha256.clone());
    }
    // A link that is lost explains why the runs before it are not named; it is told of by itself.
    let is_whole = latest.is_some()
        && found.values().all(|(_, manifest)| matches!(manifest, Some(Ok(_))))
        && expected.keys().all(|id| found.contains_key(id));
    let is_asked_for = |id: &str| options.run.as_ref().is_none_or(|run| run.as_str() == id);
    for id in expected.keys().filter(|id| !found.contains_key(*id) && is_asked_for(id)) {
        report.damage(
            Some(id),
            manifest_path(id),
            DamageKind::Missing,
            "a later run or latest.json names this manifest",
        );
    }
    let mut checked = Vec::new();
    for (id, (text, manifest)) in found.into_iter().filter(|(id, _)| is_asked_for(id)) {
        let path = manifest_path(&id);
        let mut tell = |kind, detail: String| report.damage(Some(&id), path.as_str(), kind, detail);
        match (&text, expected.get(&id)) {
            (None, _) => tell(DamageKind::Missing, "the run has no manifest".to_owned()),
            (Some(text), Some(hash)) if sha256(text) != *hash => {
                tell(DamageKind::Changed, format!("its SHA-256 is {} and was {hash}", sha256(text)));
            }
            (Some(_), None) if is_whole && unfinished.committed.as_ref() != Some(&id) => {
                tell(DamageKind::Chain, "neither latest.json nor a later run names this run".to_owned());
            }
            (Some(_), _) => {}
        }
        let manifest = match manifest {
            Some(Err(error)) => {
                tell(DamageKind::Unreadable, with_cause(&error));
                None
            }
            Some(Ok(manifest)) if manifest.run_id.as_str() != id => {
                tell(DamageKind::Disagreement, format!("the manifest is one of the run {}", manifest.run_id));
                None
            }
            Some(Ok(manifest)) => Some(manifest),
            None => None,
        };
        let checksums = read_checksums(out, &id, report)?;
        checked.push(Run { id, manifest, checksums });
    }
    report.runs = checked.len() as u64;
    Ok(Runs { checked, unfinished: unfinished.files })
}

fn read_latest(text: Option<Vec<u8>>, report: &mut Report) -> Option<Latest> {
    let path = "_runs/latest.json";
    let Some(text) = text else {
        report.damage(None, path, DamageKind::Missing, "it names the newest run");
        return None;
    };
    match Latest::parse(&text) {
        Err(error) => {
            report.damage(None, path, DamageKind::Unreadable, with_cause(&error));
            None
        }
        Ok(latest) if latest.manifest != manifest_path(latest.run_id.as_str()) => {
            let detail = format!("it points at {:?}, which is not the manifest of its run", latest.manifest);
            report.damage(Some(latest.run_id.as_str()), path, DamageKind::Chain, detail);
            None
        }
        Ok(latest) => Some(latest),
    }
}

fn read_checksums(
    out: &Path,
    id: &str,
    report: &mut Report,
) -> Result<Option<BTreeMap<String, String>>, StorageError> {
    let path = format!("_runs/{id}/checksums.sha256");
    let Some(text) = read_plain(out, &path)? else {
        report.damage(Some(id), path, DamageKind::Missing, "it lists the files of the run");
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(|line| {
        let (hash, file) = line.split_once("  ")?;
        (hash.len() == 64).then(|| (file.to_owned(), hash.to_owned()))
    });
    match lines.collect::<Option<BTreeMap<_, _>>>() {
        Some(sums) if sums.len() == text.lines().count() && (text.is_empty() || text.ends_with('\n')) => {
            Ok(Some(sums))
        }
        _ => {
            report.damage(Some(id), path, DamageKind::Unreadable, "it is torn, or was edited");
            Ok(None)
        }
    }
}

/// A run in the middle of its publishing: its journal is in the work folder, its files are partly in the tables.
#[derive(Default)]
struct Unfinished {
    /// Its ID, before its manifest is there.
    runs: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Its ID, when its manifest is there and `latest.json` may not name it yet.
    committed: Option<String>,
}

fn unfinished(out: &Path) -> Result<Unfinished, StorageError> {
    #[derive(Deserialize)]
    struct Journal {
        manifest: Manifest,
    }
    let Some(text) = read_plain(out, "_work/publish.json")? else { return Ok(Unfinished::default()) };
    let Ok(Journal { manifest }) = serde_json::from_slice(&text) else { return Ok(Unfinished::default()) };
    let id = manifest.run_id.to_string();
    if read_plain(out, &manifest_path(&id))?.is_some() {
        return Ok(Unfinished { committed: Some(id), ..Unfinished::default() });
    }
    let files = manifest.files.into_iter().map(|file| file.path).collect();
    Ok(Unfinished { runs: BTreeSet::from([id]), files, committed: None })
}

fn run_ids(out: &Path) -> Result<BTreeSet<String>, StorageError> {
    let folder = out.join("_runs");
    let entries = match fs::read_dir(&folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(BTreeSet::new());
        }
        other => other.on("list", &folder)?,
    };
    let mut ids = BTreeSet::new();
    for entry in entries {
        let entry = entry.on("list", &folder)?;
        if entry.file_type().on("look at", &entry.path())?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
        {
            ids.insert(name);
        }
    }
    Ok(ids)
}

fn has_table_files(out: &Path) -> Result<bool, StorageError> {
    for table in Table::ALL {
        if !super::files::list(out, table.name())?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a file below `out` that may be missing. Neither it nor a folder on the way may be a symlink.
pub(super) fn read_plain(out: &Path, relative: &str) -> Result<Option<Vec<u8>>, StorageError> {
    let path = out.join(relative);
    match super::files::standing(out, Path::new(relative))? {
        super::files::Standing::Plain(_) => fs::read(&path).on("read", &path).map(Some),
        _ => Ok(None),
    }
}

fn manifest_path(id: &str) -> String {
    format!("_runs/{id}/manifest.json")
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
