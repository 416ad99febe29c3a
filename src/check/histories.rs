//! Sizes of histories: of sampled contacts, of contacts that an earlier run read, and of all others.

use std::collections::HashMap;

use super::length;
use super::limit::{Limit, LimitMeaning};
use super::probe_page::PageReader;
use super::range::Amount;
use super::sample::Sampled;
use crate::api::Failure;

/// Number of contacts at the start of a run whose end is proved (see [`crate::fetch`]).
const PROVED: u64 = 20;
/// Interval of the later contacts whose end is proved.
const PROVED_OF: u64 = 100;
/// Requests for the proof of an end: an empty page after it, and a page with only the last message.
const PROOF: u64 = 2;
/// Requests per page if pages are shorter than the limit. Prefetched pages then have the wrong offsets, and
/// every short page must be confirmed.
const REQUESTS_PER_CUT_PAGE: u64 = 2;

/// Estimated size of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Length in the unit of `offset`.
    pub length: Amount,
    pub messages: Amount,
}

/// Lengths of histories: of sampled contacts, by their index, and of contacts that an earlier run read.
pub struct Lengths {
    pub found: HashMap<usize, Measure>,
    /// By index; 0 if not known.
    pub known: Vec<u32>,
    pub limit: Limit,
}

impl Lengths {
    /// Estimates the messages and the requests of all contacts. Those without a length are like the sample, in
    /// which this number of contacts does not exist.
    pub fn sum(&self, contacts: usize, not_found: u64) -> (Amount, Amount) {
        let (mut messages, mut requests, mut rest) = (Amount::default(), Amount::default(), 0);
        let growth = self.growth();
        for index in 0..contacts {
            let measure = match (self.found.get(&index), self.known(index)) {
                (Some(found), _) => *found,
                (None, Some(length)) => {
                    let length = Amount { high: growth.of(length), ..Amount::exact(length) };
                    Measure { length, messages: length }
                }
                (None, None) => {
                    rest += 1;
                    continue;
                }
            };
            messages.add(measure.messages);
            requests.add(measure.length.map(|length| requests_for(length, index as u64, self.limit)));
        }
        let missing = usize::try_from(not_found).unwrap_or_default();
        let of_sample = |of: &dyn Fn(&Measure) -> u64, of_missing: u64| {
            let values = self.found.values().map(of).chain(std::iter::repeat_n(of_missing, missing));
            Amount::of_rest(&values.collect::<Vec<_>>(), rest)
        };
        // Not the cost of a contact of mean length: the mean cost of the sample is more accurate.
        messages.add(of_sample(&|measure| measure.messages.likely, 0));
        requests.add(of_sample(&|measure| requests_for(measure.length.likely, PROVED + 1, self.limit), 1));
        (messages, requests)
    }

    fn known(&self, index: usize) -> Option<u64> {
        self.known.get(index).map(|length| u64::from(*length)).filter(|length| *length > 0)
    }

    /// The growth of the sampled histories since the earlier run.
    fn growth(&self) -> Growth {
        let pairs = self.found.iter().filter_map(|(at, now)| Some((self.known(*at)?, now.length.high)));
        let (before, now) = pairs.fold((0, 0), |(before, now), pair| (before + pair.0, now + pair.1));
        Growth { before, now: now.max(before) }
    }
}

/// Ratio of two sums of lengths.
struct Growth {
    before: u64,
    now: u64,
}

impl Growth {
    fn of(&self, length: u64) -> u64 {
        length.saturating_mul(self.now.max(1)).div_ceil(self.before.max(1)).max(length)
    }
}

/// Estimates the size of the history of a sampled contact.
///
/// # Errors
/// If a page cannot be read.
pub async fn measure(reader: &PageReader<'_>, sampled: &Sampled, limit: Limit) -> Result<Measure, Failure> {
    let first = &sampled.first;
    let shown = match limit.counts {
        LimitMeaning::PerConversation => first.largest(),
        LimitMeaning::Messages | LimitMeaning::Ignored | LimitMeaning::Unknown => first.len(),
    };
    if shown < limit.page.min(u64::from(first.limit)) {
        return Ok(Measure { length: Amount::exact(shown), messages: Amount::exact(first.len()) });
    }
    let length = Box::pin(length::estimate(reader, &sampled.contact, shown)).await?;
    // If `limit` counts per conversation, only the longest one is measured. The others are assumed to grow
    // with it.
    let messages = length.map(|length| first.len().saturating_mul(length) / shown.max(1));
    Ok(Measure { length, messages })
}

/// Estimates the requests for a history of this length, at this index of the list.
///
/// Each page after the first repeats a message as overlap, and the last page is short. A history of less than
/// a page needs no further request, unless its end is proved. Prefetched pages after the end are ignored:
/// only short runs have many.
fn requests_for(length: u64, index: u64, limit: Limit) -> u64 {
    let page = limit.page.max(1);
    let further = if length < page { 0 } else { (length - page) / (page - 1).max(1) + 1 };
    let is_cut = limit.is_cut || limit.counts == LimitMeaning::Ignored;
    let is_proved = is_cut || index < PROVED || index.is_multiple_of(PROVED_OF);
    let each = if is_cut { REQUESTS_PER_CUT_PAGE } else { 1 };
    1 + further * each + if is_proved && length > 0 { PROOF } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(page: u64, is_cut: bool) -> Limit {
        Limit { counts: LimitMeaning::Messages, page, is_cut }
    }

    #[test]
    fn requests_follow_from_the_length() {
        let late = |length| requests_for(length, 50, limit(100, false));
        assert_eq!([late(0), late(1), late(99)], [1, 1, 1], "a short page is believed");
        assert_eq!([late(100), late(198), late(199)], [2, 2, 3], "each further page repeats one message");
        assert_eq!(requests_for(99, 3, limit(100, false)), 3, "among the first the end is proved");
        assert_eq!(requests_for(99, 200, limit(100, false)), 3);
        assert_eq!(requests_for(39, 50, limit(40, true)), 3, "and where short pages are not the end");
        assert_eq!(requests_for(100, 50, limit(40, true)), 7, "a cut page takes about two requests");
        assert_eq!(requests_for(7, 50, limit(1, false)), 8);
    }

    #[test]
    fn ranges_follow_from_what_is_not_known() {
        let measure = |length| Measure { length: Amount::exact(length), messages: Amount::exact(length) };
        let lengths = |found: &[(usize, u64)], known: &[u32]| Lengths {
            found: found.iter().map(|(at, length)| (*at, measure(*length))).collect(),
            known: known.to_vec(),
            limit: limit(100, false),
        };
        let (messages, requests) = lengths(&[(0, 3), (1, 7)], &[]).sum(2, 0);
        assert_eq!((messages, requests), (Amount::exact(10), Amount::exact(6)), "all is known");
        let (messages, _) = lengths(&[(0, 40), (1, 60)], &[]).sum(4, 0);
        assert_eq!((messages.low, messages.likely), (100, 200), "the sample itself is certain");
        assert!(messages.high > 200);
        let (messages, _) = lengths(&[(0, 110)], &[100, 200]).sum(2, 0);
        assert_eq!(
            messages,
            Amount { low: 310, likely: 310, high: 330 },
            "the others may have grown as well"
        );
        let (messages, _) = lengths(&[(0, 90)], &[100, 200]).sum(2, 0);
        assert_eq!(messages, Amount::exact(290), "histories do not shrink");
    }
}
