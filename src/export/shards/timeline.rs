//! Joins the requests over time of several shards.

use crate::output::manifest::{Bucket, LatencyMicros, Timeline};
use crate::time::{format_time, parse_time};

/// Maximum number of buckets, as in the timeline of one run.
const MAX_BUCKETS: u64 = 120;
const MICROS: u64 = 1_000_000;

/// Adds the buckets up. Those of the result start with the first of the parts, and have the length that fits all of
/// them. A bucket counts where it starts.
pub(super) fn join<'a>(parts: impl Iterator<Item = &'a Timeline>) -> Option<Timeline> {
    let parts: Vec<(i64, &Timeline)> =
        parts.filter_map(|part| Some((parse_time(&part.started_at)?, part))).collect();
    let start = parts.iter().map(|(at, _)| *at).min()?;
    let offset = |at: i64| u64::try_from(at.saturating_sub(start)).unwrap_or(0) / MICROS;
    let end = |(at, part): &(i64, &Timeline)| {
        offset(*at).saturating_add(part.bucket_seconds.saturating_mul(part.buckets.len() as u64))
    };
    let seconds = parts.iter().map(end).max()?;
    let mut bucket_seconds = parts.iter().map(|(_, part)| part.bucket_seconds).max()?.max(1);
    while seconds.div_ceil(bucket_seconds) > MAX_BUCKETS {
        bucket_seconds = bucket_seconds.saturating_mul(2);
    }
    let mut buckets: Vec<Bucket> = Vec::new();
    for (at, part) in &parts {
        let starts =
            (0_u64..).map(|number| offset(*at).saturating_add(number.saturating_mul(part.bucket_seconds)));
        for (start, bucket) in starts.zip(&part.buckets) {
            let index = usize::try_from(start / bucket_seconds).unwrap_or(usize::MAX);
            if index >= buckets.len() {
                buckets.resize_with(index + 1, Bucket::default);
            }
            add(&mut buckets[index], bucket);
        }
    }
    Some(Timeline { started_at: format_time(start).into(), bucket_seconds, buckets })
}

fn add(to: &mut Bucket, from: &Bucket) {
    to.latency_us = match (to.latency_us, from.latency_us) {
        (Some(one), Some(other)) => Some(mean((one, to.requests), (other, from.requests))),
        (one, other) => one.or(other),
    };
    to.requests += from.requests;
    to.retries += from.retries;
    for (class, count) in &from.by_class {
        *to.by_class.entry(class.clone()).or_default() += count;
    }
}

/// Returns the mean of two medians and percentiles, weighted by the numbers of requests, and the longest time.
fn mean((one, weight): (LatencyMicros, u64), (other, other_weight): (LatencyMicros, u64)) -> LatencyMicros {
    let (weight, other_weight) = (u128::from(weight.max(1)), u128::from(other_weight.max(1)));
    let mean = |one: u64, other: u64| {
        let sum = u128::from(one) * weight + u128::from(other) * other_weight;
        u64::try_from(sum / (weight + other_weight)).unwrap_or(u64::MAX)
    };
    LatencyMicros {
        median: mean(one.median, other.median),
        p95: mean(one.p95, other.p95),
        max: one.max.max(other.max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(started_at: &str, bucket_seconds: u64, requests: &[u64]) -> Timeline {
        let latency = |requests: u64| LatencyMicros { median: requests, p95: requests, max: requests };
        let bucket = |requests: &u64| Bucket {
            requests: *requests,
            retries: 1,
            by_class: [("2xx".to_owned(), *requests)].into(),
            latency_us: Some(latency(*requests)),
        };
        Timeline {
            started_at: started_at.to_owned(),
            bucket_seconds,
            buckets: requests.iter().map(bucket).collect(),
        }
    }

    #[test]
    fn buckets_are_added_up_by_their_time() {
        let first = part("2026-11-20T02:00:10.000000Z", 1, &[1, 2, 3]);
        let second = part("2026-11-20T02:00:09.000000Z", 2, &[10, 20]);
        let joined = join([&first, &second].into_iter()).unwrap();
        let requests: Vec<u64> = joined.buckets.iter().map(|bucket| bucket.requests).collect();
        assert_eq!((joined.started_at.as_str(), joined.bucket_seconds), ("2026-11-20T02:00:09.000000Z", 2));
        assert_eq!(requests, [11, 25]);
        assert_eq!(joined.buckets[1].by_class["2xx"], 25);
        assert_eq!(joined.buckets[1].latency_us.unwrap().max, 20);
        assert_eq!(join([].into_iter()), None);
    }

    #[test]
    fn shards_of_many_hours_have_few_buckets() {
        let first = part("2026-11-20T02:00:00.000000Z", 1, &[1; 120]);
        let last = part("2026-11-20T12:00:00.000000Z", 1, &[1; 120]);
        let joined = join([&first, &last].into_iter()).unwrap();
        assert!(joined.buckets.len() as u64 <= MAX_BUCKETS);
        assert_eq!(joined.buckets.iter().map(|bucket| bucket.requests).sum::<u64>(), 240);
    }
}
