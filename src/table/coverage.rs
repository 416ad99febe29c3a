//! The coverage table: what became of each contact asked for.

use crate::contact_read::{End, Status};
use crate::id::ContactId;

use super::{Builders, Table};

/// One row of the coverage table. Times are microseconds UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageRow {
    /// The contact asked for.
    pub contact_id: ContactId,
    /// What became of it.
    pub status: Status,
    /// Messages exported.
    pub messages: u64,
    /// Pages of its history.
    pub pages: u64,
    /// Requests sent for it.
    pub requests: u64,
    /// Requests that were repeats after a failure.
    pub retries: u64,
    /// Times the history was read anew.
    pub rereads: u64,
    /// How the end of the history was known.
    pub end: Option<End>,
    /// When the first exported message was created.
    pub first_message_at: Option<i64>,
    /// When the last one was.
    pub last_message_at: Option<i64>,
    /// When its first request was sent.
    pub fetch_started_at: Option<i64>,
    /// When its last answer was read.
    pub fetch_finished_at: Option<i64>,
    /// Why it is not exported, or not resolved.
    pub error: Option<String>,
    /// Its line in the contacts file, from 1.
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
