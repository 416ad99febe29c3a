//! Counts of requests, for the manifest.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::timeline::Timeline;

/// Requests sent so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// All attempts, sign-ins too.
    pub sent: u64,
    /// Those of them that repeated one that had failed.
    pub retries: u64,
    /// By HTTP status; `error` where no answer came.
    pub by_status: BTreeMap<String, u64>,
    /// When they were sent.
    pub timeline: Timeline,
}

/// The counts of one run, shared by all requests.
#[derive(Debug)]
pub struct Stats {
    began: Instant,
    requests: Mutex<Requests>,
}

impl Default for Stats {
    fn default() -> Self {
        let timeline = Timeline::new(Utc::now().timestamp_micros());
        let requests = Requests { sent: 0, retries: 0, by_status: BTreeMap::new(), timeline };
        Self { began: Instant::now(), requests: Mutex::new(requests) }
    }
}

impl Stats {
    /// Counts an attempt by how it was answered, and how long that took.
    pub fn sent(&self, status: Option<u16>, latency: Duration) {
        let elapsed = self.began.elapsed();
        let mut requests = self.lock();
        requests.sent += 1;
        requests.timeline.sent(elapsed, status, latency);
        let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        *requests.by_status.entry(status).or_default() += 1;
    }

    /// Counts a repeat.
    pub fn retried(&self) {
        let elapsed = self.began.elapsed();
        let mut requests = self.lock();
        requests.retries += 1;
        requests.timeline.retried(elapsed);
    }

    /// The counts now.
    pub fn requests(&self) -> Requests {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
