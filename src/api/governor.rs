//! One governor for all requests of a run: how many in flight, how often, and when to be silent.
//!
//! `--concurrency` is the ceiling. Below it the limit adapts: it starts low, grows with every success until the server
//! first shows overload (503, 504, a timeout), then by one a round; it halves at most once a round trip. A 429 closes one
//! gate for all; so does a 503 with `Retry-After`. The 429s show how many requests a second the server grants ([`Grant`]);
//! through the open gate requests leave one by one ([`Pace`]). While answers take twice as long as at best ([`Slowness`]),
//! nothing grows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::grant::Grant;
use super::health::{Diagnosis, Health, Reach};
use super::pace::Pace;
use super::slowness::Slowness;
use crate::id::ContactId;

/// Requests in flight at the start; doubled within a round trip where all goes well.
const FIRST_LIMIT: u32 = 8;
/// The longest silence a 429 causes, whatever its `Retry-After` says.
const MAX_SILENCE: Duration = Duration::from_mins(5);
/// The first silence after a 429 without a (readable) `Retry-After`; doubled up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest silence of our own choosing.
const MAX_BACKOFF: Duration = Duration::from_mins(1);
/// How long the server may answer nothing but 429 before it counts as unavailable.
const MAX_THROTTLED: Duration = Duration::from_mins(15);
/// The silence after 429 "Limit Exceeded", and how often that is believed to be a passing state.
const QUOTA_SILENCE: Duration = Duration::from_secs(15);
const QUOTA_ASKS: u32 = 2;

/// Repeats the run may make without a success in between, refilled by successes: an outage of half the servers is not
/// to multiply the traffic on the other half.
const RETRY_BUDGET: f64 = 100.0;
/// Repeats earned by a success.
const RETRY_REFILL: f64 = 0.2;

/// What a 429 means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// Silence for this long.
    Wait(Duration),
    /// Asked for too long, or the quota is spent.
    GiveUp,
}

/// The governor.
#[derive(Debug)]
pub struct Governor {
    state: Mutex<State>,
    /// Those who wait, in the order in which they came. The first of them waits at the gate.
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
    pace: Pace,
    grant: Grant,
    slowness: Slowness,
    is_slow: bool,
    /// When the last 429 came that was not one of several at once.
    throttled_at: Option<Instant>,
    /// How many in a row, with nothing granted in between; while there are any, one request at a time tries whether that is
    /// over.
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
    governor: Arc<Governor>,
    /// When it was given.
    pub since: Instant,
    /// In an outage: this request is the probe.
    pub is_probe: bool,
    is_trial: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.governor.lock();
        state.in_flight -= 1;
        state.is_trying &= !self.is_trial;
        drop(state);
        self.governor.changed.notify_waiters();
    }
}

impl Governor {
    /// At most `concurrency` requests in flight and `per_second` started a second.
    pub fn new(concurrency: u32, per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                limit: f64::from(concurrency.min(FIRST_LIMIT)),
                in_flight: 0,
                pushed_back: false,
                last_cut: now,
                gate: now,
                pace: Pace::new(per_second, now),
                grant: Grant::new(),
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

    /// Waits until one more request may be sent, which is then to be sent at once.
    pub async fn admit(self: &Arc<Self>) -> Permit {
        let _first = self.line.lock().await;
        self.admit_ahead().await
    }

    /// The same, ahead of the line: for what those in line wait for.
    pub async fn admit_ahead(self: &Arc<Self>) -> Permit {
        loop {
            let changed = self.changed.notified();
            match self.try_enter() {
                Entry::Entered { since, is_probe, is_trial } => {
                    return Permit { governor: Arc::clone(self), since, is_probe, is_trial };
                }
                Entry::Full => changed.await,
                Entry::ClosedUntil(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = sleep_until(at) => {}
                    }
                }
            }
        }
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
        let granted = state.grant.interval(now);
        let catch_up = state.grant.catch_up();
        state.pace.start(now, granted, catch_up);
        state.in_flight += 1;
        state.is_trying = state.throttles + state.quota_asks > 0;
        Entry::Entered { since: now, is_probe: probe_at.is_some(), is_trial: state.is_trying }
    }

    /// How many requests could leave at once. None while anything is amiss: then each has better uses.
    pub fn spare(&self) -> usize {
        let state = self.lock();
        let is_amiss = state.throttles + state.quota_asks > 0 || state.health.next_probe().is_some();
        if is_amiss || state.gate.max(state.pace.next()) > Instant::now() {
            return 0;
        }
        (state.in_flight + 1..=self.ceiling).take_while(|count| f64::from(*count) <= state.limit).count()
    }

