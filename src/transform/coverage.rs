//! The coverage table: one row per requested contact, written after all other tables, and the lists of contacts
//! that are not exported.

use super::exported::Exported;
use super::tables::Tables;
use super::{TransformError, TransformPlan};
use crate::contact_read::{Outcome, Status};
use crate::id::ContactId;
use crate::output::ContactLists;
use crate::output::manifest::FileEntry;
use crate::spool::{Entry, Ledger, Reader};
use crate::table::{CoverageRow, Totals};

/// Status of each contact, and the staged lists of contacts that are not exported.
pub struct Coverage {
    pub statuses: Vec<Status>,
    pub lists: Vec<FileEntry>,
}

/// Writes the rows in the order of the input.
pub fn write(
    plan: &TransformPlan,
    ledger: &Ledger,
    reader: &mut Reader,
    tables: &mut Tables<'_>,
    exported: &Exported,
) -> Result<Coverage, TransformError> {
    let mut statuses = Vec::with_capacity(plan.contacts.len());
    let mut lists = ContactLists::new(&plan.stage, &plan.stamp.run_id);
    for (at, totals) in exported.iter().enumerate() {
        if !plan.due.holds(at) {
            statuses.push(Status::Unchanged);
            tables.builders.coverage(&unchanged(plan.contacts.get(at), plan.contacts.line(at)));
            tables.end_rows()?;
            continue;
        }
        let Some(done) = ledger.done(u32::try_from(at).unwrap_or(u32::MAX)) else { continue };
        let Entry::Done { mut outcome, .. } = reader.entry(done)? else { continue };
        // Messages that vanished from the API during the read are exported.
        if outcome.status == Status::Empty && totals.messages > 0 {
            outcome.status = Status::Exported;
        }
        let id = plan.contacts.get(at);
        statuses.push(outcome.status);
        let line = plan.contacts.line(at);
        lists.add(id.as_str(), outcome.status, outcome.error.as_deref(), Some(line))?;
        tables.builders.coverage(&row(id, line, outcome, &totals));
        tables.end_rows()?;
    }
    Ok(Coverage { statuses, lists: lists.finish()? })
}

fn row(contact_id: ContactId, line: u64, outcome: Outcome, totals: &Totals) -> CoverageRow {
    CoverageRow {
        contact_id,
        status: outcome.status,
        messages: totals.messages,
        pages: outcome.pages,
        requests: outcome.requests,
        retries: outcome.retries,
        rereads: outcome.rereads,
        end: outcome.end(),
        first_message_at: totals.first,
        last_message_at: totals.last,
        fetch_started_at: Some(outcome.started_at),
        fetch_finished_at: Some(outcome.finished_at),
        error: outcome.error,
        input_line: Some(line),
    }
}

/// The row of a contact that was not due: the run did not read it.
fn unchanged(contact_id: ContactId, line: u64) -> CoverageRow {
    CoverageRow {
        contact_id,
        status: Status::Unchanged,
        messages: 0,
        pages: 0,
        requests: 0,
        retries: 0,
        rereads: 0,
        end: None,
        first_message_at: None,
        last_message_at: None,
        fetch_started_at: None,
        fetch_finished_at: None,
        error: None,
        input_line: Some(line),
    }
}
