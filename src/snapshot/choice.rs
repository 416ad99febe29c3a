//! Finds the run that has the newest version of each contact.
//!
//! It is the newest run that has read the contact, or knows that it does not exist. A run in which the
//! contact failed, or was not due, leaves the rows of earlier runs as they are.

use std::sync::atomic::AtomicBool;

use arrow::array::{Array, AsArray, RecordBatch};

use super::{SnapshotError, SourceExport, check};
use crate::contact_read::Status;
use crate::contacts::{ContactIndex, ContactList, IdText};
use crate::id::ContactId;
use crate::output::manifest::{FileEntry, Previous};
use crate::published::{self, Batches, Wanted};
use crate::table::Table;

/// Columns that decide.
const WANTED: Wanted = Wanted::Named(&["contact_id", "status"]);

/// The contacts of all runs, each with its run.
pub struct Choices {
    contacts: ContactList,
    index: ContactIndex,
    /// Choice of each contact, in the order of `contacts`.
    chosen: Vec<Choice>,
    /// Number of contacts of each run, in the order of the runs.
    by_run: Vec<u32>,
    /// True if contacts are left out.
    is_selection: bool,
}

/// The run that a contact's row in `coverage` comes from, and what is known of the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) run: u32,
    pub(super) kind: Kind,
}

/// Reason for a choice, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// No run has read the contact, although one found it unchanged.
    Lost,
    /// The contact failed in all runs that tried to read it.
    Failed,
    /// The run has the newest version of the contact.
    Read,
}

impl Choices {
    /// Reads `coverage` of all runs, the newest first. With a selection, other contacts are left out.
    ///
    /// # Errors
    /// When a file of the source is damaged or cannot be read.
    pub fn of(
        source: &SourceExport,
        selection: Option<&ContactList>,
        stop: &AtomicBool,
    ) -> Result<Self, SnapshotError> {
        let mut choices = Self {
            contacts: ContactList::new(String::new()),
            index: ContactIndex::default(),
            chosen: Vec::new(),
            by_run: Vec::new(),
            is_selection: selection.is_some(),
        };
        let selection = selection.map(|list| (list, ContactIndex::of(list)));
        for (at, run) in source.runs.iter().enumerate().rev() {
            let manifest = source.manifest(run)?;
            for file in published::files_of(&manifest, Table::Coverage.name()) {
                check(stop)?;
                let coverage = published::unchanged_batches(&source.path, &manifest, file, WANTED)?;
                choices.read(source, file, coverage, (at_run(at), selection.as_ref()))?;
            }
        }
        choices.by_run = vec![0; source.runs.len()];
        for choice in &choices.chosen {
            choices.by_run[choice.run as usize] += 1;
        }
        Ok(choices)
    }

    fn read(
        &mut self,
        source: &SourceExport,
        file: &FileEntry,
        coverage: Batches,
        (run, selection): (u32, Option<&(&ContactList, ContactIndex)>),
    ) -> Result<(), SnapshotError> {
        for batch in coverage {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let (id, status) = (text(&batch, "contact_id", row), text(&batch, "status", row));
                let kind = match status.and_then(Status::of_name) {
                    Some(status) if status.decides() => Kind::Read,
                    Some(Status::Failed) => Kind::Failed,
                    // A later version may have other statuses.
                    _ => Kind::Lost,
                };
                if selection.is_some_and(|(list, index)| index.find(list, id.unwrap_or_default()).is_none()) {
                    continue;
                }
                let id = id.unwrap_or_default().parse::<ContactId>();
                let id = id.map_err(|error| {
                    SnapshotError::damaged(&source.path.join(&file.path), error.to_string())
                })?;
                self.add(&id, Choice { run, kind });
            }
        }
        Ok(())
    }

    /// Adds what an older run says of a contact.
    fn add(&mut self, id: &ContactId, older: Choice) {
        let (at, is_new) = self.index.find_or_reserve(self.contacts.ids(), id);
        if is_new {
            self.contacts.push(id, at as u64 + 1);
            self.chosen.push(older);
        } else if older.kind > self.chosen[at].kind {
            self.chosen[at] = older;
        }
    }

    /// True if a file of the source may have other contacts.
    pub(super) fn is_selection(&self) -> bool {
        self.is_selection
    }

    /// True if no contact is chosen.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// Returns the contacts of a list that no run has.
    pub fn missing<'a>(&'a self, list: &'a ContactList) -> impl Iterator<Item = IdText<'a>> {
        list.iter().filter(|id| self.find(id).is_none())
    }

    /// Returns the runs that the contacts come from, the oldest first, with their numbers.
    pub fn runs<'a>(&'a self, source: &'a SourceExport) -> impl Iterator<Item = (u32, &'a Previous)> {
        (0..).zip(&source.runs).filter(|(number, _)| self.of_run(*number) > 0)
    }

    /// True if the contact comes from the run with this number.
    pub fn is_from(&self, run: u32, id: &str) -> bool {
        self.find(id).is_some_and(|(_, choice)| choice.run == run)
    }

    /// Number of contacts.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Number of contacts of a run.
    pub(super) fn of_run(&self, run: u32) -> u32 {
        self.by_run.get(run as usize).copied().unwrap_or_default()
    }

    /// Returns the index and the choice of a contact.
    pub(super) fn find(&self, id: &str) -> Option<(usize, Choice)> {
        let at = self.index.find(&self.contacts, id)?;
        Some((at, self.chosen[at]))
    }
}

fn at_run(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns a text of a batch; `None` if it is null or the column is missing.
pub(super) fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}
