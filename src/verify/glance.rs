//! A quick look at one run, for those who read it: its manifest is the one that was written, and its files are there
//! with their sizes. Hashes and rows are for a whole check.

use std::io;
use std::path::Path;

use super::content::{Content, LATEST, manifest_path, read_content};
use super::deep::{published, rows};
use super::excerpt::cut;
use super::runs::Runs;
use super::{DamageKind, Report, VerifyError, VerifyOptions, claims, files, runs};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::output::manifest::{FileEntry, Latest, Manifest};
use crate::table::Table;

use super::Depth;
pub(crate) use rows::{Number, Row, Text};

/// What was seen.
#[derive(Debug)]
pub(crate) enum Glance {
    /// Nothing wrong.
    Sound(Box<Manifest>),
    /// What is wrong; at least one thing.
    Damaged(Report),
}

/// Looks at a run; at the newest, if none is named.
pub(crate) fn glance(out: &Path, run: Option<&RunId>) -> Result<Glance, VerifyError> {
    let mut report = Report::default();
    let run = match run {
        Some(run) => Some(run.clone()),
        None => newest(out)?,
    };
    let whole_export = VerifyOptions { run: None, depth: Depth::Files };
    let options = VerifyOptions { run: run.clone(), ..whole_export.clone() };
    let found = match runs::read(out, &options, &mut report) {
        // `latest.json` names a run that is not there.
        Err(VerifyError::NoRun { .. }) if newest(out)? == run => runs::read(out, &whole_export, &mut report)?,
        found => found?,
    };
    let Runs { checked, .. } = found;
    let manifest = checked.into_iter().find(|found| run.as_ref().is_some_and(|run| run.as_str() == found.id));
    match manifest.and_then(|found| found.manifest) {
        Some(manifest) => {
            claims::check(&manifest, &mut report);
            for file in &manifest.files {
                if let Some((kind, detail)) = files::fault_without_reading(out, file)? {
                    report.damage(Some(manifest.run_id.as_str()), file.path.as_str(), kind, detail);
                }
            }
            if report.damages.is_empty() {
                return Ok(Glance::Sound(Box::new(manifest)));
            }
        }
        None if report.damages.is_empty() => {
            let path = run.map_or_else(|| LATEST.to_owned(), |run| manifest_path(run.as_str()));
            report.damage(None, path, DamageKind::Missing, "there is no manifest to read");
        }
        None => {}
    }
    Ok(Glance::Damaged(report))
}

/// The run that `latest.json` names.
pub(super) fn newest(out: &Path) -> Result<Option<RunId>, StorageError> {
    let Content::Plain(text) = read_content(out, LATEST)? else { return Ok(None) };
    Ok(Latest::parse(&text).ok().map(|latest| latest.run_id))
}

/// Why rows could not be read.
#[derive(Debug)]
pub(crate) enum RowsError {
    /// The file system refused.
    Storage(StorageError),
    /// The file has other rows than it should.
    Damaged { path: String, detail: String },
}

/// Reads these columns of a table's rows, file by file in the order of the manifest, in bounded memory.
pub(crate) fn read_rows(
    out: &Path,
    manifest: &Manifest,
    table: Table,
    wanted: &[&str],
    each: &mut dyn FnMut(&Row, &FileEntry),
) -> Result<(), RowsError> {
    for file in manifest.files.iter().filter(|file| file.table == table.name()) {
        let path = out.join(&file.path);
        let damaged = |detail| RowsError::Damaged { path: file.path.to_string(), detail: cut(detail) };
        let read = published::open(out, file)
            .and_then(|opened| rows::read_columns(opened, &file.path, wanted, &mut |row| each(row, file)));
        let rows = read.map_err(|error| match error.downcast::<io::Error>() {
            // Only what the operating system said is about the disk; decoders use the same type for bad bytes.
            Ok(io) if io.raw_os_error().is_some() => {
                RowsError::Storage(StorageError::new("read", &path, *io))
            }
            Ok(io) => damaged(io.to_string()),
            Err(other) => damaged(other.to_string()),
        })?;
        if rows != file.rows {
            return Err(damaged(format!("it has {rows} rows, and the manifest says {}", file.rows)));
        }
    }
    Ok(())
}
