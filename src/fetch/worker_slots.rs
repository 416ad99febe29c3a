//! Slots: each allows one request at a time. Every worker has one. When a worker has no contact left,
//! contacts with long histories use its slot. The limiter decides how many requests are in flight; there are
//! slightly more slots.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Maximum wait for responses that are no longer needed. They were requested before the last response that
/// was needed.
const MAX_DRAIN: Duration = Duration::from_secs(1);

/// There is one extra worker per this many requests in flight. Workers spend time on responses; without extra
/// workers, no request would be ready in that time. At 100 ms per request, that would cost five percent of
/// the throughput.
const REQUESTS_PER_EXTRA_WORKER: u32 = 8;

/// The slots of a run.
#[derive(Clone, Debug)]
pub struct Slots {
    pub count: u32,
    /// Unused slots of workers without a contact.
    idle: Arc<Semaphore>,
    /// Number of workers with a contact.
    busy: Arc<AtomicU32>,
}

impl Slots {
    pub fn new(concurrency: u32) -> Self {
        let count = concurrency + concurrency / REQUESTS_PER_EXTRA_WORKER;
        Self { count, idle: Arc::new(Semaphore::new(0)), busy: Arc::default() }
    }

    /// Marks all workers as busy.
    pub fn begin(&self) {
        self.idle.forget_permits(self.count as usize);
        self.busy.store(self.count, Ordering::Relaxed);
    }

    /// Releases the slot of a worker that has no contact left.
    pub fn leave(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.idle.add_permits(1);
    }

    /// Waits for responses that are still in flight but no longer needed, so that they are counted. Call it
    /// when no worker has a contact left.
    pub async fn drain(&self) {
        drop(timeout(MAX_DRAIN, self.idle.acquire_many(self.count)).await);
    }

    /// Number of idle slots that one contact may use, so that all contacts still being read get their share.
    pub fn share(&self) -> u32 {
        let busy = self.busy.load(Ordering::Relaxed).clamp(1, self.count);
        (self.count - busy).div_ceil(busy)
    }

    /// Takes an idle slot, if there is one.
    pub fn take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.idle).try_acquire_owned().ok()?;
        Some(Slot(Arc::new(Mutex::new(Some(permit)))))
    }
}

/// A formerly idle slot. The request and the worker that waits for its response share it, and either releases
/// it.
#[derive(Clone)]
pub struct Slot(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Slot {
    /// True until the slot is released.
    pub fn is_held(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub fn release(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_holder_releases_a_slot_once() {
        let slots = Slots::new(8);
        slots.begin();
        assert!(slots.take().is_none(), "every worker has a contact");
        for _ in 0..5 {
            slots.leave();
        }
        assert_eq!(slots.share(), 2, "five for four");
        let taken: Vec<Slot> = std::iter::from_fn(|| slots.take()).collect();
        assert_eq!(taken.len(), 5);
        let asker = taken[0].clone();
        taken[0].release();
        assert!(!asker.is_held());
        let again = slots.take();
        assert!(again.is_some(), "its page has its turn");
        asker.release();
        assert!(slots.take().is_none(), "given back once");
        drop(again);
        assert!(slots.take().is_some());
    }
}
