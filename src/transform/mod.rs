//! Transform: a pure function from the spool and the order of the input to staged files.
//!
//! It runs beside fetch on its own threads ([`workers`]). They take the contacts in the order of the input, wait
//! only for contacts whose outcome is not spooled yet, and their results are joined in that order ([`joiner`]).
//! The same spool gives the same bytes: nothing depends on timing or on the number of threads.
//!
//! A contact's messages are indexed as they arrive, then sorted, then flattened in order. The newest messages
//! of a long history are flattened before the rest arrives ([`prebuilt`]). Pages that do not fit in memory
//! are read from the spool again. Writers take full batches of rows over short queues, each on its own
//! thread. Another thread writes the responses themselves, if they are kept ([`mod@raw`]).
//!
//! Layer 3: uses `spool`, `table` and `output`; does not use the API.

mod buffer;
mod contact;
mod coverage;
mod exported;
mod index;
mod joiner;
mod order;
mod outlet;
mod pages;
mod prebuilt;
mod prefetch;
mod raw;
mod tables;
#[cfg(test)]
mod tests;
mod turns;
mod workers;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::contact_read::Status;
use crate::contacts::ContactList;
use crate::durable::{self, StorageError};
use crate::event::{Event, SharedObserver};
use crate::output::manifest::FileEntry;
use crate::output::{OutputError, OutputSpec, StagedFile};
use crate::settings::{RawAnswers, Window};
use crate::spool::{Closing, Ledger, Reader, SpoolError};
use crate::state::Due;
use crate::table::{Counts, Stamp, Table};
use joiner::Joiner;
use raw::RawThread;
use tables::Tables;
use turns::{Limits, Turns};
use workers::Shared;

/// Number of contacts between two reports of progress.
const REPORT_EVERY: usize = 32;

/// Input, layout and folders of a transform.
pub struct TransformPlan {
    /// The contacts, in the order of the rows.
    pub contacts: Arc<ContactList>,
    /// Contacts that the run reads. The others have a row in `coverage` only.
    pub due: Arc<Due>,
    /// Folder of the spool's segments.
    pub spool_folder: PathBuf,
    /// Folder for the staged files. It is emptied first.
    pub stage: PathBuf,
    /// The run's ID and time, written to every row.
    pub stamp: Stamp,
    /// The form and layout of the files.
    pub output: OutputSpec,
    /// Period of the messages to export.
    pub window: Window,
    /// Decides if the responses are archived beside the tables.
    pub raw: RawAnswers,
    /// Number of threads that flatten. The files do not depend on it.
    pub threads: NonZeroUsize,
}

/// Result of a transform.
#[derive(Debug)]
pub struct Transformed {
    /// The staged files. They are durable.
    pub files: Vec<StagedFile>,
    /// The staged files of the raw archive.
    pub raw: Vec<FileEntry>,
    /// Rows of each table, in the order of [`Table::ALL`].
    pub rows: [u64; 5],
    /// Status of each contact, in the order of the input.
    pub statuses: Vec<Status>,
    /// Counts of the values in each column, and of fields without a column or with a value that does not fit.
    pub counts: Counts,
    /// The staged lists of contacts, `failed.csv` and `not_found.csv`, as far as they have contacts.
    pub lists: Vec<FileEntry>,
    /// Reasons to doubt the responses.
    pub doubts: Vec<String>,
}

impl Transformed {
    /// Number of contacts with this status.
    pub fn contacts(&self, status: Status) -> u64 {
        self.statuses.iter().filter(|each| **each == status).count() as u64
    }

    /// Number of rows in this table.
    pub fn rows(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }
}

/// Errors of a transform.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// The spool cannot be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The staging folder cannot be created or cleared.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl TransformError {
    /// The error, if the sync of a staged file failed.
    fn failed_sync(&self) -> Option<&StorageError> {
        match self {
            Self::Storage(error) | Self::Output(OutputError::Storage(error)) => {
                error.is_failed_sync().then_some(error)
            }
            _ => None,
        }
    }
}

