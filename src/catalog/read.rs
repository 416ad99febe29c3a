//! Reads `latest.json`, the records beside it, the list of run folders, and single manifests.

use std::collections::BTreeSet;
use std::path::Path;

use super::CatalogError;
use crate::digest::sha256;
use crate::durable::{self, Content, StorageError};
use crate::id::RunId;
use crate::layout::{self, ERASED, HOLDS, LATEST, MANIFEST, PRUNED, PRUNED_MANIFEST, RUNS};
use crate::output::erased::{ErasedFile, Erasures};
use crate::output::holds::Holds;
use crate::output::manifest::{Latest, Manifest};
use crate::output::pruned::PrunedRuns;
use crate::store::{Hashed, Kind, Listed, Store};

/// Maximum size of a manifest. It has space for more than 100,000 files.
pub const MAX_MANIFEST: u64 = 64 << 20;
/// Maximum size of the record of pruned runs. It has space for more than 50,000 runs.
pub const MAX_PRUNED: u64 = 16 << 20;
/// Maximum size of the record of erasures. It has space for more than 100,000 files.
pub const MAX_ERASED: u64 = 64 << 20;
/// Maximum size of the record of holds. It has space for more than 200,000 contacts.
pub const MAX_HOLDS: u64 = 16 << 20;
/// Maximum size of `latest.json`, which usually has a few hundred bytes.
pub const MAX_LATEST: u64 = 64 << 10;

/// A run and its manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The manifest, without the contacts that were erased since it was written.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's text, as it was written.
    pub sha256: String,
    /// Number of contacts that were erased from the run.
    pub erased: u64,
}

/// Path of a run's manifest, relative to the output folder.
pub fn manifest_path(run_id: &RunId) -> String {
    layout::run_file(run_id, MANIFEST)
}

/// Reads `latest.json`, which may be missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn latest(out: &Store) -> Result<Option<Latest>, CatalogError> {
    let parse = |text: &[u8]| Latest::parse(text).map_err(|error| error.describe());
    read_small(out, LATEST, MAX_LATEST, parse)
}

/// Reads the record of pruned runs. It is empty if the file is missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn pruned_runs(out: &Store) -> Result<PrunedRuns, CatalogError> {
    let parse = |text: &[u8]| PrunedRuns::parse(text).map_err(|error| error.describe());
    Ok(read_small(out, PRUNED, MAX_PRUNED, parse)?.unwrap_or_default())
}

/// Reads the record of erasures, as it was written. It may be missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn erasures(out: &Store) -> Result<Option<Erasures>, CatalogError> {
    let parse = |text: &[u8]| Erasures::parse(text).map_err(|error| error.describe());
    read_small(out, ERASED, MAX_ERASED, parse)
}

/// True if the file is as it is after the erasure.
///
/// # Errors
/// When it cannot be read.
pub fn is_replaced(out: &Store, file: &ErasedFile) -> Result<bool, StorageError> {
    match (out.kind(&file.path)?, &file.after) {
        (Kind::Missing, None) => Ok(true),
        (Kind::File(bytes), Some(after)) if bytes == after.bytes => {
            Ok(bytes != file.before.bytes || out.hash(&file.path)? == Hashed::Sha256(after.sha256.clone()))
        }
        _ => Ok(false),
    }
}

/// Reads the record of holds, which may be missing.
///
/// # Errors
/// When it is damaged or cannot be read.
pub fn holds(out: &Store) -> Result<Option<Holds>, CatalogError> {
    let parse = |text: &[u8]| Holds::parse(text).map_err(|error| error.describe());
    read_small(out, HOLDS, MAX_HOLDS, parse)
}

