//! Whether the server looks at the offset at all.

use super::{Ask, Fingerprint, Paging, Purpose, Sight, Step};

/// Equal pages at different offsets after which it is asked far beyond the end.
const EQUAL_PAGES: u32 = 2;
/// Far beyond the known end: a server that answers messages here ignores the offset.
const FAR_BEYOND: u64 = 1_000_000;

impl Paging {
    /// Equal pages at different offsets raise the question.
    pub(super) fn doubt_the_offset(&mut self, ask: &Ask, page: &Sight) {
        let messages: Vec<Fingerprint> = page.messages().collect();
        let equal = !messages.is_empty() && messages == self.last_page && ask.offset > 0;
        self.equal_pages = if equal { self.equal_pages + 1 } else { 0 };
        self.last_page = messages;
        if self.equal_pages >= EQUAL_PAGES
            && let Step::Ask(pending) = &self.next
        {
            self.after_doubt = Some(*pending);
            let offset = ask.offset + FAR_BEYOND;
            self.next = Step::Ask(Ask { offset, limit: ask.limit, overlap: 0, purpose: Purpose::Doubt });
        }
    }

    pub(super) fn settle_doubt(&mut self, page: &Sight) -> Step {
        self.equal_pages = 0;
        match self.after_doubt.take() {
            Some(pending) if page.is_empty() => Step::Ask(pending),
            _ => Step::OffsetIgnored,
        }
    }
}
