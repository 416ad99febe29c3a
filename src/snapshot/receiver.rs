//! The receiver of the rows that [`read()`](super::read()) reads, contact by contact.

use arrow::array::{RecordBatch, TimestampMicrosecondArray};

use super::SnapshotError;
use crate::contact_read::Status;
use crate::output::manifest::Manifest;
use crate::table::Table;

/// Receives the newest version of each contact.
///
/// For each contact come its rows of `contacts`, `conversations`, `messages` and `channel_records`, in this
/// order, and then its end. All rows are in the order of a run.
pub trait Receiver {
    /// Error of the receiver. It ends the reading.
    type Error: From<SnapshotError>;

    /// Receives the manifest of the run that the next contacts come from.
    fn begin_run(&mut self, manifest: &Manifest);

    /// Receives rows of a contact. `times` are the creation times of their messages, for tables with rows per
    /// message, if [`Reading::needs_times`](super::Reading::needs_times) is set; otherwise they may be null.
    ///
    /// # Errors
    /// If the rows cannot be processed.
    fn rows(
        &mut self,
        table: Table,
        batch: RecordBatch,
        times: Option<TimestampMicrosecondArray>,
    ) -> Result<(), Self::Error>;

    /// Receives the end of a contact.
    ///
    /// # Errors
    /// If the contact cannot be processed.
    fn end_contact(&mut self, contact: EndedContact<'_>) -> Result<(), Self::Error>;
}

/// A contact whose rows were all received.
pub struct EndedContact<'a> {
    /// ID of the contact.
    pub id: &'a str,
    /// Status of the contact.
    pub status: Status,
    /// Reason of a failure.
    pub error: Option<&'a str>,
    /// Line of the contact in the contacts file of its run.
    pub line: Option<u64>,
    /// Its row of `coverage`.
    pub coverage: &'a RecordBatch,
}
