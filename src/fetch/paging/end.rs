//! The end of a history: believed, or proved.
//!
//! A joined page with fewer messages than requested *claims* the end. The claim may be believed. Otherwise
//! the proof takes two requests. A page just past everything known must be empty. Since a removal could cause
//! that too, an anchored page must then show the last known message and nothing behind it. If short pages are
//! known to be unreliable, a further page past the end must be empty.

use super::{
    Frontier, OffsetUnit, PageRequest, PageView, Paging, ProofState, Purpose, ServerBehavior,
    ShortPagePolicy, Step,
};
use crate::contact_read::{End, HistoryEnd};
use crate::settings::Consistency;

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
        let state = self.end_proof.take();
        if state == ProofState::Denied {
            return self.next_page(past, stride);
        }
        if state == ProofState::Empty {
            let is_whole = self.end_proof.is_whole(stride, past);
            if fresh == 0 && is_whole {
                if !facts.short_pages_lie {
                    return self.end(End::Proved, past, 0);
                }
                self.end_proof.confirm();
                return self.prove(past);
            }
            if let Err(unresolved) = self.end_proof.chase() {
                return unresolved;
            }
        }
        if self.end_proof.continues_after_short(fresh > 0 && stride > 1) {
            return self.next_page(past, stride);
        }
        self.prove(past)
    }

    pub(super) fn prove(&self, past: u64) -> Step {
        Step::Request(PageRequest {
            offset: past,
            limit: self.page_size.limit(),
            overlap: 0,
            purpose: Purpose::Proof,
        })
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
        let state = self.end_proof.take();
        if page.is_empty() && state == ProofState::Confirmed {
            return self.end(End::Proved, request.offset, 0);
        }
        if page.is_empty() {
            // An empty page is not enough: the short page may have been cut, and the messages behind it moved
            // up since.
            self.end_proof.found_empty(request.offset);
            if self.must_sweep() {
                return self.begin_sweep(); // which requests the end again
            }
            return self.next_page(request.offset, 2);
        }
        let all_known = self.prefix.known_on(page) == page.received()
            && self.prefix.joins(request.offset, page, facts.reading);
        if !all_known {
            // A few new messages are growth of the chat. Many were omitted from a short page.
            if facts.stride(page) >= self.end_proof.largest() {
                self.end_proof.restart_chase();
            } else if let Err(unresolved) = self.end_proof.chase() {
                return unresolved;
            }
            facts.short_pages_lie = true;
            self.end_proof.deny();
            if facts.reading != OffsetUnit::PerConversation {
                return self.anchored(request, page, facts);
            }
        }
        if facts.reading == OffsetUnit::Unknown && self.frontier.as_ref().is_some_and(Frontier::is_mixed) {
            // With an unknown unit, the end of a mixed page is expected to repeat, so this is no change.
            return self.advance(request, page, facts);
        }
        // Only known messages, moved here by new ones. The next request for the end goes a little further.
        if all_known && let Err(unresolved) = self.end_proof.chase() {
            return unresolved;
        }
        if facts.reading == OffsetUnit::PerConversation {
            // The end of a conversation that is not on the page may have moved up. So the next page is one
            // that every conversation must join.
            return self.next_page(request.offset, 2);
        }
        match self.advance(request, page, facts) {
            Step::Request(PageRequest { offset, limit, purpose: Purpose::Proof, .. }) => {
                let further = self.end_proof.lead();
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

    /// True if pages have room for a known message besides a new one.
    pub(super) fn can_anchor(&self, facts: &ServerBehavior) -> bool {
        let shows_room = self.end_proof.largest() > 1 || (facts.largest_page > 1 && self.prefix.len() <= 1);
        self.step_back.overlap() > 0 && self.page_size.limit() > 1 && shows_room
    }
}
