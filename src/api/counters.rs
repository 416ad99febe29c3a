//! What one contact costs.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one contact has cost, shared by all its requests.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
}

impl Counters {
    /// Of a contact for which an earlier attempt has sent so many.
    pub fn after(requests: u64) -> Self {
        Self { requests: requests.into(), retries: AtomicU64::default() }
    }

    /// Counts a request.
    pub(super) fn sent(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the last one as a repeat.
    pub(super) fn repeated(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests sent for it.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Of these, repeats.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}
