//! Checks an export against its manifests: bytes, names and hashes; with [`Depth::Deep`] the rows too.
//!
//! [`runs`] reads the manifests and [`chain`] holds them against `latest.json` and each other; [`claims`] holds what a
//! manifest says against itself; [`state`] checks what an incremental run leaves to the next; [`files`] and [`sums`] check
//! the files that it names, [`added`] finds those that none names, [`modes`] those that others may read; [`deep`] opens
//! every file and holds the rows against each other; [`glance`] is the quick look of those who read a run, [`lengths`] what
//! the newest tells of how long histories are. A manifest is read from a disk that others may write to, so nothing in it is trusted, least of all its paths.
//!
//! An export may be verified while a run works on it: files of a run that is being published, or pruned, are no damage.
//!
//! Layer 3: stands on `output`; prints nothing.

mod added;
mod chain;
mod claims;
mod content;
mod deep;
mod excerpt;
mod failed;
mod files;
pub(crate) mod glance;
pub(crate) mod lengths;
mod modes;
mod runs;
mod state;
mod sums;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::durable::StorageError;
use crate::id::RunId;

/// How often an export is looked at again because runs were pruned meanwhile.
const LOOKS: usize = 10;

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
    /// What is no damage and yet not as it was written: files and folders that others than their owner may use.
    pub warnings: Vec<Damage>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The run it belongs to, where that is known.
    pub run_id: Option<String>,
    /// The file, relative to the output folder; the table, where only its files together tell.
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
    /// A file in a table folder or in `_runs` that no manifest names.
    Added,
    /// A file that cannot be read as what it is: torn, or edited.
    Unreadable,
    /// A path that leads out of the export, or over a symbolic link, or to what is no plain file.
    UnsafePath,
    /// `latest.json` points nowhere, or a run is not in the chain that begins there.
    Chain,
    /// Two places that should agree do not.
    Disagreement,
    /// Rows that are not as many as they should be.
    RowCount,
    /// A contact, conversation, message or record that is there twice.
    Duplicate,
    /// Rows that are not in order.
    Order,
    /// A file or folder that others than its owner may use: a warning.
    Permissions,
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
    for _ in 1..LOOKS {
        let looked = look(out, options);
        match &looked {
            // What was pruned meanwhile is no damage.
            Ok((report, runs)) if !report.damages.is_empty() && runs::is_any_gone(out, runs)? => {}
            Err(VerifyError::Storage(error)) if error.source.kind() == std::io::ErrorKind::NotFound => {}
            _ => return looked.map(|(report, _)| report),
        }
    }
    look(out, options).map(|(report, _)| report)
}

fn look(out: &Path, options: &VerifyOptions) -> Result<(Report, runs::Runs), VerifyError> {
    let mut report = Report::default();
    let runs = runs::read(out, options, &mut report)?;
    for run in &runs.checked {
        let files = files::check(out, run, &mut report)?;
        sums::check(out, run, &mut report)?;
        let state = state::check(out, run, &mut report)?;
        if let Some(manifest) = &run.manifest {
            claims::check(manifest, &mut report);
            // Rows of files that are damaged already would only say it again.
            if options.depth == Depth::Deep && files == files::Files::Sound {
                deep::check(out, manifest, &mut report)?;
                if state == files::Files::Sound {
                    state::compare(out, manifest, &mut report)?;
                }
            }
        }
    }
    added::find(out, options, &runs, &mut report)?;
    modes::check(out, &runs, &mut report)?;
    Ok((report, runs))
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
        let (path, detail) = (excerpt::cut(path.into()), excerpt::cut(detail.into()));
        self.damages.push(Damage { run_id, path, kind, detail });
    }
}
