//! `_runs/pruned.json`: the record of runs that `prune` removed. It keeps the chain of manifests verifiable
//! across the gaps.
//!
//! The record is written before the first file of a run is removed. Then the run's manifest is renamed to
//! [`PRUNED_MANIFEST`](crate::layout::PRUNED_MANIFEST), which removes the run in one step. The renamed manifest lists the remaining files until the
//! last one is removed.

use serde::{Deserialize, Serialize};

use super::manifest::{ManifestError, Previous};
use crate::id::RunId;

/// The record of removed runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedRuns {
    /// Removed runs, the newest first.
    pub pruned: Vec<PrunedRun>,
}

/// A run that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrunedRun {
    /// ID of the run.
    pub run_id: RunId,
    /// SHA-256 of the run's manifest.
    pub sha256: String,
    /// The previous run; `None` if no remaining run is older.
    pub previous: Option<Previous>,
    /// Time of the removal.
    pub pruned_at: String,
}

impl PrunedRuns {
    /// Parses the record.
    ///
    /// # Errors
    /// If the text is incomplete.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(text).map_err(|source| ManifestError::Syntax { name: "pruned.json", source })
    }

    /// Formats the record as JSON.
    pub fn to_json(&self) -> String {
        super::manifest::to_json(self)
    }

    /// Returns the removed run with this manifest.
    pub fn find(&self, run_id: &str, sha256: &str) -> Option<&PrunedRun> {
        self.pruned.iter().find(|run| run.run_id.as_str() == run_id && run.sha256 == sha256)
    }
}
