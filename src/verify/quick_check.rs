//! A quick check of one run, before another command reads it. The manifest must be unchanged, and its files
//! must exist with the recorded sizes. It does not check hashes and rows.

use super::content::{Content, LATEST, manifest_path, read_content};
use super::deep::rows;
use super::excerpt::cut;
use super::runs::Runs;
use super::{DamageKind, Report, VerifyError, VerifyOptions, files, manifest_consistency, runs};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::output::manifest::{FileEntry, Latest, Manifest};
use crate::published::{self, ReadError, Wanted};
use crate::store::Store;
use crate::table::Table;

use super::Depth;
pub(crate) use rows::{Number, Row, Text};

/// Result of a quick check.
#[derive(Debug)]
pub(crate) enum QuickCheck {
    /// The run is intact.
    Sound(Box<Manifest>),
    /// The report has at least one finding.
    Damaged(Report),
}

/// Checks a run; the newest, if none is given.
pub(crate) fn quick_check(out: &Store, run: Option<&RunId>) -> Result<QuickCheck, VerifyError> {
    let mut report = Report::default();
    let run = match run {
        Some(run) => Some(run.clone()),
        None => newest(out)?,
    };
    let whole_export = VerifyOptions { run: None, depth: Depth::Files };
    let options = VerifyOptions { run: run.clone(), ..whole_export.clone() };
    let found = match runs::read(out, &options, &mut report) {
        // `latest.json` names a run that does not exist.
        Err(VerifyError::NoRun { .. }) if newest(out)? == run => runs::read(out, &whole_export, &mut report)?,
        found => found?,
    };
    let Runs { checked, .. } = found;
    let manifest = checked.into_iter().find(|found| run.as_ref().is_some_and(|run| run.as_str() == found.id));
    let is_changing = manifest.as_ref().is_some_and(|found| found.is_changing);
    match manifest.and_then(|found| found.manifest) {
        Some(manifest) => {
            if !is_changing {
                manifest_consistency::check(&manifest, &mut report);
            }
            for file in &manifest.files {
                if let Some((kind, detail)) = files::fault_without_reading(out, file)? {
                    report.damage(Some(manifest.run_id.as_str()), file.path.as_str(), kind, detail);
                }
            }
            if report.damages.is_empty() {
                return Ok(QuickCheck::Sound(Box::new(manifest)));
            }
        }
        None if report.damages.is_empty() => {
            let path = run.map_or_else(|| LATEST.to_owned(), |run| manifest_path(run.as_str()));
            report.damage(None, path, DamageKind::Missing, "the run has no manifest");
        }
        None => {}
    }
    Ok(QuickCheck::Damaged(report))
}

/// Returns the run that `latest.json` names.
pub(super) fn newest(out: &Store) -> Result<Option<RunId>, StorageError> {
    let Content::Plain(text) = read_content(out, LATEST)? else { return Ok(None) };
    Ok(Latest::parse(&text).ok().map(|latest| latest.run_id))
}

/// Reason why rows could not be read.
#[derive(Debug)]
pub(crate) enum RowsError {
    /// A file operation failed.
    Storage(StorageError),
    /// The content of the file is not what was written.
    Damaged { path: String, detail: String },
}

/// Reads columns of a table's rows, file by file in the order of the manifest, in bounded memory.
pub(crate) fn read_rows(
    out: &Store,
    manifest: &Manifest,
    table: Table,
    wanted: &[&str],
    each: &mut dyn FnMut(&Row),
) -> Result<(), RowsError> {
    for file in manifest.files.iter().filter(|file| file.table == table.name()) {
        let failed = |error| RowsError::of(file, error);
        for batch in published::batches(out, manifest, file, Wanted::Named(wanted)).map_err(failed)? {
            rows::each_row(&batch.map_err(failed)?, each);
        }
    }
    Ok(())
}

impl RowsError {
    fn of(file: &FileEntry, error: ReadError) -> Self {
        let detail = match error {
            ReadError::Storage(error) => return Self::Storage(error),
            ReadError::Damaged { what, .. } => cut(what),
            ReadError::RowCount { found, expected, .. } => {
                format!("it has {found} rows, but the manifest says {expected}")
            }
        };
        Self::Damaged { path: file.path.to_string(), detail }
    }
}
