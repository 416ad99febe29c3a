//! Faults of a request, decided when it arrives.
//!
//! A fault depends on the seed, the subject (a contact or an endpoint) and the number of earlier requests for it. The
//! order in which requests for different contacts arrive does not matter, so a repeated run meets the same faults.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::options::{FaultOptions, RetryAfter};
use super::reply::{Delivery, Reply};
use super::stats::{Endpoint, count_in_window};
use super::story::{Rng, rng};

/// The faults of one simulator.
#[derive(Debug)]
pub struct Faults {
    options: FaultOptions,
    seed: u64,
    requests: AtomicU64,
    admitted: Mutex<VecDeque<Instant>>,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request is served, and the response is delivered in this way.
    Serve(Delivery),
    /// The request gets this response instead.
    Refuse(Reply),
    /// The connection is reset.
    Reset,
}

/// The outcome of a request and the time until the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Time until the response.
    pub delay: Duration,
    /// The outcome.
    pub outcome: Outcome,
}

impl Faults {
    /// Faults that follow from the seed.
    pub fn new(options: FaultOptions, seed: u64) -> Self {
        Self { options, seed, requests: AtomicU64::new(0), admitted: Mutex::default() }
    }

    /// Decides about the `nth` request for `subject`.
    pub fn decide(&self, endpoint: Endpoint, subject: &str, nth: u64) -> Decision {
        let mut rng = Rng::new(rng::key(self.seed, subject), nth);
        let delay = self.options.latency + self.options.jitter.mul_f64(rng.unit());
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let outcome = self
            .gateway(number, &mut rng)
            // Sign-in meets only faults of the gateway: a spoiled response would not tell a good password from a bad one.
            .or_else(|| self.function(&mut rng).filter(|_| endpoint != Endpoint::SignIn))
            .unwrap_or(Outcome::Serve(Delivery::Whole));
        Decision { delay, outcome }
    }

    /// Faults of the gateway: the request is not served.
    fn gateway(&self, number: u64, rng: &mut Rng) -> Option<Outcome> {
        let options = &self.options;
        if options.outage.as_ref().is_some_and(|window| window.contains(&number)) {
            let unavailable = Outcome::Refuse(Reply::message(503, "Service Unavailable"));
            return Some(if rng.one_in(3) { Outcome::Reset } else { unavailable });
        }
        if options.quota.is_some_and(|quota| number > quota) {
            return Some(Outcome::Refuse(Reply::message(429, "Limit Exceeded")));
        }
        if options.rate_limit.is_some_and(|limit| self.is_above(u64::from(limit))) {
            let retry_after = self.retry_after();
            return Some(Outcome::Refuse(Reply { retry_after, ..Reply::message(429, "Too Many Requests") }));
        }
        if rng.happens(options.resets) {
            return Some(Outcome::Reset);
        }
        rng.happens(options.errors).then(|| {
            let (status, message) = *rng.pick(&[
                (500, "Internal Server Error"),
                (502, "Internal server error"),
                (503, "Service Unavailable"),
                (504, "Endpoint request timed out"),
            ]);
            Outcome::Refuse(Reply::message(status, message))
        })
    }

    /// Faults of the function behind the gateway: the response is spoiled.
    fn function(&self, rng: &mut Rng) -> Option<Outcome> {
        const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Welcome to Café Wi-Fi</title></head><body>Please sign in.</body></html>\n";
        let options = &self.options;
        if rng.happens(options.html) {
            let page = Reply { content_type: "text/html; charset=utf-8", ..Reply::json(200, PORTAL) };
            return Some(Outcome::Refuse(page));
        }
        if rng.happens(options.empty_body) {
            return Some(Outcome::Refuse(Reply::json(200, "")));
        }
        if rng.happens(options.error_answers) {
            let text = *rng.pick(&[
                r#"{"error":"could not connect to the database"}"#,
                r#"{"data":{"message":"Something went wrong"}}"#,
                r#"{"errorMessage":"Task timed out after 29.03 seconds","errorType":"Sandbox.Timedout"}"#,
            ]);
            return Some(Outcome::Refuse(Reply::json(200, text)));
        }
        let deliveries = [
            (options.cut, Delivery::Cut),
            (options.stalls, Delivery::Stalled),
            (options.slow, Delivery::Slow),
        ];
        let hit = deliveries.into_iter().find(|(chance, _)| rng.happens(*chance));
        hit.map(|(_, delivery)| Outcome::Serve(delivery))
    }

    /// True if one more request exceeds the limit of a second. Otherwise the request counts as admitted.
    fn is_above(&self, limit: u64) -> bool {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let above = count_in_window(&mut admitted, Instant::now()) > limit;
        if above {
            admitted.pop_back();
        }
        above
    }

    fn retry_after(&self) -> Option<String> {
        match self.options.retry_after {
            RetryAfter::Absent => None,
            RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
            RetryAfter::Date => Some(httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2))),
            RetryAfter::Garbage => Some("a moment, please".to_owned()),
        }
    }

    /// True if a page of this size exceeds the limit of a response.
    pub fn is_too_large(&self, bytes: usize) -> bool {
        self.options.too_large.is_some_and(|limit| bytes > limit)
    }

    /// Bytes per second of a slow body.
    pub fn slow_rate(&self) -> u32 {
        self.options.slow_rate
    }
}
