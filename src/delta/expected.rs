//! The files that the Delta logs should name: those of the published runs.

use std::collections::{BTreeMap, BTreeSet};

use super::DeltaError;
use crate::catalog::{self, CatalogError, Run, RunReader};
use crate::id::RunId;
use crate::output::manifest::{FileEntry, Manifest};
use crate::output::{ExportPath, Layout};
use crate::settings::PartitionKey;
use crate::store::{READ_AT_ONCE, Store};
use crate::table::Table;
use crate::time::parse_time;

/// Format of the files in a Delta table.
const PARQUET: &str = "parquet";

/// The files of the tables, by path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The newest run; `None` if there is none.
    pub newest: Option<RunId>,
    /// True if the newest run is in Delta tables, as its manifest says.
    pub is_delta: bool,
    /// True if the newest run is a snapshot. Older ones are about to be removed, and are not expected.
    pub is_snapshot: bool,
    /// The partition keys of all runs; `None` if there is no run.
    pub(super) keys: Option<Vec<PartitionKey>>,
    pub(super) files: BTreeMap<ExportPath, File>,
    /// Runs whose entries may be anything, and stay as they are.
    pub(super) free: BTreeSet<RunId>,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) bytes: u64,
    pub(super) rows: u64,
    /// Values of the partition keys.
    pub(super) partition: BTreeMap<String, Option<String>>,
    /// End of its run, in milliseconds since 1970.
    pub(super) finished_at: i64,
}

impl Expected {
    /// Reads the manifests of all runs but those that are about to be removed. If a manifest is damaged, its files are
    /// not known, and the entries of its run are free.
    ///
    /// # Errors
    /// If the runs do not have the same layout, the record of erasures is damaged, or a file cannot be read.
    pub fn read(out: &Store, leaving: &[&RunId]) -> Result<Self, DeltaError> {
        let mut ids = catalog::run_ids(out)?;
        ids.retain(|id| !leaving.contains(&id));
        let reader = RunReader::new(out)?;
        let mut expected = Self::default();
        let newest = match catalog::latest(out) {
            Err(CatalogError::Storage(error)) => return Err(error.into()),
            // `verify` reports a damaged one.
            latest => latest.ok().flatten().map(|latest| latest.run_id),
        };
        let newest = newest.filter(|id| ids.contains(id)).or_else(|| ids.last().cloned());
        let Some(newest) = newest else { return Ok(expected) };
        let mut layout = expected.take_runs(out, &reader, std::slice::from_ref(&newest), None)?;
        ids.retain(|id| *id != newest);
        let older: Vec<RunId> = if expected.is_snapshot { Vec::new() } else { ids.into_iter().collect() };
        for some in older.chunks(READ_AT_ONCE) {
            layout = expected.take_runs(out, &reader, some, layout)?;
        }
        expected.newest = Some(newest);
        Ok(expected)
    }

    /// Adds the files of some runs. Returns their layout. The first of all runs is the newest.
    fn take_runs(
        &mut self,
        out: &Store,
        reader: &RunReader,
        ids: &[RunId],
        mut layout: Option<Layout>,
    ) -> Result<Option<Layout>, DeltaError> {
        for (id, run) in ids.iter().zip(reader.several(ids)?) {
            match run {
                Ok(Some(run)) => layout = self.take(out, &run, layout)?,
                Ok(None) => {}
                Err(CatalogError::Damaged { .. } | CatalogError::Newer { .. }) => {
                    self.free.insert(id.clone());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(layout)
    }

    /// Adds the files of a run, which must have this layout, if one is known. Returns its layout.
    fn take(&mut self, out: &Store, run: &Run, layout: Option<Layout>) -> Result<Option<Layout>, DeltaError> {
        let manifest = &run.manifest;
        let keys = manifest.options.partition_keys();
        let found = Layout::of(&manifest.options);
        let is_same = layout.as_ref().is_none_or(|layout| found.as_ref() == Some(layout));
        let (Some(found), Some(keys), true) =
            (found.clone().filter(|found| found.format == PARQUET), keys, is_same)
        else {
            return Err(DeltaError::Layout {
                path: out.root().to_owned(),
                run_id: manifest.run_id.to_string(),
                found: found.map_or_else(|| "of an unknown format".to_owned(), |found| found.to_string()),
                expected: layout.map_or_else(|| PARQUET.to_owned(), |layout| layout.to_string()),
            });
        };
        if layout.is_none() {
            self.is_delta = manifest.options.is_delta();
            self.is_snapshot = manifest.is_snapshot();
            self.keys = Some(keys);
        }
        let finished_at = parse_time(&manifest.finished_at).unwrap_or_default() / 1000;
        for file in table_files(manifest) {
            let partition = file.partition.iter().cloned().collect();
            let (bytes, rows) = (file.bytes, file.rows);
            self.files.insert(file.path.clone(), File { bytes, rows, partition, finished_at });
        }
        Ok(Some(found))
    }

    /// Makes the entries of these runs free: their files are being changed.
    pub fn free<'a>(&mut self, runs: impl IntoIterator<Item = &'a RunId>) {
        self.free.extend(runs.into_iter().cloned());
    }

    /// False if the newest run is being changed, so that logs may be missing.
    pub fn is_settled(&self) -> bool {
        self.newest.as_ref().is_none_or(|newest| !self.free.contains(newest))
    }

    /// True if entries of this file are compared.
    pub(super) fn is_compared(&self, path: &ExportPath) -> bool {
        !self.free.iter().any(|run| path.is_of(run))
    }

    /// The files of a table.
    pub(super) fn of(&self, table: Table) -> impl Iterator<Item = (&ExportPath, &File)> {
        self.files.iter().filter(move |(path, _)| path.top() == table.name())
    }
}

fn table_files(manifest: &Manifest) -> impl Iterator<Item = &FileEntry> {
    manifest.files.iter().filter(|file| Table::ALL.iter().any(|table| table.name() == file.table))
}
