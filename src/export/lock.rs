//! One writer for each export: an advisory lock on the folder itself.
//!
//! The lock is on the folders' own handles, so there is no lock file to leave behind, and it ends with the program
//! however that ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::ExportError;
use crate::durable::{self, OnPath};

/// Held while a run works.
pub struct Lock {
    _out: File,
    _work: Option<File>,
}

/// Makes the folder of the export if need be and locks it; the work folder too, where it lies elsewhere.
pub fn lock(out: &Path, work: &Path) -> Result<Lock, ExportError> {
    durable::create_dir_all(out)?;
    let out_lock = lock_folder(out)?;
    let work_lock = if work.starts_with(out) {
        durable::are_real_dirs(out, work.strip_prefix(out).unwrap_or(work))?;
        None
    } else {
        durable::create_dir_all(work)?;
        Some(lock_folder(work)?)
    };
    Ok(Lock { _out: out_lock, _work: work_lock })
}

fn lock_folder(path: &Path) -> Result<File, ExportError> {
    let folder = File::open(path).on("open", path)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(ExportError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(durable::StorageError::new("lock", path, error).into()),
    }
}
