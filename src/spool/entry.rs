//! The head of a record in the spool. Its serialized form is stored: names in it must not change.

use serde::{Deserialize, Serialize};

use crate::contact_read::{Outcome, PageRequest, ServerBehavior};
use crate::id::Channel;

/// The pass over a contact's history that a page belongs to: one per `--channel`, or one for all channels.
pub type Pass = Option<Channel>;

/// The head of a record. The body of a page, the response as received, follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// One response of the API.
    Page {
        /// Index of the contact in the input, from 0.
        contact: u32,
        /// Pass that the page belongs to.
        pass: Pass,
        /// Request that the page answers.
        ask: PageRequest,
        /// Time of the first request, in microseconds since 1970.
        #[serde(default)]
        asked_at: Option<i64>,
        /// Time of the response, in microseconds since 1970.
        at: i64,
    },
    /// The contact is read, or has failed.
    Done {
        /// Index of the contact in the input, from 0.
        contact: u32,
        /// Outcome of the read.
        outcome: Outcome,
        /// Behavior of the server that the run had observed by then.
        learned: ServerBehavior,
        /// Fingerprint of the contact's first page with messages, if the response does not name the contact.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_page: Option<u64>,
        /// Number of messages, for the progress of a resumed run. 0 if it is unknown.
        #[serde(default)]
        messages: u64,
    },
    /// The end of the contact's history was not the real end. The contact is read again from its start.
    Reopened {
        /// Index of the contact in the input, from 0.
        contact: u32,
    },
}
