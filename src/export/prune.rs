//! `prune` under the lock of the export. The lock prevents a run from publishing at the same time.

use std::path::Path;

use super::{ExportError, lock};
use crate::prune::{self, Keep, Mode, PruneError, Pruning};

/// Removes old runs, or only lists them.
///
/// # Errors
/// When another run works on the export, it cannot be read or is damaged, or a file cannot be removed.
pub fn prune(out: &Path, keep: Keep, mode: Mode) -> Result<Pruning, ExportError> {
    if !out.is_dir() {
        return Err(PruneError::NoExport { path: out.to_owned() }.into());
    }
    let _lock = match mode {
        Mode::Remove => Some(lock::take(out)?),
        // A dry run changes nothing, so it needs no lock.
        Mode::DryRun => None,
    };
    Ok(prune::prune(out, keep, mode)?)
}
