//! The `limit` of requests: halved if the server cannot send that many messages, and doubled again later.

use super::PageRequest;

/// Number of pages read at a halved limit before it is doubled again.
const PAGES_BEFORE_GROWING: u32 = 4;

/// The current limit, and the number of pages read with it.
#[derive(Debug)]
pub(super) struct PageSize {
    max: u32,
    limit: u32,
    pages_at_limit: u32,
}

impl PageSize {
    pub fn new(max: u32) -> Self {
        Self { max, limit: max, pages_at_limit: 0 }
    }

    /// Returns the limit of the next request.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns the request for the same position with half the limit. `None` if the limit is one.
    pub fn halve(&mut self, request: &PageRequest) -> Option<PageRequest> {
        if request.limit <= 1 {
            return None;
        }
        let limit = request.limit / 2;
        self.limit = limit;
        self.pages_at_limit = 0;
        // A page of one message has no room for a known one, so it starts just past everything known.
        let overlap = if limit == 1 { 0 } else { request.overlap.min(u64::from(limit) - 1) };
        let offset = request.offset + (request.overlap - overlap);
        Some(PageRequest { offset, limit, overlap, purpose: request.purpose })
    }

    /// Counts a page read with this limit, and doubles a halved limit after some pages.
    pub fn grow(&mut self, limit: u32) {
        self.limit = limit.min(self.max);
        if self.limit == self.max {
            return;
        }
        self.pages_at_limit += 1;
        if self.pages_at_limit >= PAGES_BEFORE_GROWING {
            self.pages_at_limit = 0;
            self.limit = (self.limit * 2).min(self.max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact_read::Purpose;

    fn request(limit: u32, overlap: u64) -> PageRequest {
        PageRequest { offset: 50, limit, overlap, purpose: Purpose::Onward }
    }

    #[test]
    fn a_halved_limit_doubles_after_some_pages() {
        let mut size = PageSize::new(100);
        assert_eq!(size.halve(&request(100, 1)), Some(request(50, 1)));
        for _ in 1..PAGES_BEFORE_GROWING {
            size.grow(50);
            assert_eq!(size.limit(), 50);
        }
        size.grow(50);
        assert_eq!(size.limit(), 100);
    }

    #[test]
    fn a_single_message_has_no_overlap_and_is_not_halved() {
        let mut size = PageSize::new(2);
        let single = size.halve(&request(2, 1)).unwrap();
        assert_eq!((single.offset, single.limit, single.overlap), (51, 1, 0));
        assert_eq!(size.halve(&single), None);
    }
}
