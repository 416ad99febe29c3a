//! Delta logs. A folder `_delta_log` makes the folder of a table a Delta table, for `run --table-format delta`.
//!
//! ```text
//! messages/_delta_log/00000000000000000000.json   the first version of the log, a file of JSON lines
//! messages/_delta_log/00000000000000000001.json   the next version: what it adds and removes
//! ```
//!
//! The manifests decide which files an export has. The logs repeat it for programs that read Delta tables. So one
//! function, [`sync()`], does all writing: it replays the log of each table ([`log`]), compares it with the files of the
//! published runs ([`expected`]), and writes at most one version with the differences. It may be repeated at any time,
//! and writes nothing if there are none. `run`, `commit`, `rebuild`, `snapshot`, `prune` and `erase` call it. Each of them thereby
//! repairs what an earlier command left behind when it was interrupted. Had each command to write its own changes, then
//! each would need a journal for its interruption.
//!
//! A version is created, never overwritten ([`Store::create_first`]). If another writer is faster, the log is read again.
//! Versions of other programs end the synchronization: they may hold rows that no manifest knows.
//!
//! The logs use the oldest protocol (reader 1, writer 2), which every program reads. They have no checkpoints, so each
//! command reads all versions.
//!
//! Other programs may write to the disk. So nothing in a log is trusted, least of all its paths, and each file is read
//! in bounded memory.
//!
//! Layer 2: uses `catalog`, `output` and `table`.

mod action;
mod changes;
mod error;
mod expected;
mod log;
mod names;
mod schema;
mod sync;
#[cfg(test)]
mod tests;

use crate::catalog::{self, CatalogError};
use crate::durable::StorageError;
use crate::layout;
use crate::store::Store;
use crate::table::Table;

pub use changes::Changes;
pub use error::DeltaError;
pub use expected::Expected;
pub use log::{FaultKind, Log};
pub use sync::{check, sync};

/// True if the newest run has Delta tables, or a table has a Delta log.
///
/// # Errors
/// If a file or folder cannot be inspected.
pub fn is_wanted(out: &Store) -> Result<bool, DeltaError> {
    let newest = match catalog::latest(out) {
        Ok(Some(latest)) => catalog::run(out, &latest.run_id),
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match newest {
        Ok(Some(newest)) if newest.manifest.options.is_delta() => Ok(true),
        Err(CatalogError::Storage(error)) => Err(error.into()),
        // `verify` reports damage.
        Ok(_) | Err(_) => Ok(exists(out)?),
    }
}

/// True if a table has a Delta log.
///
/// # Errors
/// If a folder cannot be inspected.
pub fn exists(out: &Store) -> Result<bool, StorageError> {
    for table in Table::ALL {
        if out.is_folder(layout::delta_log(table.name()))? {
            return Ok(true);
        }
    }
    Ok(false)
}
