//! Reads the rows of one table of a run, contact by contact.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt32Type;

use super::SnapshotError;
use super::choice::{Choices, Kind};
use super::sort::{Sorted, Sorter, with_key};
use crate::output::manifest::{FileEntry, Manifest};
use crate::published::{self, Batches, Wanted};
use crate::settings::PartitionKey;
use crate::store::Store;
use crate::table::Table;

/// Name of the key that gathers the rows of a contact.
const PLACE: &str = "__place";
/// Place of contacts whose rows are not copied.
const SKIPPED: u32 = u32::MAX;

/// Places of the contacts that are copied from one run, in the order of its `coverage`.
pub(super) struct Places<'a> {
    choices: &'a Choices,
    run: u32,
    /// Place of each contact of the run, by the index of the contact.
    places: &'a [u32],
}

impl<'a> Places<'a> {
    pub(super) fn new(choices: &'a Choices, run: u32, places: &'a [u32]) -> Self {
        Self { choices, run, places }
    }

    /// Returns the place of a contact; `None` if no run has it in `coverage`.
    fn of(&self, id: &str) -> Option<u32> {
        let Some((at, choice)) = self.choices.find(id) else {
            return self.choices.is_selection().then_some(SKIPPED);
        };
        let is_copied = choice.run == self.run && choice.kind == Kind::Read;
        Some(if is_copied { self.places[at] } else { SKIPPED })
    }
}

/// The files of one table of a run.
#[derive(Clone, Copy)]
pub(super) struct RunTable<'a> {
    pub(super) out: &'a Store,
    pub(super) manifest: &'a Manifest,
    pub(super) table: Table,
}

impl<'a> RunTable<'a> {
    /// True if the rows of a contact may be in several folders.
    pub(super) fn is_scattered(&self) -> bool {
        let is_by_row = |key: &str| PartitionKey::of_name(key).is_none_or(PartitionKey::is_per_message);
        self.files().iter().any(|file| file.partition.iter().any(|(key, _)| is_by_row(key)))
    }

    fn files(&self) -> Vec<&'a FileEntry> {
        published::files_of(self.manifest, self.table.name())
    }

    /// Reads the rows of the contacts with a place.
    pub(super) fn rows(
        self,
        places: &'a Places<'a>,
        temporary: &Path,
    ) -> Result<ContactRows<'a>, SnapshotError> {
        let in_order =
            InOrder { files: self.files().into_iter(), table: self, places, open: None, last: None };
        let rows = if self.is_scattered() {
            Source::Gathered(gather(in_order, temporary)?)
        } else {
            Source::InOrder(Box::new(in_order))
        };
        Ok(ContactRows { table: self, rows, current: None, at: 0 })
    }
}

/// Rows with the places of their contacts.
struct Placed {
    batch: RecordBatch,
    places: UInt32Array,
}

/// The rows of a table, in the order of its files.
struct InOrder<'a> {
    files: std::vec::IntoIter<&'a FileEntry>,
    table: RunTable<'a>,
    places: &'a Places<'a>,
    open: Option<(&'a FileEntry, Batches)>,
    /// The last contact and its place.
    last: Option<(String, u32)>,
}

