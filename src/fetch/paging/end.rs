//! The end of a history: believed, or proved.
//!
//! A page with fewer messages than asked for that joins is a *claim*. Where it is not believed, a page just past
//! everything known must come back empty, and an anchored one must show the last known message and nothing behind it: the
//! empty page alone could be the work of a removal. Where short pages have proved false, nothing must stand there once more.

use super::{Claims, Frontier, OffsetUnit, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};
use crate::contact_read::{End, HistoryEnd};
use crate::settings::Consistency;

/// Times that the end has moved when it was looked at once more: the chat grows as fast as it is read.
const MAX_CHASES: u32 = 12;

/// Short pages in a row, each with something new, after which it is seen whether they are the end of a chat that grows.
const SHORT_RUN: u32 = 16;

/// What the last proof said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndDoubt {
    /// Nothing yet.
    None,
    /// Nothing stood beyond the end; an anchored page is to confirm it.
    Empty,
    /// The anchored page has confirmed it. Where short pages lie it may have been cut, so that nothing must stand beyond
    /// the end once more.
    Confirmed,
    /// More stood there: the place is asked for once more, anchored.
    Denied,
}

impl Paging {
    pub(super) fn believes(&self, page: &PageView, facts: &ServerBehavior) -> bool {
        match self.rules.consistency {
            Consistency::Fast => true,
            Consistency::Strict => false,
            Consistency::Anchored => {
                let reading_matters = page.is_mixed() && facts.reading == OffsetUnit::Unknown;
                self.rules.claims == Claims::Believe && !facts.short_pages_lie && !reading_matters
            }
        }
    }

    /// Where short pages may lie the next page is asked for as any other, anchored.
    pub(super) fn past_a_short_page(
        &mut self,
        past: u64,
        stride: u64,
        fresh: u64,
        facts: &ServerBehavior,
    ) -> Step {
        let doubt = std::mem::replace(&mut self.doubt, EndDoubt::None);
        if doubt == EndDoubt::Denied {
            return self.onward(past, stride);
        }
        if doubt == EndDoubt::Empty {
            // A page as long as the longest may have been cut by a limit of the server's own, and one that does not
            // reach to where nothing stood says less than it seems to.
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
        if fresh > 0 && stride > 1 && self.short_run < SHORT_RUN {
            return self.onward(past, stride);
        }
        self.short_run = 0;
        self.prove(past)
    }

    pub(super) fn prove(&self, past: u64) -> Step {
        Step::Request(PageRequest { offset: past, limit: self.limit, overlap: 0, purpose: Purpose::Proof })
    }

    pub(super) fn end(&mut self, end: End, past: u64, measure: u64) -> Step {
        if self.is_to_sweep() {
            return self.begin_sweep();
        }
        Step::End(HistoryEnd { end, past, measure, rests_on_total: self.rests_on_total })
    }

    /// The page just past everything known: empty, or the end was not the end.
    pub(super) fn proof(&mut self, ask: &PageRequest, page: &PageView, facts: &mut ServerBehavior) -> Step {
        if !self.can_anchor(facts) {
            facts.short_pages_lie |= !page.is_empty();
            return self.unanchored(ask, page, facts);
        }
        let doubt = std::mem::replace(&mut self.doubt, EndDoubt::None);
        if page.is_empty() && doubt == EndDoubt::Confirmed {
            return self.end(End::Proved, ask.offset, 0);
        }
        if page.is_empty() {
            // It alone proves nothing: the short page may have been cut, and what stood behind it moved up since.
            self.doubt = EndDoubt::Empty;
            self.nothing_at = ask.offset;
            if self.is_to_sweep() {
                return self.begin_sweep(); // which asks for the end once more
            }
            return self.onward(ask.offset, 2);
        }
        let all_known = self.prefix.known_on(page) == page.received()
            && self.prefix.joins(ask.offset, page, facts.reading);
        if !all_known {
            // A few new messages are the growth of the chat, and many what a short page has left out.
            if facts.stride(page) >= self.largest {
                self.chases = 0;
            } else if let Some(unresolved) = self.chase() {
                return unresolved;
            }
            facts.short_pages_lie = true;
            self.doubt = EndDoubt::Denied;
            if facts.reading != OffsetUnit::PerConversation {
                return self.anchored(ask, page, facts);
            }
        }
        if facts.reading == OffsetUnit::Unknown && self.frontier.as_ref().is_some_and(Frontier::is_mixed) {
            // Under the cautious stride the tail of a mixed page comes again: no sign of change.
            return self.advance(ask, page, facts);
        }
        // Only known messages: new ones have pushed them here. The end is looked for a little further each time.
        if all_known && let Some(unresolved) = self.chase() {
            return unresolved;
        }
        if facts.reading == OffsetUnit::PerConversation {
            // The end of a conversation that is not on the page may have moved up: the page is asked for so that every
            // conversation must join.
            return self.onward(ask.offset, 2);
        }
        match self.advance(ask, page, facts) {
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

    /// The end has moved since it was seen.
    fn chase(&mut self) -> Option<Step> {
        self.chases += 1;
        (self.chases > MAX_CHASES)
            .then(|| Step::Unresolved("new messages arrived as fast as they were read".to_owned()))
    }

    /// Whether pages have room for a known message beside a new one.
    pub(super) fn can_anchor(&self, facts: &ServerBehavior) -> bool {
        let shows_room = self.largest > 1 || (facts.largest_page > 1 && self.prefix.len() <= 1);
        self.overlap > 0 && self.limit > 1 && shows_room
    }
}
