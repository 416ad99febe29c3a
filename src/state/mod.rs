//! The state of each contact between runs, from which `--incremental` decides which contacts to read.
//!
//! ```text
//! earlier state.parquet ─▶ due ─▶ decision.parquet in the work folder ─▶ fetch, transform ─▶ new state.parquet
//! ```
//!
//! [`due`] decides per contact. [`Decision`] saves all decisions before anything is fetched, so a resumed run
//! uses the same ones. [`next()`] makes the new state from the decision and the outcomes. Both files are
//! Parquet ([`mod@file`]), so that users can query them.
//!
//! Memory in bytes per contact of the list ([`crate::contacts`]):
//!
//! | structure | bytes | time |
//! |---|---|---|
//! | [`Known`] | 15 | during the decision |
//! | [`Times`] | 9 | during the decision |
//! | reasons | 1 | during the decision |
//! | [`Due`] | 1 | the whole run |
//!
//! Layer 2: works with files and columns; does not use the API, runs or manifests.

mod columns;
mod decision;
pub mod due;
mod error;
mod file;
mod known;
mod next;
#[cfg(test)]
mod tests;
mod times;

use std::sync::Arc;

use crate::contact_read::Status;

pub use decision::{Decision, DecisionRow, due as read_due};
pub use due::{Due, DueRule, Reason};
pub use error::StateError;
pub use file::{FileBelow, WrittenFile, read, rewrite};
pub use known::Known;
pub use next::{RunResult, next};
pub use times::Times;

/// A row of the state: one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// ID of the contact.
    pub contact_id: Box<str>,
    /// `latest_message_time` in the account's list before the last successful export, if it was listed with a
    /// time.
    pub latest_message_time: Option<Box<str>>,
    /// Status of the last read.
    pub status: Status,
    /// The last successful export, if any.
    pub export: Option<LastExport>,
}

/// The last run that exported a contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LastExport {
    /// Start of the run in microseconds since 1970: `exported_at` of its rows.
    pub at: i64,
    /// ID of the run.
    pub run_id: Arc<str>,
}
