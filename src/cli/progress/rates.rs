//! Recent rates, and the estimate of the remaining time.
//!
//! Histories differ in length by orders of magnitude, so a rate over seconds says little. The estimate uses the
//! contacts of some minutes. It leaves out outages, and it is never shorter than the time since the last contact
//! was done: a single long history does not end soon because the others were short.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Period of the rates that are shown.
const RATE_WINDOW: Duration = Duration::from_secs(30);
/// Period of the estimate, without outages.
const ETA_WINDOW: Duration = Duration::from_mins(5);
/// Time between two samples. It bounds their number.
const SPACING: Duration = Duration::from_secs(1);
/// Minimum time before an estimate.
const MIN_TIME: Duration = Duration::from_secs(2);
/// Minimum number of contacts for an estimate, unless a fifth of all is done.
const MIN_CONTACTS: u64 = 8;
/// Inverse of that part of the remaining contacts.
const MIN_PART: u64 = 4;

/// Totals at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub contacts: u64,
    /// Messages received, or written in the phase `building`.
    pub messages: u64,
    pub requests: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    /// Time since the first sample, without outages.
    active: Duration,
    counts: Counts,
}

/// Samples of one phase.
#[derive(Debug, Default)]
pub struct Rates {
    first: Option<Sample>,
    latest: Option<Sample>,
    /// Samples of [`ETA_WINDOW`], the oldest first.
    kept: VecDeque<Sample>,
    /// Total duration of ended outages.
    skipped: Duration,
    /// Active time when the last contact was done.
    last_done: Duration,
}

impl Rates {
    /// Leaves an outage out of the estimate.
    pub fn skip(&mut self, outage: Duration) {
        self.skipped += outage;
    }

    /// Records the counts. `outage` is the duration of the present outage.
    pub fn record(&mut self, counts: Counts, now: Instant, outage: Option<Duration>) {
        let Some(first) = self.first else {
            let sample = Sample { at: now, active: Duration::ZERO, counts };
            self.first = Some(sample);
            self.latest = Some(sample);
            self.kept.push_back(sample);
            return;
        };
        let skipped = self.skipped + outage.unwrap_or_default();
        let active = now.saturating_duration_since(first.at).saturating_sub(skipped);
        let sample = Sample { at: now, active, counts };
        if self.latest.is_some_and(|latest| latest.counts.contacts < counts.contacts) {
            self.last_done = active;
        }
        self.latest = Some(sample);
        match self.kept.back_mut() {
            Some(last) if last.at == now => *last = sample,
            Some(last) if now < last.at + SPACING => {}
            // In an outage nothing changes, and a sample would be the same.
            Some(last) if active < last.active + SPACING && last.counts == counts => {}
            _ => self.kept.push_back(sample),
        }
        while self.kept.get(1).is_some_and(|second| second.active + ETA_WINDOW <= active) {
            self.kept.pop_front();
        }
    }

    /// Returns messages and requests per second.
    pub fn per_second(&self, counts: Counts, now: Instant) -> (f64, f64) {
        let is_old = |sample: &&Sample| sample.at + RATE_WINDOW <= now;
        let Some(base) = self.kept.iter().rev().find(is_old).or(self.kept.front()) else { return (0.0, 0.0) };
        let seconds = now.saturating_duration_since(base.at).as_secs_f64();
        let rate = |before: u64, after: u64| {
            if seconds < 0.5 {
                return 0.0;
            }
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
            let count = after.saturating_sub(before) as f64;
            (count / seconds * 10.0).round() / 10.0
        };
        (rate(base.counts.messages, counts.messages), rate(base.counts.requests, counts.requests))
    }

    /// Estimates the time for the remaining contacts, from the latest record. None without a basis.
    pub fn eta(&self, remaining: u64) -> Option<Duration> {
        let (first, base, latest) = (self.first?, self.kept.front()?, self.latest?);
        let done_in_all = latest.counts.contacts.saturating_sub(first.counts.contacts);
        let done = latest.counts.contacts.saturating_sub(base.counts.contacts);
        let time = latest.active.saturating_sub(base.active);
        let is_basis = done_in_all >= MIN_CONTACTS || done_in_all * MIN_PART >= remaining;
        if remaining == 0 || done == 0 || time < MIN_TIME || !is_basis {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let estimate = time.as_secs_f64() * remaining as f64 / done as f64;
        let since_last = latest.active.saturating_sub(self.last_done);
        Some(Duration::try_from_secs_f64(estimate.ceil()).ok()?.max(since_last))
    }
}
