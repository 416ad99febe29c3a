//! The rate that the server grants. No document states it; its 429s show it.
//!
//! The first 429 starts a search: from the rate served in the last second, the rate doubles until the next 429. From then
//! on requests are paced as CUBIC (RFC 9438) sizes its window: a little below the limit, flat as it is neared, then faster
//! and faster, since the limit may have been raised. The time between two 429s follows from what each costs, in refused
//! requests and in silence.
//!
//! The rate at which a 429 comes is not the limit: a server that grants bursts refuses later than one that does not, and
//! requests may leave more slowly than the pace allows. So the limit is computed: [`Bucket`] replays the starts since the
//! 429 before against a token bucket and finds the limit under which just this request was refused.

use std::collections::VecDeque;
use std::f64::consts::LN_2;
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Bucket;
use super::pace::CATCH_UP;

/// The lowest rate a search begins with, in requests a second.
const LEAST: f64 = 1.0;
/// While the limit is searched for, the rate doubles in this time.
const DOUBLING: Duration = Duration::from_millis(200);
/// Share of the limit by which the rate falls with a 429.
const BELOW: f64 = 0.05;
/// Growth beyond the limit when as much time has passed again, as a share of it: while it is uncertain, and once it is
/// confirmed.
const ABOVE_AT_FIRST: f64 = 2.0;
const ABOVE: f64 = 0.5;
/// Requests for each refused one: half a percent is refused.
const REQUESTS_A_REFUSAL: f64 = 200.0;
/// Time from one 429 to the next, as a multiple of the silence after it: once the limit is confirmed, after a search, and
/// after a search that a few requests ended.
const SILENCES: f64 = 60.0;
const SILENCES_AFTER_SEARCH: f64 = 12.0;
const SILENCES_IF_UNSURE: f64 = 6.0;
/// The factor by which this time grows with each 429 that confirms the limit.
const CONFIRMATION: f64 = 3.0;
/// The shortest and the longest time between two 429s.
const SHORTEST_HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_mins(2);
/// A 429 before this share of the hold came early: the limit is lower, or the server grants no two requests at once.
const EARLY: f64 = 0.25;
/// The share of the rate that is left at least after the first early 429, and after further ones.
const KEPT_ONCE: f64 = 0.85;
const KEPT: f64 = 0.5;
/// Rates at which 429s came again are the same where they differ by less than this share; a limit that is
/// below such a rate by less is confirmed.
const AGREEMENT: f64 = 0.12;
/// The share of such a rate that is the limit at least.
const MET_AGAIN: f64 = 0.98;
/// The limit is sure where the ends of its range have at least this ratio. A wider range counts as one of half its end.
const SURE: f64 = 0.8;
const WIDEST: f64 = 0.5;
/// Delay that requests may make up for if the server has refused requests that left together; otherwise [`CATCH_UP`].
const LITTLE_CATCH_UP: Duration = Duration::from_micros(500);
/// Requests granted before the first 429 that show that the server grants several at once.
const A_BURST: usize = 8;

/// What is known of the rate that the server grants.
#[derive(Debug)]
pub struct Grant {
    limit: Option<Limit>,
    bucket: Bucket,
    /// Answers of the last second, until the first 429.
    served: VecDeque<Instant>,
    catch_up: Duration,
    /// The interval when answers became slow, for as long as they are.
    slow: Option<Duration>,
}

/// The pace since the newest 429.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Requests a second.
    rate: f64,
    phase: Phase,
    /// When the 429 came, and how many requests were refused then.
    touched: Instant,
    refusals: f64,
    /// When requests were granted again.
    reopened: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The rate doubles and doubles.
    Search,
    /// The limit is approached within this many silences. The 429 before came at the rate `asked`, perhaps early.
    Hold { silences: f64, asked: f64, is_early: bool },
}

impl Grant {
    /// Nothing is known.
    pub fn new() -> Self {
        Self {
            limit: None,
            bucket: Bucket::default(),
            served: VecDeque::new(),
            catch_up: CATCH_UP,
            slow: None,
        }
    }

    /// The time until the next request may start; `None` before the first 429.
    pub fn interval(&self, now: Instant) -> Option<Duration> {
        let interval = self.limit?.interval_at(now);
        Some(self.slow.map_or(interval, |slow| slow.max(interval)))
    }

    /// Answers are slow, or no longer: meanwhile the rate does not grow.
    pub fn set_slow(&mut self, is_slow: bool, now: Instant) {
        if is_slow != self.slow.is_some() {
            self.slow = self.interval(now).filter(|_| is_slow);
        }
    }

    /// Delay that requests may make up for.
    pub fn catch_up(&self) -> Duration {
        self.catch_up
    }

    /// A request starts.
    pub fn started(&mut self, now: Instant) {
        self.bucket.started(now);
    }

    /// A request was granted.
    pub fn answered(&mut self, now: Instant) {
        if let Some(limit) = &mut self.limit {
            limit.reopened.get_or_insert(now);
            return;
        }
        self.served.push_back(now);
        while self.served.front().is_some_and(|at| now - *at > Duration::from_secs(1)) {
            self.served.pop_front();
        }
    }

