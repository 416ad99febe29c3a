//! One governor for all requests of a run: how many in flight, how often, and when to be silent.
//!
//! `--concurrency` is the ceiling. Below it the limit adapts: it starts low, grows with every success until the server
//! first pushes back, then by one a round; it halves at most once a round trip. A 429 closes one gate for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::health::{Diagnosis, Health, Reach};
use super::pace::Pace;
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
    changed: Notify,
    pace: Pace,
    ceiling: f64,
}

#[derive(Debug)]
struct State {
    limit: f64,
    in_flight: u32,
    pushed_back: bool,
    last_cut: Instant,
    gate: Instant,
    throttles: u32,
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
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.governor.lock().in_flight -= 1;
        self.governor.changed.notify_one();
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
                throttles: 0,
                throttled_since: None,
                quota_asks: 0,
                retry_budget: RETRY_BUDGET,
                health: Health::default(),
            }),
            changed: Notify::new(),
            pace: Pace::new(per_second),
            ceiling: f64::from(concurrency),
        }
    }

    /// Waits until one more request may be sent.
    pub async fn admit(self: &Arc<Self>) -> Permit {
        loop {
            let changed = self.changed.notified();
            match self.try_enter() {
                Entry::Entered { is_probe } => {
                    let mut permit = Permit { governor: Arc::clone(self), since: Instant::now(), is_probe };
                    self.pace.turn().await;
                    let gate = self.lock().gate;
                    if gate > Instant::now() {
                        // Closed while this one waited for its turn: nothing leaves before it opens.
                        sleep_until(gate).await;
                    }
                    // Others may fit beside this one; each wakes the next.
                    self.changed.notify_one();
                    // The request leaves now, not when its slot was reserved.
                    permit.since = Instant::now();
                    return permit;
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
        if state.gate > now {
            return Entry::ClosedUntil(state.gate);
        }
        let probe_at = state.health.next_probe();
        if let Some(at) = probe_at {
            if state.in_flight > 0 {
                return Entry::Full;
            }
            if at > now {
                return Entry::ClosedUntil(at);
            }
        }
        if f64::from(state.in_flight) + 1.0 > state.limit.max(1.0) {
            return Entry::Full;
        }
        state.in_flight += 1;
        Entry::Entered { is_probe: probe_at.is_some() }
    }

    /// An answer came: the limit grows. Gives the length of the outage that ends with it.
    pub fn answered(&self, page_of: Option<&ContactId>) -> Option<Duration> {
        let mut state = self.lock();
        state.throttles = 0;
        state.throttled_since = None;
        state.quota_asks = 0;
        state.retry_budget = (state.retry_budget + RETRY_REFILL).min(RETRY_BUDGET);
        let growth = if state.pushed_back { 1.0 / state.limit.max(1.0) } else { 1.0 };
        state.limit = (state.limit + growth).min(self.ceiling);
        let ended = state.health.answered(page_of);
        drop(state);
        self.changed.notify_one();
        if ended.is_some() {
            self.changed.notify_waiters();
        }
        ended
    }

    /// A request that started at `since` met an overloaded server: half the limit, at most once a round trip.
    pub fn overloaded(&self, since: Instant) {
        let mut state = self.lock();
        state.cut(since);
    }

    /// A request failed; says what that means.
    pub fn failed(&self, contact: Option<&ContactId>, reach: Reach) -> Diagnosis {
        self.lock().health.failed(contact, reach)
    }

    /// The service is down. False where that was known.
    pub fn begin_outage(&self) -> bool {
        self.lock().health.begin_outage()
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
        if state.cut(since) {
            state.throttles += 1;
        }
        let backoff =
            MAX_BACKOFF.min(FIRST_BACKOFF * 2_u32.saturating_pow(state.throttles.saturating_sub(1).min(10)));
        let silence =
            retry_after.map_or(backoff.mul_f64(0.5 + fastrand::f64() / 2.0), |asked| asked.min(MAX_SILENCE));
        Throttle::Wait(state.close_gate(now + silence, now))
    }

    /// A 429 "Limit Exceeded": asked again twice over half a minute.
    pub fn quota_spent(&self, since: Instant) -> Throttle {
        let mut state = self.lock();
        let now = Instant::now();
        if state.cut(since) {
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
    /// Halves the limit unless that was done since the request left; says whether it did.
    fn cut(&mut self, since: Instant) -> bool {
        if since < self.last_cut {
            return false;
        }
        self.last_cut = Instant::now();
        self.pushed_back = true;
        self.limit = (self.limit / 2.0).max(1.0);
        true
    }

    fn close_gate(&mut self, until: Instant, now: Instant) -> Duration {
        self.gate = self.gate.max(until);
        self.gate - now
    }
}

enum Entry {
    Entered { is_probe: bool },
    Full,
    ClosedUntil(Instant),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_ceiling_in_flight() {
        let governor = Arc::new(Governor::new(3, None));
        let first = governor.admit().await;
        let _second = governor.admit().await;
        let _third = governor.admit().await;
        assert!(matches!(governor.try_enter(), Entry::Full));
        drop(first);
        let _fourth = governor.admit().await;
        assert!(matches!(governor.try_enter(), Entry::Full));
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_halves_once_a_round_trip_and_grows_back() {
        let governor = Arc::new(Governor::new(64, None));
        for _ in 0..100 {
            governor.answered(None);
        }
        assert!((governor.lock().limit - 64.0).abs() < 0.1);
        let sent = Instant::now();
        tokio::time::advance(Duration::from_millis(50)).await;
        governor.overloaded(sent + Duration::from_millis(1));
        governor.overloaded(sent + Duration::from_millis(2));
        assert!((governor.lock().limit - 32.0).abs() < 0.1, "one round trip halves once");
        governor.answered(None);
        assert!(governor.lock().limit < 32.1, "after a cut it grows by one a round, not by one an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_silences_everybody_for_as_long_as_it_asks() {
        let governor = Arc::new(Governor::new(8, None));
        let permit = governor.admit().await;
        assert_eq!(
            governor.throttled(permit.since, Some(Duration::from_secs(7))),
            Throttle::Wait(Duration::from_secs(7))
        );
        drop(permit);
        let before = Instant::now();
        let _permit = governor.admit().await;
        assert_eq!(before.elapsed(), Duration::from_secs(7));
        let day = governor.throttled(Instant::now(), Some(Duration::from_hours(24)));
        assert_eq!(day, Throttle::Wait(MAX_SILENCE), "an absurd Retry-After is cut");
    }

    #[tokio::test(start_paused = true)]
    async fn a_spent_quota_is_asked_twice_more() {
        let governor = Arc::new(Governor::new(8, None));
        for _ in 0..QUOTA_ASKS {
            let permit = governor.admit().await;
            assert!(matches!(governor.quota_spent(permit.since), Throttle::Wait(_)));
        }
        let permit = governor.admit().await;
        assert_eq!(governor.quota_spent(permit.since), Throttle::GiveUp);
    }

    #[tokio::test(start_paused = true)]
    async fn in_an_outage_one_probe_at_a_time_leaves() {
        let governor = Arc::new(Governor::new(8, None));
        governor.failed(None, Reach::Network);
        governor.begin_outage();
        let probe = governor.admit().await;
        assert!(probe.is_probe);
        assert!(matches!(governor.try_enter(), Entry::Full));
        governor.answered(None);
        assert!(matches!(governor.try_enter(), Entry::Entered { is_probe: false }));
    }
}
