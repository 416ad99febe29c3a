//! Writes the contacts that are read to the staged files of a snapshot.

use arrow::array::{RecordBatch, TimestampMicrosecondArray};

use super::receiver::{EndedContact, Receiver};
use super::writers::Writers;
use super::{Built, SnapshotError, SnapshotPlan};
use crate::contact_read::Status;
use crate::output::ContactLists;
use crate::output::manifest::Manifest;
use crate::table::Table;

/// The open files of a snapshot.
pub(super) struct Build {
    writers: Writers,
    built: Built,
    lists: ContactLists,
}

impl Build {
    pub(super) fn new(plan: &SnapshotPlan) -> Self {
        Self {
            writers: Writers::new(plan),
            built: Built::default(),
            lists: ContactLists::new(&plan.stage, &plan.stamp.run_id),
        }
    }

    /// Closes the files.
    pub(super) fn finish(self) -> Result<Built, SnapshotError> {
        let (files, unknown) = self.writers.finish()?;
        Ok(Built { files, unknown, lists: self.lists.finish()?, ..self.built })
    }
}

impl Receiver for Build {
    type Error = SnapshotError;

    fn begin_run(&mut self, manifest: &Manifest) {
        let doubts = manifest.input.doubts.iter();
        self.built.doubts.extend(doubts.map(|doubt| format!("run {}: {doubt}", manifest.run_id)));
    }

    fn rows(
        &mut self,
        table: Table,
        batch: RecordBatch,
        times: Option<TimestampMicrosecondArray>,
    ) -> Result<(), SnapshotError> {
        self.writers.push(table, batch, times)
    }

    fn end_contact(&mut self, contact: EndedContact<'_>) -> Result<(), SnapshotError> {
        let status = contact.status;
        self.lists.add(contact.id, status, contact.error, contact.line)?;
        self.built.statuses[Status::ALL.iter().position(|known| *known == status).unwrap_or_default()] += 1;
        self.writers.push(Table::Coverage, contact.coverage.clone(), None)?;
        self.writers.end_contact()
    }
}
