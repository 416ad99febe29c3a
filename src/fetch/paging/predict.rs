//! Predicts the next requests, so that [`prefetch`](crate::fetch) can send them early.
//!
//! Each response is absorbed when its turn comes, if it is the one requested then. Otherwise it is discarded.
//!
//! It does no harm that a prefetched response may be older than that of the page before it. A page with a
//! known message shows all messages between that one and its end, whenever it was read. All messages before
//! that were known already. A message inserted between the two responses counts as one that arrived while the
//! history was read. A removed one makes the pages overlap more, or fail to join.
//!
//! Only pages that must join are predicted. A page that proves the end, or confirms another page, must be
//! read after it.

use super::{PageRequest, Paging, Purpose, Step};
use crate::settings::Consistency;

impl Paging {
    /// Predicts the pages behind the next request, at the same stride.
    pub fn predicted(&self) -> impl Iterator<Item = PageRequest> + use<> {
        // While the unit of offsets is tested, the page that waits for the result is the next.
        let next = match (&self.next, self.hold.unit_test()) {
            (Step::Request(_), Some(unit_test)) => Some(&unit_test.request),
            (Step::Request(request), None) => Some(request),
            _ => None,
        };
        let next = match (next, &self.frontier) {
            (Some(request), Some(frontier)) if self.is_to_join(request) => request
                .offset
                .checked_sub(frontier.offset)
                .filter(|stride| *stride > 0)
                .map(|stride| (*request, stride)),
            _ => None,
        };
        let behind = |(request, stride): (PageRequest, u64)| {
            (1..).map(move |count: u64| PageRequest { offset: request.offset + count * stride, ..request })
        };
        next.into_iter().flat_map(behind)
    }

    /// True if the request is a regular next page. After a step back, pages are requested one by one, because
    /// older responses would make the drift worse.
    fn is_to_join(&self, request: &PageRequest) -> bool {
        let anchors = request.overlap == 1 || self.rules.consistency == Consistency::Fast;
        request.purpose == Purpose::Onward && request.limit == self.rules.page_size && anchors
    }
}
