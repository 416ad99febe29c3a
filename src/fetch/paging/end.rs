//! The end of a history: believed, or proved.
//!
//! A joined page with fewer messages than requested *claims* the end. The claim may be believed. Otherwise
//! the proof takes two requests. A page just past everything known must be empty. Since a removal could cause
//! that too, an anchored page must then show the last known message and nothing behind it. If short pages are
//! known to be unreliable, a further page past the end must be empty.

use super::{
    Frontier, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, ShortPagePolicy, Step,
};
use crate::contact_read::{End, HistoryEnd};
use crate::settings::Consistency;

/// Maximum number of times that the end moves while it is checked. Beyond it, the chat grows as fast as it is
/// read.
const MAX_CHASES: u32 = 12;

/// Number of short pages in a row, each with a new message, after which the end is checked. The chat may be
/// growing.
const MAX_SHORT_RUN: u32 = 16;

/// State of the proof of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndDoubt {
    /// The proof has not started.
    None,
    /// The page beyond the end was empty. An anchored page must confirm it.
    Empty,
    /// An anchored page has confirmed the end. If short pages are unreliable, it may have been cut, so a page
    /// beyond the end must be empty again.
    Confirmed,
    /// The page beyond the end held messages. An anchored page is requested at the same position.
    Denied,
}

impl Paging {
    pub(super) fn believes(&self, page: &PageView, facts: &ServerBehavior) -> bool {
        match self.rules.consistency {
            Consistency::Fast => true,
            Consistency::Strict => false,
            Consistency::Anchored => {
                let reading_matters = page.is_mixed() && facts.reading == OffsetUnit::Unknown;
                self.rules.short_page_policy == ShortPagePolicy::Believe
                    && !facts.short_pages_lie
                    && !reading_matters
            }
        }
    }

    /// Continues after a short page that may not be the end, with an anchored request as after any other
    /// page.
    pub(super) fn continue_after_short_page(
        &mut self,
        past: u64,
        stride: u64,
        fresh: u64,
        facts: &ServerBehavior,
    ) -> Step {
        let doubt = std::mem::replace(&mut self.doubt, EndDoubt::None);
        if doubt == EndDoubt::Denied {
            return self.next_page(past, stride);
        }
        if doubt == EndDoubt::Empty {
            // A page as long as the longest may have been cut by a limit of the server. A page that does not
            // reach the empty position proves less.
            let is_whole = stride < self.largest.max(2) && past >= self.nothing_at;
            if fresh == 0 && is_whole {
                if !facts.short_pages_lie {
                    return self.end(End::Proved, past, 0);
                }
                self.doubt = EndDoubt::Confirmed;
                return self.prove(past);
            }
            if let Some(unresolved) = self.chase() {
                return unresolved;
            }
        }
        self.short_run += 1;
        if fresh > 0 && stride > 1 && self.short_run < MAX_SHORT_RUN {
            return self.next_page(past, stride);
        }
        self.short_run = 0;
        self.prove(past)
    }

    pub(super) fn prove(&self, past: u64) -> Step {
        Step::Request(PageRequest { offset: past, limit: self.limit, overlap: 0, purpose: Purpose::Proof })
    }

    pub(super) fn end(&mut self, end: End, past: u64, measure: u64) -> Step {
        if self.must_sweep() {
            return self.begin_sweep();
        }
        Step::End(HistoryEnd { end, past, measure, rests_on_total: self.rests_on_total })
    }

    /// Handles the page just past everything known. Messages on it disprove the end.
    pub(super) fn proof(
        &mut self,
        request: &PageRequest,
        page: &PageView,
        facts: &mut ServerBehavior,
    ) -> Step {
        if !self.can_anchor(facts) {
            facts.short_pages_lie |= !page.is_empty();
            return self.unanchored(request, page, facts);
        }
        let doubt = std::mem::replace(&mut self.doubt, EndDoubt::None);
        if page.is_empty() && doubt == EndDoubt::Confirmed {
            return self.end(End::Proved, request.offset, 0);
        }
        if page.is_empty() {
            // An empty page is not enough: the short page may have been cut, and the messages behind it moved
            // up since.
            self.doubt = EndDoubt::Empty;
            self.nothing_at = request.offset;
            if self.must_sweep() {
                return self.begin_sweep(); // which requests the end again
            }
            return self.next_page(request.offset, 2);
        }
        let all_known = self.prefix.known_on(page) == page.received()
            && self.prefix.joins(request.offset, page, facts.reading);
        if !all_known {
            // A few new messages are growth of the chat. Many were omitted from a short page.
            if facts.stride(page) >= self.largest {
                self.chases = 0;
            } else if let Some(unresolved) = self.chase() {
                return unresolved;
            }
            facts.short_pages_lie = true;
            self.doubt = EndDoubt::Denied;
            if facts.reading != OffsetUnit::PerConversation {
                return self.anchored(request, page, facts);
            }
        }
        if facts.reading == OffsetUnit::Unknown && self.frontier.as_ref().is_some_and(Frontier::is_mixed) {
            // With an unknown unit, the end of a mixed page is expected to repeat, so this is no change.
            return self.advance(request, page, facts);
        }
        // Only known messages, moved here by new ones. The next request for the end goes a little further.
        if all_known && let Some(unresolved) = self.chase() {
            return unresolved;
        }
        if facts.reading == OffsetUnit::PerConversation {
            // The end of a conversation that is not on the page may have moved up. So the next page is one
            // that every conversation must join.
            return self.next_page(request.offset, 2);
        }
        match self.advance(request, page, facts) {
            Step::Request(PageRequest { offset, limit, purpose: Purpose::Proof, .. }) => {
                let further = u64::from(self.chases.saturating_sub(1));
                Step::Request(PageRequest {
                    offset: offset + further,
                    limit,
                    overlap: 0,
                    purpose: Purpose::Proof,
                })
            }
            step => step,
        }
    }

    /// Counts a move of the end. Returns a step if the limit is reached.
    fn chase(&mut self) -> Option<Step> {
        self.chases += 1;
        (self.chases > MAX_CHASES)
            .then(|| Step::Unresolved("new messages arrived as fast as they were read".to_owned()))
    }

    /// True if pages have room for a known message besides a new one.
    pub(super) fn can_anchor(&self, facts: &ServerBehavior) -> bool {
        let shows_room = self.largest > 1 || (facts.largest_page > 1 && self.prefix.len() <= 1);
        self.overlap > 0 && self.limit > 1 && shows_room
    }
}
