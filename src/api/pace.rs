//! When the next request may start: one by one, evenly spaced, so that no second holds more than is allowed.

use std::time::Duration;

use tokio::time::Instant;

/// How much wider than `--rate-limit` asks the requests are spaced: a twentieth of a second is left for starts that make up
/// for a delay, and for requests that reach the server a little later than they left, while the next one does not.
const SPREAD: f64 = 1.05;
/// How much of a delay is made up for. Timers wake late, on a busy machine by many milliseconds, so without any the pace
/// would fall short; with more than the spread leaves, a second could hold more than the limit.
pub const CATCH_UP: Duration = Duration::from_millis(25);

/// Spaces the starts of requests.
#[derive(Debug)]
pub struct Pace {
    allowed: Duration,
    next: Instant,
}

impl Pace {
    /// Never more than `per_second` starts in any second, wherever it begins; no limit where `None`.
    pub fn new(per_second: Option<f64>, now: Instant) -> Self {
        let allowed = per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(SPREAD / rate));
        Self { allowed, next: now }
    }

    /// When the next request may start.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Requests may start again after a silence, which is no delay to make up for.
    pub fn restart(&mut self, now: Instant) {
        self.next = self.next.max(now);
    }

    /// A request starts. The server grants the next one after this interval, if it is known; of a delay, this much is made up
    /// for.
    pub fn start(&mut self, now: Instant, granted: Option<Duration>, catch_up: Duration) {
        let interval = self.allowed.max(granted.unwrap_or_default());
        let earliest = now.checked_sub(catch_up).unwrap_or(now);
        self.next = self.next.max(earliest) + interval;
    }
}
