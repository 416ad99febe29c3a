//! The rate that the server grants. Nobody says what it is; its 429s tell.
//!
//! The first 429 shows a ceiling: so many were granted a second. From then on requests are paced as CUBIC (RFC 9438)
//! sizes its window: a little below the ceiling, flat as it is neared, then faster and faster, since the limit may have
//! been raised. How long it takes to get there follows from what touching the ceiling costs, in refused requests and in
//! silence. So a limit that stands is touched now and then, and one that has moved is found again.

use std::time::Duration;

use tokio::time::Instant;

/// How far below the ceiling the rate falls with a 429.
const BELOW: f64 = 0.05;
/// How fast it rises above a ceiling that proves to be none: by so much when as old again.
const ABOVE: f64 = 0.5;
/// Requests for each one that is refused when the ceiling is touched: half a percent is refused.
const REQUESTS_A_REFUSAL: f64 = 200.0;
/// Time for each time that the ceiling is touched, as a multiple of the silence that follows.
const SILENCES_A_TOUCH: u32 = 60;
/// The same while the ceiling is only guessed.
const SILENCES_A_GUESS: u32 = 5;
/// The shortest and the longest time between two touches.
const SHORTEST_HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_mins(2);
/// The ceiling is known, and no guess, where so much of what was asked for had been granted.
const MOST: f64 = 0.7;
/// How much a share that was not granted lowers the ceiling, by its square: at [`MOST`] as in a guess.
const SHORTFALL: f64 = 1.8;
/// The least rate: one request in ten seconds.
const LEAST: f64 = 0.1;
/// What lies longer back counts less: the limit, or what we asked for, was another then.
const MEMORY: Duration = Duration::from_mins(2);

/// What is known of the rate that the server grants.
#[derive(Debug)]
pub struct Grant {
    known: Option<Ceiling>,
    /// Answers that were no 429s, from then on.
    answers: f64,
    counted_from: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Ceiling {
    /// Requests a second.
    rate: f64,
    is_guess: bool,
    /// When it was touched, and how many requests were refused then.
    touched: Instant,
    refusals: f64,
    /// When requests were granted again.
    reopened: Option<Instant>,
}

impl Grant {
    /// Nothing is known.
    pub fn new(now: Instant) -> Self {
        Self { known: None, answers: 0.0, counted_from: now }
    }

    /// How many requests a second may start now; `None` while there was no 429.
    pub fn rate(&self, now: Instant) -> Option<f64> {
        self.known.map(|ceiling| ceiling.rate_at(now))
    }

    /// A request was granted.
    pub fn answered(&mut self, now: Instant) {
        if now - self.counted_from > MEMORY {
            self.answers /= 2.0;
            self.counted_from += (now - self.counted_from) / 2;
        }
        self.answers += 1.0;
        if let Some(ceiling) = &mut self.known {
            ceiling.reopened.get_or_insert(now);
        }
    }

    /// A request was refused, the first since others were granted.
    pub fn touched(&mut self, now: Instant) {
        // At least a second, which most servers count by: its first requests are granted at once.
        let granted = self.answers / (now - self.counted_from).max(Duration::from_secs(1)).as_secs_f64();
        let asked = self.rate(now);
        let is_guess = asked.is_none_or(|asked| granted < MOST * asked);
        let rate = match asked {
            None => granted,
            Some(asked) if is_guess => (granted * asked).sqrt(),
            // What is missing was not asked for, in the silence and while the rate was lower; the more there is of it, the
            // likelier it was more than that.
            Some(asked) => asked * (1.0 - SHORTFALL * (1.0 - (granted / asked).min(1.0)).powi(2)),
        };
        self.known = Some(Ceiling { rate, is_guess, touched: now, refusals: 0.0, reopened: None });
        self.answers = 0.0;
        self.counted_from = now;
    }

    /// A request was refused.
    pub fn refused(&mut self) {
        if let Some(ceiling) = &mut self.known {
            ceiling.refusals += 1.0;
        }
    }

    /// Nobody was answered for so long, for another reason: as if that time had not been.
    pub fn skip(&mut self, time: Duration) {
        self.counted_from += time;
        if let Some(ceiling) = &mut self.known {
            ceiling.touched += time;
            ceiling.reopened = ceiling.reopened.map(|at| at + time);
        }
    }
}

impl Ceiling {
    fn rate_at(&self, now: Instant) -> f64 {
        let age = self.reopened.map_or(0.0, |at| {
            now.saturating_duration_since(at).as_secs_f64() / self.hold(at - self.touched).as_secs_f64()
        });
        let slope = if age < 1.0 { BELOW } else { ABOVE };
        (self.rate * (1.0 + slope * (age - 1.0).powi(3))).max(LEAST)
    }

    /// How long it takes to the ceiling, when touching it was followed by a silence of this length.
    fn hold(&self, silence: Duration) -> Duration {
        let hold = if self.is_guess {
            silence * SILENCES_A_GUESS
        } else {
            let requests = self.refusals * REQUESTS_A_REFUSAL;
            Duration::from_secs_f64(requests / self.rate.max(LEAST)).max(silence * SILENCES_A_TOUCH)
        };
        hold.clamp(SHORTEST_HOLD, LONGEST_HOLD)
    }
}
