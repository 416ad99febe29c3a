//! What goes wrong with a request, decided when it arrives.
//!
//! Chances depend on the seed, on what is asked for (a contact, an endpoint) and on how often it was asked for, not
//! on the order in which requests of different contacts happen to arrive: the same run meets the same faults.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::options::{FaultOptions, RetryAfter};
use super::reply::{Delivery, Reply};
use super::stats::{Endpoint, count_in_window};
use super::story::{Dice, dice};

/// The faults of one simulator.
#[derive(Debug)]
pub struct Faults {
    options: FaultOptions,
    seed: u64,
    requests: AtomicU64,
    admitted: Mutex<VecDeque<Instant>>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served, and the answer is delivered like this.
    Serve(Delivery),
    /// It gets this answer instead.
    Refuse(Reply),
    /// Its connection is reset.
    Reset,
}

/// What becomes of a request, and after which time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// How long the answer takes.
    pub delay: Duration,
    /// What it is.
    pub verdict: Verdict,
}

impl Faults {
    /// Faults that follow from the seed.
    pub fn new(options: FaultOptions, seed: u64) -> Self {
        Self { options, seed, requests: AtomicU64::new(0), admitted: Mutex::default() }
    }

    /// Decides about the `nth` request for `subject`.
    pub fn judge(&self, endpoint: Endpoint, subject: &str, nth: u64) -> Sentence {
        let mut dice = Dice::new(dice::key(self.seed, subject), nth);
        let delay = self.options.latency + self.options.jitter.mul_f64(dice.unit());
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let verdict = self
            .gateway(number, &mut dice)
            // Signing in is judged by the gateway only: a mangled answer there would be no answer to the password.
            .or_else(|| self.function(&mut dice).filter(|_| endpoint != Endpoint::SignIn))
            .unwrap_or(Verdict::Serve(Delivery::Whole));
        Sentence { delay, verdict }
    }

    /// What keeps a request from being served at all.
    fn gateway(&self, number: u64, dice: &mut Dice) -> Option<Verdict> {
        let options = &self.options;
        if options.outage.as_ref().is_some_and(|window| window.contains(&number)) {
            let unavailable = Verdict::Refuse(Reply::message(503, "Service Unavailable"));
            return Some(if dice.one_in(3) { Verdict::Reset } else { unavailable });
        }
        if options.quota.is_some_and(|quota| number > quota) {
            return Some(Verdict::Refuse(Reply::message(429, "Limit Exceeded")));
        }
        if options.rate_limit.is_some_and(|limit| self.is_above(u64::from(limit))) {
            let retry_after = self.retry_after();
            return Some(Verdict::Refuse(Reply { retry_after, ..Reply::message(429, "Too Many Requests") }));
        }
        if dice.happens(options.resets) {
            return Some(Verdict::Reset);
        }
        dice.happens(options.errors).then(|| {
            let (status, message) = *dice.pick(&[
                (500, "Internal Server Error"),
                (502, "Internal server error"),
                (503, "Service Unavailable"),
                (504, "Endpoint request timed out"),
            ]);
            Verdict::Refuse(Reply::message(status, message))
        })
    }

    /// What spoils an answer.
    fn function(&self, dice: &mut Dice) -> Option<Verdict> {
        const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Welcome to Café Wi-Fi</title></head><body>Please sign in.</body></html>\n";
        let options = &self.options;
        if dice.happens(options.html) {
            let page = Reply { content_type: "text/html; charset=utf-8", ..Reply::json(200, PORTAL) };
            return Some(Verdict::Refuse(page));
        }
        if dice.happens(options.empty_body) {
            return Some(Verdict::Refuse(Reply::json(200, "")));
        }
        if dice.happens(options.error_answers) {
            let text = *dice.pick(&[
                r#"{"error":"could not connect to the database"}"#,
                r#"{"data":{"message":"Something went wrong"}}"#,
                r#"{"errorMessage":"Task timed out after 29.03 seconds","errorType":"Sandbox.Timedout"}"#,
            ]);
            return Some(Verdict::Refuse(Reply::json(200, text)));
        }
        let deliveries = [
            (options.cut, Delivery::Cut),
            (options.stalls, Delivery::Stalled),
            (options.slow, Delivery::Slow),
        ];
        let hit = deliveries.into_iter().find(|(chance, _)| dice.happens(*chance));
        hit.map(|(_, delivery)| Verdict::Serve(delivery))
    }

    /// Whether one more request is above the limit of a second; if not, it is admitted.
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

    /// Whether a page of so many bytes is more than the service can answer with.
    pub fn is_too_large(&self, bytes: usize) -> bool {
        self.options.too_large.is_some_and(|limit| bytes > limit)
    }

    /// Bytes a second of a dripping body.
    pub fn slow_rate(&self) -> u32 {
        self.options.slow_rate
    }
}
