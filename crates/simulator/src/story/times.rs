//! Times of a contact's messages: bursts of some minutes with long pauses between them, computed per message.

use super::rng::Rng;

/// Messages in one burst.
const BURST: u64 = 16;
/// Maximum time between two messages of a burst, in milliseconds.
const GAP: u64 = 90_000;
/// One message in this number has the same time as the previous one.
const TIE: u64 = 24;

/// The times of one contact's messages.
#[derive(Clone, Debug, Default)]
pub struct Times {
    key: u64,
    /// Earliest time of the first burst, in Unix milliseconds.
    start: u64,
    /// Time between the starts of two bursts' slots, in milliseconds.
    slot: u64,
    /// Index of the first added message, and the times of the added ones in Unix milliseconds.
    added: (u64, Vec<i64>),
}

/// A time after every original message: those end in August 2026.
const ADDED: i64 = 1_788_220_800_000;

impl Times {
    /// Times of `messages` messages, over a span that depends on their number.
    pub fn new(key: u64, messages: u64) -> Self {
        const DAY: u64 = 86_400_000;
        const NEW_YEAR_2023: u64 = 1_672_531_200_000;
        let mut rng = Rng::new(key, 0);
        let start = NEW_YEAR_2023 + rng.below(700) * DAY + rng.below(DAY);
        let span = (1 + rng.below(600)) * DAY;
        let slot = (span / messages.div_ceil(BURST).max(1)).clamp(2 * BURST * GAP, 30 * DAY);
        Self { key, start, slot, added: (messages, Vec::new()) }
    }

    /// Creation of the contact, shortly before its first message, in Unix milliseconds.
    pub fn created(&self) -> i64 {
        millis(self.start - 60_000)
    }

    /// Time of message `index`, never before message `index - 1`, in Unix milliseconds.
    pub fn at(&self, index: u64) -> i64 {
        let added = index.checked_sub(self.added.0).and_then(|place| usize::try_from(place).ok());
        if let Some(at) = added.and_then(|place| self.added.1.get(place)) {
            return *at;
        }
        let tied = index > 0 && Rng::new(self.key, index ^ (1 << 62)).one_in(TIE);
        millis(self.untied(index - u64::from(tied)))
    }

    /// Sets the times of the added messages by their numbers among all added messages.
    pub fn set_added(&mut self, numbers: &[u64]) {
        self.added.1 = numbers.iter().map(|number| ADDED + 1000 * millis(*number)).collect();
    }

    fn untied(&self, index: u64) -> u64 {
        let (burst, place) = (index / BURST, index % BURST);
        let pause = Rng::new(self.key, burst ^ (1 << 61)).below(self.slot - BURST * GAP);
        let within = place * GAP + Rng::new(self.key, index ^ (1 << 60)).below(GAP);
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
            let times = Times::new(messages, messages);
            let all: Vec<i64> = (0..messages).map(|index| times.at(index)).collect();
            assert!(all.is_sorted());
            assert!(messages < 1000 || all.windows(2).any(|pair| pair[0] == pair[1]));
            assert!(times.created() < all[0]);
        }
    }
}
