//! The pages that will be asked for next, if nothing unforeseen comes.
//!
//! They may be asked for before the one in front of them is answered. Their answers are then taken in when their turn has
//! come and they are what is asked for; else they are thrown away. That such an answer is older than that of the page in
//! front of it does no harm: a page that holds a known message shows all that stood between that message and its own end,
//! whenever it was read, and what stood before was known already. A message that came in between counts as one that came
//! while the history was read; one that was removed in between leaves the pages without a joint, or with a longer one.
//!
//! Only pages that must join are foreseen. One that proves the end, or confirms another, must be read after it.

use super::{PageRequest, Paging, Purpose, Step};
use crate::settings::Consistency;

impl Paging {
    /// The pages behind the one to ask for next, each as far behind the one in front of it as that is.
    pub fn foreseen(&self) -> impl Iterator<Item = PageRequest> + use<> {
        // While it is found out what offsets count, the page that waits for it is the next.
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

    /// Whether it is the next page of a history that nothing is the matter with. Where joints had to be looked for, pages
    /// are asked for one by one: answers that are older than they need be would only make that worse.
    fn is_to_join(&self, ask: &PageRequest) -> bool {
        let anchors = ask.overlap == 1 || self.rules.consistency == Consistency::Fast;
        ask.purpose == Purpose::Onward && ask.limit == self.rules.page_size && anchors
    }
}
