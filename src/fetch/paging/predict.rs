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
    pub fn foreseen(&self) -> impl Iterator<Item = PageRequest> + use<> {
        // While the unit of offsets is tested, the page that waits for the result is the next.
        let next = match (&self.next, &self.uncounted) {
            (Step::Request(_), Some(uncounted)) => Some(&uncounted.ask),
            (Step::Request(ask), None) => Some(ask),
            _ => None,
        };
        let next = match (next, &self.frontier) {
            (Some(ask), Some(frontier)) if self.is_to_join(ask) => ask
                .offset
                .checked_sub(frontier.offset)
                .filter(|stride| *stride > 0)
                .map(|stride| (*ask, stride)),
            _ => None,
        };
        let behind = |(ask, stride): (PageRequest, u64)| {
            (1..).map(move |count: u64| PageRequest { offset: ask.offset + count * stride, ..ask })
        };
        next.into_iter().flat_map(behind)
    }

    /// True if the request is a regular next page. After a step back, pages are requested one by one, because
    /// older responses would make the drift worse.
    fn is_to_join(&self, ask: &PageRequest) -> bool {
        let anchors = ask.overlap == 1 || self.rules.consistency == Consistency::Fast;
        ask.purpose == Purpose::Onward && ask.limit == self.rules.page_size && anchors
    }
}
