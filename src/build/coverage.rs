//! The coverage table: one row for every contact asked for, written when all else is known.

use super::tables::Tables;
use super::{BuildError, BuildPlan};
use crate::history::{Outcome, Status};
use crate::id::ContactId;
use crate::spool::{Entry, Ledger, Reader};
use crate::table::{CoverageRow, Totals};

/// What the rows add up to.
pub struct Coverage {
    pub statuses: [u64; 5],
    pub failed: Option<String>,
}

/// Writes the rows, in the order of the input.
pub fn write(
    plan: &BuildPlan,
    ledger: &Ledger,
    reader: &mut Reader,
    tables: &mut Tables,
    exported: &[Totals],
) -> Result<Coverage, BuildError> {
    let mut coverage = Coverage { statuses: [0; 5], failed: None };
    for (at, totals) in exported.iter().enumerate() {
        let Some(done) = ledger.done(u32::try_from(at).unwrap_or(u32::MAX)) else { continue };
        let Entry::Done { outcome, .. } = reader.entry(done)? else { continue };
        let id = plan.contacts.get(at);
        if let Some(count) = Status::ALL.iter().position(|status| *status == outcome.status) {
            coverage.statuses[count] += 1;
        }
        if outcome.status == Status::Failed {
            coverage.add_failed(&id, &outcome);
        }
        tables.builders.coverage(&row(id, plan.contacts.line(at), outcome, totals));
        tables.end_contact()?;
    }
    Ok(coverage)
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

impl Coverage {
    /// Adds a line to the contacts file of what failed.
    fn add_failed(&mut self, id: &ContactId, outcome: &Outcome) {
        let text = self.failed.get_or_insert_with(|| "contact_id,error\n".to_owned());
        for (at, field) in [id.as_str(), outcome.error.as_deref().unwrap_or_default()].into_iter().enumerate()
        {
            let quoted = field.replace('"', "\"\"").replace(['\r', '\n'], " ");
            text.push_str(if at == 0 { "\"" } else { ",\"" });
            text.push_str(&quoted);
            text.push('"');
        }
        text.push('\n');
    }
}
