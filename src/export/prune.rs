//! `prune` under the lock of the export. The lock prevents a run from publishing at the same time.

use std::time::Duration;

use super::{ExportError, lock};
use crate::event::SharedObserver;
use crate::lock::Lock;
use crate::prune::{self, Keep, Mode, PruneError, Pruning};
use crate::store::Store;

/// Removes old runs, or only lists them. Waits up to `patience` for another run on the export.
///
/// # Errors
/// When another run works on the export, it cannot be read or is damaged, or a file cannot be removed.
pub fn prune(
    out: &Store,
    (keep, mode): (Keep, Mode),
    patience: Duration,
    observer: &SharedObserver,
) -> Result<Pruning, ExportError> {
    if !out.is_folder("")? {
        return Err(PruneError::NoExport { path: out.root().to_owned() }.into());
    }
    let lock = match mode {
        Mode::Remove => Some(lock::take(out, patience, observer)?),
        // A dry run changes nothing, so it needs no lock.
        Mode::DryRun => None,
    };
    let held = || lock.as_ref().map_or(Ok(()), Lock::check);
    Ok(prune::prune(out, keep, mode, &held)?)
}
