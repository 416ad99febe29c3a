//! When the next request may start: one by one, evenly spaced, so that no second holds more than is allowed.

use std::time::Duration;

use tokio::time::Instant;

/// How much wider than `--rate-limit` asks the requests are spaced: a twentieth of a second is left for starts that make up
/// for a delay, and for requests that reach the server a little later than they left, while the next one does not.
const SPREAD: f64 = 1.05;
/// How much of a delay is made up for. Timers wake late, on a busy machine by many milliseconds, so without any the pace
/// would fall short; with more than the spread leaves, a second could hold more than the limit.
const CATCH_UP: Duration = Duration::from_millis(25);

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

    /// A request starts. The server is known to grant so many a second, or nothing is known of that.
    pub fn start(&mut self, now: Instant, granted: Option<f64>) {
        let granted = granted.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(rate.recip()));
        let interval = self.allowed.max(granted);
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        self.next = self.next.max(earliest) + interval;
    }
}
