//! Requests over time in at most [`MAX_BUCKETS`] buckets. In longer runs, the length of the buckets doubles.

use std::collections::BTreeMap;
use std::time::Duration;

use super::latency::Latency;

/// Enough for a chart, in 100 KB of memory.
const MAX_BUCKETS: u64 = 120;

/// The requests of this attempt over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Start of the first bucket, in microseconds since 1970.
    pub started_at: i64,
    /// Length of each bucket in seconds.
    pub bucket_seconds: u64,
    /// Consecutive buckets, including those without requests.
    pub buckets: Vec<Bucket>,
}

/// Requests within one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Number of requests that got a response or were aborted.
    pub requests: u64,
    /// Number of retries started.
    pub retries: u64,
    /// Number of requests by status class.
    pub by_class: BTreeMap<&'static str, u64>,
    /// Time until the head of each response.
    pub latency: Latency,
}

impl Timeline {
    /// Starts a timeline now.
    pub fn new(started_at: i64) -> Self {
        Self { started_at, bucket_seconds: 1, buckets: Vec::new() }
    }

    /// Counts a request at its end, `elapsed` after the start.
    pub fn sent(&mut self, elapsed: Duration, status: Option<u16>, latency: Duration) {
        let bucket = self.bucket(elapsed);
        bucket.requests += 1;
        *bucket.by_class.entry(class(status)).or_default() += 1;
        if status.is_some() {
            bucket.latency.add(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }

    pub fn retried(&mut self, elapsed: Duration) {
        self.bucket(elapsed).retries += 1;
    }

    fn bucket(&mut self, elapsed: Duration) -> &mut Bucket {
        while elapsed.as_secs() / self.bucket_seconds >= MAX_BUCKETS {
            self.widen();
        }
        let at = usize::try_from(elapsed.as_secs() / self.bucket_seconds).unwrap_or_default();
        if self.buckets.len() <= at {
            self.buckets.resize_with(at + 1, Bucket::default);
        }
        &mut self.buckets[at]
    }

    fn widen(&mut self) {
        self.bucket_seconds *= 2;
        let mut before = std::mem::take(&mut self.buckets).into_iter();
        while let Some(mut bucket) = before.next() {
            if let Some(next) = before.next() {
                bucket.requests += next.requests;
                bucket.retries += next.retries;
                for (class, count) in next.by_class {
                    *bucket.by_class.entry(class).or_default() += count;
                }
                bucket.latency.merge(&next.latency);
            }
            self.buckets.push(bucket);
        }
    }
}

/// Returns the class of a status. 429 has its own class, because it is no mistake.
fn class(status: Option<u16>) -> &'static str {
    match status {
        None => "error",
        Some(429) => "429",
        Some(200..=299) => "2xx",
        Some(300..=399) => "3xx",
        Some(400..=499) => "4xx",
        Some(500..=599) => "5xx",
        Some(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_any_length_has_its_requests_in_few_buckets() {
        let mut timeline = Timeline::new(0);
        // A second, a minute, …, two years, and a late entry.
        for seconds in [0, 1, 1, 60, 119, 120, 3600, 86_400, 63_072_000, 5] {
            timeline.sent(Duration::from_secs(seconds), Some(200), Duration::from_millis(seconds));
            timeline.retried(Duration::from_secs(seconds));
            assert!(timeline.buckets.len() as u64 <= MAX_BUCKETS);
        }
        let sums = timeline.buckets.iter().fold((0, 0, 0), |sums, bucket| {
            let by_class = bucket.by_class.values().sum::<u64>();
            (sums.0 + bucket.requests, sums.1 + bucket.retries, sums.2 + by_class)
        });
        assert_eq!(sums, (10, 10, 10));
        assert_eq!(
            timeline.buckets.iter().filter_map(|bucket| bucket.latency.max()).max(),
            Some((1 << 30) - 1)
        );
        let last = timeline.buckets.len() as u64 - 1;
        assert_eq!(63_072_000 / timeline.bucket_seconds, last, "each stands at its time");
    }

    #[test]
    fn no_answer_has_no_latency() {
        let mut timeline = Timeline::new(0);
        for status in [None, Some(429), Some(404), Some(302), Some(503), Some(999)] {
            timeline.sent(Duration::ZERO, status, Duration::from_secs(u64::from(status.is_none()) * 60));
        }
        let [bucket] = timeline.buckets.as_slice() else { panic!("one second") };
        let classes: Vec<_> = bucket.by_class.keys().copied().collect();
        assert_eq!(classes, ["3xx", "429", "4xx", "5xx", "error", "other"]);
        assert_eq!(bucket.latency.max(), Some(0));
    }
}