    /// A request that started at `since` was refused, the first since others were granted.
    pub fn touched(&mut self, since: Instant, now: Instant) {
        let (rate, phase) = match self.limit {
            None => self.first(),
            Some(before) => self.next(before, since),
        };
        self.bucket.emptied(since);
        self.limit =
            Some(Limit { rate: rate.max(LEAST), phase, touched: now, refusals: 0.0, reopened: None });
    }

    fn first(&mut self) -> (f64, Phase) {
        let served = std::mem::take(&mut self.served).len();
        if served < A_BURST {
            self.catch_up = LITTLE_CATCH_UP;
        }
        self.bucket.learn_burst(served);
        (f64::from(u32::try_from(served).unwrap_or(u32::MAX)), Phase::Search)
    }

    fn next(&mut self, before: Limit, since: Instant) -> (f64, Phase) {
        let asked = before.rate_at(since);
        let reopened = before.reopened.unwrap_or(before.touched);
        match before.phase {
            Phase::Search => {
                let (rate, is_sure) = self.estimate(reopened, since, asked);
                let silences = if is_sure { SILENCES_AFTER_SEARCH } else { SILENCES_IF_UNSURE };
                (rate, Phase::Hold { silences, asked, is_early: false })
            }
            Phase::Hold { silences, is_early, .. } if before.age(since) < EARLY => {
                self.catch_up /= 2;
                if is_early {
                    self.bucket.doubt();
                }
                let (rate, _) = self.estimate(reopened, since, asked);
                let kept = if is_early { KEPT } else { KEPT_ONCE };
                (
                    rate.clamp(asked * kept, asked * (1.0 - BELOW)),
                    Phase::Hold { silences, asked, is_early: true },
                )
            }
            Phase::Hold { silences, asked: asked_before, .. } => {
                let (rate, _) = self.estimate(reopened, since, asked);
                // A server that counts by windows is no bucket: there the rate at which it refuses again is the limit.
                let is_met_again = (asked / asked_before - 1.0).abs() < AGREEMENT;
                let met = if is_met_again { asked.min(asked_before) * MET_AGAIN } else { 0.0 };
                let rate = rate.max(met).max(asked * KEPT);
                let is_confirmed = rate > asked * (1.0 - AGREEMENT);
                let silences = if is_confirmed { silences * CONFIRMATION } else { silences };
                (rate, Phase::Hold { silences: silences.min(SILENCES), asked, is_early: false })
            }
        }
    }

    /// The limit, and true if the refusal leaves little doubt about it.
    fn estimate(&self, reopened: Instant, since: Instant, asked: f64) -> (f64, bool) {
        let range = self.bucket.limit(reopened, since, asked);
        let share = range.start() / range.end();
        (range.end() * share.max(WIDEST).sqrt(), share > SURE)
    }

    /// A request was refused.
    pub fn refused(&mut self) {
        if let Some(limit) = &mut self.limit {
            limit.refusals += 1.0;
        }
    }

    /// Leaves out this time, in which nothing was answered for another reason.
    pub fn skip(&mut self, time: Duration) {
        self.bucket.forget();
        if let Some(limit) = &mut self.limit {
            limit.touched += time;
            limit.reopened = limit.reopened.map(|at| at + time);
        }
    }
}

impl Limit {
    fn rate_at(&self, now: Instant) -> f64 {
        match (self.phase, self.age(now)) {
            (Phase::Search, age) => self.rate * age.min(30.0).exp2(),
            (Phase::Hold { .. }, age) if age < 1.0 => self.rate * (1.0 - BELOW * (1.0 - age).powi(3)),
            (Phase::Hold { silences, .. }, age) => {
                let above = if silences < SILENCES { ABOVE_AT_FIRST } else { ABOVE };
                self.rate * (1.0 + above * (age - 1.0).powi(3))
            }
        }
    }

    /// The time in which the rate allows one request. It is integrated where it doubles within that time.
    fn interval_at(&self, now: Instant) -> Duration {
        let rate = self.rate_at(now);
        match self.phase {
            Phase::Search => DOUBLING.mul_f64((1.0 + LN_2 / (rate * DOUBLING.as_secs_f64())).log2()),
            Phase::Hold { .. } => Duration::from_secs_f64(rate.recip()),
        }
    }

    /// Time since requests were granted again, as a multiple of the hold.
    fn age(&self, now: Instant) -> f64 {
        self.reopened.map_or(0.0, |at| {
            now.saturating_duration_since(at).as_secs_f64() / self.hold(at - self.touched).as_secs_f64()
        })
    }

    /// The time until the limit is reached, after a silence of this length.
    fn hold(&self, silence: Duration) -> Duration {
        let Phase::Hold { silences, .. } = self.phase else { return DOUBLING };
        let refused = self.refusals * REQUESTS_A_REFUSAL / self.rate * silences / SILENCES;
        Duration::from_secs_f64(refused).max(silence.mul_f64(silences)).clamp(SHORTEST_HOLD, LONGEST_HOLD)
    }
}
