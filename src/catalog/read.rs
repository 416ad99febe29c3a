//! Reads `latest.json`, `pruned.json`, the list of run folders, and single manifests.

use std::collections::BTreeSet;
use std::fs::{self, FileType};
use std::path::Path;

use super::CatalogError;
use crate::digest::sha256;
use crate::durable::{self, Content, OnPath, StorageError};
use crate::id::RunId;
use crate::layout::{self, LATEST, MANIFEST, PRUNED, PRUNED_MANIFEST, RUNS};
use crate::output::manifest::{Latest, Manifest};
use crate::output::pruned::PrunedRuns;

/// Maximum size of a manifest. It has space for more than 100,000 files.
pub const MAX_MANIFEST: u64 = 64 << 20;
/// Maximum size of the record of pruned runs. It has space for more than 50,000 runs.
pub const MAX_PRUNED: u64 = 16 << 20;
/// Maximum size of `latest.json`, which usually has a few hundred bytes.
pub const MAX_LATEST: u64 = 64 << 10;

/// A run and its manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub manifest: Manifest,
    /// SHA-256 of the manifest's text.
    pub sha256: String,
}

/// Path of a run's manifest, relative to the output folder.
pub fn manifest_path(run_id: &RunId) -> String {
    layout::run_file(run_id, MANIFEST)
}

/// Reads `latest.json`, which may be missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn latest(out: &Path) -> Result<Option<Latest>, CatalogError> {
    let parse = |text: &[u8]| Latest::parse(text).map_err(|error| error.describe());
    read_small(out, LATEST, MAX_LATEST, parse)
}

/// Reads the record of pruned runs. It is empty if the file is missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn pruned_runs(out: &Path) -> Result<PrunedRuns, CatalogError> {
    let parse = |text: &[u8]| PrunedRuns::parse(text).map_err(|error| error.describe());
    Ok(read_small(out, PRUNED, MAX_PRUNED, parse)?.unwrap_or_default())
}

fn read_small<T>(
    out: &Path,
    relative: &str,
    limit: u64,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, CatalogError> {
    let Some(text) = read_bounded(out, relative, limit)? else { return Ok(None) };
    parse(&text).map(Some).map_err(|what| CatalogError::damaged(&out.join(relative), what))
}

fn read_bounded(out: &Path, relative: &str, limit: u64) -> Result<Option<Vec<u8>>, CatalogError> {
    let damaged = |what: String| Err(CatalogError::damaged(&out.join(relative), what));
    match durable::read_below(out, Path::new(relative), limit)? {
        Content::Bytes(text) => Ok(Some(text)),
        Content::Missing => Ok(None),
        Content::NotRegular => damaged(durable::NOT_REGULAR.to_owned()),
        Content::TooLarge(limit) => damaged(durable::too_large(limit)),
    }
}

impl Run {
    /// The run with this ID, from the text of its manifest.
    ///
    /// # Errors
    /// When the manifest is damaged, of a later version, or of another run.
    pub fn parse(path: &Path, run_id: &RunId, text: &[u8]) -> Result<Self, CatalogError> {
        let manifest = Manifest::parse(text).map_err(|error| CatalogError::of_manifest(path, error))?;
        if manifest.run_id != *run_id {
            let what = format!("it is the manifest of run {}", manifest.run_id);
            return Err(CatalogError::damaged(path, what));
        }
        Ok(Self { manifest, sha256: sha256(text) })
    }
}

/// Reads the manifest of a run, which may be missing.
///
/// # Errors
/// When it is damaged, of another run, or cannot be read.
pub fn run(out: &Path, run_id: &RunId) -> Result<Option<Run>, CatalogError> {
    named(out, run_id, &manifest_path(run_id))
}

/// Reads the manifest of a run that is being pruned, which may be missing.
///
/// # Errors
/// As [`run`].
pub fn leaving(out: &Path, run_id: &RunId) -> Result<Option<Run>, CatalogError> {
    named(out, run_id, &layout::run_file(run_id, PRUNED_MANIFEST))
}

fn named(out: &Path, run_id: &RunId, relative: &str) -> Result<Option<Run>, CatalogError> {
    let Some(text) = read_bounded(out, relative, MAX_MANIFEST)? else { return Ok(None) };
    Run::parse(&out.join(relative), run_id, &text).map(Some)
}

/// IDs of the runs with a manifest.
///
/// # Errors
/// When `_runs` cannot be listed.
pub fn run_ids(out: &Path) -> Result<BTreeSet<RunId>, StorageError> {
    list(out, |kind| kind.is_dir())
}

/// IDs of the runs with a manifest, and of those whose folder is a symbolic link. Reading the latter reports
/// the damage.
///
/// # Errors
/// When `_runs` cannot be listed.
pub fn run_ids_with_links(out: &Path) -> Result<BTreeSet<RunId>, StorageError> {
    list(out, |kind| kind.is_dir() || kind.is_symlink())
}

fn list(out: &Path, is_run: impl Fn(FileType) -> bool) -> Result<BTreeSet<RunId>, StorageError> {
    let folder = out.join(RUNS);
    let mut runs = BTreeSet::new();
    if !durable::is_real_dir(&folder)? {
        return Ok(runs);
    }
    for entry in fs::read_dir(&folder).on("list", &folder)? {
        let entry = entry.on("list", &folder)?;
        let Some(run_id) = entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()) else {
            continue;
        };
        let kind = entry.file_type().on("inspect", &entry.path())?;
        let manifest = entry.path().join(MANIFEST);
        // The read of the manifest checks that it is a regular file.
        if is_run(kind) && fs::symlink_metadata(manifest).is_ok() {
            runs.insert(run_id);
        }
    }
    Ok(runs)
}
