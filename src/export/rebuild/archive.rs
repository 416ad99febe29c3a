//! The source of `rebuild`: a run's manifest, and the raw archive that the manifest names.

use std::path::{Path, PathBuf};

use super::RebuildError;
use crate::catalog::{self, Run};
use crate::id::RunId;
use crate::output::RAW;
use crate::output::manifest::{FileEntry, Manifest, Previous};

/// A run with a raw archive.
pub struct Archive {
    from: PathBuf,
    manifest: Manifest,
    sha256: String,
}

impl Archive {
    /// Opens the run with this ID, or the newest run. Its files are verified when they are read.
    ///
    /// # Errors
    /// When the run does not exist, has no raw archive, or has a damaged manifest.
    pub fn open(from: &Path, run: Option<&RunId>) -> Result<Self, RebuildError> {
        let no_export = || RebuildError::NoExport { path: from.to_owned() };
        let damaged = |path: &Path, what: String| RebuildError::Damaged { path: path.to_owned(), what };
        if !from.is_dir() {
            return Err(no_export());
        }
        let latest = if run.is_some() { None } else { Some(catalog::latest(from)?.ok_or_else(no_export)?) };
        let run_id = match (&latest, run) {
            (Some(latest), _) => &latest.run_id,
            (None, Some(run_id)) => run_id,
            (None, None) => return Err(no_export()),
        };
        let path = from.join(catalog::manifest_path(run_id));
        let found = catalog::run(from, run_id)?.ok_or_else(|| match latest {
            Some(_) => damaged(&path, "it is missing, but latest.json names it".to_owned()),
            None => RebuildError::NoRun { run_id: run_id.clone(), path: from.to_owned() },
        })?;
        if latest.as_ref().is_some_and(|latest| latest.sha256 != found.sha256) {
            return Err(damaged(&path, "its SHA-256 is not the one in latest.json".to_owned()));
        }
        let Run { manifest, sha256 } = found;
        if manifest.files.iter().all(|file| file.table != RAW) {
            return Err(RebuildError::NoRaw { run_id: manifest.run_id, path: from.to_owned() });
        }
        Ok(Self { from: from.to_owned(), manifest, sha256 })
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the run's manifest.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The reference to the run in the manifest of the rebuilt run.
    pub(super) fn name(&self) -> Previous {
        Previous { run_id: self.manifest.run_id.clone(), sha256: self.sha256.clone() }
    }

    /// Folder of the source export.
    pub(super) fn from(&self) -> &Path {
        &self.from
    }

    /// The archive's files, in the order of their lines.
    pub(super) fn files(&self) -> Vec<&FileEntry> {
        let mut files: Vec<_> = self.manifest.files.iter().filter(|file| file.table == RAW).collect();
        // Part numbers have five digits or more: shorter names come first.
        files.sort_by_key(|file| (file.path.len(), file.path.as_str()));
        files
    }
}
