//! Assignment of messages to conversations, computed per message.
//!
//! A contact's messages have numbers from 0, oldest first. Each conversation owns a range of numbers. Where two
//! conversations overlap, their messages alternate. A few segments describe everything, so message 99,999 costs as much
//! as message 0.

/// A set of conversations: bit `c` for conversation `c`.
pub type Mask = u8;

/// Maximum number of conversations per contact.
pub const MAX_CONVERSATIONS: usize = 5;

#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    end: u64,
    /// The owners of the even and of the odd messages, counted from `start`.
    owners: [u8; 2],
}

impl Segment {
    fn counts(&self, mask: Mask) -> [bool; 2] {
        self.owners.map(|owner| mask & (1 << owner) != 0)
    }

    fn count(&self, mask: Mask) -> u64 {
        let len = self.end - self.start;
        match self.counts(mask) {
            [true, true] => len,
            [true, false] => len.div_ceil(2),
            [false, true] => len / 2,
            [false, false] => 0,
        }
    }

    fn nth(&self, mask: Mask, rank: u64) -> u64 {
        self.start
            + match self.counts(mask) {
                [true, false] => 2 * rank,
                [false, true] => 2 * rank + 1,
                _ => rank,
            }
    }
}

/// The order of a contact's messages over its conversations.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    segments: Vec<Segment>,
}

impl Timeline {
    /// Consecutive conversations of these sizes, none 0. `overlaps[c]` is the number of messages on each side of the end of
    /// conversation `c` that alternate with the next one, at most a quarter of either.
    pub fn new(sizes: &[u64], overlaps: &[u64]) -> Self {
        let mut segments = Vec::with_capacity(2 * sizes.len());
        let (mut start, mut bound) = (0, 0);
        for (place, size) in sizes.iter().enumerate() {
            let owner = u8::try_from(place).expect("a handful of conversations");
            bound += size;
            let overlap = match sizes.get(place + 1) {
                Some(next) => overlaps[place].min(size / 4).min(next / 4),
                None => 0,
            };
            segments.push(Segment { start, end: bound - overlap, owners: [owner; 2] });
            if overlap > 0 {
                let (start, end) = (bound - overlap, bound + overlap);
                segments.push(Segment { start, end, owners: [owner, owner + 1] });
            }
            start = bound + overlap;
        }
        Self { segments }
    }

    /// Adds `more` messages to the last conversation.
    pub fn extend(&mut self, more: u64) {
        if let Some(last) = self.segments.last_mut() {
            last.end += more;
        }
    }

    /// Number of messages in the conversations of `mask`.
    pub fn count(&self, mask: Mask) -> u64 {
        self.segments.iter().map(|segment| segment.count(mask)).sum()
    }

    /// Index of the message with this rank (from 0, oldest first) in the conversations of `mask`.
    pub fn nth(&self, mask: Mask, mut rank: u64) -> Option<u64> {
        for segment in &self.segments {
            let count = segment.count(mask);
            if rank < count {
                return Some(segment.nth(mask, rank));
            }
            rank -= count;
        }
        None
    }

    /// The conversation of message `index`. Added messages belong to the last one.
    pub fn owner(&self, index: u64) -> usize {
        let segment = self.segments.iter().find(|segment| index < segment.end).or(self.segments.last());
        segment
            .map_or(0, |segment| usize::from(segment.owners[usize::from((index - segment.start) % 2 == 1)]))
    }

    /// Number of messages in the conversations of `mask` before message `index`.
    pub fn rank(&self, mask: Mask, index: u64) -> u64 {
        let before = self.segments.iter().take_while(|segment| segment.start < index);
        before.map(|segment| Segment { end: segment.end.min(index), ..*segment }.count(mask)).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_mask_counts_finds_and_ranks_exactly_its_messages(
            sizes in proptest::collection::vec(1_u64..60, 1..=MAX_CONVERSATIONS),
            overlaps in proptest::collection::vec(0_u64..30, MAX_CONVERSATIONS),
            mask in 0_u8..32,
        ) {
            let timeline = Timeline::new(&sizes, &overlaps);
            let total: u64 = sizes.iter().sum();
            let members: Vec<u64> = (0..total).filter(|i| mask & (1 << timeline.owner(*i)) != 0).collect();
            prop_assert_eq!(timeline.count(mask), members.len() as u64);
            for (rank, index) in members.iter().enumerate() {
                prop_assert_eq!(timeline.nth(mask, rank as u64), Some(*index));
                prop_assert_eq!(timeline.rank(mask, *index), rank as u64);
            }
            prop_assert_eq!(timeline.nth(mask, members.len() as u64), None);
            for (place, size) in sizes.iter().enumerate() {
                prop_assert_eq!(timeline.count(1 << place), *size);
            }
        }
    }
}
