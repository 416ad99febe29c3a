//! Detects servers that ignore or clamp the offset.
//!
//! A server that ignores the offset returns the first page to every request. A server that clamps the offset
//! does so from some offset on. Then longer histories cannot be read to their end.

use super::{Fingerprint, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};

/// Number of equal pages at different offsets after which a page far beyond the end is requested.
const EQUAL_PAGES: u32 = 2;
/// Distance beyond the known end. A server that returns messages there ignores the offset.
const FAR_BEYOND: u64 = 1_000_000;

impl Paging {
    /// Requests a page far beyond the end if pages at different offsets are equal.
    pub(super) fn doubt_the_offset(&mut self, ask: &PageRequest, page: &PageView) {
        let messages: Vec<Fingerprint> = page.messages().collect();
        let equal = !messages.is_empty() && messages == self.last_page && ask.offset > 0;
        self.equal_pages = if equal { self.equal_pages + 1 } else { 0 };
        self.last_page = messages;
        if self.equal_pages >= EQUAL_PAGES
            && let Step::Request(pending) = &self.next
        {
            self.after_doubt = Some(*pending);
            let offset = ask.offset + FAR_BEYOND;
            self.next =
                Step::Request(PageRequest { offset, limit: ask.limit, overlap: 0, purpose: Purpose::Doubt });
        }
    }

    /// True if the page shows that the server honours the offset: most of its messages are new.
    pub(super) fn shows_offset(&self, ask: &PageRequest, page: &PageView) -> bool {
        let known = self.prefix.known_on(page);
        ask.offset > 0 && self.prefix.len() > 0 && (page.is_empty() || 2 * known < page.received())
    }

    pub(super) fn settle_doubt(&mut self, page: &PageView, facts: &ServerBehavior) -> Step {
        self.equal_pages = 0;
        let known = self.known();
        match self.after_doubt.take() {
            Some(pending) if page.is_empty() => Step::Request(pending),
            _ if facts.honours_offset => Step::Unresolved(format!(
                "the server answers higher offsets with the same page again: what follows the first {known} messages cannot be read"
            )),
            _ => Step::OffsetIgnored,
        }
    }
}
