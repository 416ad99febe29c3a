//! The end of a history: believed, or proved.
//!
//! A page with fewer messages than asked for that joins is a *claim*. Where it is not believed, a page just past
//! everything known must come back empty; and where the server is not seen to honour `limit`, so that the short page may
//! have been cut, an anchored page must confirm it.

use super::{Ask, Claims, Facts, Paging, Purpose, Reading, Sight, Step};
use crate::history::{End, Ending};
use crate::settings::Consistency;

/// Pages in a row, beyond the known end, that hold only known messages: the chat grows as fast as it is read.
const MAX_CHASES: u32 = 12;

/// What the last proof said, where a short page may have been cut by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndDoubt {
    /// Nothing yet.
    None,
    /// Nothing stood beyond the end; an anchored page is to confirm it.
    Empty,
    /// More stood there: the place is asked for once more, anchored.
    Denied,
}

impl Paging {
    pub(super) fn believes(&self, page: &Sight, facts: &Facts) -> bool {
        match self.rules.consistency {
            Consistency::Fast => true,
            Consistency::Strict => false,
            Consistency::Anchored => {
                let reading_matters = page.is_mixed() && facts.reading == Reading::Unknown;
                self.rules.claims == Claims::Believe && !facts.short_pages_lie && !reading_matters
            }
        }
    }

    /// Where short pages may lie the next page is asked for as any other, anchored. What ends such a history is an
    /// empty page between two anchored ones with nothing new: the empty one alone could be the work of a removal.
    pub(super) fn past_a_short_page(&mut self, past: u64, stride: u64, fresh: u64) -> Step {
        let doubt = std::mem::replace(&mut self.doubt, EndDoubt::None);
        match doubt {
            EndDoubt::Empty if fresh == 0 => self.end(End::Proved, past, 0),
            EndDoubt::Denied => self.onward(past, stride),
            EndDoubt::None | EndDoubt::Empty if fresh > 0 && stride > 1 => self.onward(past, stride),
            EndDoubt::None | EndDoubt::Empty => self.prove(past),
        }
    }

    pub(super) fn prove(&self, past: u64) -> Step {
        Step::Ask(Ask { offset: past, limit: self.limit, overlap: 0, purpose: Purpose::Proof })
    }

    pub(super) fn end(&mut self, end: End, past: u64, measure: u64) -> Step {
        if self.rules.consistency == Consistency::Strict && !self.sweeping {
            self.sweeping = true;
            return Step::Ask(Ask { offset: 0, limit: self.limit, overlap: 0, purpose: Purpose::Sweep });
        }
        Step::End(Ending { end, past, measure, rests_on_total: self.rests_on_total })
    }

    /// The page just past everything known: empty, or the end was not the end.
    pub(super) fn proof(&mut self, ask: &Ask, page: &Sight, facts: &mut Facts) -> Step {
        if !self.can_anchor(facts) {
            facts.short_pages_lie |= !page.is_empty();
            return self.unanchored(ask, page, facts);
        }
        if page.is_empty() {
            self.chases = 0;
            let honours_limit =
                facts.largest_page >= u64::from(self.rules.page_size) && !facts.short_pages_lie;
            if !honours_limit {
                self.doubt = EndDoubt::Empty;
                let stride = self.frontier.map_or(0, |frontier| frontier.largest);
                return self.onward(ask.offset, stride.max(2));
            }
            return self.end(End::Proved, ask.offset, 0);
        }
        let all_known = self.prefix.known_on(page) == page.received();
        if !all_known {
            self.chases = 0;
            facts.short_pages_lie = true;
            self.doubt = EndDoubt::Denied;
            return self.anchored(ask, page, facts);
        }
        if facts.reading == Reading::Unknown
            && self.frontier.is_some_and(|frontier| frontier.conversations > 1)
        {
            // Under the cautious stride the tail of a mixed page comes again: no sign of change.
            return self.advance(ask, page, facts);
        }
        // Only known messages: new ones have pushed them here. The end is looked for a little further each time.
        self.chases += 1;
        if self.chases > MAX_CHASES {
            return Step::Unresolved("new messages arrived as fast as they were read".to_owned());
        }
        match self.advance(ask, page, facts) {
            Step::Ask(Ask { offset, limit, purpose: Purpose::Proof, .. }) => {
                let further = u64::from(self.chases.saturating_sub(1));
                Step::Ask(Ask { offset: offset + further, limit, overlap: 0, purpose: Purpose::Proof })
            }
            step => step,
        }
    }

    /// Whether pages have room for a known message beside a new one.
    pub(super) fn can_anchor(&self, facts: &Facts) -> bool {
        self.overlap > 0 && self.limit > 1 && facts.largest_page > 1
    }
}
