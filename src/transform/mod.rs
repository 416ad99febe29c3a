//! Transform: a pure function from the spool and the order of the input to staged files.
//!
//! It runs beside fetch on its own thread and takes the contacts in the order of the input, waiting only for one that
//! has no last word yet. Same spool, same bytes: nothing in it depends on timing. A contact's messages are first
//! indexed as they come, then sorted, then flattened in their order; of a long history the newest are flattened before the
//! rest is there ([`early`]). What does not fit in memory is read from the spool again. Full batches of rows go to the
//! writers, each on a thread of its own, over short queues; so do the answers themselves, where they are kept
//! ([`mod@raw`]).
//!
//! Layer 3: uses `spool`, `table` and `output`; knows nothing of the API.

mod contact;
mod coverage;
mod early;
mod exported;
mod index;
mod order;
mod pages;
mod prefetch;
mod raw;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use crate::contact_read::Status;
use crate::contacts::ContactList;
use crate::durable::{self, StorageError};
use crate::event::{Event, SharedObserver};
use crate::output::manifest::FileEntry;
use crate::output::{OutputError, OutputSpec, StagedFile};
use crate::settings::{RawAnswers, Window};
use crate::spool::{Closing, Entry, Ledger, Reader, SpoolError};
use crate::state::Due;
use crate::table::{Counts, Stamp, Table, Totals};
use exported::Exported;
use pages::Source;
use raw::RawThread;
use tables::Tables;

/// Contacts between two reports of progress.
const REPORT_EVERY: usize = 32;

/// What build works on.
pub struct TransformPlan {
    /// The contacts, in the order of the rows.
    pub contacts: Arc<ContactList>,
    /// Which of them are read; the others have a row in `coverage` only.
    pub due: Arc<Due>,
    /// Where the spool's segments are.
    pub spool_folder: PathBuf,
    /// Where files are staged. What stands there is thrown away first.
    pub stage: PathBuf,
    /// The run's ID and time, which stand in every row.
    pub stamp: Stamp,
    /// The form and layout of the files.
    pub output: OutputSpec,
    /// Which messages to export.
    pub window: Window,
    /// Whether the answers are archived beside the tables.
    pub raw: RawAnswers,
}

/// What was built.
#[derive(Debug)]
pub struct Transformed {
    /// The staged files, durable.
    pub files: Vec<StagedFile>,
    /// The staged files of the raw archive.
    pub raw: Vec<FileEntry>,
    /// Rows of each table, in the order of [`Table::ALL`].
    pub rows: [u64; 5],
    /// The last word on each contact, in the order of the input.
    pub statuses: Vec<Status>,
    /// Counts of the values in each column, and of the fields that have no column or did not fit theirs.
    pub counts: Counts,
    /// The contacts that failed, as a contacts file; `None` if none did.
    pub failed: Option<String>,
    /// Reasons to doubt the answers.
    pub doubts: Vec<String>,
}

impl Transformed {
    /// How many contacts have this status.
    pub fn contacts(&self, status: Status) -> u64 {
        self.statuses.iter().filter(|each| **each == status).count() as u64
    }

    /// How many rows this table has.
    pub fn rows(&self, table: Table) -> u64 {
        self.rows[table as usize]
    }
}

/// Why nothing could be built.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// The spool cannot be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The staging folder cannot be made or cleared.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl TransformError {
    /// The sync of a staged file that failed, if that is what it was.
    fn failed_sync(&self) -> Option<&StorageError> {
        match self {
            Self::Storage(error) | Self::Output(OutputError::Storage(error)) => {
                error.is_failed_sync().then_some(error)
            }
            _ => None,
        }
    }
}

