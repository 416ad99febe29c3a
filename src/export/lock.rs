//! One writer for each export: an advisory lock on the folder itself.
//!
//! The lock is on the folders' own handles, so there is no lock file to leave behind, and it ends with the program
//! however that ends.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{ExportError, Interruption};
use crate::durable::{self, OnPath};
use crate::event::{Event, SharedObserver};

/// Time between two looks at another run's lock: a run takes minutes, and a look costs nothing.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Held while a run works.
pub struct Lock {
    _out: File,
    _work: Option<File>,
}

/// Locks the export, when another run has ended if that is not too long. Says once that it waits.
pub async fn wait(
    out: &Path,
    work: &Path,
    patience: Duration,
    observer: &SharedObserver,
    mut interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<Lock, ExportError> {
    let end = Instant::now() + patience;
    let mut has_told = false;
    loop {
        let path = match lock(out, work) {
            Err(ExportError::Locked { path }) if Instant::now() < end => path,
            ended => return ended,
        };
        if !std::mem::replace(&mut has_told, true) {
            let (path, seconds) = (path.display().to_string(), patience.as_secs());
            observer.event(Event::WaitingForLock { path, seconds });
        }
        tokio::select! {
            why = &mut interrupt => return Err(ExportError::Interrupted(why)),
            () = sleep_until(end.min(Instant::now() + LOOK_EVERY)) => {}
        }
    }
}

/// Makes the folder of the export if need be and locks it; the work folder too, where it lies elsewhere.
fn lock(out: &Path, work: &Path) -> Result<Lock, ExportError> {
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

/// Locks a folder that is there.
pub fn lock_folder(path: &Path) -> Result<File, ExportError> {
    let folder = File::open(path).on("open", path)?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => Err(ExportError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(durable::StorageError::new("lock", path, error).into()),
    }
}
