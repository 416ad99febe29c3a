//! Reads the chosen contacts of all runs, the oldest run first.
//!
//! The rows of `coverage` lead: each contact is read when its row comes. So all tables have the contacts in
//! the same order.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;

use super::choice::{Choice, Choices, Kind, text};
use super::contact::RunTables;
use super::receiver::{EndedContact, Receiver};
use super::rows::Places;
use super::{SnapshotError, SourceExport, check};
use crate::contact_read::Status;
use crate::event::{Event, SharedObserver};
use crate::output::manifest::{Manifest, Previous};
use crate::published::{self, Wanted};
use crate::table::Table;

/// Number of contacts between two reports of progress.
const REPORT_EVERY: u64 = 256;

/// Surroundings of a reading.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Folder for temporary files.
    pub temporary: &'a Path,
    /// True if rows must come with the times of their messages.
    pub needs_times: bool,
    /// Ends the reading once it is set, with [`SnapshotError::Stopped`].
    pub stop: &'a AtomicBool,
    /// Observer of the progress.
    pub observer: &'a SharedObserver,
}

/// Passes the chosen contacts to the receiver, one after the other.
///
/// # Errors
/// When a file of the source is damaged or cannot be read, or the receiver fails.
pub fn read<R: Receiver>(
    source: &SourceExport,
    choices: &Choices,
    reading: Reading,
    receiver: &mut R,
) -> Result<(), R::Error> {
    let mut reader = Reader {
        source,
        choices,
        reading,
        receiver,
        places: vec![0; choices.len()],
        contacts: 0,
        messages: 0,
    };
    for (at, run) in (0..).zip(&source.runs) {
        if choices.of_run(at) > 0 {
            reader.run(at, run)?;
        }
    }
    Ok(())
}

struct Reader<'a, R> {
    source: &'a SourceExport,
    choices: &'a Choices,
    reading: Reading<'a>,
    receiver: &'a mut R,
    /// Place of each contact in its run.
    places: Vec<u32>,
    contacts: u64,
    messages: u64,
}

/// The run that is being read.
struct RunRead<'a> {
    number: u32,
    run: &'a Previous,
    manifest: &'a Manifest,
}

impl<R: Receiver> Reader<'_, R> {
    fn run(&mut self, number: u32, run: &Previous) -> Result<(), R::Error> {
        let manifest = self.source.manifest(run)?;
        let run = RunRead { number, run, manifest: &manifest };
        self.receiver.begin_run(&manifest);
        self.place_contacts(&run)?;
        let places = std::mem::take(&mut self.places);
        {
            let places = Places::new(self.choices, number, &places);
            let mut tables = RunTables::new(&self.source.path, &manifest, &places, self.reading)?;
            let mut place = 0;
            for file in published::files_of(&manifest, Table::Coverage.name()) {
                let batches = published::batches(&self.source.path, &manifest, file, Wanted::All);
                for batch in batches.map_err(SnapshotError::from)? {
                    let batch = batch.map_err(SnapshotError::from)?;
                    check(self.reading.stop)?;
                    for row in 0..batch.num_rows() {
                        if let Some(choice) = self.choice(&run, &batch, row) {
                            self.contact(&run, &mut tables, choice, (place, batch.slice(row, 1)))?;
                            place += 1;
                        }
                    }
                }
            }
            tables.finish()?;
        }
        self.places = places;
        Ok(())
    }

    /// Numbers the chosen contacts of the run, in the order of `coverage`.
    fn place_contacts(&mut self, run: &RunRead) -> Result<(), SnapshotError> {
        let mut next = 0;
        let wanted = Wanted::Named(&["contact_id"]);
        for file in published::files_of(run.manifest, Table::Coverage.name()) {
            for batch in published::batches(&self.source.path, run.manifest, file, wanted)? {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    let id = text(&batch, "contact_id", row).unwrap_or_default();
                    if let Some((at, choice)) = self.choices.find(id)
                        && choice.run == run.number
                    {
                        self.places[at] = next;
                        next += 1;
                    }
                }
            }
        }
        let chosen = self.choices.of_run(run.number);
        if next == chosen {
            Ok(())
        } else {
            Err(self.contradiction(run, &format!("{next} contacts instead of {chosen}")))
        }
    }

    /// Returns the choice of a contact, if it is this run.
    fn choice(&self, run: &RunRead, coverage: &RecordBatch, row: usize) -> Option<Choice> {
        let (_, choice) = self.choices.find(text(coverage, "contact_id", row).unwrap_or_default())?;
        (choice.run == run.number).then_some(choice)
    }

    /// Reads a contact, with its row of `coverage`.
    fn contact(
        &mut self,
        run: &RunRead,
        tables: &mut RunTables,
        choice: Choice,
        (place, coverage): (u32, RecordBatch),
    ) -> Result<(), R::Error> {
        let coverage = match choice.kind {
            Kind::Lost => lost(&coverage, run.run),
            Kind::Failed | Kind::Read => coverage,
        };
        let id = text(&coverage, "contact_id", 0).unwrap_or_default();
        let status = text(&coverage, "status", 0).and_then(Status::of_name).unwrap_or(Status::Failed);
        if choice.kind == Kind::Read {
            let found = tables.pass_on(place, self.receiver)?;
            let messages = int(&coverage, "messages").and_then(|count| u64::try_from(count).ok());
            let messages = messages.unwrap_or_default();
            if (found.contacts, found.messages) != (u64::from(status.has_rows()), messages) {
                let what = format!(
                    "contact {id:?} has {} rows in contacts and {} in messages, but coverage has the status {} and {messages} messages",
                    found.contacts,
                    found.messages,
                    status.as_str()
                );
                return Err(self.contradiction(run, &what).into());
            }
            self.messages += found.messages;
        }
        let line = int(&coverage, "input_line").and_then(|line| u64::try_from(line).ok());
        let error = text(&coverage, "error", 0);
        self.receiver.end_contact(EndedContact { id, status, error, line, coverage: &coverage })?;
        self.contacts += 1;
        if self.contacts.is_multiple_of(REPORT_EVERY) || self.contacts == self.choices.len() as u64 {
            check(self.reading.stop)?;
            self.reading.observer.event(Event::Copied { contacts: self.contacts, messages: self.messages });
        }
        Ok(())
    }

    /// The error of a run whose files contradict each other.
    fn contradiction(&self, run: &RunRead, what: &str) -> SnapshotError {
        let path = self.source.path.join(crate::catalog::manifest_path(&run.run.run_id));
        SnapshotError::damaged(&path, format!("its files contradict each other: {what}"))
    }
}

/// Returns a number of a row; `None` if it is null.
fn int(row: &RecordBatch, column: &str) -> Option<i64> {
    let numbers = row.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
    numbers.is_valid(0).then(|| numbers.value(0))
}

/// Returns the row of a contact whose rows are in no run. It says so as a failure, so that the contact is
/// neither missing without notice nor taken for an empty one.
fn lost(coverage: &RecordBatch, run: &Previous) -> RecordBatch {
    let error = format!("no run of the export has its rows; the run {} found it unchanged", run.run_id);
    let columns = Table::Coverage.columns().iter().zip(coverage.columns());
    let columns = columns.map(|(column, values)| -> ArrayRef {
        match column.name {
            "status" => Arc::new(StringArray::from(vec![Status::Failed.as_str()])),
            "error" => Arc::new(StringArray::from(vec![error.as_str()])),
            _ => Arc::clone(values),
        }
    });
    RecordBatch::try_new(coverage.schema(), columns.collect()).expect("the columns of coverage")
}
