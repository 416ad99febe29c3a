//! What `limit` and `offset` count, found out by asking.
//!
//! The first page of a run with messages of several conversations leaves two readings open (see [`OffsetUnit`]). The start
//! of the history is then asked for with room for one message: if two conversations answer, each counts for itself. If
//! one does, and both are seen to be there still, they count together. A guess from what the pages happen to show
//! would be wrong on a chat that grows, and a wrong reading loses messages.

use std::collections::HashSet;

use super::page_view::Mark;
use super::{Fingerprint, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};
use crate::settings::Consistency;

/// Times that one history is used to find out. Only a conversation that vanishes meanwhile makes one fail.
const MAX_COUNTS: u32 = 3;

/// A page that waits until it is known what its offset counts.
#[derive(Debug)]
pub(super) struct Uncounted {
    pub(super) ask: PageRequest,
    page: PageView,
    /// Asked for one message, the server has sent one.
    is_one_alone: bool,
}

impl Paging {
    /// Whether the page should wait until it is known what its offset counts.
    pub(super) fn is_to_count(&self, ask: &PageRequest, page: &PageView, facts: &ServerBehavior) -> bool {
        facts.reading == OffsetUnit::Unknown
            && !facts.ignores_limit
            && self.rules.consistency != Consistency::Fast
            && self.counts < MAX_COUNTS
            && ask.limit > 1
            && page.is_mixed()
    }

    /// Keeps the page and asks for the first message.
    pub(super) fn count(&mut self, ask: &PageRequest, page: &PageView) -> Step {
        self.counts += 1;
        self.uncounted = Some(Uncounted { ask: *ask, page: page.clone(), is_one_alone: false });
        Step::Request(PageRequest { offset: 0, limit: 1, overlap: 0, purpose: Purpose::Count })
    }

    /// Takes in the first message alone, or after it the page that waits, once more.
    pub(super) fn counted(&mut self, page: &PageView, facts: &mut ServerBehavior) {
        let Some(held) = self.uncounted.take() else { return };
        if !held.is_one_alone {
            facts.ignores_limit |= page.largest() > 1;
            if page.is_mixed() && page.largest() == 1 && held.page.largest() > 1 {
                facts.reading = OffsetUnit::PerConversation;
            } else if page.received() == 1 && facts.reading == OffsetUnit::Unknown {
                // One conversation alone, or one for all: are the others still there?
                self.next = Step::Request(PageRequest { purpose: Purpose::Count, ..held.ask });
                self.uncounted = Some(Uncounted { is_one_alone: true, ..held });
                return;
            }
        } else if facts.reading == OffsetUnit::Unknown && self.is_mixed_still(page, &held.page) {
            facts.reading = OffsetUnit::Total;
        }
        self.take_in(&held.ask, &held.page, facts);
    }

    /// Whether messages that were there before the first was asked for alone stand in two conversations.
    fn is_mixed_still(&self, page: &PageView, before: &PageView) -> bool {
        let before: HashSet<Fingerprint> = before.messages().collect();
        let was_there = |mark: &Mark| before.contains(&mark.print) || self.prefix.knows(mark.print);
        page.groups().iter().filter(|group| group.messages.iter().any(was_there)).count() > 1
    }
}
