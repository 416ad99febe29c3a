//! `_runs/pruned.json`: which runs were removed on purpose. With it the chain of manifests holds across them.
//!
//! It is written before the first file of a run goes. A run's manifest then loses its name, at once, and becomes
//! [`LEAVING`]: from that moment the run is gone, and what is left of it is named there until the last file is removed.

use serde::{Deserialize, Serialize};

use super::manifest::{ManifestError, Previous};
use crate::id::RunId;

/// The record, relative to the output folder.
pub const PRUNED: &str = "_runs/pruned.json";
/// The name of the manifest, in its run's folder, of a run that is being removed.
pub const LEAVING: &str = "manifest.pruned.json";

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedRuns {
    /// The runs, the newest first.
    pub pruned: Vec<PrunedRun>,
}

/// A run that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedRun {
    /// Its ID.
    pub run_id: RunId,
    /// SHA-256 of its manifest.
    pub sha256: String,
    /// The run before it, where that matters: none when no run that is kept lies behind.
    pub previous: Option<Previous>,
    /// When it was removed.
    pub pruned_at: String,
}

impl PrunedRuns {
    /// Reads the record.
    ///
    /// # Errors
    /// When it is torn.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(text).map_err(|source| ManifestError::Syntax { name: "pruned.json", source })
    }

    /// The text of the record.
    pub fn to_json(&self) -> String {
        super::manifest::to_json(self)
    }

    /// The run with this manifest.
    pub fn find(&self, run_id: &str, sha256: &str) -> Option<&PrunedRun> {
        self.pruned.iter().find(|run| run.run_id.as_str() == run_id && run.sha256 == sha256)
    }
}