fn read_small<T>(
    out: &Store,
    relative: &str,
    limit: u64,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, CatalogError> {
    let Some(text) = read_bounded(out, relative, limit)? else { return Ok(None) };
    parse(&text).map(Some).map_err(|what| CatalogError::damaged(&out.join(relative), what))
}

fn read_bounded(out: &Store, relative: &str, limit: u64) -> Result<Option<Vec<u8>>, CatalogError> {
    text_of(out, relative, out.read(relative, limit)?)
}

fn text_of(out: &Store, relative: &str, content: Content) -> Result<Option<Vec<u8>>, CatalogError> {
    let damaged = |what: String| Err(CatalogError::damaged(&out.join(relative), what));
    match content {
        Content::Bytes(text) => Ok(Some(text)),
        Content::Missing => Ok(None),
        Content::NotRegular => damaged(durable::NOT_REGULAR.to_owned()),
        Content::TooLarge(limit) => damaged(durable::too_large(limit)),
    }
}

impl Run {
    /// The run with this ID, from the text of its manifest. Erasures are not considered.
    ///
    /// # Errors
    /// When the manifest is damaged, of a later version, or of another run.
    pub fn parse(path: &Path, run_id: &RunId, text: &[u8]) -> Result<Self, CatalogError> {
        let manifest = Manifest::parse(text).map_err(|error| CatalogError::of_manifest(path, error))?;
        if manifest.run_id != *run_id {
            let what = format!("it is the manifest of run {}", manifest.run_id);
            return Err(CatalogError::damaged(path, what));
        }
        Ok(Self { manifest, sha256: sha256(text), erased: 0 })
    }
}

/// Reads the manifests of an export, without the contacts that were erased since they were written.
#[derive(Clone)]
pub struct RunReader {
    out: Store,
    /// The erasures. Files of an unfinished one are as they are on the disk.
    erasures: Option<Erasures>,
}

impl RunReader {
    /// Reads the record of erasures.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn new(out: &Store) -> Result<Self, CatalogError> {
        let mut erasures = erasures(out)?;
        if let Some(erasures) = &mut erasures {
            erasures.keep_replaced(&mut |file| is_replaced(out, file))?;
        }
        Ok(Self { out: out.clone(), erasures })
    }

    /// Reads the manifest of a run, which may be missing.
    ///
    /// # Errors
    /// When it is damaged, of another run, or cannot be read.
    pub fn run(&self, run_id: &RunId) -> Result<Option<Run>, CatalogError> {
        self.named(run_id, &manifest_path(run_id))
    }

    /// Reads the manifests of several runs, in their order. A missing one is `None`. An object store gets all requests at
    /// once. All manifests are in memory together.
    ///
    /// # Errors
    /// When a file cannot be read. A manifest that is damaged is an error of its own.
    pub fn several(&self, run_ids: &[RunId]) -> Result<Vec<Result<Option<Run>, CatalogError>>, StorageError> {
        let paths: Vec<String> = run_ids.iter().map(manifest_path).collect();
        let named: Vec<&Path> = paths.iter().map(Path::new).collect();
        let contents = self.out.read_several(&named, MAX_MANIFEST)?.into_iter();
        let runs = contents.zip(run_ids.iter().zip(&paths));
        Ok(runs.map(|(content, (run_id, path))| self.parse(run_id, path, content)).collect())
    }

    fn named(&self, run_id: &RunId, relative: &str) -> Result<Option<Run>, CatalogError> {
        self.parse(run_id, relative, self.out.read(relative, MAX_MANIFEST)?)
    }

    fn parse(&self, run_id: &RunId, relative: &str, content: Content) -> Result<Option<Run>, CatalogError> {
        let Some(text) = text_of(&self.out, relative, content)? else { return Ok(None) };
        let mut run = Run::parse(&self.out.join(relative), run_id, &text)?;
        if let Some(erasures) = &self.erasures {
            run.erased = erasures.apply(&mut run.manifest, &run.sha256);
        }
        Ok(Some(run))
    }
}

/// Reads the manifest of a run, which may be missing. To read several, use a [`RunReader`].
///
/// # Errors
/// When it or the record of erasures is damaged, it is of another run, or cannot be read.
pub fn run(out: &Store, run_id: &RunId) -> Result<Option<Run>, CatalogError> {
    RunReader::new(out)?.run(run_id)
}

/// Reads the manifest of a run that is being pruned, which may be missing.
///
/// # Errors
/// As [`run`].
pub fn leaving(out: &Store, run_id: &RunId) -> Result<Option<Run>, CatalogError> {
    RunReader::new(out)?.named(run_id, &layout::run_file(run_id, PRUNED_MANIFEST))
}

/// IDs of the runs with a manifest.
///
/// # Errors
/// When `_runs` is not a folder, or cannot be listed.
pub fn run_ids(out: &Store) -> Result<BTreeSet<RunId>, StorageError> {
    Ok(list(out)?.iter().filter_map(|found| run_of_manifest(&found.path)).collect())
}

/// IDs of the runs with a manifest, and of those whose folder is a symbolic link. Reading the latter reports
/// the damage.
///
/// # Errors
/// When `_runs` is not a folder, or cannot be listed.
pub fn run_ids_with_links(out: &Store) -> Result<BTreeSet<RunId>, StorageError> {
    let run_of_link = |found: &Listed| {
        let name = found.path.strip_prefix(RUNS)?.strip_prefix('/')?;
        // Only a folder of this machine has links.
        let manifest = out.folder()?.join(&found.path).join(MANIFEST);
        let is_run = !found.is_regular && std::fs::symlink_metadata(manifest).is_ok();
        if is_run { name.parse().ok() } else { None }
    };
    let listed = list(out)?;
    let of_either = |found: &Listed| run_of_manifest(&found.path).or_else(|| run_of_link(found));
    Ok(listed.iter().filter_map(of_either).collect())
}

fn list(out: &Store) -> Result<Vec<Listed>, StorageError> {
    if out.is_folder(RUNS)? { out.list(RUNS) } else { Ok(Vec::new()) }
}

/// The read of the manifest checks that it is a regular file.
fn run_of_manifest(path: &str) -> Option<RunId> {
    let (id, name) = layout::split_run_file(path)?;
    if name == MANIFEST { id.parse().ok() } else { None }
}
