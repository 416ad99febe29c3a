//! The right to ask for something: one for each worker, and when it has no contact left, for whoever still reads a long
//! history. How many requests are in flight is the governor's to say; there are a few more slots than that.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long an answer that nobody wants is waited for. It was asked for before the last one that somebody did.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// To so many requests in flight comes one worker more. Each spends a part of its time on what was answered, and without
/// them nobody would stand in line in its place: with 100 ms a request that costs five requests in a hundred.
const ONE_MORE_TO: u32 = 8;

/// The slots of a run.
#[derive(Clone, Debug)]
pub struct Slots {
    /// How many there are.
    pub count: u32,
    /// Those of workers that have no contact left and that nobody uses.
    idle: Arc<Semaphore>,
    /// Workers that have a contact.
    busy: Arc<AtomicU32>,
}

impl Slots {
    pub fn new(concurrency: u32) -> Self {
        let count = concurrency + concurrency / ONE_MORE_TO;
        Self { count, idle: Arc::new(Semaphore::new(0)), busy: Arc::default() }
    }

    /// All workers begin.
    pub fn begin(&self) {
        self.idle.forget_permits(self.count as usize);
        self.busy.store(self.count, Ordering::Relaxed);
    }

    /// A worker has no contact left.
    pub fn leave(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.idle.add_permits(1);
    }

    /// When no worker has a contact left: waits for answers under way that nobody wants, so that they are counted.
    pub async fn settle(&self) {
        drop(timeout(STRAGGLERS, self.idle.acquire_many(self.count)).await);
    }

    /// How many idle slots one contact may use, so that each of those still read has its part.
    pub fn share(&self) -> u32 {
        let busy = self.busy.load(Ordering::Relaxed).clamp(1, self.count);
        (self.count - busy).div_ceil(busy)
    }

    /// An idle slot, if there is one.
    pub fn take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.idle).try_acquire_owned().ok()?;
        Some(Slot(Arc::new(Mutex::new(Some(permit)))))
    }
}

/// A slot that was idle, in the hands of who asks and of who wants the answer. Either gives it back.
#[derive(Clone)]
pub struct Slot(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Slot {
    /// Whether nobody has given it back.
    pub fn is_held(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Gives it back.
    pub fn give_back(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_serves_again_as_soon_as_who_asked_or_who_wants_the_answer_gives_it_back() {
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
        taken[0].give_back();
        assert!(!asker.is_held());
        let again = slots.take();
        assert!(again.is_some(), "its page has its turn");
        asker.give_back();
        assert!(slots.take().is_none(), "given back once");
        drop(again);
        assert!(slots.take().is_some());
    }
}
