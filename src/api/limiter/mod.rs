//! The limiter of all requests of a run. It limits concurrency and request rate, and pauses all requests if
//! necessary.
//!
//! `--concurrency` is the ceiling. The actual limit starts low and grows with every success until the server
//! shows overload (503, 504, a timeout). Then it grows by one per round, and it halves at most once per round
//! trip.
//!
//! A 429 closes one gate for all requests; so does a 503 with `Retry-After`. The 429s show the rate that the
//! server grants ([`LearnedRate`]). Through the open gate, requests leave one by one ([`Pacer`]). While responses
//! take twice as long as at best, nothing grows ([`Slowness`]).

mod learned_rate;
mod outage;
mod pacer;
mod slowness;
#[cfg(test)]
mod tests;
mod timer;
mod token_bucket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::id::ContactId;
use learned_rate::LearnedRate;
use outage::Health;
pub use outage::{Diagnosis, Reach};
use pacer::Pacer;
use slowness::Slowness;
use timer::sleep_precisely_until;

/// Number of requests in flight at the start. It doubles per round trip while all requests succeed.
const FIRST_LIMIT: u32 = 8;
/// Maximum pause after a 429, whatever its `Retry-After` says.
const MAX_SILENCE: Duration = Duration::from_mins(5);
/// Time by which the first requests after a pause arrive later than others, and so closer to the next ones.
const LATE_AFTER_PAUSE: Duration = Duration::from_millis(2);
/// First pause after a 429 without a valid `Retry-After`. It doubles up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// Maximum pause without a `Retry-After`.
const MAX_BACKOFF: Duration = Duration::from_mins(1);
/// Maximum time of nothing but 429s. Beyond it, the server counts as unavailable.
const MAX_THROTTLED: Duration = Duration::from_mins(15);
/// Pause after 429 "Limit Exceeded", and number of such pauses before the quota counts as used up.
const QUOTA_SILENCE: Duration = Duration::from_secs(15);
const QUOTA_ASKS: u32 = 2;

/// Maximum number of retries of the run without a success in between. Successes refill it. It keeps an outage
/// of half the servers from multiplying the traffic on the other half.
const RETRY_BUDGET: f64 = 100.0;
/// Retries earned per success.
const RETRY_REFILL: f64 = 0.2;

/// Consequence of a 429 for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Pause all requests for this long.
    Wait(Duration),
    /// The pauses took too long, or the quota is used up.
    GiveUp,
}

/// Limits the requests of a run. See the module.
#[derive(Debug)]
pub struct Limiter {
    state: Mutex<State>,
    /// Queue of the waiting requests. The first one waits at the gate.
    line: tokio::sync::Mutex<()>,
    changed: Notify,
    ceiling: u32,
}

#[derive(Debug)]
struct State {
    limit: f64,
    in_flight: u32,
    pushed_back: bool,
    last_cut: Instant,
    gate: Instant,
    pace: Pacer,
    grant: LearnedRate,
    slowness: Slowness,
    is_slow: bool,
    /// Time of the last 429, where simultaneous ones count once.
    throttled_at: Option<Instant>,
    /// Number of 429s in a row without a success. While it is not zero, one request at a time tests if the
    /// throttling is over. If the server grants only one of several requests at once, that begins with the second 429:
    /// requests leave slowly then, and few of them before the first answer.
    throttles: u32,
    is_trying: bool,
    throttled_since: Option<Instant>,
    quota_asks: u32,
    retry_budget: f64,
    health: Health,
}

/// The right to have one request in flight.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    /// Start time of the request.
    pub since: Instant,
    /// True if the request is the probe of an outage.
    pub is_probe: bool,
    is_trial: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        state.in_flight -= 1;
        state.is_trying &= !self.is_trial;
        drop(state);
        self.limiter.changed.notify_waiters();
    }
}