/// Builds all tables. Returns `None` if the run stops before all contacts have an outcome.
///
/// If a staged file cannot be synced, all files are discarded and built once more from the spool.
///
/// # Errors
/// When the spool cannot be read or a file cannot be written. The spool is unchanged, so a retry is safe.
pub fn transform(
    plan: &TransformPlan,
    ledger: &Ledger,
    observer: &SharedObserver,
) -> Result<Option<Transformed>, TransformError> {
    transform_within(plan, ledger, observer, &Limits::default())
}

fn transform_within(
    plan: &TransformPlan,
    ledger: &Ledger,
    observer: &SharedObserver,
    limits: &Limits,
) -> Result<Option<Transformed>, TransformError> {
    let mut may_fail_to_sync = true;
    loop {
        match transform_once(plan, ledger, observer, limits) {
            Ok(AttemptEnd::Complete(built)) => return Ok(Some(*built)),
            Ok(AttemptEnd::Stopped) => return Ok(None),
            Ok(AttemptEnd::Overtaken) => {}
            Err(error) => match error.failed_sync() {
                Some(failed) if may_fail_to_sync => {
                    observer.event(Event::SyncFailed { reason: failed.describe() });
                    may_fail_to_sync = false;
                }
                _ => return Err(error),
            },
        }
    }
}

/// End of one attempt to build all tables.
enum AttemptEnd {
    Complete(Box<Transformed>),
    /// A contact was read again after its rows were written.
    Overtaken,
    /// The run stopped before all contacts were read.
    Stopped,
}

fn transform_once(
    plan: &TransformPlan,
    ledger: &Ledger,
    observer: &SharedObserver,
    limits: &Limits,
) -> Result<AttemptEnd, TransformError> {
    durable::remove_tree(&plan.stage)?;
    durable::create_dir_all(&plan.stage)?;
    let turns = Turns::new(plan.threads.get(), plan.contacts.len(), limits.clone());
    let joiner = Mutex::new(Joiner::new(plan, observer)?);
    let is_complete = Shared { plan, ledger, turns: &turns, joiner: &joiner }.run(observer)?;
    if !is_complete || ledger.wait_for_closing() == Closing::Stopped {
        return Ok(AttemptEnd::Stopped);
    }
    if ledger.take_overtaken() {
        return Ok(AttemptEnd::Overtaken);
    }
    finish(plan, ledger, &turns, joiner).map(|built| AttemptEnd::Complete(Box::new(built)))
}

/// Writes what follows all contacts, and closes all files.
fn finish(
    plan: &TransformPlan,
    ledger: &Ledger,
    turns: &Turns,
    joiner: Mutex<Joiner>,
) -> Result<Transformed, TransformError> {
    let mut attempt = joiner.lock().unwrap_or_else(PoisonError::into_inner);
    attempt.skip_to(plan.contacts.len());
    let (mut raw, exported) = (attempt.raw.take(), std::mem::take(&mut attempt.exported));
    let doubtful = attempt.doubtful;
    drop(attempt);
    let mut tables = Tables::new(&plan.stamp, false, (turns, &joiner), turns.head());
    let mut reader = Reader::new(plan.spool_folder.clone());
    let coverage = coverage::write(plan, ledger, &mut reader, &mut tables, &exported)?;
    tables.end_chunk()?;
    drop(tables);
    if let Some(raw) = &mut raw {
        for at in 0..plan.contacts.len() {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            let (id, line) = (plan.contacts.get(at), plan.contacts.line(at));
            if !plan.due.holds(at) {
                raw.unchanged(place, id, line)?;
            } else if let Some(done) = ledger.done(place) {
                raw.contact(id, line, done)?;
            }
        }
    }
    let raw = raw.map(RawThread::finish).transpose()?.unwrap_or_default();
    let finished = joiner.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    Ok(Transformed {
        raw,
        rows: Table::ALL.map(|table| {
            finished.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum()
        }),
        files: finished.files,
        statuses: coverage.statuses,
        counts: finished.counts,
        lists: coverage.lists,
        doubts: doubts(doubtful),
    })
}

/// The doubt about contacts with responses that only an earlier version accepted.
fn doubts(contacts: u64) -> Vec<String> {
    let what = "invalid responses, kept by an earlier version: messages may be missing";
    (contacts > 0).then(|| format!("{contacts} contacts have {what}")).into_iter().collect()
}
