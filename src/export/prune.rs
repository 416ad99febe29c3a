//! `prune` under the lock of the export, so that no run is published meanwhile.

use std::path::Path;

use super::{ExportError, lock};
use crate::prune::{self, Keep, Mode, PruneError, Pruning};

/// Removes old runs, or says which.
///
/// # Errors
/// When another run works on the export, it cannot be read or is damaged, or a file cannot be removed.
pub fn prune(out: &Path, keep: Keep, mode: Mode) -> Result<Pruning, ExportError> {
    if !out.is_dir() {
        return Err(PruneError::NoExport { path: out.to_owned() }.into());
    }
    let _lock = match mode {
        Mode::Remove => Some(lock::take(out)?),
        // Nothing is touched, and a run under way is no hindrance.
        Mode::DryRun => None,
    };
    Ok(prune::prune(out, keep, mode)?)
}