impl Limiter {
    /// Creates a limiter with at most `concurrency` requests in flight and `per_second` starts per second.
    pub fn new(concurrency: u32, per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                limit: f64::from(concurrency.min(FIRST_LIMIT)),
                in_flight: 0,
                pushed_back: false,
                last_cut: now,
                gate: now,
                pace: Pacer::new(per_second, now),
                grant: LearnedRate::new(),
                slowness: Slowness::default(),
                is_slow: false,
                throttled_at: None,
                throttles: 0,
                is_trying: false,
                throttled_since: None,
                quota_asks: 0,
                retry_budget: RETRY_BUDGET,
                health: Health::default(),
            }),
            line: tokio::sync::Mutex::default(),
            changed: Notify::new(),
            ceiling: concurrency,
        }
    }

    /// Waits until one more request may be sent. The caller must send it at once.
    pub async fn admit(self: &Arc<Self>) -> Permit {
        let _first = self.line.lock().await;
        self.admit_ahead().await
    }

    /// Like [`Self::admit`], but ahead of the queue, for requests that the queue depends on.
    pub async fn admit_ahead(self: &Arc<Self>) -> Permit {
        loop {
            let changed = self.changed.notified();
            match self.try_enter() {
                Entry::Entered { since, is_probe, is_trial } => {
                    return Permit { limiter: Arc::clone(self), since, is_probe, is_trial };
                }
                Entry::Full => changed.await,
                Entry::ClosedUntil(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = self.opened(at) => {}
                    }
                }
            }
        }
    }

    /// Waits until `at`, which is when the next request may start.
    async fn opened(&self, at: Instant) {
        let catch_up = self.lock().grant.catch_up();
        if catch_up < timer::MAX_LATE { sleep_precisely_until(at).await } else { sleep_until(at).await }
    }

    fn try_enter(&self) -> Entry {
        let mut state = self.lock();
        let now = Instant::now();
        let probe_at = state.health.next_probe();
        let room = if probe_at.is_some() { 1.0 } else { state.limit.max(1.0) };
        if f64::from(state.in_flight) + 1.0 > room || state.is_trying {
            return Entry::Full;
        }
        let opens = state.gate.max(state.pace.next()).max(probe_at.unwrap_or(now));
        if opens > now {
            return Entry::ClosedUntil(opens);
        }
        state.grant.started(now);
        let late = if state.throttles > 0 { LATE_AFTER_PAUSE } else { Duration::ZERO };
        let granted = state.grant.interval(now).map(|interval| interval + late);
        let catch_up = state.grant.catch_up();
        state.pace.start(now, granted, catch_up);
        state.in_flight += 1;
        let untested_pauses = u32::from(!state.grant.grants_bursts());
        state.is_trying = state.quota_asks > 0 || state.throttles > untested_pauses;
        Entry::Entered { since: now, is_probe: probe_at.is_some(), is_trial: state.is_trying }
    }

    /// Number of requests that could be sent at once. Zero during any disturbance.
    pub fn spare(&self) -> usize {
        let state = self.lock();
        let is_amiss = state.throttles + state.quota_asks > 0 || state.health.next_probe().is_some();
        if is_amiss || state.gate.max(state.pace.next()) > Instant::now() {
            return 0;
        }
        (state.in_flight + 1..=self.ceiling).take_while(|count| f64::from(*count) <= state.limit).count()
    }

    /// Records a response to a request that started at `since`, and raises the limit. Returns the duration of
    /// the outage that ends with it.
    pub fn answered(&self, since: Instant, page_of: Option<&ContactId>) -> Option<Duration> {
        let mut state = self.lock();
        let now = Instant::now();
        let ended = state.health.answered(page_of);
        if let Some(lasted) = ended {
            state.grant.skip(lasted, now);
        }
        if state.throttled_at.is_none_or(|at| since > at) {
            // Requests sent before the last 429 do not show what is granted after it.
            let was_throttled = state.throttles > 0;
            state.throttles = 0;
            state.throttled_since = None;
            state.quota_asks = 0;
            state.grant.answered(since, now);
            if was_throttled {
                state.pace.restart(now);
            }
        } else {
            state.grant.answered_late(since, now);
        }
        state.retry_budget = (state.retry_budget + RETRY_REFILL).min(RETRY_BUDGET);
        let growth = if state.pushed_back { 1.0 / state.limit.max(1.0) } else { 1.0 };
        if !state.is_slow {
            state.limit = (state.limit + growth).min(f64::from(self.ceiling));
        }
        drop(state);
        self.changed.notify_waiters();
        ended
    }

    /// Records an overload response to a request that started at `since`. Halves the limit at most once per
    /// round trip.
    pub fn overloaded(&self, since: Instant) {
        self.lock().cut(since);
    }

    /// Records the time until the head of a response. While responses are slow, nothing grows.
    pub fn took(&self, time: Duration) {
        let mut state = self.lock();
        state.is_slow = state.slowness.took(time);
        let is_slow = state.is_slow;
        state.grant.set_slow(is_slow, Instant::now());
    }

    /// Closes the gate for all requests, because the server requested a pause without refusing a rate.
    pub fn silence(&self, asked: Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        state.pause(now + asked.min(MAX_SILENCE), now);
    }

    /// Records a failed request and returns the diagnosis.
    pub fn failed(&self, contact: Option<&ContactId>, reach: Reach) -> Diagnosis {
        self.lock().health.failed(contact, reach)
    }

    /// Starts an outage. False if one was known already.
    pub fn begin_outage(&self) -> bool {
        self.lock().health.begin_outage()
    }

    /// True if nothing has succeeded since the newest failure.
    pub fn is_failing(&self) -> bool {
        self.lock().health.is_failing()
    }

    /// Returns the contact to probe with.
    pub fn known_good(&self) -> Option<ContactId> {
        self.lock().health.known_good().cloned()
    }

    /// Takes one retry from the run's budget. If it returns false, the retry should wait for the maximum
    /// pause.
    pub fn take_retry(&self) -> bool {
        let mut state = self.lock();
        let enough = state.retry_budget >= 1.0;
        if enough {
            state.retry_budget -= 1.0;
        }
        enough
    }

    /// Handles a 429: closes the gate for all requests.
    pub fn throttled(&self, since: Instant, retry_after: Option<Duration>) -> Throttle {
        let mut state = self.lock();
        let now = Instant::now();
        let first = *state.throttled_since.get_or_insert(now);
        if now - first > MAX_THROTTLED {
            return Throttle::GiveUp;
        }
        if state.is_new_refusal(since, now) {
            if state.throttles == 0 {
                state.grant.touched(since, now);
            }
            state.throttles += 1;
        }
        state.grant.refused();
        let backoff =
            MAX_BACKOFF.min(FIRST_BACKOFF * 2_u32.saturating_pow(state.throttles.saturating_sub(1).min(10)));
        let backoff = backoff.mul_f64(0.5 + fastrand::f64() / 2.0);
        let silence = match retry_after {
            None => backoff,
            Some(asked) if state.throttles <= 1 => asked.min(MAX_SILENCE),
            // The previously requested pause was not enough.
            Some(asked) => asked.min(MAX_SILENCE).max(backoff),
        };
        Throttle::Wait(state.close_gate(now + silence, now))
    }

    /// Handles a 429 "Limit Exceeded": retries twice within half a minute.
    pub fn quota_spent(&self, since: Instant) -> Throttle {
        let mut state = self.lock();
        let now = Instant::now();
        if state.is_new_refusal(since, now) {
            state.quota_asks += 1;
        }
        if state.quota_asks > QUOTA_ASKS {
            return Throttle::GiveUp;
        }
        Throttle::Wait(state.pause(now + QUOTA_SILENCE, now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while holding the lock. Even a poisoned lock holds valid numbers.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Halves the limit, unless that was done since the request started.
    fn cut(&mut self, since: Instant) {
        if since >= self.last_cut {
            self.last_cut = Instant::now();
            self.pushed_back = true;
            self.limit = (self.limit / 2.0).max(1.0);
        }
    }

    /// True if this 429 is the first of the requests that were in flight together with one started at
    /// `since`.
    fn is_new_refusal(&mut self, since: Instant, now: Instant) -> bool {
        let is_new = self.throttled_at.is_none_or(|at| since > at);
        if is_new {
            self.throttled_at = Some(now);
        }
        is_new
    }

    /// Closes the gate for another reason than a refused rate. The learned rate grows with time, but not in this pause.
    fn pause(&mut self, until: Instant, now: Instant) -> Duration {
        let closed_until = self.gate.max(now);
        let wait = self.close_gate(until, now);
        self.grant.skip(self.gate - closed_until, self.gate);
        wait
    }

    fn close_gate(&mut self, until: Instant, now: Instant) -> Duration {
        self.gate = self.gate.max(until);
        self.gate - now
    }
}

enum Entry {
    Entered { since: Instant, is_probe: bool, is_trial: bool },
    Full,
    ClosedUntil(Instant),
}