impl InOrder<'_> {
    fn next(&mut self) -> Result<Option<Placed>, SnapshotError> {
        loop {
            let Some((file, batches)) = &mut self.open else {
                let Some(file) = self.files.next() else { return Ok(None) };
                let RunTable { out, manifest, .. } = self.table;
                let batches = published::unchanged_batches(out, manifest, file, Wanted::All)?;
                self.open = Some((file, batches));
                continue;
            };
            let file = *file;
            let Some(batch) = batches.next().transpose()? else {
                self.open = None;
                continue;
            };
            if let Some(placed) = self.place(file, batch)? {
                return Ok(Some(placed));
            }
        }
    }

    /// Finds the places of the rows, and drops those without. A copy of the others holds no memory of them.
    fn place(&mut self, file: &FileEntry, batch: RecordBatch) -> Result<Option<Placed>, SnapshotError> {
        let ids = batch.column_by_name("contact_id").and_then(|column| column.as_string_opt::<i32>());
        let damaged = |what: String| SnapshotError::damaged(&self.table.out.join(&file.path), what);
        let ids = ids.ok_or_else(|| damaged("it has no contact_id".to_owned()))?;
        let mut places = Vec::with_capacity(batch.num_rows());
        for id in ids.iter().map(Option::unwrap_or_default) {
            let place = match &self.last {
                Some((last, place)) if last == id => *place,
                _ => {
                    let place = self.places.of(id);
                    let place = place.ok_or_else(|| damaged(format!("contact {id:?} is not in coverage")))?;
                    self.last = Some((id.to_owned(), place));
                    place
                }
            };
            places.push(place);
        }
        if places.iter().all(|place| *place == SKIPPED) {
            return Ok(None);
        }
        if places.contains(&SKIPPED) {
            let is_copied: BooleanArray = places.iter().map(|place| Some(*place != SKIPPED)).collect();
            let failed = |error: arrow::error::ArrowError| damaged(error.to_string());
            let batch = filter_record_batch(&batch, &is_copied).map_err(failed)?;
            places.retain(|place| *place != SKIPPED);
            return Ok(Some(Placed { batch, places: places.into() }));
        }
        Ok(Some(Placed { batch, places: places.into() }))
    }
}

/// Sorts the rows by the places of their contacts. Rows of one contact keep their order.
fn gather(mut rows: InOrder<'_>, temporary: &Path) -> Result<Sorted, SnapshotError> {
    let mut sorter = Sorter::new(temporary, &[PLACE]);
    while let Some(Placed { batch, places }) = rows.next()? {
        sorter.push(with_key(&batch, PLACE, Arc::new(places) as ArrayRef))?;
    }
    sorter.finish()
}

enum Source<'a> {
    InOrder(Box<InOrder<'a>>),
    Gathered(Sorted),
}

impl Source<'_> {
    fn next(&mut self, table: Table) -> Result<Option<Placed>, SnapshotError> {
        match self {
            Self::InOrder(rows) => rows.next(),
            Self::Gathered(rows) => {
                let Some(mut batch) = rows.next().transpose()? else { return Ok(None) };
                // The key is the last column.
                let places = batch.remove_column(table.columns().len());
                Ok(Some(Placed { batch, places: places.as_primitive::<UInt32Type>().clone() }))
            }
        }
    }
}

/// The rows of a table, to be read contact by contact.
pub(super) struct ContactRows<'a> {
    table: RunTable<'a>,
    rows: Source<'a>,
    current: Option<Placed>,
    at: usize,
}

impl ContactRows<'_> {
    /// Returns the next rows of the contact with this place; `None` after its last row. Places are asked for in
    /// ascending order.
    pub(super) fn next_of(&mut self, place: u32) -> Result<Option<RecordBatch>, SnapshotError> {
        loop {
            let Some(Placed { batch, places }) = &self.current else {
                self.at = 0;
                self.current = self.rows.next(self.table.table)?;
                if self.current.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let rest = places.values().get(self.at..).unwrap_or_default();
            let rows = rest.iter().take_while(|found| **found == place).count();
            if rows == 0 && !rest.is_empty() {
                return Ok(None);
            }
            let found = (rows > 0).then(|| batch.slice(self.at, rows));
            self.at += rows;
            if self.at == places.len() {
                self.current = None;
            }
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Checks that no contact has rows left. They would be out of the order of `coverage`.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        match self.next_of(SKIPPED)? {
            None if self.current.is_none() => Ok(()),
            _ => {
                let path = self.table.out.join(self.table.table.name());
                Err(SnapshotError::damaged(&path, "its rows are not in the order of coverage"))
            }
        }
    }
}
