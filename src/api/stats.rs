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
    /// Number of attempts, including sign-ins.
    pub sent: u64,
    /// Number of attempts that repeated a failed one.
    pub retries: u64,
    /// Number of attempts by HTTP status; `error` without a response.
    pub by_status: BTreeMap<String, u64>,
    /// Distribution of the requests over time.
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
    /// Counts an attempt by its status and response time.
    pub fn sent(&self, status: Option<u16>, latency: Duration) {
        let elapsed = self.began.elapsed();
        let mut requests = self.lock();
        requests.sent += 1;
        requests.timeline.sent(elapsed, status, latency);
        let status = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        *requests.by_status.entry(status).or_default() += 1;
    }

    pub fn retried(&self) {
        let elapsed = self.began.elapsed();
        let mut requests = self.lock();
        requests.retries += 1;
        requests.timeline.retried(elapsed);
    }

    /// Returns the current counts.
    pub fn requests(&self) -> Requests {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
