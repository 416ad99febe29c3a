//! Ranges of an estimate: from a few sampled contacts to all others.

/// Factors of Student's distribution for ranges of which nine in ten hold, by the number of values from 2 on. A sample has at most ten.
const FACTORS: [f64; 9] = [6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83];
/// Minimum distance of both ends from the mean, as a part of it. Equal values in a small sample prove little.
const MIN_SPREAD: f64 = 0.1;

/// An amount with the range in which it probably is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub low: u64,
    /// The estimate itself.
    pub likely: u64,
    pub high: u64,
}

impl Amount {
    /// An amount that is known.
    pub fn exact(amount: u64) -> Self {
        Self { low: amount, likely: amount, high: amount }
    }

    /// The amount of `rest` contacts that are like those of the sample.
    pub fn of_rest(sample: &[u64], rest: u64) -> Self {
        let count = sample.len().max(1) as u64;
        let likely = rest.saturating_mul(sample.iter().sum()) / count;
        let (low, high) = interval(sample, rest);
        Self { low: low.min(likely), likely, high: high.max(likely) }
    }

    /// Adds another amount.
    pub fn add(&mut self, other: Self) {
        self.low = self.low.saturating_add(other.low);
        self.likely = self.likely.saturating_add(other.likely);
        self.high = self.high.saturating_add(other.high);
    }

    /// Applies a function to all three values. It must not decrease.
    #[must_use]
    pub fn map(self, of: impl Fn(u64) -> u64) -> Self {
        Self { low: of(self.low), likely: of(self.likely), high: of(self.high) }
    }
}

/// The range of the sum of `rest` further values, by Student's distribution.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, of counts far below 2^52; a too large result saturates"
)]
fn interval(sample: &[u64], rest: u64) -> (u64, u64) {
    if sample.is_empty() || rest == 0 {
        return (0, 0);
    }
    let (count, further) = (sample.len() as f64, rest as f64);
    let mean = sample.iter().sum::<u64>() as f64 / count;
    let spread = match FACTORS.get(sample.len().saturating_sub(2)) {
        // One value says nothing about the others.
        _ if sample.len() < 2 => mean,
        factor => {
            let squares = sample.iter().map(|value| (*value as f64 - mean).powi(2)).sum::<f64>();
            let deviation = (squares / (count - 1.0)).sqrt();
            let factor = factor.copied().unwrap_or(1.8);
            factor * deviation * (1.0 / count + 1.0 / further).sqrt()
        }
    };
    let spread = spread.max(mean * MIN_SPREAD);
    let sum = |of_one: f64| (of_one.max(0.0) * further) as u64;
    (sum(mean - spread), sum(mean + spread).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_estimate_and_narrows_with_the_sample() {
        let few = Amount::of_rest(&[50, 150, 100], 1000);
        let many = Amount::of_rest(&[50, 150, 100, 90, 110, 60, 140, 100, 120, 80], 1000);
        assert_eq!((few.likely, many.likely), (100_000, 100_000));
        for amount in [few, many] {
            assert!(amount.low < amount.likely && amount.likely < amount.high, "{amount:?}");
        }
        assert!(many.high - many.low < few.high - few.low);
        assert!(many.low > 70_000 && many.high < 130_000, "{many:?}");
    }

    #[test]
    fn equal_values_and_single_ones_prove_little() {
        let equal = Amount::of_rest(&[100; 10], 1000);
        assert!(equal.low <= 90_000 && equal.high >= 110_000, "{equal:?}");
        let single = Amount::of_rest(&[100], 9);
        assert_eq!((single.low, single.likely, single.high), (0, 900, 1801));
        assert_eq!(Amount::of_rest(&[100], 0), Amount::default());
        assert_eq!(Amount::of_rest(&[], 5), Amount::default());
        assert_eq!(Amount::of_rest(&[0; 10], 5), Amount { high: 1, ..Amount::default() });
    }

    /// The lengths of histories are skewed: most are short, and some are many times longer.
    #[test]
    fn most_ranges_hold() {
        let account: Vec<u64> = (1..=1000_u64).map(|at| u64::from((1000 / at).ilog2()) * 40 + 5).collect();
        let all: u64 = account.iter().sum();
        let mut rng = fastrand::Rng::with_seed(7);
        let holds = (0..500).filter(|_| {
            let sample: Vec<u64> = (0..10).map(|_| account[rng.usize(..1000)]).collect();
            let rest = Amount::of_rest(&sample, 990);
            let sum = all - sample.iter().sum::<u64>();
            (rest.low..=rest.high).contains(&sum)
        });
        let count = holds.count();
        assert!(count > 400, "{count} of 500");
    }
}
