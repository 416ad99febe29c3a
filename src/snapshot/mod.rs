//! Builds a snapshot: the newest version of each contact over all runs of an export, as staged files.
//!
//! [`source`] reads the manifests and orders the runs. [`choice`] finds the run that has the newest version
//! of each contact. [`mod@read`] reads these contacts run by run, in the order of the runs, and within a run in
//! the order of its input, and passes them to a [`Receiver`]. The receiver of a snapshot is [`build`](mod@build).
//! It changes only `exported_at` and `run_id` of the rows. [`crate::evidence`] has another.
//!
//! [`rows`] reads the rows of one table of a run, contact by contact. If the run is partitioned by time or
//! channel, the rows of a contact are in many files. Then [`mod@sort`] gathers and orders them, on disk if they
//! do not fit in memory. [`writers`] passes the rows to the writers of the tables.
//!
//! The result depends on the source and the options only. Memory is bounded, except for about 40 bytes per
//! contact, and 50 bytes per message of the contact being copied if its records need the messages' times.
//!
//! Layer 3: uses `catalog`, `published`, `output` and `table`, and knows nothing of the API.

mod build;
mod choice;
mod contact;
mod error;
mod messages;
mod order;
mod read;
mod receiver;
mod rows;
mod sort;
mod source;
mod spill;
#[cfg(test)]
mod tests;
mod writers;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::contact_read::Status;
use crate::durable;
use crate::event::{Event, SharedObserver};
use crate::output::manifest::FileEntry;
use crate::output::{OutputError, OutputSpec, StagedFile};
use crate::table::{Stamp, Table, UnknownFields};

pub use choice::Choices;
pub use error::SnapshotError;
pub use read::{Reading, read};
pub use receiver::{EndedContact, Receiver};
pub use sort::{Sorted, Sorter, with_key};
pub use source::SourceExport;

use build::Build;

/// Form and place of the files of a snapshot.
pub struct SnapshotPlan {
    /// Folder for the staged files. It is emptied first.
    pub stage: PathBuf,
    /// Folder for temporary files.
    pub temporary: PathBuf,
    /// ID and time of the snapshot, written to every row.
    pub stamp: Stamp,
    /// Form and layout of the files.
    pub output: OutputSpec,
}

/// A snapshot whose files are staged.
#[derive(Debug, Default)]
pub struct Built {
    /// The staged files. They are durable.
    pub files: Vec<StagedFile>,
    /// Number of contacts by status, in the order of [`Status::ALL`].
    pub statuses: [u64; Status::ALL.len()],
    /// Counts of the fields in `extra`.
    pub unknown: UnknownFields,
    /// The staged lists of contacts, `failed.csv` and `not_found.csv`, as far as they have contacts.
    pub lists: Vec<FileEntry>,
    /// Reasons to doubt the runs that the contacts come from.
    pub doubts: Vec<String>,
}

impl Built {
    /// Number of rows in this table.
    pub fn rows(&self, table: Table) -> u64 {
        self.files.iter().filter(|file| file.table == table).map(|file| file.rows).sum()
    }

    /// Number of contacts with this status.
    pub fn contacts(&self, status: Status) -> u64 {
        Status::ALL
            .iter()
            .zip(self.statuses)
            .filter(|(each, _)| **each == status)
            .map(|(_, count)| count)
            .sum()
    }
}

/// Builds the staged files. It ends early, with [`SnapshotError::Stopped`], once `stop` is set.
///
/// If a staged file cannot be synced, all files are discarded and built once more.
///
/// # Errors
/// When a file of the source is damaged, or a file cannot be read or written.
pub fn build(
    source: &SourceExport,
    plan: &SnapshotPlan,
    stop: &AtomicBool,
    observer: &SharedObserver,
) -> Result<Built, SnapshotError> {
    let choices = Choices::of(source, None, stop)?;
    let (run_id, contacts) = (plan.stamp.run_id.to_string(), choices.len() as u64);
    observer.event(Event::Started { run_id, contacts, already_read: 0, already_read_messages: 0 });
    match build_once(source, plan, &choices, stop, observer) {
        Err(SnapshotError::Output(OutputError::Storage(error)) | SnapshotError::Storage(error))
            if error.is_failed_sync() =>
        {
            observer.event(Event::SyncFailed { reason: error.describe() });
            build_once(source, plan, &choices, stop, observer)
        }
        other => other,
    }
}

fn build_once(
    source: &SourceExport,
    plan: &SnapshotPlan,
    choices: &Choices,
    stop: &AtomicBool,
    observer: &SharedObserver,
) -> Result<Built, SnapshotError> {
    durable::remove_tree(&plan.stage)?;
    durable::create_dir_all(&plan.stage)?;
    let reading =
        Reading { temporary: &plan.temporary, needs_times: plan.output.is_by_day(), stop, observer };
    let mut build = Build::new(plan);
    read(source, choices, reading, &mut build)?;
    build.finish()
}

/// Ends the work if it is to stop.
fn check(stop: &AtomicBool) -> Result<(), SnapshotError> {
    if stop.load(Ordering::Relaxed) { Err(SnapshotError::Stopped) } else { Ok(()) }
}