/// Builds all tables; `None` when the run stopped before all contacts had their last word. When a staged file cannot be
/// synced, all are given up and built anew, once: it is the spool that counts.
///
/// # Errors
/// When the spool cannot be read or a file not be written. Transformed again, it may work: the spool is untouched.
pub fn transform(
    plan: &TransformPlan,
    ledger: &Ledger,
    observer: &SharedObserver,
) -> Result<Option<Transformed>, TransformError> {
    let mut may_fail_to_sync = true;
    loop {
        match transform_once(plan, ledger, observer) {
            Ok(Made::All(built)) => return Ok(Some(*built)),
            Ok(Made::Nothing) => return Ok(None),
            Ok(Made::InVain) => {}
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

/// What came of building all tables from the first contact on.
enum Made {
    All(Box<Transformed>),
    /// A contact was read again after its rows were written.
    InVain,
    /// The run has stopped.
    Nothing,
}

fn transform_once(
    plan: &TransformPlan,
    ledger: &Ledger,
    observer: &SharedObserver,
) -> Result<Made, TransformError> {
    durable::remove_tree(&plan.stage)?;
    durable::create_dir_all(&plan.stage)?;
    let mut work = Work::new(plan, ledger)?;
    if !work.transform_contacts(observer)? || ledger.wait_for_closing() == Closing::Stopped {
        return Ok(Made::Nothing);
    }
    if ledger.take_overtaken() {
        return Ok(Made::InVain);
    }
    work.finish(ledger).map(|built| Made::All(Box::new(built)))
}

/// The work so far.
struct Work<'a> {
    plan: &'a TransformPlan,
    source: Source<'a>,
    tables: Tables,
    /// Where the answers go, if they are kept.
    raw: Option<RawThread>,
    /// What was exported of each contact, for its coverage.
    exported: Exported,
    /// Contacts with answers that are not accepted any more. Only earlier versions kept such.
    doubtful: u64,
}

impl<'a> Work<'a> {
    fn new(plan: &'a TransformPlan, ledger: &'a Ledger) -> Result<Self, TransformError> {
        let raw = match plan.raw {
            RawAnswers::Kept => Some(RawThread::start(plan)?),
            RawAnswers::Dropped => None,
        };
        Ok(Self {
            plan,
            source: Source {
                ledger,
                spool_folder: plan.spool_folder.clone(),
                reader: Reader::new(plan.spool_folder.clone()),
            },
            tables: Tables::new(&plan.stamp, &plan.output, &plan.stage),
            raw,
            exported: Exported::default(),
            doubtful: 0,
        })
    }

    /// Flattens all contacts; false when the run has stopped.
    fn transform_contacts(&mut self, observer: &SharedObserver) -> Result<bool, TransformError> {
        let mut messages = 0;
        for at in 0..self.plan.contacts.len() {
            if !self.plan.due.holds(at) {
                self.exported.push(&Totals::default());
                continue;
            }
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            let id = self.plan.contacts.get(at);
            let read = contact::read(&mut self.source, &mut self.tables, (place, &id), self.plan.window)?;
            let Some((contact, done)) = read else { return Ok(false) };
            let Entry::Done { outcome, .. } = self.source.reader.entry(done)? else {
                return Ok(false);
            };
            if let Some(raw) = &mut self.raw {
                raw.answers(id.clone(), contact.places().to_vec())?;
            }
            self.doubtful += u64::from(outcome.status != Status::Failed && contact.is_doubtful());
            let exported = contact.flatten(outcome.status, &mut self.source, &mut self.tables)?;
            messages += exported.messages;
            self.exported.push(&exported);
            self.tables.end_contact()?;
            if at % REPORT_EVERY == 0 || at + 1 == self.plan.contacts.len() {
                observer.event(Event::Built { contacts: at as u64 + 1, messages });
            }
        }
        Ok(true)
    }

    fn finish(mut self, ledger: &Ledger) -> Result<Transformed, TransformError> {
        let coverage =
            coverage::write(self.plan, ledger, &mut self.source.reader, &mut self.tables, &self.exported)?;
        if let Some(raw) = &mut self.raw {
            for at in 0..self.plan.contacts.len() {
                let place = u32::try_from(at).unwrap_or(u32::MAX);
                let (id, line) = (self.plan.contacts.get(at), self.plan.contacts.line(at));
                if !self.plan.due.holds(at) {
                    raw.unchanged(place, id, line)?;
                } else if let Some(done) = ledger.done(place) {
                    raw.contact(id, line, done)?;
                }
            }
        }
        let raw = self.raw.map(RawThread::finish).transpose()?.unwrap_or_default();
        let finished = self.tables.finish()?;
        Ok(Transformed {
            raw,
            rows: Table::ALL.map(|table| {
                finished.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum()
            }),
            files: finished.files,
            statuses: coverage.statuses,
            counts: finished.counts,
            failed: coverage.failed,
            doubts: doubts(self.doubtful),
        })
    }
}

/// The doubt about contacts with answers that only an earlier version accepted.
fn doubts(contacts: u64) -> Vec<String> {
    let what = "answers that are not what was asked for, kept by an earlier version: messages may be missing";
    (contacts > 0).then(|| format!("{contacts} contacts have {what}")).into_iter().collect()
}
