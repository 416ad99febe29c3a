//! The new state: of the decision, and of how the contacts that were due have ended.

use std::path::Path;
use std::sync::Arc;

use super::file::{self, Written};
use super::{Decided, LastExport, Row, StateError};
use crate::contact_read::Status;

/// How the run has read its contacts.
pub struct RunResult<'a> {
    /// The last word on each, in their order.
    pub statuses: &'a [Status],
    /// When the run began.
    pub at: i64,
    /// The run.
    pub run_id: &'a str,
    /// What the state holds for.
    pub scope: &'a str,
}

/// Writes the new state to `path`, synced; its name is for the caller to make durable. `decision` is a folder and the name of
/// the file in it.
///
/// # Errors
/// When the decision cannot be read, or the state not be written.
pub fn next(
    (base, decision): (&Path, &Path),
    path: &Path,
    reading: &RunResult<'_>,
) -> Result<Written, StateError> {
    let run_id: Arc<str> = reading.run_id.into();
    file::write(path, reading.scope, || {
        let run_id = Arc::clone(&run_id);
        let mut statuses = reading.statuses.iter();
        let rows = file::open::<Decided>(base, decision)?.map(move |decided| {
            let decided = decided?;
            // Those that were not asked for come after all others.
            let status = statuses.next().copied().unwrap_or(Status::Unchanged);
            Ok(after(decided, status, LastExport { at: reading.at, run_id: Arc::clone(&run_id) }))
        });
        Ok(rows.filter_map(Result::transpose))
    })
}

/// What is known of a contact after a run that ended with it like this; none if it was never read.
fn after(decided: Decided, status: Status, export: LastExport) -> Option<Row> {
    let Decided { contact_id, listed, known, .. } = decided;
    match status {
        Status::Unchanged => known,
        // What was exported of it before is still the newest there is.
        Status::Failed => Some(match known {
            Some(known) => Row { status, ..known },
            None => Row { contact_id, latest_message_time: None, status, export: None },
        }),
        Status::Exported | Status::Empty | Status::NotFound | Status::Unresolved => {
            Some(Row { contact_id, latest_message_time: listed, status, export: Some(export) })
        }
    }
}
