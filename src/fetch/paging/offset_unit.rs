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

/// A page that waits for the unit of its offset.
#[derive(Debug)]
pub(super) struct UnitTest {
    pub(super) request: PageRequest,
    page: PageView,
    /// True if the server has sent one message for `limit=1`.
    has_single: bool,
}

impl UnitTest {
    pub fn new(request: &PageRequest, page: &PageView) -> Self {
        Self { request: *request, page: page.clone(), has_single: false }
    }
}

impl Paging {
    /// True if the page must wait until the unit of its offset is known.
    pub(super) fn must_test_unit(
        &self,
        request: &PageRequest,
        page: &PageView,
        facts: &ServerBehavior,
    ) -> bool {
        facts.reading == OffsetUnit::Unknown
            && !facts.ignores_limit
            && self.rules.consistency != Consistency::Fast
            && self.hold.may_test_unit()
            && request.limit > 1
            && page.is_mixed()
    }

    /// Keeps the page and requests the first message alone.
    pub(super) fn begin_unit_test(&mut self, request: &PageRequest, page: &PageView) -> Step {
        self.hold.begin_unit_test(UnitTest::new(request, page));
        Step::Request(PageRequest { offset: 0, limit: 1, overlap: 0, purpose: Purpose::Count })
    }

    /// Handles the first message alone, or the repeated page that is requested after it.
    pub(super) fn finish_unit_test(&mut self, page: &PageView, facts: &mut ServerBehavior) {
        let Some(held) = self.hold.take_unit_test() else { return };
        if !held.has_single {
            facts.ignores_limit |= page.largest() > 1;
            if page.is_mixed() && page.largest() == 1 && held.page.largest() > 1 {
                facts.reading = OffsetUnit::PerConversation;
            } else if page.received() == 1 && facts.reading == OffsetUnit::Unknown {
                // Either the unit is total, or only one conversation is left. The repeated page decides.
                self.next = Step::Request(PageRequest { purpose: Purpose::Count, ..held.request });
                self.hold.continue_unit_test(UnitTest { has_single: true, ..held });
                return;
            }
        } else if facts.reading == OffsetUnit::Unknown && self.is_still_mixed(page, &held.page) {
            facts.reading = OffsetUnit::Total;
        }
        self.handle(&held.request, &held.page, facts);
    }

    /// True if at least two conversations on the page have messages that existed before the test.
    fn is_still_mixed(&self, page: &PageView, before: &PageView) -> bool {
        let before: HashSet<Fingerprint> = before.messages().collect();
        let was_there = |mark: &Mark| before.contains(&mark.print) || self.prefix.knows(mark.print);
        page.groups().iter().filter(|group| group.messages.iter().any(was_there)).count() > 1
    }
}
