//! When a contact's messages were written: bursts of some minutes with long pauses between, by arithmetic.

use super::dice::Dice;

/// Messages that come in one burst.
const BURST: u64 = 16;
/// Most time between two messages of a burst, in milliseconds.
const GAP: u64 = 90_000;
/// One message in so many carries the very time of the one before it.
const TIE: u64 = 24;

/// The times of one contact's messages.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    key: u64,
    /// The first burst's earliest time, Unix milliseconds.
    start: u64,
    /// From the start of one burst's slot to the next one's, in milliseconds.
    slot: u64,
    /// From this message on, the times of those that came while the service ran. Unix milliseconds.
    late: (u64, Vec<i64>),
}

/// Later than any message that was there from the start: times end in August 2026.
const LATE: i64 = 1_788_220_800_000;

impl Clock {
    /// Times for `messages` messages, over a span that suits their number.
    pub fn new(key: u64, messages: u64) -> Self {
        const DAY: u64 = 86_400_000;
        const NEW_YEAR_2023: u64 = 1_672_531_200_000;
        let mut dice = Dice::new(key, 0);
        let start = NEW_YEAR_2023 + dice.below(700) * DAY + dice.below(DAY);
        let span = (1 + dice.below(600)) * DAY;
        let slot = (span / messages.div_ceil(BURST).max(1)).clamp(2 * BURST * GAP, 30 * DAY);
        Self { key, start, slot, late: (messages, Vec::new()) }
    }

    /// When the contact came into being, a little before its first message. Unix milliseconds.
    pub fn created(&self) -> i64 {
        millis(self.start - 60_000)
    }

    /// When message `index` was written, never before message `index - 1`. Unix milliseconds.
    pub fn at(&self, index: u64) -> i64 {
        let late = index.checked_sub(self.late.0).and_then(|place| usize::try_from(place).ok());
        if let Some(at) = late.and_then(|place| self.late.1.get(place)) {
            return *at;
        }
        let tied = index > 0 && Dice::new(self.key, index ^ (1 << 62)).one_in(TIE);
        millis(self.untied(index - u64::from(tied)))
    }

    /// Sets when the messages came that were added while the service ran: each one's number among all that ever came.
    pub fn came_late(&mut self, numbers: &[u64]) {
        self.late.1 = numbers.iter().map(|number| LATE + 1000 * millis(*number)).collect();
    }

    fn untied(&self, index: u64) -> u64 {
        let (burst, place) = (index / BURST, index % BURST);
        let pause = Dice::new(self.key, burst ^ (1 << 61)).below(self.slot - BURST * GAP);
        let within = place * GAP + Dice::new(self.key, index ^ (1 << 60)).below(GAP);
        self.start + burst * self.slot + pause + within
    }
}

fn millis(value: u64) -> i64 {
    i64::try_from(value).expect("times of this century")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_never_go_back_and_some_are_equal() {
        for messages in [1, 40, 3200, 100_000] {
            let clock = Clock::new(messages, messages);
            let times: Vec<i64> = (0..messages).map(|index| clock.at(index)).collect();
            assert!(times.is_sorted());
            assert!(messages < 1000 || times.windows(2).any(|pair| pair[0] == pair[1]));
            assert!(clock.created() < times[0]);
        }
    }
}
