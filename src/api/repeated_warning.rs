//! Limits a warning that may come again and again: the first at once, then at most one per minute, with the number
//! of those in between.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two warnings.
const INTERVAL: Duration = Duration::from_mins(1);

/// Decides which occurrences of a warning are reported.
#[derive(Debug, Default)]
pub(super) struct RepeatedWarning(Mutex<Reported>);

#[derive(Debug, Default)]
struct Reported {
    last: Option<Instant>,
    /// Number of occurrences since the last warning.
    suppressed: u64,
}

impl RepeatedWarning {
    /// Counts an occurrence. Returns the number of suppressed ones before it, unless one was reported less than a
    /// minute ago.
    pub(super) fn count(&self) -> Option<u64> {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if reported.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            reported.suppressed += 1;
            return None;
        }
        reported.last = Some(now);
        Some(std::mem::take(&mut reported.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_reported_then_one_per_minute_with_the_number_of_the_others() {
        let warning = RepeatedWarning::default();
        let mut reported = Vec::new();
        for second in (0..200).step_by(10) {
            if let Some(suppressed) = warning.count() {
                reported.push((second, suppressed));
            }
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert_eq!(reported, [(0, 0), (60, 5), (120, 5), (180, 5)]);
    }
}
