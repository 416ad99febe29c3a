//! A histogram of response times, so that a median needs no list of all times.

/// Longer times count as this maximum of 18 minutes. No request may take that long.
const MAX_MICROS: u64 = (1 << 30) - 1;
/// Number of steps per doubling. The error of a time is at most one part in 16.
const STEPS: u64 = 8;
const STEP_BITS: u32 = STEPS.trailing_zeros();
const COUNTS: usize = 224; // what `step` makes of MAX_MICROS, and one

/// Number of times per step. Each doubling has the same number of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    counts: [u32; COUNTS],
    answers: u64,
    max: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { counts: [0; COUNTS], answers: 0, max: 0 }
    }
}

impl Latency {
    /// Counts a response time.
    pub fn add(&mut self, micros: u64) {
        let micros = micros.min(MAX_MICROS);
        let count = &mut self.counts[step(micros)];
        *count = count.saturating_add(1);
        self.answers += 1;
        self.max = self.max.max(micros);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (count, others) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*others);
        }
        self.answers += other.answers;
        self.max = self.max.max(other.max);
    }

    /// Returns the time in microseconds within which this percentage of responses arrived. `None` without any
    /// response.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.answers * percent).div_ceil(100).max(1);
        let mut before = 0;
        let step = self.counts.iter().position(|count| {
            before += u64::from(*count);
            before >= rank
        })?;
        Some(middle(step as u64).min(self.max))
    }

    /// Returns the longest time.
    pub fn max(&self) -> Option<u64> {
        (self.answers > 0).then_some(self.max)
    }
}

fn step(micros: u64) -> usize {
    let step = if micros < STEPS {
        micros
    } else {
        let shift = micros.ilog2() - STEP_BITS;
        STEPS + u64::from(shift) * STEPS + ((micros >> shift) & (STEPS - 1))
    };
    usize::try_from(step).unwrap_or(COUNTS - 1).min(COUNTS - 1)
}

/// Returns the middle of a step.
fn middle(step: u64) -> u64 {
    if step < STEPS {
        return step;
    }
    let shift = (step - STEPS) / STEPS;
    ((STEPS + step % STEPS) << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_known_to_one_part_in_sixteen() {
        for micros in (0..5000).chain((13..30).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1])) {
            let counted = middle(step(micros) as u64);
            assert!(counted.abs_diff(micros) * 16 <= micros, "{micros} counts as {counted}");
        }
        assert_eq!(step(MAX_MICROS), COUNTS - 1);
    }

    #[test]
    fn a_median_is_that_of_all() {
        let mut all = Latency::default();
        assert_eq!((all.percentile(50), all.max()), (None, None), "nothing was answered");
        let mut others = Latency::default();
        for micros in 1..=1000 {
            if micros % 2 == 0 { &mut all } else { &mut others }.add(micros * 1000);
        }
        all.merge(&others);
        let near = |counted: Option<u64>, expected: u64| counted.unwrap().abs_diff(expected) * 16 <= expected;
        assert!(near(all.percentile(50), 500_000) && near(all.percentile(95), 950_000));
        assert_eq!(all.max(), Some(1_000_000));
        all.add(u64::MAX);
        assert_eq!(all.max(), Some(MAX_MICROS));
    }
}