    /// A request that started at `since` was answered: the limit grows. Gives the length of the outage that ends with it.
    pub fn answered(&self, since: Instant, page_of: Option<&ContactId>) -> Option<Duration> {
        let mut state = self.lock();
        let now = Instant::now();
        if state.throttled_at.is_none_or(|at| since > at) {
            // Those that left before the last 429 say nothing about what is granted after it.
            let was_throttled = state.throttles > 0;
            state.throttles = 0;
            state.throttled_since = None;
            state.quota_asks = 0;
            state.grant.answered(now);
            if was_throttled {
                state.pace.restart(now);
            }
        }
        state.retry_budget = (state.retry_budget + RETRY_REFILL).min(RETRY_BUDGET);
        let growth = if state.pushed_back { 1.0 / state.limit.max(1.0) } else { 1.0 };
        if !state.is_slow {
            state.limit = (state.limit + growth).min(f64::from(self.ceiling));
        }
        let ended = state.health.answered(page_of);
        if let Some(lasted) = ended {
            state.grant.skip(lasted);
        }
        drop(state);
        self.changed.notify_waiters();
        ended
    }

    /// A request that started at `since` met an overloaded server: half the limit, at most once a round trip.
    pub fn overloaded(&self, since: Instant) {
        self.lock().cut(since);
    }

    /// The head of an answer took this long. While answers are slow nothing grows.
    pub fn took(&self, time: Duration) {
        let mut state = self.lock();
        state.is_slow = state.slowness.took(time);
        let is_slow = state.is_slow;
        state.grant.set_slow(is_slow, Instant::now());
    }

    /// The server asks for silence without refusing a rate: closes the gate for all.
    pub fn silence(&self, asked: Duration) {
        let mut state = self.lock();
        let now = Instant::now();
        state.close_gate(now + asked.min(MAX_SILENCE), now);
    }

    /// A request failed; says what that means.
    pub fn failed(&self, contact: Option<&ContactId>, reach: Reach) -> Diagnosis {
        self.lock().health.failed(contact, reach)
    }

    /// The service is down. False where that was known.
    pub fn begin_outage(&self) -> bool {
        self.lock().health.begin_outage()
    }

    /// True if nothing has been answered since the newest failure.
    pub fn is_failing(&self) -> bool {
        self.lock().health.is_failing()
    }

    /// A contact that answers if anything does.
    pub fn known_good(&self) -> Option<ContactId> {
        self.lock().health.known_good().cloned()
    }

    /// Takes one repeat from the run's budget; false where it is used up and the repeat should wait its longest.
    pub fn take_retry(&self) -> bool {
        let mut state = self.lock();
        let enough = state.retry_budget >= 1.0;
        if enough {
            state.retry_budget -= 1.0;
        }
        enough
    }

    /// A 429: closes the gate for all.
    pub fn throttled(&self, since: Instant, retry_after: Option<Duration>) -> Throttle {
        let mut state = self.lock();
        let now = Instant::now();
        let first = *state.throttled_since.get_or_insert(now);
        if now - first > MAX_THROTTLED {
            return Throttle::GiveUp;
        }
        if state.is_refused_anew(since, now) {
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
            // What it asked for before was not enough.
            Some(asked) => asked.min(MAX_SILENCE).max(backoff),
        };
        Throttle::Wait(state.close_gate(now + silence, now))
    }

    /// A 429 "Limit Exceeded": asked again twice over half a minute.
    pub fn quota_spent(&self, since: Instant) -> Throttle {
        let mut state = self.lock();
        let now = Instant::now();
        if state.is_refused_anew(since, now) {
            state.quota_asks += 1;
        }
        if state.quota_asks > QUOTA_ASKS {
            return Throttle::GiveUp;
        }
        Throttle::Wait(state.close_gate(now + QUOTA_SILENCE, now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; a poisoned lock still holds whole numbers.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Halves the limit unless that was done since the request left.
    fn cut(&mut self, since: Instant) {
        if since >= self.last_cut {
            self.last_cut = Instant::now();
            self.pushed_back = true;
            self.limit = (self.limit / 2.0).max(1.0);
        }
    }

    /// Whether a 429 to a request that left at `since` is the first of those that were in flight together.
    fn is_refused_anew(&mut self, since: Instant, now: Instant) -> bool {
        let anew = self.throttled_at.is_none_or(|at| since > at);
        if anew {
            self.throttled_at = Some(now);
        }
        anew
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

#[cfg(test)]
mod tests;
