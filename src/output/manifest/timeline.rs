//! Requests over time, as the manifest has them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The requests of the attempt that finished the run, in buckets of one length. Those of attempts before it are counted
/// in `requests.sent` and not here: when they were sent is not known any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// When the attempt, and with it the first bucket, began.
    pub started_at: String,
    /// How long each bucket is: 1, 2, 4, …
    pub bucket_seconds: u64,
    /// At most 120, those without requests too.
    pub buckets: Vec<Bucket>,
}

/// One stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Requests answered, or given up.
    pub requests: u64,
    /// Repeats begun.
    pub retries: u64,
    /// Requests by class: `2xx`, `3xx`, `4xx` without 429, `429`, `5xx`, `other`, and `error` where no answer came.
    pub by_class: BTreeMap<String, u64>,
    /// Time until the head of the answer; none where none came.
    pub latency_us: Option<LatencyMicros>,
}

/// How long answers took, in microseconds. Median and 95th percentile are known to one part in 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "said above")]
pub struct LatencyMicros {
    pub median: u64,
    pub p95: u64,
    pub max: u64,
}
