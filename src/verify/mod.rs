//! Checks an export against its manifests: bytes, names and hashes; with [`Depth::Deep`] also the rows.
//!
//! [`runs`] reads the manifests, and [`records`] the records beside them. [`chain`] compares them with `latest.json` and each other, and
//! [`manifest_consistency`] checks each manifest for contradictions.
//! [`files`] and [`checksums`] check the files that a manifest names, [`state`] checks the state file of an
//! incremental run. [`added`] finds files that no manifest names. [`permissions`] warns of files that others
//! may read, [`mod@delta`] compares the Delta logs with the manifests, and [`mod@erasures`] warns of an unfinished erasure, [`record_signature`] of a wrong signature. [`deep`] opens every file and compares the rows. [`quick_check`] is the short check before a run
//! is read, and [`lengths`] reads the lengths of histories. [`Subject`] is the part of the export that a finding
//! is about, from which the command line derives its advice.
//!
//! Other programs may write to the disk, so nothing in a manifest is trusted, least of all its paths.
//!
//! An export may be verified while a run works on it. Files of a run that is being published or pruned are
//! not damage.
//!
//! Layer 3: uses `output`, `catalog` and `delta`; prints nothing.

mod added;
mod chain;
mod checksums;
mod contact_lists;
mod content;
mod deep;
mod delta;
mod erasures;
mod excerpt;
mod files;
pub(crate) mod lengths;
mod manifest_consistency;
mod permissions;
pub(crate) mod quick_check;
mod record_signature;
mod records;
mod runs;
mod state;
mod subject;
#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;

use serde::Serialize;

use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout::{LATEST, RUNS};
use crate::store::Store;

pub use erasures::ErasureFacts;
pub(crate) use runs::has_table_files;
pub use subject::Subject;

/// Maximum number of checks, if runs are pruned meanwhile.
const MAX_ATTEMPTS: usize = 10;

/// Selection of runs and checks.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// ID of the run to check; `None` for all runs.
    pub run: Option<RunId>,
    /// Extent of the checks.
    pub depth: Depth,
}

/// Extent of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Check names, sizes and hashes.
    Files,
    /// Also check the rows of every file.
    Deep,
}

/// Result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of checked runs.
    pub runs: u64,
    /// Number of files that their manifests name.
    pub files: u64,
    /// Number of rows in these files, according to the manifests.
    pub rows: u64,
    /// Number of bytes in these files, according to the manifests.
    pub bytes: u64,
    /// All damage found; empty for an intact export.
    pub damages: Vec<Damage>,
    /// Deviations that are not damage: permissive file modes, files of other programs, an unfinished erasure, a wrong
    /// signature, and missing Delta logs.
    pub warnings: Vec<Damage>,
    /// Erasures of contacts, for which the checked files were replaced.
    pub erasures: Vec<ErasureFacts>,
}

/// A finding: one damage or warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// ID of the run, if known.
    pub run_id: Option<String>,
    /// Path of the file, relative to the output folder; or the name of a table, if all of its files are
    /// concerned.
    pub path: String,
    /// Kind of the damage.
    pub kind: DamageKind,
    /// Description with the details.
    pub detail: String,
}

/// Kinds of damage and warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The bytes of a file have changed.
    Changed,
    /// A file is shorter than it was.
    Cut,
    /// A file is missing.
    Missing,
    /// No manifest names a file in a table folder or in `_runs`.
    Added,
    /// A file cannot be parsed: it is incomplete or edited.
    Unreadable,
    /// A path leads out of the export, contains a symbolic link, or is not a regular file.
    UnsafePath,
    /// `latest.json` names no existing run, or a run is not in the chain that begins there.
    Chain,
    /// Two records that should agree differ.
    Disagreement,
    /// The number of rows is wrong.
    RowCount,
    /// A contact, conversation, message or record occurs twice.
    Duplicate,
    /// The rows are not in order.
    Order,
    /// Users other than the owner may access a file or folder. This is a warning.
    Permissions,
    /// An erasure of contacts is not finished. This is a warning.
    Unfinished,
    /// A file is not the signature of the record beside it. This is a warning.
    Signature,
}

/// Reason why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST} and no tables", path.display())]
    NoExport {
        /// Path of the export.
        path: PathBuf,
    },
    /// The export has no run with this ID.
    #[error("there is no run {run_id} in {}: its runs are the folders in {RUNS}", path.display())]
    NoRun {
        /// ID of the requested run.
        run_id: RunId,
        /// Path of the export.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Checks the export in `out`.
///
/// # Errors
/// If there is no export, or it cannot be read. Damage is not an error: the report lists it.
pub fn verify(out: &Store, options: &VerifyOptions) -> Result<Report, VerifyError> {
    for _ in 1..MAX_ATTEMPTS {
        let result = check_once(out, options);
        match &result {
            // Files of a run that was pruned meanwhile are not damage, and neither are files that were replaced.
            Ok((report, runs))
                if !report.damages.is_empty()
                    && (runs::is_any_gone(out, runs)? || erasures::has_changed(out, runs)?) => {}
            Err(VerifyError::Storage(error)) if error.source.kind() == std::io::ErrorKind::NotFound => {}
            _ => return result.map(|(report, _)| report),
        }
    }
    check_once(out, options).map(|(report, _)| report)
}

fn check_once(out: &Store, options: &VerifyOptions) -> Result<(Report, runs::Runs), VerifyError> {
    let mut report = Report::default();
    let runs = runs::read(out, options, &mut report)?;
    for run in &runs.checked {
        if erasures::is_without_record(out, run, &mut report)? {
            continue;
        }
        let files = files::check(out, run, &mut report)?;
        if !run.is_changing {
            checksums::check(out, run, &mut report)?;
        }
        let state = state::check(out, run, &mut report)?;
        if let Some(manifest) = run.manifest.as_ref().filter(|_| !run.is_changing) {
            manifest_consistency::check(manifest, &mut report);
            // Rows are checked only if the files are intact. Otherwise they would repeat the same damage.
            if options.depth == Depth::Deep && files == files::Files::Sound {
                deep::check(out, manifest, &mut report)?;
                if state == files::Files::Sound {
                    state::compare(out, manifest, &mut report)?;
                }
            }
        }
    }
    erasures::report(&runs, options, &mut report);
    record_signature::check(out, &mut report)?;
    let has_logs = added::find(out, options, &runs, &mut report)?;
    delta::check(out, options, has_logs, &mut report)?;
    permissions::check(out, &runs, &mut report)?;
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
        self.damages.push(Damage::new(run_id, path, kind, detail));
    }
}

impl Damage {
    /// Creates a finding. Long texts are cut.
    pub fn new(
        run_id: Option<&str>,
        path: impl Into<String>,
        kind: DamageKind,
        detail: impl Into<String>,
    ) -> Self {
        let run_id = run_id.map(str::to_owned);
        let (path, detail) = (excerpt::cut(path.into()), excerpt::cut(detail.into()));
        Self { run_id, path, kind, detail }
    }
}
