//! Waits for the lock of an export.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::building::interruptible;
use super::{ExportError, Interruption};
use crate::event::{Event, SharedObserver};
use crate::lock::{DEAD_AFTER, Lock, LockError, Loss, NextStep, Owner, Watch};
use crate::store::Store;

/// Time between two attempts to take another run's lock. A run takes minutes, and an attempt is cheap.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// The same in an object store, where an attempt takes several requests.
const RETRY_IN_STORE_EVERY: Duration = Duration::from_secs(5);

fn retry_every(out: &Store) -> Duration {
    if out.folder().is_some() { RETRY_EVERY } else { RETRY_IN_STORE_EVERY }
}

/// Extent of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The export, and the work folder.
    Export,
    /// The work folder only. Shards of one run work side by side.
    WorkFolder,
}

/// Locks the export. Waits up to `patience` for another run to end, and reports the wait once.
pub async fn wait(
    out: &Store,
    (work, extent): (&Path, Extent),
    patience: Duration,
    observer: &SharedObserver,
    mut interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<Lock, ExportError> {
    let began = Instant::now();
    let mut watch = Watch::default();
    let (mut has_reported_wait, mut has_reported_watch) = (false, false);
    loop {
        let now = began.elapsed();
        let attempt = match extent {
            Extent::Export => Lock::acquire(out, Some(work), watch.dead(now)),
            Extent::WorkFolder => Lock::acquire_folder(work, watch.dead(now)),
        };
        let until_next = match watch.next(attempt, now) {
            NextStep::Work(lock) => {
                if let Some(message) = lock.warning() {
                    observer.event(Event::Note { message });
                }
                return Ok(lock);
            }
            NextStep::Watch => {
                if !std::mem::replace(&mut has_reported_watch, true) {
                    observer.event(Event::Note { message: watching(out) });
                }
                RETRY_EVERY
            }
            NextStep::GiveUp(LockError::Held { path, owner }) if now < patience => {
                if !std::mem::replace(&mut has_reported_wait, true) {
                    observer.event(waiting(&path, owner.as_deref(), patience));
                }
                retry_every(out).min(patience.saturating_sub(now))
            }
            NextStep::GiveUp(error) => return Err(error.into()),
        };
        interruptible(sleep(until_next), interrupt.as_mut()).await?;
    }
}

/// Locks the export for a command that a signal ends at once. Waits up to `patience` for another run to end,
/// and reports the wait once.
pub fn take(out: &Store, patience: Duration, observer: &SharedObserver) -> Result<Lock, LockError> {
    let began = std::time::Instant::now();
    let mut watch = Watch::default();
    let mut has_reported_wait = false;
    loop {
        let now = began.elapsed();
        match watch.next(Lock::acquire(out, None, watch.dead(now)), now) {
            NextStep::Work(lock) => return Ok(lock),
            NextStep::Watch => std::thread::sleep(RETRY_EVERY),
            NextStep::GiveUp(LockError::Held { path, owner }) if now < patience => {
                if !std::mem::replace(&mut has_reported_wait, true) {
                    observer.event(waiting(&path, owner.as_deref(), patience));
                }
                std::thread::sleep(retry_every(out).min(patience.saturating_sub(now)));
            }
            NextStep::GiveUp(error) => return Err(error),
        }
    }
}

/// Resolves with the interruption, or with the way in which the lock is lost.
pub async fn or_lost(lock: &Lock, interrupt: impl Future<Output = Interruption>) -> Interruption {
    tokio::select! {
        why = interrupt => why,
        loss = lock.lost() => match loss {
            Loss::TakenOver => Interruption::TakenOver,
            Loss::NotRenewed => Interruption::LockNotRenewed,
        },
    }
}

fn waiting(path: &Path, owner: Option<&Owner>, patience: Duration) -> Event {
    Event::WaitingForLock {
        path: path.display().to_string(),
        seconds: patience.as_secs(),
        owner: owner.map(ToString::to_string),
    }
}

fn watching(out: &Store) -> String {
    format!(
        "a run on another machine left its lock in {}: watching it for {} s to see if the run is alive",
        out.display(),
        DEAD_AFTER.as_secs()
    )
}
