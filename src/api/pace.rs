//! When the next request may start: one by one, evenly spaced, so that no second holds more than is allowed.

use std::time::Duration;

use tokio::time::Instant;

/// How much wider than `--rate-limit` asks the requests are spaced: one may reach the server a little later than it
/// left, and the next one not, and still no second should hold more than the limit there either.
const SPREAD: f64 = 1.05;
/// How much of a delay is made up for. Timers wake in steps of a millisecond, so without any the pace would fall short
/// at high limits; with much of it a stall would end in a burst.
const CATCH_UP: Duration = Duration::from_millis(5);

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
        let catch_up = CATCH_UP.min(interval * 10);
        let earliest = now.checked_sub(catch_up).unwrap_or(now);
        self.next = self.next.max(earliest) + interval;
    }
}
