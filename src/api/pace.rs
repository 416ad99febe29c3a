//! `--rate-limit`: requests leave one by one, evenly spaced.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// How much wider than asked for the requests are spaced: a request may reach the server a little later than it left,
/// and the next one not, and still no second may hold more than the limit.
const SPREAD: f64 = 1.05;
/// How much of a delay is made up for. Timers wake in steps of a millisecond, so without any the pace would fall short
/// at high limits; with much of it a stall would end in a burst.
const CATCH_UP: Duration = Duration::from_millis(5);

/// Lets requests start at most so often.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most `per_second` starts a second; no limit where `None`.
    pub fn new(per_second: Option<f64>) -> Self {
        let interval = per_second.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(SPREAD / rate));
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for this request's turn.
    pub async fn turn(&self) {
        if self.interval.is_zero() {
            return;
        }
        // Held while sleeping: the others wait in line for the lock, which is fair.
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            sleep_until(at).await;
        }
        let now = Instant::now();
        let catch_up = CATCH_UP.min(self.interval * 10);
        let earliest = now.checked_sub(catch_up).unwrap_or(now);
        *next = Some(next.unwrap_or(now).max(earliest) + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_the_limit() {
        for most in [1_u32, 7, 50, 900] {
            let pace = Pace::new(Some(f64::from(most)));
            let mut starts = Vec::new();
            for turn in 0..(most * 3 + 5) {
                if turn == 3 {
                    tokio::time::advance(Duration::from_millis(1700)).await; // a stall, which must not end in a burst
                }
                pace.turn().await;
                starts.push(Instant::now());
            }
            let worst = starts
                .iter()
                .map(|first| {
                    starts.iter().filter(|at| *at >= first && **at < *first + Duration::from_secs(1)).count()
                })
                .max();
            assert!(worst <= Some(most as usize), "{worst:?} in a second, {most} allowed");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_is_used() {
        let pace = Pace::new(Some(500.0));
        let start = Instant::now();
        for _ in 0..1000 {
            pace.turn().await;
        }
        assert!(start.elapsed() < Duration::from_millis(2200), "{:?}", start.elapsed());
    }
}
