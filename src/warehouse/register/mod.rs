//! Scripts that register the files of published runs in table formats, without copying them.
//!
//! A catalog lists the data files of its tables. A script adds the files of new runs to these lists, by the exact names
//! of the manifests. Files that the export no longer has, after `prune` or `erase`, leave them. So the tables have the
//! rows of all runs, and `coverage` and `chatzy_runs` tell the newest version of each contact.
//!
//! A script compares its list with that of the catalog when it runs. It can therefore run twice, late and in any order.

mod ducklake;
mod iceberg;

use super::location::Location;
use super::{ExportSource, SourceError};
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::Table;

/// A table format that can list the files of an export.
pub struct Registry {
    /// Name on the command line.
    pub name: &'static str,
    /// Name in errors.
    title: &'static str,
    /// Program that runs the script, for the help of the command line.
    pub help: &'static str,
    check: fn(&ExportSource, name: &str) -> Result<(), SourceError>,
    script: fn(&ExportSource, name: &str) -> String,
    failing: fn(message: &str) -> String,
}

impl Registry {
    /// All table formats, in the order of the documents.
    pub const ALL: [&'static Self; 2] = [&iceberg::ICEBERG, &ducklake::DUCKLAKE];

    /// Returns the script that registers the runs of an export.
    ///
    /// # Errors
    /// If the files cannot be registered, with what would help.
    pub fn script(&self, source: &ExportSource) -> Result<String, SourceError> {
        source.is_parquet(self.title)?;
        let name = name(source).ok_or(SourceError::BadPath)?;
        (self.check)(source, &name)?;
        Ok((self.script)(source, &name))
    }

    /// Returns a script that fails with this message, whatever characters it contains.
    pub fn failing(&self, message: &str) -> String {
        let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        (self.failing)(&line)
    }
}

/// Returns the URL, or the absolute path without links: an export has one name, whatever its spelling.
fn name(source: &ExportSource) -> Option<String> {
    if !matches!(source.location, Location::Local(_)) {
        return Some(source.path.clone());
    }
    let path = std::fs::canonicalize(&source.path).ok()?;
    path.to_str().filter(|path| !path.contains(char::is_control)).map(str::to_owned)
}

/// Returns the files of the tables.
fn data_files(manifest: &Manifest) -> impl Iterator<Item = (Table, &FileEntry)> {
    let table_of = |file: &FileEntry| Table::ALL.into_iter().find(|table| table.name() == file.table);
    manifest.files.iter().filter_map(move |file| Some((table_of(file)?, file)))
}
