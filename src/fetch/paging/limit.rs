//! The `limit` asked with: halved where the server cannot answer so much, and grown back after.

use super::{PageRequest, Paging, Step};

/// Pages read at a halved limit before the double is tried again.
const PAGES_BEFORE_GROWING: u32 = 4;

impl Paging {
    /// The server cannot answer so much at once: the same place with half the limit. False at a single message.
    pub fn halve(&mut self, ask: &PageRequest) -> bool {
        if ask.limit <= 1 {
            return false;
        }
        let limit = ask.limit / 2;
        self.limit = limit;
        self.pages_at_limit = 0;
        // With one message a page there is no room for a known one: it starts at the frontier itself.
        let overlap = if limit == 1 { 0 } else { ask.overlap.min(u64::from(limit) - 1) };
        let offset = ask.offset + (ask.overlap - overlap);
        self.next = Step::Request(PageRequest { offset, limit, overlap, purpose: ask.purpose });
        true
    }

    /// After some pages at a halved limit, the double is tried.
    pub(super) fn grow_back(&mut self, ask: &PageRequest) {
        self.limit = ask.limit.min(self.rules.page_size);
        if self.limit == self.rules.page_size {
            return;
        }
        self.pages_at_limit += 1;
        if self.pages_at_limit >= PAGES_BEFORE_GROWING {
            self.pages_at_limit = 0;
            self.limit = (self.limit * 2).min(self.rules.page_size);
        }
    }
}
