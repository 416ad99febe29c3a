//! Converts the client's counts of requests over time to the form of the manifest.

use crate::api;
use crate::output::manifest::{Bucket, LatencyMicros, Timeline};
use crate::time::format_time;

/// The timeline in the manifest.
pub fn timeline(counted: &api::Timeline) -> Timeline {
    Timeline {
        started_at: format_time(counted.started_at).into(),
        bucket_seconds: counted.bucket_seconds,
        buckets: counted.buckets.iter().map(bucket).collect(),
    }
}

fn bucket(counted: &api::Bucket) -> Bucket {
    let latency = &counted.latency;
    let percentiles = latency.percentile(50).zip(latency.percentile(95)).zip(latency.max());
    Bucket {
        requests: counted.requests,
        retries: counted.retries,
        by_class: counted.by_class.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect(),
        latency_us: percentiles.map(|((median, p95), max)| LatencyMicros { median, p95, max }),
    }
}
