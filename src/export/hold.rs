//! `hold`: places and releases holds. While one is active, `prune` and `erase` remove nothing that it covers.

use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;

use super::{ExportError, lock};
use crate::catalog::{self, CatalogError};
use crate::contacts::ContactList;
use crate::durable::StorageError;
use crate::event::SharedObserver;
use crate::layout::{HOLDS, LATEST, RUNS};
use crate::output::holds::{Hold, Holds};
use crate::store::Store;
use crate::time::format_time;

/// Contacts that a hold covers.
#[derive(Debug)]
pub enum HoldScope {
    /// All contacts.
    All,
    /// These contacts.
    Contacts(ContactList),
}

/// Errors of placing or releasing a hold.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// There is no export at the path.
    #[error("there is no export at {}: it has no {LATEST}", path.display())]
    NoExport { path: PathBuf },
    /// No active hold has this reference.
    #[error("there is no active hold {reference:?} on {}: hold --list shows all", path.display())]
    NoHold { reference: String, path: PathBuf },
    /// An erasure is not finished.
    #[error("an erasure of {} is not finished: run chatzy-export erase with --finish, then place the hold", path.display())]
    UnfinishedErasure { path: PathBuf },
    /// The record of holds is damaged.
    #[error("{} is damaged ({what}): restore it from a copy", path.display())]
    Damaged { path: PathBuf, what: String },
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<CatalogError> for HoldError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Damaged { path, what } => Self::Damaged { path, what },
            CatalogError::Newer { path, error } => Self::Damaged { path, what: error.to_string() },
            CatalogError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Result of placing a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// The hold is placed.
    Placed,
    /// An active hold with this reference and these contacts was there already.
    Existed,
}

/// Returns the holds of an export.
///
/// # Errors
/// When there is no export, or the record of holds cannot be read.
pub fn holds(out: &Store) -> Result<Holds, HoldError> {
    if !out.is_folder(RUNS)? {
        return Err(HoldError::NoExport { path: out.root().to_owned() });
    }
    Ok(catalog::holds(out)?.unwrap_or_default())
}

/// Places a hold. Waits up to `patience` for another run on the export.
///
/// # Errors
/// When there is no export, another run works on it, or the record of holds cannot be read or written.
pub fn place_hold(
    out: &Store,
    (reference, by): (&str, Option<&str>),
    scope: &HoldScope,
    patience: Duration,
    observer: &SharedObserver,
) -> Result<HoldChange, ExportError> {
    holds(out)?;
    let lock = lock::take(out, patience, observer)?;
    if catalog::erasures(out).map_err(HoldError::from)?.is_some_and(|record| record.unfinished().is_some()) {
        return Err(HoldError::UnfinishedErasure { path: out.root().to_owned() }.into());
    }
    let mut record = holds(out)?;
    let (all, mut contact_sha256) = match scope {
        HoldScope::All => (true, Vec::new()),
        HoldScope::Contacts(contacts) => (false, contacts.iter().map(|id| record.salt.hash(&id)).collect()),
    };
    contact_sha256.sort();
    contact_sha256.dedup();
    let is_same =
        |hold: &Hold| hold.reference == reference && hold.all == all && hold.contact_sha256 == contact_sha256;
    if record.active().any(is_same) {
        return Ok(HoldChange::Existed);
    }
    let (reference, by) = (reference.to_owned(), by.map(str::to_owned));
    record.holds.push(Hold { reference, by, placed_at: now(), released_at: None, all, contact_sha256 });
    lock.check()?;
    out.write(HOLDS, record.to_json().as_bytes())?;
    Ok(HoldChange::Placed)
}

/// Releases the holds with this reference, and returns their number.
///
/// # Errors
/// As [`place_hold`], and when no active hold has the reference.
pub fn release_hold(
    out: &Store,
    reference: &str,
    patience: Duration,
    observer: &SharedObserver,
) -> Result<usize, ExportError> {
    holds(out)?;
    let lock = lock::take(out, patience, observer)?;
    let mut record = holds(out)?;
    let released_at = now();
    let is_it = |hold: &&mut Hold| hold.released_at.is_none() && hold.reference == reference;
    let mut released = 0;
    for hold in record.holds.iter_mut().filter(is_it) {
        hold.released_at = Some(released_at.clone());
        released += 1;
    }
    if released == 0 {
        let (reference, path) = (reference.to_owned(), out.root().to_owned());
        return Err(HoldError::NoHold { reference, path }.into());
    }
    lock.check()?;
    out.write(HOLDS, record.to_json().as_bytes())?;
    Ok(released)
}

fn now() -> String {
    format_time(Utc::now().timestamp_micros()).to_string()
}
