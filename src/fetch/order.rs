//! The order in which contacts are started.

use crate::settings::ReadingSettings;

/// Returns the contacts to start first: in input order, each would still be read after all others are done.
/// The pages of a history mostly follow each other, so a long history at the end of the input would delay the
/// end of the run.
///
/// All other contacts keep the input order, in which build waits for them. Each contact is paired with its
/// position among the due contacts. `open` is called for each traversal, because a list of all contacts would
/// take 8 bytes per contact.
pub fn longest_first<I: Iterator<Item = (u32, u32)>>(
    open: impl Fn() -> I,
    lengths: &[u32],
    reading: &ReadingSettings,
    slots: u32,
) -> Vec<(u32, u32)> {
    let rounds = |contact: u32| {
        let messages = lengths.get(contact as usize).copied().unwrap_or(0);
        u64::from(messages / reading.page_size + 1) * reading.channels.len().max(1) as u64
    };
    let all: u64 = open().map(|(_, contact)| rounds(contact)).sum();
    let slots = u64::from(slots.max(1));
    let mut before = 0;
    let is_first = |(_, contact): &(u32, u32)| {
        let own = rounds(*contact);
        before += own;
        own > 1 && (before - own) / slots + own > all / slots
    };
    let mut first: Vec<_> = open().filter(is_first).collect();
    first.sort_by_key(|(_, contact)| std::cmp::Reverse(rounds(*contact)));
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AskedShape, Consistency};

    fn reading() -> ReadingSettings {
        ReadingSettings {
            channels: Vec::new(),
            shape: AskedShape::Grouped,
            page_size: 100,
            consistency: Consistency::Anchored,
        }
    }

    fn order(lengths: &[u32], slots: u32) -> Vec<u32> {
        let all = || (0..u32::try_from(lengths.len()).unwrap()).map(|at| (at, at));
        longest_first(all, lengths, &reading(), slots).into_iter().map(|(_, contact)| contact).collect()
    }

    #[test]
    fn a_long_history_at_the_end_starts_first() {
        assert_eq!(order(&[50, 50, 50, 50, 5000, 50], 2), [4]);
    }

    #[test]
    fn a_long_history_that_ends_in_time_keeps_its_position() {
        let mut lengths = vec![50; 200];
        lengths[0] = 1000;
        lengths[50] = 1000;
        assert!(order(&lengths, 2).is_empty());
        lengths[199] = 5000;
        lengths[198] = 9000;
        assert_eq!(order(&lengths, 2), [198, 199]);
    }

    #[test]
    fn unknown_lengths_keep_the_input_order() {
        assert!(order(&[0, 0, 0], 32).is_empty());
        assert!(longest_first(|| [(0, 2), (1, 5)].into_iter(), &[], &reading(), 4).is_empty());
    }
}
