//! The coverage table: the outcome of each requested contact.

use crate::contact_read::{End, Status};
use crate::id::ContactId;

use super::{Builders, Table};

/// A row of the coverage table. Times are microseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageRow {
    /// ID of the requested contact.
    pub contact_id: ContactId,
    /// Status of the contact.
    pub status: Status,
    /// Number of exported messages.
    pub messages: u64,
    /// Number of pages of the history.
    pub pages: u64,
    /// Number of requests for the contact.
    pub requests: u64,
    /// Number of requests that repeated a failed one.
    pub retries: u64,
    /// Number of times the history was read again.
    pub rereads: u64,
    /// Evidence for the end of the history.
    pub end: Option<End>,
    /// Creation time of the first exported message.
    pub first_message_at: Option<i64>,
    /// Creation time of the last exported message.
    pub last_message_at: Option<i64>,
    /// Time of the first request.
    pub fetch_started_at: Option<i64>,
    /// Time of the last response.
    pub fetch_finished_at: Option<i64>,
    /// Reason why the contact is failed or unresolved.
    pub error: Option<String>,
    /// Line in the contacts file, from 1.
    pub input_line: Option<u64>,
}

impl Builders {
    /// Appends a row to the coverage table.
    pub fn coverage(&mut self, row: &CoverageRow) {
        let table = self.table(Table::Coverage);
        table.text("contact_id", Some(row.contact_id.as_str()));
        table.text("status", Some(row.status.as_str()));
        table.count("messages", row.messages);
        table.count("pages", row.pages);
        table.count("requests", row.requests);
        table.count("retries", row.retries);
        table.count("rereads", row.rereads);
        table.text("end", row.end.map(End::as_str));
        table.time("first_message_at", row.first_message_at);
        table.time("last_message_at", row.last_message_at);
        table.time("fetch_started_at", row.fetch_started_at);
        table.time("fetch_finished_at", row.fetch_finished_at);
        table.text("error", row.error.as_deref());
        table.int("input_line", row.input_line.map(|line| i64::try_from(line).unwrap_or(i64::MAX)));
        table.end_row();
    }
}
