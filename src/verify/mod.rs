//! Checks an export against its manifests: bytes, names and hashes; with [`Depth::Deep`] the rows too.
//!
//! [`runs`] reads the manifests and holds them against `latest.json` and the chain of `previous`; [`files`] checks
//! the files they name and finds those that none names; [`deep`] opens every file and counts. A manifest is read
//! from a disk that others may write to, so nothing in it is trusted, least of all its paths.
//!
//! Layer 3: stands on `output`; prints nothing.

mod deep;
mod files;
mod rows;
mod runs;
mod tally;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::durable::StorageError;
use crate::id::RunId;

/// What to check.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// One run; all when none is named.
    pub run: Option<RunId>,
    /// How deep to look.
    pub depth: Depth,
}

/// How deep to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Names, sizes and hashes.
    Files,
    /// Also the rows of every file.
    Deep,
}

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Runs checked.
    pub runs: u64,
    /// Files that their manifests name.
    pub files: u64,
    /// Rows in them, as the manifests say.
    pub rows: u64,
    /// Bytes in them, as the manifests say.
    pub bytes: u64,
    /// What is wrong; empty for a sound export.
    pub damages: Vec<Damage>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The run it belongs to, where that is known.
    pub run_id: Option<String>,
    /// The file, relative to the output folder.
    pub path: String,
    /// What is wrong with it.
    pub kind: DamageKind,
    /// The facts.
    pub detail: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// A file has other bytes than were written.
    Changed,
    /// A file is shorter than it was.
    Cut,
    /// A file is not there.
    Missing,
    /// A file in a table folder that no manifest names.
    Added,
    /// A manifest, `latest.json` or `checksums.sha256` that is torn.
    Unreadable,
    /// A path that leads out of the export, or over a symbolic link.
    UnsafePath,
    /// `latest.json` is missing, or points nowhere, or a run is not in the chain that begins there.
    Chain,
    /// Two places that should agree do not.
    Disagreement,
    /// Rows that are not as many as they should be.
    RowCount,
    /// A contact or message that is there twice.
    Duplicate,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no _runs/latest.json and no tables", path.display())]
    NoExport {
        /// The path given.
        path: PathBuf,
    },
    /// The export has no such run.
    #[error("there is no run {run_id} in {}; its runs are in _runs", path.display())]
    NoRun {
        /// The run asked for.
        run_id: RunId,
        /// The path given.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Checks the export in `out`.
///
/// # Errors
/// When there is none, or it cannot be read. Damage is no error: it is in the report.
pub fn verify(out: &Path, options: &VerifyOptions) -> Result<Report, VerifyError> {
    let mut report = Report::default();
    let runs = runs::read(out, options, &mut report)?;
    for run in &runs.checked {
        let before = report.damages.len();
        files::check(out, run, &mut report)?;
        // Rows of files that are damaged already would only say it again.
        if options.depth == Depth::Deep && report.damages.len() == before {
            deep::check(out, run, &mut report)?;
        }
    }
    files::find_added(out, options, &runs, &mut report)?;
    Ok(report)
}

impl Report {
    fn damage(
        &mut self,
        run_id: Option<&str>,
        path: impl Into<String>,
        kind: DamageKind,
        detail: impl Into<String>,
    ) {
        let run_id = run_id.map(str::to_owned);
        self.damages.push(Damage { run_id, path: path.into(), kind, detail: detail.into() });
    }
}
