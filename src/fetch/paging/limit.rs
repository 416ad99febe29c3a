//! The `limit` of requests: halved if the server cannot send that many messages, and doubled again later.

use super::{PageRequest, Paging, Step};

/// Number of pages read at a halved limit before it is doubled again.
const PAGES_BEFORE_GROWING: u32 = 4;

impl Paging {
    /// Requests the same position with half the limit, because the server cannot send that many messages.
    /// False if the limit is one.
    pub fn halve(&mut self, request: &PageRequest) -> bool {
        if request.limit <= 1 {
            return false;
        }
        let limit = request.limit / 2;
        self.limit = limit;
        self.pages_at_limit = 0;
        // A page of one message has no room for a known one, so it starts just past everything known.
        let overlap = if limit == 1 { 0 } else { request.overlap.min(u64::from(limit) - 1) };
        let offset = request.offset + (request.overlap - overlap);
        self.next = Step::Request(PageRequest { offset, limit, overlap, purpose: request.purpose });
        true
    }

    /// Doubles a halved limit after some pages.
    pub(super) fn grow_back(&mut self, request: &PageRequest) {
        self.limit = request.limit.min(self.rules.page_size);
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
