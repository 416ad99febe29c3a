//! The coverage table: one row per requested contact, written after all other tables.

use super::exported::Exported;
use super::tables::Tables;
use super::{TransformError, TransformPlan};
use crate::contact_read::{Outcome, Status};
use crate::contacts::FAILED_HEADER;
use crate::id::ContactId;
use crate::spool::{Entry, Ledger, Reader};
use crate::table::{CoverageRow, Totals};

/// Status of each contact, and the text of `failed.csv`.
pub struct Coverage {
    pub statuses: Vec<Status>,
    pub failed: Option<String>,
}

/// Writes the rows in the order of the input.
pub fn write(
    plan: &TransformPlan,
    ledger: &Ledger,
    reader: &mut Reader,
    tables: &mut Tables,
    exported: &Exported,
) -> Result<Coverage, TransformError> {
    let mut statuses = Vec::with_capacity(plan.contacts.len());
    let mut failed = None;
    for (at, totals) in exported.iter().enumerate() {
        if !plan.due.holds(at) {
            statuses.push(Status::Unchanged);
            tables.builders.coverage(&unchanged(plan.contacts.get(at), plan.contacts.line(at)));
            tables.end_contact()?;
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
        if outcome.status == Status::Failed {
            add_failed(&mut failed, &id, &outcome);
        }
        tables.builders.coverage(&row(id, plan.contacts.line(at), outcome, &totals));
        tables.end_contact()?;
    }
    Ok(Coverage { statuses, failed: failed_file(failed) })
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

/// The text of `failed.csv`.
fn failed_file(failed: Option<csv::Writer<Vec<u8>>>) -> Option<String> {
    // Writing to memory cannot fail, and all fields are UTF-8.
    failed.and_then(|writer| writer.into_inner().ok()).and_then(|bytes| String::from_utf8(bytes).ok())
}

fn add_failed(failed: &mut Option<csv::Writer<Vec<u8>>>, id: &ContactId, outcome: &Outcome) {
    let writer = failed.get_or_insert_with(|| {
        let mut writer = csv::Writer::from_writer(Vec::new());
        drop(writer.write_record(FAILED_HEADER.split(',')));
        writer
    });
    let error = outcome.error.as_deref().unwrap_or_default().replace(['\r', '\n'], " ");
    drop(writer.write_record([id.as_str(), &error]));
}
