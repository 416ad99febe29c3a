//! Detects servers that ignore or clamp the offset.
//!
//! A server that ignores the offset returns the first page to every request. A server that clamps the offset
//! does so from some offset on. Then longer histories cannot be read to their end.

use super::{Fingerprint, PageRequest, PageView, Paging, Purpose, ServerBehavior, Step};

/// Distance beyond the known end. A server that returns messages there ignores the offset.
const FAR_BEYOND: u64 = 1_000_000;

impl Paging {
    /// Requests a page far beyond the end if pages at different offsets are equal.
    pub(super) fn check_offset(&mut self, request: &PageRequest, page: &PageView) {
        let messages: Vec<Fingerprint> = page.messages().collect();
        if self.hold.repeats(request.offset, messages)
            && let Step::Request(pending) = &self.next
        {
            self.hold.begin_offset_test(*pending);
            let offset = request.offset + FAR_BEYOND;
            self.next = Step::Request(PageRequest {
                offset,
                limit: request.limit,
                overlap: 0,
                purpose: Purpose::Doubt,
            });
        }
    }

    /// True if the page shows that the server honours the offset: most of its messages are new.
    pub(super) fn shows_offset(&self, request: &PageRequest, page: &PageView) -> bool {
        let known = self.prefix.known_on(page);
        request.offset > 0 && self.prefix.len() > 0 && (page.is_empty() || 2 * known < page.received())
    }

    pub(super) fn finish_offset_test(&mut self, page: &PageView, facts: &ServerBehavior) -> Step {
        let known = self.known();
        match self.hold.take_offset_test() {
            Some(pending) if page.is_empty() => Step::Request(pending),
            _ if facts.honours_offset => Step::Unresolved(format!(
                "the server returns the same page at higher offsets: the messages after the first {known} cannot be read"
            )),
            _ => Step::OffsetIgnored,
        }
    }
}
