//! Keeps the record of pruned runs as short as the chain allows.

use super::PruneError;
use crate::catalog::{self, Chain};
use crate::layout::PRUNED;
use crate::output::pruned::PrunedRuns;
use crate::store::Store;

/// Reduces the record to the runs that the chain needs: those between kept runs, and the first one before
/// them.
pub(super) fn compact(out: &Store, chain: &Chain) -> Result<(), PruneError> {
    let record = catalog::pruned_runs(out)?;
    let stays = |sha256: &String| chain.runs.iter().any(|run| run.sha256 == *sha256);
    let Some(last) = chain.order.iter().rposition(stays) else { return Ok(()) };
    let mut needed = PrunedRuns::default();
    for (at, sha256) in chain.order.iter().enumerate().take(last + 2) {
        if stays(sha256) {
            continue;
        }
        let Some(run) = record.pruned.iter().find(|run| run.sha256 == *sha256) else { continue };
        let mut run = run.clone();
        if at > last {
            run.previous = None;
        }
        needed.pruned.push(run);
    }
    // The chain before a break is unknown.
    if chain.broken_at.is_none() && needed != record {
        write(out, &needed)?;
    }
    Ok(())
}

/// Replaces the record. The lock of the export prevents changes by others.
pub(super) fn write(out: &Store, record: &PrunedRuns) -> Result<(), PruneError> {
    Ok(out.write(PRUNED, record.to_json().as_bytes())?)
}
