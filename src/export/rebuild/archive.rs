//! The source of `rebuild`: a run's manifest, and the raw archive that the manifest names.

use super::RebuildError;
use crate::catalog::{self, Run};
use crate::id::RunId;
use crate::output::RAW;
use crate::output::manifest::{FileEntry, Manifest, Previous};
use crate::store::Store;

/// A run with a raw archive.
pub struct Archive {
    from: Store,
    manifest: Manifest,
    sha256: String,
    /// Number of contacts that were erased from the run.
    erased: u64,
}

impl Archive {
    /// Opens the run with this ID, or the newest run. Its files are verified when they are read.
    ///
    /// # Errors
    /// When the run does not exist, has no raw archive, or has a damaged manifest.
    pub fn open(from: &Store, run: Option<&RunId>) -> Result<Self, RebuildError> {
        let Run { manifest, sha256, erased } = catalog::chosen(from, run)?;
        if manifest.files.iter().all(|file| file.table != RAW) {
            return Err(RebuildError::NoRaw { run_id: manifest.run_id, path: from.root().to_owned() });
        }
        Ok(Self { from: from.clone(), manifest, sha256, erased })
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

    /// True if the indexes of the contacts may have gaps, since contacts were erased.
    pub(super) fn has_gaps(&self) -> bool {
        self.erased > 0
    }

    /// Folder of the source export.
    pub(super) fn from(&self) -> &Store {
        &self.from
    }

    /// The archive's files, in the order of their lines.
    pub(super) fn files(&self) -> Vec<&FileEntry> {
        let mut files: Vec<_> = self.manifest.files.iter().filter(|file| file.table == RAW).collect();
        // Part numbers have five digits or more: shorter names come first.
        let shard = |file: &FileEntry| file.path.shard(&self.manifest.run_id);
        files.sort_by_key(|file| (shard(file), file.path.len(), file.path.as_str()));
        files
    }
}
