//! Waits for the lock of an export.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::building::interruptible;
use super::{ExportError, Interruption};
use crate::event::{Event, SharedObserver};
use crate::lock::{DEAD_AFTER, FOLDER, Lock, LockError, NextStep, Watch};

/// Time between two attempts to take another run's lock. A run takes minutes, and an attempt is cheap.
const RETRY_EVERY: Duration = Duration::from_millis(250);

/// Locks the export. Waits up to `patience` for another run to end, and reports the wait once.
pub async fn wait(
    out: &Path,
    work: &Path,
    patience: Duration,
    observer: &SharedObserver,
    mut interrupt: Pin<&mut impl Future<Output = Interruption>>,
) -> Result<Lock, ExportError> {
    let began = Instant::now();
    let mut watch = Watch::default();
    let (mut has_reported_wait, mut has_reported_watch) = (false, false);
    loop {
        let now = began.elapsed();
        let attempt = Lock::acquire(out, work, watch.dead(now));
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
            NextStep::GiveUp(LockError::Held { path, .. }) if now < patience => {
                if !std::mem::replace(&mut has_reported_wait, true) {
                    let (path, seconds) = (path.display().to_string(), patience.as_secs());
                    observer.event(Event::WaitingForLock { path, seconds });
                }
                RETRY_EVERY.min(patience.saturating_sub(now))
            }
            NextStep::GiveUp(error) => return Err(error.into()),
        };
        interruptible(sleep(until_next), interrupt.as_mut()).await?;
    }
}

/// Locks the export for a command that does not wait for other runs. It only watches a run that may be dead.
pub fn take(out: &Path) -> Result<Lock, LockError> {
    let began = std::time::Instant::now();
    let mut watch = Watch::default();
    loop {
        let now = began.elapsed();
        match watch.next(Lock::acquire(out, &out.join(FOLDER), watch.dead(now)), now) {
            NextStep::Work(lock) => return Ok(lock),
            NextStep::Watch => std::thread::sleep(RETRY_EVERY),
            NextStep::GiveUp(error) => return Err(error),
        }
    }
}

/// Resolves with the interruption, or with [`Interruption::TakenOver`] if another run takes the lock.
pub async fn or_lost(lock: &Lock, interrupt: impl Future<Output = Interruption>) -> Interruption {
    tokio::select! {
        why = interrupt => why,
        () = lock.lost() => Interruption::TakenOver,
    }
}

fn watching(out: &Path) -> String {
    format!(
        "a run on another machine left its lock in {}: watching it for {} s to see if the run is alive",
        out.display(),
        DEAD_AFTER.as_secs()
    )
}
