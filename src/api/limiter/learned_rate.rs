//! Learns the request rate that the server grants. No document states it, but its 429s show it.
//!
//! The first 429 starts a search: from the rate served in the last second, the rate doubles until the next
//! 429. That one shows a range in which the limit is. From then on, the rate climbs steadily from the low end of
//! the range to its high end. After the next 429 the range is narrow. Beyond the range the rate grows as the window
//! of CUBIC (RFC 9438) does, slowly at first, then faster and faster, because the limit may have been raised. The
//! time between two 429s is chosen by the cost of each, in refused requests and pauses.
//!
//! The rate at which a 429 arrives is not the limit. A server that grants bursts refuses later, and requests
//! may leave more slowly than the rate allows. So [`TokenBucket`] replays the starts since the previous 429
//! against a token bucket. The limit is the one under which exactly this request is refused.
//!
//! Other servers count the requests of each second. If as many requests were granted in the second before one 429 as
//! in the second before the next, this number is the limit.

use std::collections::VecDeque;
use std::f64::consts::LN_2;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

use super::pacer::CATCH_UP;
use super::token_bucket::TokenBucket;

/// Minimum rate, in requests per second: at the start of a search, and later.
const MIN_SEARCH_RATE: f64 = 3.0;
const MIN_RATE: f64 = 1.0;
/// Doubling time of the rate during a search. A shorter one shows a wider range.
const DOUBLING: Duration = Duration::from_millis(170);
/// Fraction of the limit by which the rate falls after a 429.
const BELOW: f64 = 0.015;
/// The same after a search, if the server grants bursts. The burst may be larger than it seems.
const BELOW_AFTER_SEARCH: f64 = 0.03;
/// Growth beyond the limit after the same time again, as a fraction of the limit: while the limit is
/// uncertain, and once it is confirmed.
const ABOVE_AT_FIRST: f64 = 2.0;
const ABOVE: f64 = 0.5;
/// Number of requests per refused one: half a percent is refused. Until the limit is confirmed, two percent.
const REQUESTS_A_REFUSAL: f64 = 200.0;
const REQUESTS_A_REFUSAL_AT_FIRST: f64 = 50.0;
/// Time between two 429s, as a multiple of the pause after one: once the limit is confirmed, after a search,
/// and after a search with a wide range.
const SILENCES: f64 = 60.0;
const SILENCES_AFTER_SEARCH: f64 = 12.0;
const SILENCES_IF_UNSURE: f64 = 6.0;
/// The last of these if the server grants no two requests at once. Each granted request proves
/// that the limit allows its distance from the one before. So the range is right, and one more 429 shows the limit. A
/// narrow range needs none: [`SILENCES`] applies.
const SILENCES_IF_WIDE: f64 = 2.0;
/// Growth factor of this time with each 429 that confirms the limit.
const CONFIRMATION: f64 = 3.0;
/// Minimum and maximum time between two 429s.
const MIN_HOLD: Duration = Duration::from_secs(2);
const MAX_HOLD: Duration = Duration::from_mins(2);
/// A 429 before this fraction of the hold is early. Then the limit is lower, or the server grants no two
/// requests at once. If that is known, it grants two after all, or requests arrive closer together than they left.
const EARLY: f64 = 0.25;
/// Minimum fraction of the rate that is kept after the first early 429, and after further ones.
const KEPT_ONCE: f64 = 0.85;
const KEPT: f64 = 0.5;
/// Maximum relative difference of two rates that count as equal. A limit within this distance below such a
/// rate is confirmed.
const AGREEMENT: f64 = 0.12;
/// Minimum limit as a fraction of such a rate.
const MET_AGAIN: f64 = 0.98;
/// Minimum ratio of the range's ends for a certain limit.
const SURE: f64 = 0.8;
/// Minimum ratio after a search, with bursts and without. A wider range counts as that wide.
const WIDEST: f64 = 0.5;
const WIDEST_WITHOUT_BURST: f64 = 0.35;
/// Delay that requests may catch up on after the server refused simultaneous requests. Otherwise [`CATCH_UP`]
/// applies.
const LITTLE_CATCH_UP: Duration = Duration::from_micros(500);
/// Maximum relative difference of two numbers of requests in a second that count as equal. They may always differ by one,
/// but smaller numbers than [`MIN_IN_SECOND`] show nothing.
const SAME_IN_SECOND: f64 = 0.08;
const MIN_IN_SECOND: f64 = 4.0;
/// Fraction of this number by which the rate falls after a search.
const BELOW_IN_SECOND: f64 = 0.04;
/// Number of requests granted before the first 429 that shows that the server grants several at once.
const A_BURST: usize = 8;

