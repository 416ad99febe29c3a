//! Requests over time, as recorded in the manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Requests of the attempt that finished the run, in buckets of equal length. Requests of earlier attempts
/// count in `requests.sent` only. Those of shards are added up; their medians and percentiles become means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// Start of the attempt and of the first bucket.
    pub started_at: String,
    /// Length of each bucket: 1, 2, 4, … seconds.
    pub bucket_seconds: u64,
    /// At most 120 buckets, including those without requests.
    pub buckets: Vec<Bucket>,
}

/// A period of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Requests that ended, with or without a response.
    pub requests: u64,
    /// Number of retries that started.
    pub retries: u64,
    /// Requests by class: `2xx`, `3xx`, `4xx` without 429, `429`, `5xx`, `other`, or `error` without a
    /// response.
    pub by_class: BTreeMap<String, u64>,
    /// Time to the head of the response, or null if there was none.
    pub latency_us: Option<LatencyMicros>,
}

/// Time to the head of the response, in microseconds. Median and 95th percentile are precise to one part in
/// 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyMicros {
    /// Median of the times.
    pub median: u64,
    /// 95th percentile of the times.
    pub p95: u64,
    /// Longest of the times.
    pub max: u64,
}
