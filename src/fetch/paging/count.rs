//! Finds out what `limit` and `offset` count, by a request.
//!
//! The first page with messages of several conversations is ambiguous (see [`OffsetUnit`]). Then the start of
//! the history is requested with `limit=1`. If two conversations answer, offsets count inside each
//! conversation. If one message answers, and both conversations still exist, offsets count all messages
//! together. Guessing from the pages would be wrong on a chat that grows, and a wrong unit loses messages.

use std::collections::HashSet;

use super::page_view::Mark;
use super::{Fingerprint, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};
use crate::settings::Consistency;

/// Maximum number of such tests per history. A test fails only if a conversation vanishes meanwhile.
const MAX_COUNTS: u32 = 3;

/// A page that waits for the unit of its offset.
#[derive(Debug)]
pub(super) struct Uncounted {
    pub(super) ask: PageRequest,
    page: PageView,
    /// True if the server has sent one message for `limit=1`.
    is_one_alone: bool,
}

impl Paging {
    /// True if the page must wait until the unit of its offset is known.
    pub(super) fn is_to_count(&self, ask: &PageRequest, page: &PageView, facts: &ServerBehavior) -> bool {
        facts.reading == OffsetUnit::Unknown
            && !facts.ignores_limit
            && self.rules.consistency != Consistency::Fast
            && self.counts < MAX_COUNTS
            && ask.limit > 1
            && page.is_mixed()
    }

    /// Keeps the page and requests the first message alone.
    pub(super) fn count(&mut self, ask: &PageRequest, page: &PageView) -> Step {
        self.counts += 1;
        self.uncounted = Some(Uncounted { ask: *ask, page: page.clone(), is_one_alone: false });
        Step::Request(PageRequest { offset: 0, limit: 1, overlap: 0, purpose: Purpose::Count })
    }

    /// Handles the first message alone, or the repeated page that is requested after it.
    pub(super) fn counted(&mut self, page: &PageView, facts: &mut ServerBehavior) {
        let Some(held) = self.uncounted.take() else { return };
        if !held.is_one_alone {
            facts.ignores_limit |= page.largest() > 1;
            if page.is_mixed() && page.largest() == 1 && held.page.largest() > 1 {
                facts.reading = OffsetUnit::PerConversation;
            } else if page.received() == 1 && facts.reading == OffsetUnit::Unknown {
                // Either the unit is total, or only one conversation is left. The repeated page decides.
                self.next = Step::Request(PageRequest { purpose: Purpose::Count, ..held.ask });
                self.uncounted = Some(Uncounted { is_one_alone: true, ..held });
                return;
            }
        } else if facts.reading == OffsetUnit::Unknown && self.is_mixed_still(page, &held.page) {
            facts.reading = OffsetUnit::Total;
        }
        self.take_in(&held.ask, &held.page, facts);
    }

    /// True if at least two conversations on the page have messages that existed before the test.
    fn is_mixed_still(&self, page: &PageView, before: &PageView) -> bool {
        let before: HashSet<Fingerprint> = before.messages().collect();
        let was_there = |mark: &Mark| before.contains(&mark.print) || self.prefix.knows(mark.print);
        page.groups().iter().filter(|group| group.messages.iter().any(was_there)).count() > 1
    }
}
