//! The new state. It follows from the decision and the outcomes of the due contacts.

use std::path::Path;
use std::sync::Arc;

use super::file::{self, WrittenFile};
use super::{DecisionRow, LastExport, StateError, StateRow};
use crate::contact_read::Status;
use crate::store::Store;

/// Outcomes of a run.
pub struct RunResult<'a> {
    /// Status of each contact, in order.
    pub statuses: &'a [Status],
    /// Start of the run in microseconds since 1970.
    pub at: i64,
    /// ID of the run.
    pub run_id: &'a str,
    /// Part of the account for which the state is valid.
    pub scope: &'a str,
}

/// Writes the new state to `path` and syncs it. The caller syncs the folder. `decision` is the name of the
/// decision in the folder `base`.
///
/// # Errors
/// When the decision cannot be read, or the state cannot be written.
pub fn next(
    (base, decision): (&Store, &Path),
    path: &Path,
    result: &RunResult<'_>,
) -> Result<WrittenFile, StateError> {
    let run_id: Arc<str> = result.run_id.into();
    file::write(path, result.scope, || {
        let run_id = Arc::clone(&run_id);
        let mut statuses = result.statuses.iter();
        let rows = file::open::<DecisionRow>(base, decision)?.map(move |decided| {
            let decided = decided?;
            // Contacts that were not requested come last.
            let status = statuses.next().copied().unwrap_or(Status::Unchanged);
            Ok(after(decided, status, LastExport { at: result.at, run_id: Arc::clone(&run_id) }))
        });
        Ok(rows.filter_map(Result::transpose))
    })
}

/// The row of a contact after a run with this status. `None` if the contact was never read.
fn after(decided: DecisionRow, status: Status, export: LastExport) -> Option<StateRow> {
    let DecisionRow { contact_id, listed, known, .. } = decided;
    match status {
        Status::Unchanged => known,
        // The last export of the contact is still the newest one.
        Status::Failed => Some(match known {
            Some(known) => StateRow { status, ..known },
            None => StateRow { contact_id, latest_message_time: None, status, export: None },
        }),
        Status::Exported | Status::Empty | Status::NotFound | Status::Unresolved => {
            Some(StateRow { contact_id, latest_message_time: listed, status, export: Some(export) })
        }
    }
}
