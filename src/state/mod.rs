//! What is remembered of each contact from run to run, so that `--incremental` reads only those that are due.
//!
//! ```text
//! state.parquet of an earlier run ─▶ due ─▶ decision.parquet in the work folder ─▶ fetch, build ─▶ state.parquet of this run
//! ```
//!
//! [`due`] decides, contact by contact; [`Decision`] writes down what was decided before anything is fetched, so that a run
//! that goes on does not decide anew; [`next()`] makes the new state of the decision and of how the reading ended. Both files
//! are Parquet ([`mod@file`]): the state is for everybody to look into.
//!
//! Of millions of contacts these stand in memory, in bytes for each of the list ([`crate::contacts`]):
//!
//! | what | bytes | when |
//! |---|---|---|
//! | [`Known`] | 15 | while it is decided |
//! | [`Times`] | 9 | while it is decided |
//! | reasons | 1 | while it is decided |
//! | [`Due`] | 1 | in the whole run |
//!
//! Layer 2: knows files and columns, and nothing of the API, of runs and of manifests.

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

pub use decision::{Decided, Decision, due as read_due};
pub use due::{Due, Reason, Rule};
pub use error::StateError;
pub use file::{FileBelow, Written, read};
pub use known::Known;
pub use next::{RunResult, next};
pub use times::Times;

/// One contact in the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The contact.
    pub contact_id: Box<str>,
    /// `latest_message_time` as it was listed before the last successful export; none where it was not listed, or without one.
    pub latest_message_time: Option<Box<str>>,
    /// How the last reading ended.
    pub status: Status,
    /// The last export; none where it never succeeded.
    pub export: Option<LastExport>,
}

/// The last run that has exported a contact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LastExport {
    /// When that run began, in microseconds since 1970: `exported_at` of its rows.
    pub at: i64,
    /// Its ID.
    pub run_id: Arc<str>,
}
