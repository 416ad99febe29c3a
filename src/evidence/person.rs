//! A contact as the package shows it.

use arrow::array::RecordBatch;

use super::row::{int, owned, text, time};

/// A contact of the package.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// Number in the package, from 1. Folders are named by it, never by an ID or a name.
    pub(super) number: u64,
    pub(super) contact_id: String,
    /// First and last name; empty if the API has none.
    pub(super) name: String,
    pub(super) phone_number: Option<String>,
    /// Status in `coverage`.
    pub(super) status: String,
    /// Reason why the contact is not whole.
    pub(super) error: Option<String>,
    /// Evidence for the end of the history.
    pub(super) end: Option<String>,
    /// False if the contact has no rows, and so no transcript.
    pub(super) has_transcript: bool,
    pub(super) run_id: String,
    pub(super) fetched_at: Option<i64>,
    pub(super) conversations: u64,
    pub(super) messages: u64,
    pub(super) records: u64,
    pub(super) first_message_at: Option<i64>,
    pub(super) last_message_at: Option<i64>,
}

impl Person {
    /// Reads the contact's rows of `coverage` and `contacts`.
    pub(super) fn read(number: u64, coverage: &RecordBatch, contacts: &[RecordBatch]) -> Self {
        let contact = contacts.first().filter(|batch| batch.num_rows() > 0);
        let of_contact = |column| contact.and_then(|batch| owned(batch, column, 0));
        let names = ["first_name", "last_name"].map(|column| of_contact(column).unwrap_or_default());
        let names: Vec<&str> = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect();
        Self {
            number,
            contact_id: text(coverage, "contact_id", 0).unwrap_or_default().to_owned(),
            name: names.join(" "),
            phone_number: of_contact("phone_number").filter(|number| !number.is_empty()),
            status: text(coverage, "status", 0).unwrap_or_default().to_owned(),
            error: owned(coverage, "error", 0),
            end: owned(coverage, "end", 0),
            run_id: text(coverage, "run_id", 0).unwrap_or_default().to_owned(),
            fetched_at: time(coverage, "fetch_finished_at", 0),
            messages: int(coverage, "messages", 0)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default(),
            first_message_at: time(coverage, "first_message_at", 0),
            last_message_at: time(coverage, "last_message_at", 0),
            ..Self::default()
        }
    }

    /// Returns the name, or another word for the contact.
    pub(super) fn shown_name(&self) -> &str {
        if self.name.is_empty() { "Contact" } else { &self.name }
    }

    /// Returns the result in words: `exported, end proved`.
    pub(super) fn result(&self) -> String {
        let end = match self.end.as_deref() {
            Some("proved") => ", end proved",
            Some("short_page") => ", end assumed",
            _ => "",
        };
        format!("{}{end}", self.status.replace('_', " "))
    }

    /// Returns the folder of the contact's transcript.
    pub(super) fn folder(&self) -> String {
        format!("data/transcripts/{:05}", self.number)
    }
}