/// Knowledge about the rate that the server grants.
#[derive(Debug)]
pub struct LearnedRate {
    limit: Option<Limit>,
    bucket: TokenBucket,
    /// Granted requests that were sent before the first 429, and answered in the second before it or later.
    served: VecDeque<Granted>,
    /// Number of them that were in flight together with the refused one. A sign-in before it shows nothing. Zero after a
    /// 429 that contradicts it.
    granted_at_once: usize,
    catch_up: Duration,
    /// Number of requests that were granted in the second before the newest 429.
    in_second: f64,
    /// Interval at the time when responses became slow, while they are slow.
    slow: Option<Duration>,
}

/// The pacing since the newest 429.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Rate in requests per second.
    rate: f64,
    phase: Phase,
    /// Time of the 429, and number of refused requests at that time.
    touched: Instant,
    refusals: f64,
    /// The first request that was granted again.
    reopened: Option<Granted>,
}

/// Times of a granted request.
#[derive(Clone, Copy, Debug)]
struct Granted {
    started: Instant,
    answered: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The rate keeps doubling.
    Search,
    /// The rate approaches the limit within this many pauses, from the fraction `from` of it. The previous 429
    /// came at the rate `asked`, perhaps early.
    Hold { silences: f64, from: f64, asked: f64, is_early: bool },
}

impl LearnedRate {
    /// Creates a state without knowledge.
    pub fn new() -> Self {
        Self {
            limit: None,
            bucket: TokenBucket::default(),
            served: VecDeque::new(),
            granted_at_once: 0,
            catch_up: CATCH_UP,
            in_second: 0.0,
            slow: None,
        }
    }

    /// Returns the time until the next request may start. `None` before the first 429.
    pub fn interval(&self, now: Instant) -> Option<Duration> {
        let interval = self.limit?.interval_at(now);
        Some(self.slow.map_or(interval, |slow| slow.max(interval)))
    }

    /// Sets if responses are slow. While they are, the rate does not grow.
    pub fn set_slow(&mut self, is_slow: bool, now: Instant) {
        if is_slow != self.slow.is_some() {
            self.slow = self.interval(now).filter(|_| is_slow);
        }
    }

    /// Delay that requests may catch up on.
    pub fn catch_up(&self) -> Duration {
        self.catch_up
    }

    /// False if the server granted exactly one of several requests at once, and at most one before them.
    pub fn grants_bursts(&self) -> bool {
        self.granted_at_once != 1 || self.served.len() > 2
    }

    /// Records the start of a request.
    pub fn started(&mut self, now: Instant) {
        self.bucket.started(now);
    }

    /// Records a granted request that started at `since`.
    pub fn answered(&mut self, since: Instant, now: Instant) {
        if let Some(limit) = &mut self.limit {
            limit.reopened.get_or_insert(Granted { started: since, answered: now });
            return;
        }
        self.served.push_back(Granted { started: since, answered: now });
        self.forget_old(now);
    }

    fn forget_old(&mut self, now: Instant) {
        let is_old = |granted: &Granted| now - granted.answered > Duration::from_secs(1);
        while self.served.front().is_some_and(is_old) {
            self.served.pop_front();
        }
    }

    /// Records a granted request that started at `since`, before the newest 429 arrived. Servers refuse sooner than they
    /// grant, so requests that were granted at once with the first refused one may be answered after it.
    pub fn answered_late(&mut self, since: Instant, now: Instant) {
        let is_at_first = |limit: Limit| limit.phase == Phase::Search && since <= limit.touched;
        if self.limit.is_some_and(is_at_first) {
            self.served.push_back(Granted { started: since, answered: now });
            self.granted_at_once += 1;
            let rate = self.learn_first();
            self.limit = self.limit.map(|limit| Limit { rate, ..limit });
        }
    }

