//! Limits warnings about failed sign-ins: the first at once, then at most one per minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event::Event;

/// Minimum time between two warnings.
const INTERVAL: Duration = Duration::from_mins(1);

/// Decides which failures are reported.
#[derive(Debug, Default)]
pub(super) struct SignInWarnings(Mutex<Reported>);

#[derive(Debug, Default)]
struct Reported {
    last: Option<Instant>,
    /// Number of failures since the last warning.
    suppressed: u64,
}

impl SignInWarnings {
    /// Counts a failure. Returns the event to send, unless one was sent less than a minute ago.
    pub(super) fn failed(&self, reason: String) -> Option<Event> {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if reported.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            reported.suppressed += 1;
            return None;
        }
        reported.last = Some(now);
        Some(Event::SignInFailed { reason, suppressed: std::mem::take(&mut reported.suppressed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_failure_is_reported_then_one_per_minute_with_the_number_of_the_others() {
        let warnings = SignInWarnings::default();
        let mut reported = Vec::new();
        for second in (0..200).step_by(10) {
            if let Some(Event::SignInFailed { suppressed, .. }) = warnings.failed("503".to_owned()) {
                reported.push((second, suppressed));
            }
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(reported, [(0, 0), (60, 5), (120, 5), (180, 5)]);
    }
}
