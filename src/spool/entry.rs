//! What a record of the spool says.

use serde::{Deserialize, Serialize};

use crate::contact_read::{Outcome, PageRequest, ServerBehavior};
use crate::id::Channel;

/// Which of a contact's reads a page belongs to: one for each `--channel`, or one for all.
pub type Pass = Option<Channel>;

/// The head of a record. A page's body, the answer as received, follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// One answer.
    Page {
        /// The contact's place in the input, from 0.
        contact: u32,
        /// The read it belongs to.
        pass: Pass,
        /// What was asked.
        ask: PageRequest,
        /// When it was first asked for, in microseconds since 1970.
        #[serde(default)]
        asked_at: Option<i64>,
        /// When the answer was there, in microseconds since 1970.
        at: i64,
    },
    /// The contact is read, or given up.
    Done {
        /// The contact's place in the input, from 0.
        contact: u32,
        /// How it ended.
        outcome: Outcome,
        /// What the run had learned of the server by then.
        learned: ServerBehavior,
        /// A fingerprint of the contact's first page with messages, where the answer did not name the contact.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_page: Option<u64>,
    },
    /// What was said of the contact's end does not hold: it is read again from its start.
    Reopened {
        /// The contact's place in the input, from 0.
        contact: u32,
    },
}