    /// Records the first refusal since others were granted, of a request that started at `since`.
    pub fn touched(&mut self, since: Instant, now: Instant) {
        let of_each_second = self.of_each_second(since);
        let (rate, phase) = match self.limit {
            None => self.first(since, now),
            Some(before) => self.next(before, since, of_each_second),
        };
        self.bucket.emptied(since);
        self.limit =
            Some(Limit { rate: rate.max(MIN_RATE), phase, touched: now, refusals: 0.0, reopened: None });
    }

    /// Returns the number of requests that the server seems to grant in each second: as many were granted in the second
    /// before each of the two newest 429s.
    fn of_each_second(&mut self, since: Instant) -> Option<f64> {
        let number = self.bucket.started_in_second(self.limit.map(|limit| limit.touched), since);
        let before = std::mem::replace(&mut self.in_second, number);
        let is_same = (number - before).abs() <= (number * SAME_IN_SECOND).max(1.0);
        Some(number.min(before)).filter(|least| is_same && *least >= MIN_IN_SECOND)
    }

    fn first(&mut self, since: Instant, now: Instant) -> (f64, Phase) {
        self.forget_old(now);
        self.granted_at_once = self.served.iter().filter(|granted| since < granted.answered).count();
        (self.learn_first(), Phase::Search)
    }

    /// Learns from the requests that were granted until the first 429. Returns the rate at which the search starts.
    fn learn_first(&mut self) -> f64 {
        self.catch_up = if self.served.len() < A_BURST { LITTLE_CATCH_UP } else { CATCH_UP };
        self.bucket.learn_burst(self.served.iter().map(|granted| granted.started));
        let served = f64::from(u32::try_from(self.served.len()).unwrap_or(u32::MAX));
        // Some of the requests before the first refused one may be refused too.
        self.in_second = self.in_second.min(served);
        served.max(MIN_SEARCH_RATE)
    }

    fn next(&mut self, before: Limit, since: Instant, of_each_second: Option<f64>) -> (f64, Phase) {
        let asked = before.rate_at(since);
        let reopened = before.reopened.map_or(before.touched, |granted| granted.started.min(since));
        match (before.phase, of_each_second) {
            (Phase::Search, Some(number)) => {
                let (silences, from) = (SILENCES_AFTER_SEARCH, 1.0 - BELOW_IN_SECOND);
                (number, Phase::Hold { silences, from, asked: number, is_early: false })
            }
            (Phase::Search, None) if !self.grants_bursts() => {
                Self::without_bursts(self.bucket.limit(reopened, since, asked), asked, true)
            }
            (Phase::Search, None) => {
                let range = self.bucket.limit(reopened, since, asked);
                let width = (range.start() / range.end()).max(WIDEST);
                let silences = if width > SURE { SILENCES_AFTER_SEARCH } else { SILENCES_IF_UNSURE };
                let from = width * (1.0 - BELOW_AFTER_SEARCH);
                (*range.end(), Phase::Hold { silences, from, asked, is_early: false })
            }
            (Phase::Hold { silences, is_early, .. }, _) if before.age(since) < EARLY => {
                self.catch_up /= 2;
                // The hold of a server without bursts was chosen for a range that is wrong.
                let silences = if self.grants_bursts() { silences } else { SILENCES_AFTER_SEARCH };
                if is_early || !self.grants_bursts() {
                    self.granted_at_once = 0;
                    self.bucket.doubt();
                }
                let rate = self.estimate(reopened, since, asked);
                let kept = if is_early { KEPT } else { KEPT_ONCE };
                (
                    rate.clamp(asked * kept, asked * (1.0 - BELOW)),
                    Phase::Hold { silences, from: 1.0 - BELOW, asked, is_early: true },
                )
            }
            (Phase::Hold { .. }, _) if !self.grants_bursts() => {
                Self::without_bursts(self.bucket.limit(reopened, since, asked), asked, false)
            }
            (Phase::Hold { silences, asked: asked_before, .. }, number) => {
                let rate = self.estimate(reopened, since, asked);
                // A server that counts by windows is no bucket. Its limit is the rate at which it refuses
                // repeatedly.
                let is_met_again = (asked / asked_before - 1.0).abs() < AGREEMENT;
                let met = if is_met_again { asked.min(asked_before) * MET_AGAIN } else { 0.0 };
                let rate = rate.max(met).max(number.unwrap_or_default().min(asked)).max(asked * KEPT);
                let is_confirmed = rate > asked * (1.0 - AGREEMENT);
                let growth = if is_confirmed { CONFIRMATION } else { 1.0 };
                let silences = (silences * growth).min(SILENCES);
                (rate, Phase::Hold { silences, from: 1.0 - BELOW, asked, is_early: false })
            }
        }
    }

