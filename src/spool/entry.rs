//! What a record of the spool says.

use serde::{Deserialize, Serialize};

use crate::id::Channel;

/// Which of a contact's reads a page belongs to: one for each `--channel`, or one for all.
pub type Pass = Option<Channel>;

/// The head of a record. A page's body, the answer as received, follows it.
///
/// `A` is what was asked, `O` how a contact's read ended: the spool stores both and looks into neither.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry<A, O> {
    /// One answer.
    Page {
        /// The contact's place in the input, from 0.
        contact: u32,
        /// The read it belongs to.
        pass: Pass,
        /// What was asked.
        ask: A,
        /// When the answer was there, in microseconds since 1970.
        at: i64,
    },
    /// The contact is read, or given up.
    Done {
        /// The contact's place in the input, from 0.
        contact: u32,
        /// How it ended.
        outcome: O,
    },
    /// What was said of the contact's end does not hold: it is read again from its start.
    Reopened {
        /// The contact's place in the input, from 0.
        contact: u32,
    },
}
