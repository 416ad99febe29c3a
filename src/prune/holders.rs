//! Keeps the runs with the newest rows of contacts that a kept run did not read.
//!
//! The state of an incremental run names, for each contact, the run that exported it last. Those runs are
//! kept too. A state is read row by row, so memory does not grow with the number of contacts.

use std::collections::HashMap;

use super::{KeepReason, PruneError};
use crate::catalog::Run;
use crate::durable::NOT_REGULAR;
use crate::output::manifest::StateEntry;
use crate::state::{self, StateError};
use crate::store::{Hashed, Store};

/// Adds a reason to each run that a kept run needs. `runs` begins with the newest.
///
/// # Errors
/// When the state of a kept run is missing or damaged. Then nothing may be removed.
pub(super) fn keep(out: &Store, runs: &[Run], reasons: &mut [Option<KeepReason>]) -> Result<(), PruneError> {
    let places: HashMap<&str, usize> =
        runs.iter().enumerate().map(|(at, run)| (run.manifest.run_id.as_str(), at)).collect();
    // The newest kept run that needs each run.
    let mut holders: Vec<Option<usize>> = vec![None; runs.len()];
    for (at, run) in runs.iter().enumerate().filter(|(at, _)| reasons[*at].is_some()) {
        match &run.manifest.state {
            Some(state) => {
                read_names(out, state, &mut |run_id| {
                    if let Some(held) = places.get(run_id) {
                        holders[*held].get_or_insert(at);
                    }
                })?;
            }
            // It relies on earlier runs but does not name them, so all of them may be needed.
            None if run.manifest.contacts.unchanged > 0 => {
                for holder in &mut holders[at..] {
                    holder.get_or_insert(at);
                }
            }
            None => {}
        }
    }
    for (reason, holder) in reasons.iter_mut().zip(holders) {
        if let Some(at) = holder {
            reason.get_or_insert_with(|| KeepReason::Holds { by: runs[at].manifest.run_id.clone() });
        }
    }
    Ok(())
}

/// Calls `each` with the run of each contact in the state. The file's hash is checked first.
fn read_names(out: &Store, state: &StateEntry, each: &mut dyn FnMut(&str)) -> Result<(), PruneError> {
    let path = out.join(&state.path);
    let damaged = |what: &str| PruneError::Damaged { path: path.clone(), what: what.to_owned() };
    match out.hash(&state.path)? {
        Hashed::Sha256(sha256) if sha256 == state.sha256 => {}
        Hashed::Sha256(_) => return Err(damaged("its SHA-256 is not the one in the manifest")),
        Hashed::Missing => return Err(damaged("it is missing")),
        Hashed::NotRegular => return Err(damaged(NOT_REGULAR)),
    }
    let failed = |error| match error {
        StateError::Storage(error) => PruneError::Storage(error),
        StateError::Unreadable { what, .. } => damaged(&what),
        StateError::Encode { source, .. } => damaged(&source.to_string()),
    };
    for row in state::read(out, state.path.as_path()).map_err(failed)? {
        if let Some(export) = row.map_err(failed)?.export {
            each(&export.run_id);
        }
    }
    Ok(())
}