    /// Returns the rate and phase after a 429 of a server that grants no two requests at once. The rate climbs from the
    /// low end of the limit's range to its high end.
    fn without_bursts(range: RangeInclusive<f64>, asked: f64, is_search: bool) -> (f64, Phase) {
        let (low, high) = range.into_inner();
        let nearly = 1.0 - AGREEMENT;
        let (low, high, silences) = match low > high * nearly {
            true => (low, high, SILENCES),
            false if is_search => (low.max(high * WIDEST_WITHOUT_BURST), high, SILENCES_IF_WIDE),
            // The range stays as wide, because timers wake at full milliseconds.
            false => (low.max(high * WIDEST), low.max(high * WIDEST) / nearly, SILENCES),
        };
        (high, Phase::Hold { silences, from: low / high * (1.0 - BELOW), asked, is_early: false })
    }

    /// Returns the limit, as far as the refusal shows it.
    fn estimate(&self, reopened: Instant, since: Instant, asked: f64) -> f64 {
        let range = self.bucket.limit(reopened, since, asked);
        range.end() * (range.start() / range.end()).max(WIDEST).sqrt()
    }

    /// Records a refused request.
    pub fn refused(&mut self) {
        if let Some(limit) = &mut self.limit {
            limit.refusals += 1.0;
        }
    }

    /// Skips a period until `now` in which nothing was granted for another reason.
    pub fn skip(&mut self, time: Duration, now: Instant) {
        self.bucket.forget();
        if let Some(limit) = &mut self.limit {
            let later = |at: Instant| (at + time).min(now);
            limit.touched = later(limit.touched);
            if let Some(granted) = &mut limit.reopened {
                (granted.started, granted.answered) = (later(granted.started), later(granted.answered));
            }
        }
    }
}

impl Limit {
    fn rate_at(&self, now: Instant) -> f64 {
        match (self.phase, self.age(now)) {
            (Phase::Search, age) => self.rate * age.min(30.0).exp2(),
            (Phase::Hold { from, .. }, age) if age < 1.0 => self.rate * from.powf(1.0 - age),
            (Phase::Hold { silences, .. }, age) => {
                let above = if silences < SILENCES { ABOVE_AT_FIRST } else { ABOVE };
                self.rate * (1.0 + above * (age - 1.0).powi(3))
            }
        }
    }

    /// Time in which the rate allows one request. It is integrated if the rate doubles within that time.
    fn interval_at(&self, now: Instant) -> Duration {
        let rate = self.rate_at(now);
        match self.phase {
            Phase::Search => DOUBLING.mul_f64((1.0 + LN_2 / (rate * DOUBLING.as_secs_f64())).log2()),
            Phase::Hold { .. } => Duration::from_secs_f64(rate.recip()),
        }
    }

    /// Time since requests were granted again, as a multiple of the hold.
    fn age(&self, now: Instant) -> f64 {
        self.reopened.map_or(0.0, |Granted { answered, .. }| {
            let hold = self.hold(answered - self.touched);
            now.saturating_duration_since(answered).as_secs_f64() / hold.as_secs_f64()
        })
    }

    /// Time until the limit is reached, after a pause of this length.
    fn hold(&self, silence: Duration) -> Duration {
        let Phase::Hold { silences, .. } = self.phase else { return DOUBLING };
        let requests = if silences < SILENCES { REQUESTS_A_REFUSAL_AT_FIRST } else { REQUESTS_A_REFUSAL };
        let refused = self.refusals * requests / self.rate * silences / SILENCES;
        Duration::from_secs_f64(refused).max(silence.mul_f64(silences)).clamp(MIN_HOLD, MAX_HOLD)
    }
}
