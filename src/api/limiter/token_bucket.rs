//! Infers the server's token bucket from its refusals.
//!
//! A bucket holds up to `burst` tokens, gains `limit` tokens per second, and each granted request takes one.
//! A refusal shows that the bucket was empty when the request arrived. All starts between two refusals are
//! known, so the limit can be computed.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

/// Maximum number of remembered starts: some seconds of the fastest run.
const MAX_STARTS: usize = 4096;
/// Time before a refusal in which the request rate is measured.
const LATE: Duration = Duration::from_millis(200);
/// Number of bisections of the range of the limit, down to a thousandth.
const BISECTIONS: u32 = 12;

/// The starts since the last refusal, and the burst that the first refusal showed.
#[derive(Debug, Default)]
pub struct TokenBucket {
    starts: VecDeque<Instant>,
    /// Time when the bucket was empty, unless something else has happened since.
    emptied: Option<Instant>,
    /// Number of later starts that are no longer remembered.
    dropped: u32,
    /// Starts that were granted before the first refusal.
    granted: Vec<Instant>,
    /// Number of tokens beyond the burst that the first refusal showed.
    doubt: f64,
}

impl TokenBucket {
    /// Records the start of a request.
    pub fn started(&mut self, now: Instant) {
        self.starts.push_back(now);
        if self.starts.len() > MAX_STARTS {
            self.starts.pop_front();
            self.dropped += 1;
        }
    }

    /// Infers the burst from the starts of the requests that were granted until the first refusal.
    pub fn learn_burst(&mut self, granted: impl Iterator<Item = Instant>) {
        self.granted = granted.collect();
        self.granted.sort_unstable();
    }

    /// Increases the assumed burst, which seemed too small.
    pub fn doubt(&mut self) {
        self.doubt = self.doubt * 2.0 + 0.25;
    }

    /// Records that a request that started at `since` was refused.
    pub fn emptied(&mut self, since: Instant) {
        self.starts.retain(|start| *start > since);
        self.emptied = Some(since);
        self.dropped = 0;
    }

    /// Forgets the starts, because something other than requests happened in between.
    pub fn forget(&mut self) {
        self.starts.clear();
        self.emptied = None;
    }

    /// Returns the number of requests that started in the second before `since`, and after `opened`.
    pub fn started_in_second(&self, opened: Option<Instant>, since: Instant) -> f64 {
        let is_one = |start: &&Instant| {
            **start < since
                && since - **start <= Duration::from_secs(1)
                && opened.is_none_or(|opened| **start > opened)
        };
        f64::from(u32::try_from(self.starts.iter().filter(is_one).count()).unwrap_or(u32::MAX))
    }

    /// Returns the range of the limit, if a request that started at `since` was the first to be refused from
    /// `reopened` on.
    pub fn limit(&self, reopened: Instant, since: Instant, most: f64) -> RangeInclusive<f64> {
        let most = most.min(self.peak_rate(since));
        if self.emptied.is_none() {
            return most..=most;
        }
        let lowest = min_limit(most, |limit| self.refuses(limit, reopened, |start| start < since));
        let highest = min_limit(most, |limit| self.refuses(limit, reopened, |start| start <= since));
        lowest..=highest
    }

    /// True if a bucket of this limit refuses one of these requests from `reopened` on.
    fn refuses(&self, limit: f64, reopened: Instant, is_one: impl Fn(Instant) -> bool) -> bool {
        let burst = self.burst(limit);
        let (Some(emptied), Some(first)) = (self.emptied, self.starts.front()) else { return false };
        let (mut tokens, mut at) = (0.0, emptied);
        if self.dropped > 0 {
            let gained = limit * (*first - emptied).as_secs_f64();
            (tokens, at) = ((gained - f64::from(self.dropped)).clamp(0.0, burst), *first);
        }
        for start in self.starts.iter().take_while(|start| is_one(**start)) {
            tokens = (tokens + limit * (*start - at).as_secs_f64()).min(burst);
            at = *start;
            if tokens >= 1.0 {
                tokens -= 1.0;
            } else if *start >= reopened {
                return true;
            }
        }
        false
    }

    /// Returns the smallest burst with which a bucket of this limit grants all requests before the first
    /// refusal.
    fn burst(&self, limit: f64) -> f64 {
        let (mut taken, mut most, mut since) = (0.0_f64, 1.0_f64, None);
        for start in &self.granted {
            let gained = since.map_or(0.0, |since: Instant| limit * (*start - since).as_secs_f64());
            taken = (taken - gained).max(0.0) + 1.0;
            most = most.max(taken);
            since = Some(*start);
        }
        most + self.doubt
    }

    /// Maximum request rate, per second, just before `since`.
    fn peak_rate(&self, since: Instant) -> f64 {
        let is_late = |start: &&Instant| **start <= since && since - **start < LATE;
        let count = self.starts.iter().rev().filter(is_late).count();
        (f64::from(u32::try_from(count).unwrap_or(u32::MAX)) + 1.0) * 2.0 / LATE.as_secs_f64()
    }
}

/// Returns the lowest limit that refuses none of the granted requests.
fn min_limit(most: f64, refuses: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..BISECTIONS {
        let middle = f64::midpoint(low, high);
        if refuses(middle) { low = middle } else { high = middle }
    }
    high
}
