//! Spaces the starts of requests evenly, so that no second holds more than the limit.

use std::time::Duration;

use tokio::time::Instant;

/// Factor by which requests are spaced wider than `--rate-limit` requires. It leaves a twentieth of a second
/// for catching up on delays, and for requests that take longer than their successor to reach the server.
const SPREAD: f64 = 1.05;
/// Maximum delay to catch up on. Timers wake late, by many milliseconds on a busy machine, so without it the
/// rate would fall short. If it were larger, a second could hold more than the limit.
pub const CATCH_UP: Duration = Duration::from_millis(25);

/// Spaces the starts of requests.
#[derive(Debug)]
pub struct Pacer {
    allowed: Duration,
    next: Instant,
}

impl Pacer {
    /// Creates a pacer with at most `per_second` starts in any second. `None` means no limit.
    pub fn new(per_second: Option<f64>, now: Instant) -> Self {
        let allowed = per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(SPREAD / rate));
        Self { allowed, next: now }
    }

    /// Returns the time when the next request may start.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Starts again after a pause, which is no delay to catch up on.
    pub fn restart(&mut self, now: Instant) {
        self.next = self.next.max(now);
    }

    /// Records the start of a request. `granted` is the server's interval to the next one, if known.
    /// `catch_up` is the maximum delay to catch up on.
    pub fn start(&mut self, now: Instant, granted: Option<Duration>, catch_up: Duration) {
        let interval = self.allowed.max(granted.unwrap_or_default());
        let earliest = now.checked_sub(catch_up).unwrap_or(now);
        self.next = self.next.max(earliest) + interval;
    }
}
