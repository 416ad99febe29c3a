//! Keeps the runs with the newest rows of contacts that a kept run did not read.
//!
//! The state of an incremental run names, for each contact, the run that exported it last. Those runs are
//! kept too. A state is read row by row, so memory does not grow with the number of contacts.

use std::collections::HashMap;
use std::path::Path;

use super::PruneError;
use crate::catalog::Run;
use crate::digest::sha256_of_open;
use crate::durable::{self, NOT_REGULAR, OnPath, Opened};
use crate::output::manifest::StateEntry;
use crate::state::{self, StateError};

/// Reason given for a run that the state of a kept run names.
const NAMED: &str = "it holds contacts that a later run did not read again";

/// Adds a reason to each run that a kept run needs. `runs` begins with the newest.
///
/// # Errors
/// When the state of a kept run is missing or damaged. Then nothing may be removed.
pub(super) fn keep(out: &Path, runs: &[Run], reasons: &mut [Option<&'static str>]) -> Result<(), PruneError> {
    let places: HashMap<&str, usize> =
        runs.iter().enumerate().map(|(at, run)| (run.manifest.run_id.as_str(), at)).collect();
    let mut is_named = vec![false; runs.len()];
    for (at, run) in runs.iter().enumerate().filter(|(at, _)| reasons[*at].is_some()) {
        match &run.manifest.state {
            Some(state) => {
                read_names(out, state, &mut |run_id| {
                    if let Some(at) = places.get(run_id) {
                        is_named[*at] = true;
                    }
                })?;
            }
            // It relies on earlier runs but does not name them, so all of them may be needed.
            None if run.manifest.contacts.unchanged > 0 => is_named[at..].fill(true),
            None => {}
        }
    }
    for (reason, _) in reasons.iter_mut().zip(is_named).filter(|(_, is_named)| *is_named) {
        *reason = reason.or(Some(NAMED));
    }
    Ok(())
}

/// Calls `each` with the run of each contact in the state. The file's hash is checked first.
fn read_names(out: &Path, state: &StateEntry, each: &mut dyn FnMut(&str)) -> Result<(), PruneError> {
    let path = out.join(&state.path);
    let damaged = |what: &str| PruneError::Damaged { path: path.clone(), what: what.to_owned() };
    match durable::open_below(out, state.path.as_path())? {
        Opened::File(file, size) => {
            if sha256_of_open(file, size).on("read", &path)? != (state.sha256.clone(), state.bytes) {
                return Err(damaged("its size or SHA-256 is not the one in the manifest"));
            }
        }
        Opened::Missing => return Err(damaged("it is missing")),
        Opened::NotRegular => return Err(damaged(NOT_REGULAR)),
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
