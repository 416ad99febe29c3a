//! Counts the requests per contact.

use std::sync::atomic::{AtomicU64, Ordering};

/// Number of requests for one contact, shared by all its requests.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
}

impl Counters {
    /// Starts with the requests of an earlier attempt.
    pub fn after(requests: u64) -> Self {
        Self { requests: requests.into(), retries: AtomicU64::default() }
    }

    pub(super) fn sent(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the latest request as a retry.
    pub(super) fn repeated(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of requests sent.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Number of retries among them.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}
