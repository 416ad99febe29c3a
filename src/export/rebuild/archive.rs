//! The run that is made again: its manifest, and the raw archive that the manifest names.

use std::path::{Path, PathBuf};

use super::RebuildError;
use crate::digest::sha256;
use crate::durable;
use crate::id::RunId;
use crate::output::RAW;
use crate::output::manifest::{FileEntry, Latest, Manifest, ManifestError, Previous};

/// A run that kept its raw answers.
pub struct Archive {
    from: PathBuf,
    manifest: Manifest,
    sha256: String,
}

impl Archive {
    /// Opens the run of this ID, or the newest. Its files are proved when they are read.
    ///
    /// # Errors
    /// When there is no such run, it kept no raw answers, or its manifest is not what was written.
    pub fn open(from: &Path, run: Option<&RunId>) -> Result<Self, RebuildError> {
        let no_export = || RebuildError::NoExport { path: from.to_owned() };
        let damaged = |path: &Path, what: String| RebuildError::Damaged { path: path.to_owned(), what };
        let (run_id, expected) = if let Some(run_id) = run {
            (run_id.clone(), None)
        } else {
            let path = from.join("_runs/latest.json");
            let text = read(from, Path::new("_runs/latest.json"))?.ok_or_else(no_export)?;
            let latest = Latest::parse(&text).map_err(|error| damaged(&path, error.to_string()))?;
            (latest.run_id, Some(latest.sha256))
        };
        let relative = PathBuf::from(format!("_runs/{run_id}/manifest.json"));
        let path = from.join(&relative);
        let Some(text) = read(from, &relative)? else {
            return Err(match expected {
                Some(_) => damaged(&path, "latest.json names it, and it is missing".to_owned()),
                None => RebuildError::NoRun { run_id, path: from.to_owned() },
            });
        };
        let sha256 = sha256(&text);
        if expected.is_some_and(|expected| expected != sha256) {
            return Err(damaged(&path, "its SHA-256 is not the one in latest.json".to_owned()));
        }
        let manifest = Manifest::parse(&text).map_err(|error| match error {
            ManifestError::Version { .. } => RebuildError::NewerManifest { path: path.clone(), error },
            ManifestError::Syntax { .. } => damaged(&path, error.to_string()),
        })?;
        if manifest.run_id != run_id {
            return Err(damaged(&path, format!("it is one of the run {}", manifest.run_id)));
        }
        if manifest.files.iter().all(|file| file.table != RAW) {
            return Err(RebuildError::NoRaw { run_id, path: from.to_owned() });
        }
        Ok(Self { from: from.to_owned(), manifest, sha256 })
    }

    /// The run's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of its manifest.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What names it.
    pub(super) fn name(&self) -> Previous {
        Previous { run_id: self.manifest.run_id.clone(), sha256: self.sha256.clone() }
    }

    /// The archive's files with their paths, in the order of their lines.
    pub(super) fn files(&self) -> Result<Vec<(&FileEntry, PathBuf)>, RebuildError> {
        let mut files: Vec<_> = self.manifest.files.iter().filter(|file| file.table == RAW).collect();
        // Numbers have five digits, and may have more.
        files.sort_by_key(|file| (file.path.len(), file.path.as_str()));
        let checked = files.into_iter().map(|file| {
            let is_ours = |path: &&Path| path.starts_with(RAW);
            let Some(path) = file.relative_path().filter(is_ours) else {
                let what = format!("it names {:?}, which is no file of the archive", file.path);
                let path = self.from.join("_runs").join(self.manifest.run_id.as_str()).join("manifest.json");
                return Err(RebuildError::Damaged { path, what });
            };
            durable::are_real_dirs(&self.from, path.parent().unwrap_or(Path::new("")))?;
            Ok((file, self.from.join(path)))
        });
        checked.collect()
    }
}

/// Reads a file below the export, following no symlink there.
fn read(from: &Path, relative: &Path) -> Result<Option<Vec<u8>>, RebuildError> {
    if !from.is_dir() || !durable::are_real_dirs(from, relative.parent().unwrap_or(Path::new("")))? {
        return Ok(None);
    }
    Ok(durable::read_if_there(&from.join(relative))?)
}
