//! Detects responses that take much longer than the fastest ones: the server is under load, but refuses
//! nothing yet.

use std::collections::VecDeque;
use std::time::Duration;

/// Number of responses whose median is compared. Single late responses, such as those that wait for a
/// connection, do not count.
const ANSWERS: usize = 31;
/// Responses are slow from this multiple of the best median.
const SLOW: u32 = 2;
/// Medians below this are never slow: on a fast line they double by chance.
const NEVER_SLOW: Duration = Duration::from_millis(50);
/// Fraction by which the best median grows per window of responses, so that a lucky start does not count
/// forever.
const FORGETTING: f64 = 0.01;

/// Times until the head of the newest responses.
#[derive(Debug, Default)]
pub struct Slowness {
    newest: VecDeque<Duration>,
    best: Option<Duration>,
    is_slow: bool,
}

impl Slowness {
    /// Records the time of a response. True if responses are slow.
    pub fn took(&mut self, time: Duration) -> bool {
        self.newest.push_back(time);
        if self.newest.len() == ANSWERS {
            let median = self.median();
            let best = self.best.map_or(median, |best| best.mul_f64(1.0 + FORGETTING).min(median));
            self.best = Some(best);
            self.is_slow = median >= (best * SLOW).max(NEVER_SLOW);
            self.newest.clear();
        }
        self.is_slow
    }

    fn median(&self) -> Duration {
        let mut sorted: Vec<_> = self.newest.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(slowness: &mut Slowness, milliseconds: impl Iterator<Item = u64>) -> bool {
        milliseconds.map(|time| slowness.took(Duration::from_millis(time))).last().expect("answers")
    }

    #[test]
    fn a_doubled_median_is_slow_until_it_falls() {
        let mut slowness = Slowness::default();
        assert!(!after(&mut slowness, (0..62).map(|_| 100)));
        assert!(!after(&mut slowness, (0..62).map(|_| 190)));
        assert!(after(&mut slowness, (0..62).map(|_| 230)));
        assert!(!after(&mut slowness, (0..62).map(|_| 110)));
    }

    #[test]
    fn a_slow_start_single_late_answers_and_a_fast_line_are_not_slow() {
        let mut slowness = Slowness::default();
        assert!(!after(&mut slowness, (0..31).map(|_| 900)));
        assert!(!after(&mut slowness, (0..310).map(|at| if at % 3 == 0 { 5000 } else { 100 })));
        let mut fast = Slowness::default();
        assert!(!after(&mut fast, (0..310).map(|at| if at < 100 { 1 } else { 40 })));
    }

    #[test]
    fn a_permanently_slower_service_is_used_fully() {
        let mut slowness = Slowness::default();
        assert!(!after(&mut slowness, (0..31).map(|_| 100)));
        assert!(after(&mut slowness, (0..31).map(|_| 220)));
        assert!(!after(&mut slowness, (0..3100).map(|_| 220)), "the best is forgotten");
    }
}
